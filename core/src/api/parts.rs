//! Which part of the storage is in trouble, since when, and what helps? What this process has seen itself.

use serde::Serialize;

use crate::{
    gateway::Gateway,
    limits::CLIENT_TRUST,
    ports::{Lack, Millis},
};

/// A part of the storage that does not work as it should.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Part {
    /// `database`, `counters` or `records`.
    #[serde(rename = "part")]
    pub(super) name: &'static str,
    /// `silent`, `full` (no room), `blocked` (it takes no records), `replaced` (another one does its work) or `aside` (they
    /// wait in files).
    pub(super) state: &'static str,
    /// Since when.
    pub(super) since_ms: Option<Millis>,
    /// What it means and what helps.
    pub(super) advice: &'static str,
}

const SILENT: &str = "The database does not answer. Known client keys work on for 75 seconds after it last did, unknown \
     ones get 503, and nothing can be changed. Start it, or make it reachable again; the log names the cause.";
const FULL: &str = "The disk of the database has no room. Requests go on; records wait, and nothing can be changed. Make \
     room on it: what waits is then written by itself.";
const BLOCKED: &str = "The database answers, but takes no records. Another program may hold a lock on it: see who does, and \
     end that.";
const REPLACED: &str = "Redis does not answer, so the database counts. That is exact, but slower. Start Redis, or make it \
     reachable again: it is filled before it counts.";
const UNCOUNTED: &str = "Nobody can say what is left of budgets. Requests under them get 503, unless `on_outage` allows them; \
     rates are counted by each process for itself.";
const ASIDE: &str =
    "Records wait in files of the data folder until the database takes them. Keep the folder.";

/// What does not work as it should; nothing where all does.
pub(super) fn ailing(gateway: &Gateway) -> Vec<Part> {
    let standing = &gateway.state.standing;
    let backlog = gateway.ports.journal.backlog().unwrap_or_default();
    let told = |lack| backlog.trouble.filter(|it| it.lack == lack).map(|it| it.since_ms);
    let earlier = |one: Option<Millis>, other: Option<Millis>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let silent = standing.store.since();
    let blocked = told(Lack::Answer).filter(|_| silent.is_none());
    let full = earlier(standing.room.since(), told(Lack::Room));
    let counters = &gateway.ports.counters;
    let aside = Some(backlog.trouble.map(|it| it.since_ms)).filter(|_| backlog.aside > 0);
    let part = |name, state, since_ms: Option<Millis>, advice| {
        since_ms.map(|_| Part { name, state, since_ms, advice })
    };
    [
        part("database", "silent", silent, SILENT),
        part("database", "blocked", blocked, BLOCKED),
        part("database", "full", full, FULL),
        part("counters", "replaced", counters.replaced_since(), REPLACED),
        part("counters", "silent", standing.counters.since(), UNCOUNTED),
        aside.map(|since_ms| Part { name: "records", state: "aside", since_ms, advice: ASIDE }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether this process can serve those whom it knows, although the store is silent.
pub(super) fn goes_on(gateway: &Gateway) -> bool {
    let trusted = Millis::try_from(CLIENT_TRUST.as_millis()).unwrap_or(Millis::MAX);
    let checked_at = gateway.state.snapshot().checked_at;
    checked_at.is_some_and(|at| gateway.ports.clock.now() - at <= trusted)
}
