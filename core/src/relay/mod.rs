//! How does a request become an answer? The straight line, one stage after another, each in the file of its name.

mod admit;
mod authenticate;
mod dispatch;
mod exchange;
mod judge;
mod meter;
mod observe;
mod opaque;
mod prepare;
mod receive;
mod remember;
mod render;
mod resolve;
mod settle;
mod tap;

pub(crate) use authenticate::{authenticate, bearer};
pub(crate) use receive::{Endpoint, Manner};

use futures_util::future::{Either, select};
use http::{Request, Response};

use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    ports::Call,
    router::Visit,
    store::Record,
};

/// Answers a data request. Whatever happens, its record is settled once: the future that does it is handed over first.
pub(crate) async fn relay(gateway: &Gateway, endpoint: Endpoint, visit: Visit) -> Response<Body> {
    let Visit { param, caller: _, request, call } = visit;
    let Call { background, mut gone, peer: _, transport: _ } = call;
    let mut guard = settle::open(gateway, endpoint, &*background);
    let stages = run(gateway, endpoint, (request, &param), &*background, &mut guard.record);
    let stages = Box::pin(stages);
    let outcome = match select(stages, &mut gone).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Err(Error::new(Kind::ClientGone, "The client has left.")),
    };
    match outcome {
        Ok(answer) => render::reply(gateway, answer, guard, gone),
        Err(error) => render::refuse(endpoint.dialect, &error, guard),
    }
}

/// Stages 2 to 7. Nothing here outlives the request, so dropping it cancels whatever is under way.
async fn run(
    gateway: &Gateway,
    endpoint: Endpoint,
    (request, param): (Request<Body>, &str),
    background: &dyn crate::ports::Background,
    record: &mut Record,
) -> Result<dispatch::Answer> {
    let (head, body) = request.into_parts();
    let view = gateway.view(background).await;
    record.stale = view.stale;
    let caller = authenticate(gateway, &head.headers, &head.uri).await?;
    if let Some(key) = authenticate::presented(&head.headers, &head.uri) {
        gateway.rehash_beside(&caller, key, background);
    }
    record.client.clone_from(&caller.id);
    record.team.clone_from(&caller.team);
    let arrival = receive::Arrival { headers: &head.headers, uri: &head.uri, param };
    let inbound = receive::receive(endpoint, arrival, body, record).await?;
    let mut inbound = remember::remember(gateway, &caller.id, inbound).await?;
    let targets = resolve::resolve(&view.snapshot, &inbound)?;
    let permit = admit::admit(gateway)?;
    let keep = inbound.keep.take();
    let served = dispatch::dispatch(gateway, &inbound, &head.headers, targets, record).await?;
    let (served, keeping) = remember::keep(gateway, served, keep).await;
    Ok(dispatch::Answer { served, permit, keeping })
}
