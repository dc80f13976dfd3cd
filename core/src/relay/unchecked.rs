//! May a request go on while nobody says what is left of its limits? Rates are then counted by this process alone; budgets
//! are passed by nobody, unless their owners would rather go on.

use futures_util::future::BoxFuture;

use crate::{
    budget::{Amounts, Hold},
    error::{Error, Kind, Result},
    gateway::Gateway,
    limits::ADMISSION_WAIT,
    outage::{
        is_outage,
        limits::{ADMISSION_LOOK, ADMISSION_RETRY_WAIT, ADMISSION_SILENCE},
    },
    ports::{Millis, millis, within},
    store::{Admission, Counters, Reservation},
};

const COUNTERS: &str = "counters";

/// Asks the counters; nobody waits for those that are known to be silent, but for one request now and then.
pub(super) async fn reserve(
    gateway: &Gateway,
    counters: &dyn Counters,
    reservation: &Reservation,
    now: Millis,
) -> Result<Admission> {
    if let Some(admission) = counters.at_hand(reservation, now) {
        return Ok(admission);
    }
    let standing = &gateway.state.standing.counters;
    if !standing.may_ask(now) {
        return Err(Error::store("the counters have been silent"));
    }
    let asked = answer(gateway, counters.reserve(reservation, now)).await;
    match &asked {
        Err(error) if is_outage(error) => {
            standing.failed(COUNTERS, gateway.ports.clock.now(), &error.detail);
        }
        Ok(_) | Err(_) => standing.answered(COUNTERS),
    }
    asked
}

/// Waits for as long as others may be before it in the queue, but not for a store that does not answer anybody.
async fn answer(
    gateway: &Gateway,
    mut asked: BoxFuture<'_, Result<Admission>>,
) -> Result<Admission> {
    let clock = &*gateway.ports.clock;
    let standing = &gateway.state.standing;
    if standing.counters.since().is_some() {
        let answer = within(clock, ADMISSION_RETRY_WAIT, asked).await;
        return answer.unwrap_or_else(|| Err(silent()));
    }
    let looks = ADMISSION_WAIT.as_millis() / ADMISSION_LOOK.as_millis();
    for _ in 0..looks {
        if let Some(answer) = within(clock, ADMISSION_LOOK, &mut asked).await {
            return answer;
        }
        let long = millis(ADMISSION_SILENCE);
        if standing.store.since().is_some_and(|since| clock.now() - since >= long) {
            break;
        }
    }
    Err(silent())
}

fn silent() -> Error {
    Error::store("the counters are silent")
}

/// Holds what can be held without the counters, or says why that must not be.
pub(super) async fn stand_in(
    gateway: &Gateway,
    holding: &mut Hold,
    reservation: &Reservation,
    wanted: Amounts,
    cause: Error,
) -> Result<()> {
    let now = gateway.now();
    let Some(rates) = holding.unchecked(reservation) else { return Err(refusal(cause)) };
    match gateway.state.stand_in.reserve(&rates, now).await? {
        Admission::Added(_) => {
            holding.took_unchecked(wanted);
            Ok(())
        }
        Admission::Refused { counter, value } => Err(holding.refusal(&counter, wanted, value, now)),
    }
}

fn refusal(cause: Error) -> Error {
    let message = "The budgets of this key cannot be checked at the moment; try again.";
    Error::new(Kind::Unavailable, message).retry_after("1").because(cause)
}
