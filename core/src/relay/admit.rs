//! May this request go on? A slot among the requests in flight; budgets and rates join it here.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    limits::REQUESTS_IN_FLIGHT_MAX,
};

/// What a request holds while it runs. Dropping it gives everything back.
pub(super) struct Permit {
    in_flight: Arc<AtomicUsize>,
}

#[tracing::instrument(level = "debug", skip_all)]
pub(super) fn admit(gateway: &Gateway) -> Result<Permit> {
    let in_flight = gateway.state.in_flight.clone();
    let before = in_flight.fetch_add(1, Ordering::Relaxed);
    let permit = Permit { in_flight };
    if before >= REQUESTS_IN_FLIGHT_MAX {
        let error = Error::new(Kind::Overloaded, "Too many requests are in flight; try again.");
        return Err(error.retry_after("1"));
    }
    Ok(permit)
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
