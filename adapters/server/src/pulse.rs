//! What is a connection waiting for, and since when? Shared by its socket, its requests and its timer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Version;
use tokio::time::Instant;

use crate::{bounds::Bounds, scan::Flaw};

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<Beat>);

#[derive(Debug)]
struct Beat {
    phase: Phase,
    since: Instant,
    in_flight: usize,
    multiplexed: bool,
    flaw: Option<Flaw>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Accepted, and nothing came.
    Silent,
    /// A head has begun.
    Head,
    /// At least one request is being answered.
    Busy,
    /// Between two requests.
    Idle,
}

/// What a connection's timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Something must have come by then, or the connection is cut.
    Cut(Instant),
    /// Nobody needs the connection after that, so it may be closed in good order.
    Close(Instant),
    /// A request is being answered; it has bounds of its own.
    Never,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Beat {
            phase: Phase::Silent,
            since: Instant::now(),
            in_flight: 0,
            multiplexed: false,
            flaw: None,
        }))
    }

    /// Bytes came.
    pub(crate) fn heard(&self, flaw: Option<Flaw>) {
        let mut beat = self.lock();
        if beat.flaw.is_none() {
            beat.flaw = flaw;
        }
        match beat.phase {
            // Between HTTP/2 requests there are pings and window updates, which begin nothing.
            Phase::Idle if beat.multiplexed => {}
            Phase::Silent | Phase::Idle => beat.enter(Phase::Head),
            Phase::Head | Phase::Busy => {}
        }
    }

    /// A request begins. Returns what was wrong with the connection's bytes so far.
    pub(crate) fn begin(&self, version: Version) -> Option<Flaw> {
        let mut beat = self.lock();
        beat.in_flight += 1;
        beat.phase = Phase::Busy;
        beat.multiplexed = version == Version::HTTP_2;
        beat.flaw
    }

    /// A request and its answer are over.
    pub(crate) fn end(&self) {
        let mut beat = self.lock();
        beat.in_flight -= 1;
        if beat.in_flight == 0 {
            beat.enter(Phase::Idle);
        }
    }

    /// Until when the connection may stay as it is.
    pub(crate) fn due(&self, bounds: &Bounds) -> Due {
        let beat = self.lock();
        match beat.phase {
            Phase::Silent => Due::Cut(beat.since + bounds.first_byte),
            Phase::Head => Due::Cut(beat.since + bounds.header),
            Phase::Idle => Due::Close(beat.since + bounds.idle),
            Phase::Busy => Due::Never,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Beat> {
        // Every change is complete before anything in here could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beat {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}
