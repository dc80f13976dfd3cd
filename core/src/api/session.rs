//! Who is signed in? Sessions begin here, end here, and change their password here.

use std::{net::IpAddr, sync::Arc};

use http::{Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{
    inbound, secret_text,
    users::{find, keep},
    write,
};
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Role, Secret, User},
    people::{cookie, origin, setup::Choice},
    ports::{Millis, Transport},
    router::{Caller, Visit},
};

/// Who signs in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SignIn {
    /// The user.
    name: String,
    /// Their password.
    #[serde(deserialize_with = "secret_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    password: Secret,
}

/// What somebody with a one-time link has chosen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Chosen {
    /// What stands behind `#t=` in the link.
    #[serde(deserialize_with = "secret_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    token: Secret,
    /// The name of the first admin.
    #[serde(default)]
    name: Option<String>,
    /// The password from now on.
    #[serde(deserialize_with = "secret_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    password: Secret,
}

/// Another password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Changed {
    /// The password until now.
    #[serde(deserialize_with = "secret_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    current: Secret,
    /// The password from now on.
    #[serde(deserialize_with = "secret_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    password: Secret,
}

/// Who is signed in.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown<'a> {
    /// The user's id; null for a program with the admin token.
    id: Option<&'a str>,
    /// What people call them.
    name: &'a str,
    /// What they may do.
    role: Role,
    /// When the session ends at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<Millis>,
}

/// Begins a session.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Start { peer, transport, request } = Start::of(gateway, visit)?;
    let SignIn { name, password } = inbound::body(request).await?;
    let user = gateway.sign_in(&name, password, peer).await?;
    begun(gateway, &user, transport).await
}

/// Takes the choice of somebody with a one-time link, and begins their session.
pub(crate) async fn set_up(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Start { peer, transport, request } = Start::of(gateway, visit)?;
    let Chosen { token, name, password } = inbound::body(request).await?;
    let attempt = gateway.admit_attempt("", peer)?;
    let user = gateway.choose(Choice { link: token, name, password }).await?;
    gateway.forgive(attempt);
    begun(gateway, &user, transport).await
}

/// Says who asks.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Caller::Actor(actor) = &visit.caller else { return Err(Error::internal("no actor")) };
    let session = gateway.session(visit.request.headers(), visit.call.transport).await?;
    let lifetime = gateway.state.config.people.sessions;
    let expires_at_ms = session.map(|(session, _)| session.ends_at(lifetime));
    let expires_at_ms = expires_at_ms.filter(|_| actor.user.is_some());
    let (id, name) = (actor.user.as_deref(), actor.name.as_str());
    write(StatusCode::OK, &Shown { id, name, role: actor.role, expires_at_ms })
}

/// Ends all sessions of the user, wherever they are.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = own_id(&visit.caller)?;
    let (document, mut user) = find(gateway, &id).await?;
    user.end_sessions();
    keep(gateway, &mut user, Some(&document), (&visit.caller, "sign out")).await?;
    let mut response = empty(StatusCode::NO_CONTENT);
    response.headers_mut().insert(header::SET_COOKIE, cookie::take(visit.call.transport)?);
    Ok(response)
}

/// Changes the password of whoever asks. All other sessions of theirs end.
pub(crate) async fn change(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = own_id(&visit.caller)?;
    let name = visit.caller.actor().to_owned();
    let (peer, transport) = (visit.call.peer, visit.call.transport);
    let Changed { current, password } = inbound::body(visit.request).await?;
    let attempt = gateway.admit_attempt(&name, peer)?;
    let user = gateway.change_password(&id, current, password).await?;
    gateway.forgive(attempt);
    begun(gateway, &user, transport).await
}

/// A request that may begin a session.
struct Start {
    peer: Option<IpAddr>,
    transport: Transport,
    request: Request<Body>,
}

impl Start {
    fn of(gateway: &Gateway, visit: Visit) -> Result<Self> {
        let (peer, transport) = (visit.call.peer, visit.call.transport);
        let (headers, uri) = (visit.request.headers(), visit.request.uri());
        origin::check_beginning(headers, uri)?;
        cookie::may_be_given(headers, uri, transport, gateway.state.config.people.cookies)?;
        Ok(Self { peer, transport, request: visit.request })
    }
}

/// The user who asks, who must have come with a session.
pub(super) fn own_id(caller: &Caller) -> Result<String> {
    match caller {
        Caller::Actor(actor) => actor.user.clone().ok_or_else(|| {
            Error::new(Kind::Conflict, "The admin token is no session.").coded("no_session")
        }),
        Caller::Anybody | Caller::Client(_) => Err(Error::internal("no actor")),
    }
}

async fn begun(
    gateway: &Gateway,
    user: &Arc<User>,
    transport: Transport,
) -> Result<Response<Body>> {
    let session = gateway.begin_session(user).await;
    let lifetime = gateway.state.config.people.sessions;
    let seconds = lifetime.total_ms / 1000;
    let given = cookie::give(&session.seal(&gateway.state.vault), transport, seconds)?;
    let expires_at_ms = Some(session.ends_at(lifetime));
    let shown = Shown { id: Some(&user.id), name: &user.name, role: user.role, expires_at_ms };
    let mut response = write(StatusCode::OK, &shown)?;
    response.headers_mut().insert(header::SET_COOKIE, given);
    Ok(response)
}
