//! Is it them? A name and a password become a session, at the pace the throttle allows.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
};

use http::HeaderMap;

use super::{cookie, throttle::Attempt};
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::{Secret, Session, User, verify},
    limits::PASSWORD_BYTES_MAX,
    ports::{Millis, Transport},
    store,
};

impl Gateway {
    /// Checks a name and a password. Whether the name exists shows neither in the answer nor in its time.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        password: Secret,
        from: Option<IpAddr>,
    ) -> Result<Arc<User>> {
        if password.expose().len() > PASSWORD_BYTES_MAX {
            return Err(Error::bad_request("The password is too long.").at("password"));
        }
        let attempt = self.admit_attempt(name.trim(), from)?;
        self.settle_in().await?;
        let found = self.ports.store.find(store::Kind::User, name.trim()).await?;
        let user = found.as_ref().map(User::from_document).transpose()?;
        let user = user.filter(|user| user.enabled);
        let kept = user.as_ref().and_then(|user| user.password.as_deref());
        let right = verify(password, kept, &*self.ports.hasher).await?;
        match user.filter(|_| right) {
            Some(user) => {
                self.forgive(attempt);
                Ok(Arc::new(user))
            }
            None => Err(Error::new(Kind::Unauthorized, "Name and password do not fit.")
                .coded("wrong_credentials")),
        }
    }

    /// Lets an attempt to act as `name` pass, before anything is hashed.
    pub(crate) fn admit_attempt(&self, name: &str, from: Option<IpAddr>) -> Result<Attempted> {
        let now = self.ports.clock.now();
        let mut throttle =
            self.state.people.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = throttle.attempt(from, name);
        match throttle.admit(attempt, now) {
            Ok(()) => Ok(Attempted(attempt)),
            Err(wait_ms) => Err(too_many(wait_ms)),
        }
    }

    /// The attempt was no guess.
    pub(crate) fn forgive(&self, Attempted(attempt): Attempted) {
        let now = self.ports.clock.now();
        let mut throttle =
            self.state.people.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.forgive(attempt, now);
    }

    /// A new session of a user.
    pub(crate) async fn begin_session(&self, user: &User) -> Session {
        let now = self.ports.clock.now();
        let session = Session::begin(&user.id, user.epoch, now, &*self.ports.random);
        self.note_session(&session).await;
        session
    }

    /// The session that comes with a request, and whose it is. `None` when there is none that goes on.
    pub(crate) async fn session(
        &self,
        headers: &HeaderMap,
        transport: Transport,
    ) -> Result<Option<(Session, Arc<User>)>> {
        let lifetime = self.state.config.people.sessions;
        let value = cookie::value(headers, transport);
        let now = self.ports.clock.now();
        let session = value.and_then(|it| Session::open(it, &self.state.vault, lifetime, now));
        let Some(session) = session else { return Ok(None) };
        let user = self.holder(&session).await?;
        Ok(user.map(|user| (session, user)))
    }

    /// Whose a session is, as long as they let it go on.
    async fn holder(&self, session: &Session) -> Result<Option<Arc<User>>> {
        let user = self.user(&session.user).await?;
        Ok(user.filter(|user| {
            user.enabled && user.epoch == session.epoch && !user.has_ended(&session.name())
        }))
    }

    /// Whether a session that came with an earlier request goes on. One that cannot be looked up does not.
    pub(crate) async fn goes_on(&self, session: &Session) -> bool {
        let (lifetime, now) = (self.state.config.people.sessions, self.ports.clock.now());
        session.runs(lifetime, now) && matches!(self.holder(session).await, Ok(Some(_)))
    }
}

/// An attempt that was let through.
pub(crate) struct Attempted(Attempt);

fn too_many(wait_ms: Millis) -> Error {
    let seconds = wait_ms.saturating_add(999) / 1000;
    Error::new(Kind::RateLimited, "Too many attempts; try again later.")
        .retry_after(&seconds.to_string())
        .coded("too_many_attempts")
}
