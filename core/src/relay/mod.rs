//! How does a request become an answer? The straight line, one stage after another, each in the file of its name.

mod admit;
mod authenticate;
pub(crate) mod capture;
mod classify;
mod dispatch;
mod exchange;
pub(crate) mod explain;
mod gather;
mod hedge;
mod held;
mod judge;
mod line;
mod meter;
mod observe;
mod opaque;
mod prepare;
mod proxy;
mod quota;
mod rates;
mod recall;
mod receive;
mod remember;
mod render;
mod resolve;
mod settle;
mod tap;
mod told;
pub(crate) mod trail;
mod tries;
mod unchecked;

pub(crate) use admit::enter;
pub(crate) use authenticate::{authenticate, bearer};
pub(crate) use proxy::proxy;
pub(crate) use receive::{Endpoint, Manner};

use std::net::IpAddr;

use futures_util::future::{Either, select};
use http::{Request, Response};

use crate::{
    budget::Hold,
    dialect::Dialect,
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    ports::Call,
    route::Ratings,
    router::Visit,
};

use capture::Capture;
use resolve::Question;

/// Answers a data request. Whatever happens, its record is settled once: the future that does it is handed over first.
pub(crate) async fn relay(gateway: &Gateway, endpoint: Endpoint, visit: Visit) -> Response<Body> {
    if explain::wanted(visit.request.headers()) {
        return explain::answer(gateway, endpoint, visit).await;
    }
    let Visit { param, pinned, caller: _, request, call } = visit;
    // What is no dialect is told in the one that is spoken.
    let wanted = receive::answers(endpoint, request.headers());
    let answers = *wanted.as_ref().unwrap_or(&endpoint.dialect);
    let Call { background, mut gone, peer, transport: _ } = call;
    let mut guard = settle::open(gateway, endpoint, &*background);
    let arrived = Arrived { request, answers: wanted, param: &param, pinned, peer };
    let stages = Box::pin(run(gateway, endpoint, arrived, &*background, &mut guard));
    let outcome = match select(stages, &mut gone).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Err(Error::new(Kind::ClientGone, "The client has left.")),
    };
    match outcome {
        Ok(answer) => match render::secure(answer, &mut guard).await {
            Ok(answer) => render::reply(gateway, answer, guard, gone),
            Err(error) => render::refuse(answers, &error, guard),
        },
        Err(error) => render::refuse(answers, &error, guard),
    }
}

/// What came, and from where.
struct Arrived<'a> {
    request: Request<Body>,
    /// What it is to be answered in.
    answers: Result<Dialect>,
    /// What the route's pattern took of the path.
    param: &'a str,
    /// The provider that is to answer, whatever else has the model.
    pinned: Option<String>,
    peer: Option<IpAddr>,
}

/// Stages 2 to 7. Nothing here outlives the request, so dropping it cancels whatever is under way.
async fn run(
    gateway: &Gateway,
    endpoint: Endpoint,
    arrived: Arrived<'_>,
    background: &dyn crate::ports::Background,
    guard: &mut settle::Guard,
) -> Result<dispatch::Answer> {
    let Arrived { request, answers, param, pinned, peer } = arrived;
    let settle::Guard { record, capture, ledger, .. } = &mut *guard;
    let (head, body) = request.into_parts();
    let view = gateway.view(background).await;
    record.stale = view.stale;
    let caller = authenticate(gateway, &head.headers, &head.uri).await?;
    if let Some(key) = authenticate::presented(&head.headers, &head.uri) {
        gateway.rehash_beside(&caller, key, background);
    }
    record.client.clone_from(&caller.id);
    record.team.clone_from(&caller.team);
    let path = enter(gateway, &view.snapshot, caller.clone(), peer).await?;
    *ledger = path.ledger();
    let (headers, uri) = (&head.headers, &head.uri);
    let arrival = receive::Arrival { headers, uri, answers, param, strict: caller.strict };
    let inbound = receive::receive(endpoint, arrival, body, record).await?;
    let capturing = &view.snapshot.settings.capture;
    *capture = Capture::begin(gateway, capturing, (&caller.id, &caller.team), &inbound.raw);
    let mut inbound = remember::remember(gateway, &caller.id, inbound).await?;
    inbound.pin(pinned);
    let question = Question::new(gateway, &view.snapshot, &inbound, &head.headers);
    let route = resolve::resolve(&question, &Ratings::default())?;
    let route = admit::allowed(&path, &inbound, route)?;
    let permit = admit::admit(gateway, &path, &question, &route, guard).await?;
    if let Some(served) = recall::recall(&question, &caller, headers, &route, guard).await {
        return Ok(dispatch::Answer { served, permit, keeping: None });
    }
    let targets = classify::classify(&question, &path, route, guard).await?.targets();
    let cuts = guard.hold.as_ref().is_some_and(Hold::cuts);
    if cuts {
        inbound.cut.get_or_init(|| guard.record.id.clone());
    }
    let mut served =
        dispatch::dispatch(&question, &path, headers, targets, (guard, background)).await?;
    guard.record.usage.prompt = served.estimate(&inbound);
    recall::miss(&inbound, &mut served, guard);
    let (served, keeping) = remember::keep(gateway, served, inbound.keep).await;
    Ok(dispatch::Answer { served, permit, keeping })
}
