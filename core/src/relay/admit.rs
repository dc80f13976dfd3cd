//! May this request go on? A slot among the requests in flight, the gates on its path, and room in every limit at once.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    classify::rating,
    receive::Inbound,
    resolve::{Question, Route},
    settle::Guard,
    unchecked::{self, stand_in},
};
use crate::{
    budget::{Amounts, Hold, Path, estimate::Most},
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::Client,
    limits::{ATTEMPTS_MAX, REQUESTS_IN_FLIGHT_MAX, RESERVATION_SLACK},
    ports::Millis,
    provider::Provider,
    route::Leaf,
    snapshot::Snapshot,
    store::Admission,
};

/// What a request holds while it runs. Dropping it gives everything back; what it holds of limits is settled with its
/// record.
pub(super) struct Permit {
    in_flight: Arc<AtomicUsize>,
}

/// Who a request counts for, if they let it in from there and now.
pub(crate) async fn enter(
    gateway: &Gateway,
    snapshot: &Snapshot,
    client: Arc<Client>,
    peer: Option<IpAddr>,
) -> Result<Path> {
    let known = client.team.is_empty() || snapshot.teams.get(&client.team).is_some();
    let teams = if known {
        snapshot.teams.clone()
    } else {
        // The team may be younger than the snapshot.
        gateway.refresh().await?;
        gateway.state.snapshot().teams.clone()
    };
    let path = Path::new(client, &teams)?;
    path.open(peer, gateway.now())?;
    Ok(path)
}

/// The models that everybody on the path allows: by their own name, by the name that was asked for, or by that of a
/// group on the way. Who may use a group may use what it leads to.
pub(super) fn allowed(path: &Path, inbound: &Inbound, route: Route) -> Result<Route> {
    let asked = inbound.ask.model.as_str();
    let may = |leaf: &Leaf| {
        let groups = leaf.steps.iter().flat_map(|step| [&*step.group, step.target.as_str()]);
        let names: Vec<&str> = [asked, leaf.model.as_str()].into_iter().chain(groups).collect();
        path.allows_model(asked, &names)
    };
    let mut refusal = None;
    let mut leaves = route.leaves;
    leaves.retain(|leaf| match may(leaf) {
        Ok(()) => true,
        Err(error) => {
            refusal.get_or_insert(error);
            false
        }
    });
    if let (true, Some(refusal)) = (leaves.is_empty(), refusal) {
        return Err(refusal);
    }
    leaves.retain(|leaf| path.allows_provider(&leaf.provider.id));
    if leaves.is_empty() {
        let message = format!("No provider of the model `{asked}` may be used with this key.");
        return Err(Error::new(Kind::Forbidden, message).at("model").coded("model_not_allowed"));
    }
    let mut rater = route.rater;
    if let Some(rater) = &mut rater {
        rater.leaf.take_if(|leaf| !path.allows_provider(&leaf.provider.id));
    }
    Ok(Route { leaves, rater, skipped: route.skipped })
}

/// Takes a slot, and of every limit what the request may use at most.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn admit(
    gateway: &Gateway,
    path: &Path,
    question: &Question<'_>,
    route: &Route,
    guard: &mut Guard,
) -> Result<Permit> {
    let permit = slot(gateway, path, guard)?;
    if guard.hold.is_some() {
        let of = |leaf: &Leaf| estimate(gateway, question.inbound, (&leaf.provider, &leaf.model));
        // What a rating costs comes on top, whoever answers then.
        let wanted = || dearest(route.tried().map(of)).plus(rating(gateway, question, route));
        cover(gateway, &mut guard.hold, wanted).await?;
    }
    Ok(permit)
}

/// Takes a slot, and one request of every limit: for what is measured in nothing else.
pub(super) async fn admit_call(
    gateway: &Gateway,
    path: &Path,
    guard: &mut Guard,
) -> Result<Permit> {
    let permit = slot(gateway, path, guard)?;
    cover(gateway, &mut guard.hold, || Amounts { requests: 1, ..Amounts::default() }).await?;
    Ok(permit)
}

/// A slot, and a hold of all limits on the path that holds nothing yet.
fn slot(gateway: &Gateway, path: &Path, guard: &mut Guard) -> Result<Permit> {
    let in_flight = gateway.state.in_flight.clone();
    let before = in_flight.fetch_add(1, Ordering::Relaxed);
    let permit = Permit { in_flight };
    if before >= REQUESTS_IN_FLIGHT_MAX {
        let error = Error::new(Kind::Overloaded, "Too many requests are in flight; try again.");
        return Err(error.retry_after("1"));
    }
    let now = gateway.now();
    let claims = path.claims(now);
    if !claims.is_empty() {
        let until = now.saturating_add(longest(gateway));
        guard.hold = Some(Hold::new(&guard.record.id, path.top(), claims, until));
    }
    Ok(permit)
}

/// Makes sure that at least so much is held.
pub(super) async fn cover(
    gateway: &Gateway,
    hold: &mut Option<Hold>,
    wanted: impl FnOnce() -> Amounts,
) -> Result<()> {
    let Some(holding) = hold else { return Ok(()) };
    let (now, wanted) = (gateway.now(), wanted());
    let first = holding.held() == Amounts::default();
    let Some(reservation) = holding.wanting(wanted, now) else { return Ok(()) };
    let counters = gateway.counters(holding.top());
    let admission = match unchecked::reserve(gateway, &*counters, &reservation, now).await {
        Ok(admission) => admission,
        // What may have been taken is given back when the request is settled.
        Err(error) => return stand_in(gateway, holding, &reservation, wanted, error).await,
    };
    match admission {
        Admission::Added(_) => {
            holding.took(wanted);
            Ok(())
        }
        Admission::Refused { counter, value } => {
            let error = holding.refusal(&counter, wanted, value, now);
            if first {
                *hold = None;
            }
            Err(error)
        }
    }
}

/// What a request may use of a target at most.
pub(super) fn estimate(
    gateway: &Gateway,
    inbound: &Inbound,
    (provider, model): (&Provider, &str),
) -> Amounts {
    let most = Most::of(inbound.size(), provider, model);
    most.amounts(&gateway.state.prices(), &provider.id, model)
}

/// The most of each.
pub(super) fn dearest(estimates: impl Iterator<Item = Amounts>) -> Amounts {
    estimates.fold(Amounts::default(), |most, one| Amounts {
        nano: most.nano.max(one.nano),
        tokens: most.tokens.max(one.tokens),
        requests: most.requests.max(one.requests),
    })
}

/// Longer than any request lives: only what a dead process has left behind grows that old.
fn longest(gateway: &Gateway) -> Millis {
    let waits = gateway.state.config.waits;
    let time: Duration = waits.total + waits.first_byte * ATTEMPTS_MAX + RESERVATION_SLACK;
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX / 2)
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
