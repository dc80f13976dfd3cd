//! Where is one signed in? People see their own sessions and end them one by one; the token of none is ever shown.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode, header};
use serde::Serialize;

use super::{
    session::own_id,
    users::{find, keep},
    write,
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Session, User},
    people::cookie,
    ports::{Millis, Transport},
    router::{Caller, Visit},
};

/// One's own sessions, those that began first before the others.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct List {
    data: Vec<Shown>,
}

/// A session.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// What it is called; nobody can come in with that.
    id: String,
    /// When it began.
    began_at_ms: Millis,
    /// When it was last used, to some minutes.
    seen_at_ms: Millis,
    /// When it ends at the latest.
    expires_at_ms: Millis,
    /// Whether it is the one that asks.
    mine: bool,
}

/// Lists them.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { caller, request, call, .. } = visit;
    let (mine, user) = own(gateway, &caller, request.headers(), call.transport).await?;
    let mine = mine.name();
    let total_ms = gateway.state.config.people.sessions.total_ms;
    let noted = gateway.sessions(&user).await?.into_iter();
    let data = noted.map(|it| Shown {
        mine: it.name == mine,
        expires_at_ms: it.began_at_ms.saturating_add(total_ms),
        began_at_ms: it.began_at_ms,
        seen_at_ms: it.seen_at_ms,
        id: it.name,
    });
    write(StatusCode::OK, &List { data: data.collect() })
}

/// Ends one.
pub(crate) async fn end(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: name, caller, request, call, .. } = visit;
    let (mine, user) = own(gateway, &caller, request.headers(), call.transport).await?;
    let noted = gateway.sessions(&user).await?;
    if !noted.iter().any(|it| it.name == name) {
        return Err(Error::not_found("There is no such session any more."));
    }
    let (document, mut user) = find(gateway, &user.id).await?;
    let (lifetime, now) = (gateway.state.config.people.sessions, gateway.ports.clock.now());
    user.end_session(&name, lifetime, now)?;
    keep(gateway, &mut user, Some(&document), (&caller, "end session")).await?;
    let mut response = empty(StatusCode::NO_CONTENT);
    if name == mine.name() {
        let taken = cookie::take(call.transport)?;
        response.headers_mut().insert(header::SET_COOKIE, taken);
    }
    Ok(response)
}

/// The session that asks, noted by that, and whose it is.
async fn own(
    gateway: &Gateway,
    caller: &Caller,
    headers: &HeaderMap,
    transport: Transport,
) -> Result<(Session, Arc<User>)> {
    own_id(caller)?;
    let found = gateway.session(headers, transport).await?;
    let (mine, user) = found.ok_or_else(|| Error::internal("a session has ended on the way"))?;
    let now = gateway.ports.clock.now();
    gateway.note_session(&Session { seen_at_ms: now, ..mine.clone() }).await;
    Ok((mine, user))
}
