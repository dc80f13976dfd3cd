//! What does a request hold while it is in flight? Its place on the connection, and memory for its body.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tidegate_core::{Error, Result, error::Kind};

use crate::pulse::Pulse;

/// How many bytes of request bodies the process may hold at once.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU64,
}

/// One request, from its head to the end of its answer. The body and the answer share it; the last one gives back what
/// it holds.
#[derive(Debug)]
pub(crate) struct Flight {
    pulse: Arc<Pulse>,
    budget: Arc<Budget>,
    held: AtomicU64,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: AtomicU64::new(bytes) }
    }

    fn take(&self, bytes: u64) -> bool {
        self.left
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }

    fn give(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Flight {
    /// A request that `pulse` has begun; it ends there when the flight is dropped.
    pub(crate) fn new(pulse: Arc<Pulse>, budget: Arc<Budget>) -> Self {
        Self { pulse, budget, held: AtomicU64::new(0) }
    }

    /// Holds memory for a piece of the body. It is charged as it comes, not as it is announced: an announcement costs
    /// the client nothing.
    pub(crate) fn hold(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        if !self.budget.take(bytes) {
            return Err(Error::new(
                Kind::Overloaded,
                "Too many requests are in flight; try again.",
            )
            .retry_after("1"));
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.budget.give(*self.held.get_mut());
        self.pulse.end();
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    fn flight(budget: &Arc<Budget>) -> Flight {
        let pulse = Arc::new(Pulse::new());
        pulse.begin(Version::HTTP_11);
        Flight::new(pulse, Arc::clone(budget))
    }

    #[test]
    fn what_a_request_held_is_free_when_it_ends() {
        let budget = Arc::new(Budget::new(10));
        let first = flight(&budget);
        first.hold(4).unwrap();
        first.hold(4).unwrap();
        let second = flight(&budget);
        let error = second.hold(4).unwrap_err();
        assert_eq!(error.kind, Kind::Overloaded);
        drop(first);
        second.hold(10).unwrap();
    }
}
