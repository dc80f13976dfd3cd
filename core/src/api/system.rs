//! What is this process doing now? Its load and its machine's, as far as the platform tells.

use std::sync::atomic::Ordering;

use http::StatusCode;
use serde::Serialize;

use super::{
    Answer,
    parts::{Part, ailing},
    write,
};
use crate::{
    gateway::Gateway,
    ports::{Machine, Millis},
    router::Visit,
};

/// This process and its machine. What the platform does not tell is null.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// The version of Tidegate.
    version: &'static str,
    /// When this was asked.
    at_ms: Millis,
    /// How long this process has been answering.
    uptime_ms: i64,
    /// Requests that are being answered.
    in_flight: usize,
    /// Records waiting to be written.
    queue_records: Option<usize>,
    /// Records that were lost since the start.
    log_dropped: Option<u64>,
    /// Records that wait in files until the database takes them.
    records_aside: Option<u64>,
    /// The parts of the storage that do not work as they should.
    parts: Vec<Part>,
    /// The revision of the configuration that requests go by.
    revision: i64,
    /// When it was last known to be the newest.
    revision_checked_at_ms: Option<Millis>,
    /// Of all processors together, in percent.
    cpu_percent: Option<f32>,
    /// Processors.
    cpus: Option<usize>,
    /// The machine's load over one minute.
    load_one: Option<f64>,
    /// Memory in use, of the container when that is bounded.
    memory_used_bytes: Option<u64>,
    /// Memory in all.
    memory_total_bytes: Option<u64>,
    /// Memory of this process.
    process_memory_bytes: Option<u64>,
}

/// What is known now.
pub(crate) fn get(gateway: &Gateway, _: Visit) -> Answer<'_> {
    Box::pin(async move {
        let state = &gateway.state;
        let now = gateway.ports.clock.now();
        let vitals = state.machine().map(Machine::look).unwrap_or_default();
        let backlog = gateway.ports.journal.backlog();
        let snapshot = state.snapshot();
        let shown = Shown {
            version: env!("CARGO_PKG_VERSION"),
            at_ms: now,
            uptime_ms: state.metrics.uptime_ms(now),
            in_flight: state.in_flight.load(Ordering::Relaxed),
            queue_records: backlog.map(|backlog| backlog.waiting),
            log_dropped: backlog.map(|backlog| backlog.dropped),
            records_aside: backlog.map(|backlog| backlog.aside),
            parts: ailing(gateway),
            revision: snapshot.revision,
            revision_checked_at_ms: snapshot.checked_at,
            cpu_percent: vitals.cpu_percent,
            cpus: vitals.cpus,
            load_one: vitals.load_one,
            memory_used_bytes: vitals.memory_used_bytes,
            memory_total_bytes: vitals.memory_total_bytes,
            process_memory_bytes: vitals.process_memory_bytes,
        };
        write(StatusCode::OK, &shown)
    })
}
