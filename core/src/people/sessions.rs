//! Which sessions has somebody? That one is used is noted beside the counters, which forget it by themselves; that one has
//! ended stands with its user, whom every request asks.

use crate::{
    error::Result,
    gateway::Gateway,
    identity::{Session, User},
    limits::SESSIONS_LISTED_MAX,
    ports::Millis,
    store::{Add, Counter},
};

/// A session as it was noted.
pub(crate) struct Noted {
    pub(crate) name: String,
    pub(crate) began_at_ms: Millis,
    pub(crate) seen_at_ms: Millis,
}

impl Gateway {
    /// Notes that a session was used. One that cannot be noted goes on all the same, and is missing in the list.
    pub(crate) async fn note_session(&self, session: &Session) {
        let expires_at_ms = session.ends_at(self.state.config.people.sessions);
        let name = format!("{}{}", notes(&session.user, session.epoch), session.name());
        let add = Add { name, by: 0, floor: Some(session.seen_at_ms), cap: None, expires_at_ms };
        if let Err(error) = self.ports.counters.add(&[add], self.now()).await {
            tracing::warn!(%error, "a session could not be noted");
        }
    }

    /// The sessions of a user that go on as far as they were noted, those that began first before the others.
    pub(crate) async fn sessions(&self, user: &User) -> Result<Vec<Noted>> {
        let (now, prefix) = (self.now(), notes(&user.id, user.epoch));
        let found = self.ports.counters.live(&prefix, SESSIONS_LISTED_MAX, now).await?;
        let idle_ms = self.state.config.people.sessions.idle_ms;
        let read = |counter: Counter| {
            let name = counter.name.strip_prefix(&prefix)?.to_owned();
            let goes_on = now - counter.value < idle_ms && !user.has_ended(&name);
            let began_at_ms = Session::began(&name).filter(|_| goes_on)?;
            Some(Noted { name, began_at_ms, seen_at_ms: counter.value })
        };
        Ok(found.into_iter().filter_map(read).collect())
    }
}

/// How the notes of a user's sessions begin. Those of an earlier epoch have ended.
fn notes(user: &str, epoch: i64) -> String {
    format!("session/{user}/{epoch}/")
}
