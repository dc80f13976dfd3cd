//! Who may pass? Each route says what it needs, and this is where that is shown.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method, Uri};

use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::{Actor, Role, Session, User, same},
    people::{cookie, origin},
    ports::{Background, Transport},
    relay,
    router::{Caller, Needs},
};

/// What a request shows of itself before its body.
pub(crate) struct Face<'r> {
    pub(crate) method: &'r Method,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) uri: &'r Uri,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) transport: Transport,
    pub(crate) background: &'r dyn Background,
}

/// A caller that may pass.
pub(crate) struct Pass {
    pub(crate) caller: Caller,
    /// What the browser is to keep from now on: its session was used.
    pub(crate) cookie: Option<HeaderValue>,
}

impl Pass {
    fn of(caller: Caller) -> Self {
        Self { caller, cookie: None }
    }
}

/// Lets a caller pass who shows what is needed, and says who it is.
pub(crate) async fn permit(gateway: &Gateway, needs: Needs, face: Face<'_>) -> Result<Pass> {
    let least = match needs {
        Needs::Nothing => return Ok(Pass::of(Caller::Anybody)),
        Needs::Client => {
            let client = relay::authenticate(gateway, face.headers, face.uri).await?;
            let snapshot = gateway.state.snapshot();
            relay::enter(gateway, &snapshot, client.clone(), face.peer).await?;
            return Ok(Pass::of(Caller::Client(client.id.clone())));
        }
        Needs::Viewer => Role::Viewer,
        Needs::Admin => Role::Admin,
    };
    if let Some(given) = relay::bearer(face.headers) {
        return program(gateway, given).map(|actor| Pass::of(Caller::Actor(actor)));
    }
    let Some((session, user)) = gateway.session(face.headers, face.transport).await? else {
        return Err(stranger(gateway, face.background).await);
    };
    origin::check(face.method, face.headers, face.uri)?;
    if user.role < least {
        return Err(Error::new(Kind::Forbidden, "Only an admin may do this.").coded("admin_only"));
    }
    let cookie = renewed(gateway, &session, &face)?;
    Ok(Pass { caller: Caller::Actor(actor(&user)), cookie })
}

fn actor(user: &User) -> Actor {
    Actor { name: user.name.clone(), role: user.role, user: Some(user.id.clone()) }
}

/// Whoever shows the admin token.
pub(crate) fn program(gateway: &Gateway, given: &str) -> Result<Actor> {
    let vault = &gateway.state.vault;
    // Hashes have one length, so the comparison's time tells nothing of the token.
    let fits = gateway.state.config.admin_token.as_ref().is_some_and(|token| {
        same(vault.hash(given).as_bytes(), vault.hash(token.expose()).as_bytes())
    });
    let actor = Actor { name: "admin token".to_owned(), role: Role::Admin, user: None };
    let refuse = || Error::new(Kind::Unauthorized, "The admin token is not valid.");
    fits.then_some(actor).ok_or_else(refuse)
}

/// What somebody without a session is told.
async fn stranger(gateway: &Gateway, background: &dyn Background) -> Error {
    let snapshot = gateway.view(background).await.snapshot;
    let awaited = gateway.state.config.people.admin_password.is_some();
    if snapshot.checked_at.is_some() && !snapshot.claimed && !awaited {
        let message = "Nobody has set Tidegate up yet. A server shows the link once when it starts; elsewhere \
                       TIDEGATE_ADMIN_PASSWORD or `tidegate admin reset` makes the first admin.";
        return Error::new(Kind::Unauthorized, message).coded("unclaimed");
    }
    Error::new(Kind::Unauthorized, "Sign in first.").coded("signed_out")
}

fn renewed(gateway: &Gateway, session: &Session, face: &Face<'_>) -> Result<Option<HeaderValue>> {
    let (now, lifetime) = (gateway.ports.clock.now(), gateway.state.config.people.sessions);
    let Some(seen) = session.seen(now, lifetime) else { return Ok(None) };
    let seconds = (seen.ends_at(lifetime) - now) / 1000;
    let cookie = cookie::give(&seen.seal(&gateway.state.vault), face.transport, seconds)?;
    let noting = gateway.clone();
    face.background.run(Box::pin(async move { noting.note_session(&seen).await }));
    Ok(Some(cookie))
}
