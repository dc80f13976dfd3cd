//! What happened, in which order, and when?

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::limits::MOMENTS_MAX;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since the Unix epoch; never goes back.
    pub at_us: u64,
    /// What happened.
    pub what: What,
}

/// What can happen. `id` is the request id that the function was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A process was started: a cold start begins.
    Init,
    /// The function asked for its first event: the cold start is over.
    InitDone,
    /// The function reported that it cannot start.
    InitFailed,
    /// An internal extension registered.
    ExtensionRegistered {
        /// Its name.
        name: String,
    },
    /// An extension asked for its next event.
    ExtensionNext {
        /// Its name.
        name: String,
    },
    /// A request came in at the front.
    Request {
        /// The request.
        id: String,
    },
    /// The process may run again.
    Thaw,
    /// The function was given an event.
    Invoke {
        /// The request.
        id: String,
    },
    /// The head of the answer is known.
    ResponseHead {
        /// The request.
        id: String,
        /// Its HTTP status.
        status: u16,
    },
    /// The first byte of the answer's body was written to the client's socket.
    FirstByteOut {
        /// The request.
        id: String,
    },
    /// All of the answer was written to the client's socket.
    LastByteOut {
        /// The request.
        id: String,
    },
    /// The client left before it had all of the answer. The function is not told.
    ClientGone {
        /// The request.
        id: String,
    },
    /// The function's answer was taken to its end.
    ResponseEnd {
        /// The request.
        id: String,
        /// The body's length.
        bytes: usize,
    },
    /// The function broke off in the middle of its answer.
    ResponseBroken {
        /// The request.
        id: String,
    },
    /// The function answered with an error.
    FunctionError {
        /// The request.
        id: String,
        /// What it said.
        error: String,
    },
    /// The function asked for the next event: the invocation is over.
    RuntimeNext,
    /// The process was stopped until the next event.
    Freeze,
    /// The invocation took too long.
    Timeout {
        /// The request.
        id: String,
    },
    /// The process was asked to end.
    Sigterm,
    /// The process was killed.
    Sigkill,
    /// The process is gone.
    Exit {
        /// Its exit code; `None` when a signal ended it.
        code: Option<i32>,
    },
}

/// The moments so far, shared by everything that adds to it.
#[derive(Clone)]
pub(crate) struct Timeline {
    began: Instant,
    began_us: u64,
    moments: Arc<Mutex<Vec<Moment>>>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        let began_us = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
        Self { began: Instant::now(), began_us, moments: Arc::default() }
    }

    pub(crate) fn mark(&self, what: What) {
        let mut moments = self.lock();
        if moments.len() < MOMENTS_MAX {
            // Under the lock, so that the order of the list is the order of the times.
            let since_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
            moments.push(Moment { at_us: self.began_us.saturating_add(since_us), what });
        }
    }

    pub(crate) fn moments(&self) -> Vec<Moment> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Moment>> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_order_and_a_bound() {
        let timeline = Timeline::new();
        for _ in 0..=MOMENTS_MAX {
            timeline.mark(What::RuntimeNext);
        }
        let moments = timeline.moments();
        assert_eq!(moments.len(), MOMENTS_MAX);
        assert!(moments.is_sorted_by_key(|moment| moment.at_us));
    }
}
