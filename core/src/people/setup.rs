//! Who becomes the first admin? Whoever holds the link that the server has shown to its owner, and nobody else.

use std::sync::{Arc, PoisonError};

use crate::{
    config::FIRST_ADMIN,
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::{Password, Role, Roster, Secret, User, same, token, verify},
    limits::{SETUP_TRIES_MAX, SETUP_WAIT},
    ports::Millis,
    store::{self, Audit, Change},
};

/// The set-up token, known to this process alone.
#[derive(Default)]
pub(super) struct Setup(Option<Token>);

struct Token {
    text: Secret,
    expires_at_ms: Millis,
    tries: u32,
}

impl Setup {
    fn make(&mut self, now: Millis, text: Secret) {
        let wait = Millis::try_from(SETUP_WAIT.as_millis()).unwrap_or(Millis::MAX);
        self.0 = Some(Token { text, expires_at_ms: now.saturating_add(wait), tries: 0 });
    }

    fn is_good(&self, now: Millis) -> bool {
        self.0.as_ref().is_some_and(|token| now < token.expires_at_ms)
    }

    /// Whether this is the token. After some wrong ones it is another.
    fn accepts(&mut self, given: &str, now: Millis) -> bool {
        let Some(token) = self.0.as_mut().filter(|token| now < token.expires_at_ms) else {
            return false;
        };
        if same(token.text.expose().as_bytes(), given.as_bytes()) {
            return true;
        }
        token.tries += 1;
        if token.tries >= SETUP_TRIES_MAX {
            self.0 = None;
        }
        false
    }
}

/// What somebody with a link chooses.
pub(crate) struct Choice {
    pub(crate) link: Secret,
    /// For the first admin.
    pub(crate) name: Option<String>,
    pub(crate) password: Secret,
}

impl Gateway {
    /// A fresh set-up token for the owner's eyes, while nobody has claimed the store and no earlier token is good. A
    /// server asks after each [`refresh`](Self::refresh) and shows it as `/setup#t=…`.
    #[must_use]
    pub fn setup_token(&self) -> Option<Secret> {
        let (snapshot, now) = (self.state.snapshot(), self.ports.clock.now());
        let unclaimed = snapshot.checked_at.is_some() && !snapshot.claimed;
        let mut setup = self.state.people.setup.lock().unwrap_or_else(PoisonError::into_inner);
        if !unclaimed {
            setup.0 = None;
            return None;
        }
        if setup.is_good(now) || self.state.config.people.admin_password.is_some() {
            return None;
        }
        let text = token(&*self.ports.random, 32);
        setup.make(now, Secret::new(text.clone()));
        Some(Secret::new(text))
    }

    /// Whether somebody has become the admin, as far as the snapshot knows.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.state.snapshot().claimed
    }

    /// Makes the first admin of an installation that nobody attends, if a password is declared and there is none yet.
    pub async fn settle_in(&self) -> Result<()> {
        let Some(password) = &self.state.config.people.admin_password else { return Ok(()) };
        if self.state.snapshot().checked_at.is_none() {
            self.refresh().await?;
        }
        if self.is_claimed() {
            return Ok(());
        }
        let password = Password::parse(password.clone(), FIRST_ADMIN)?;
        match self.claim(FIRST_ADMIN, password, "TIDEGATE_ADMIN_PASSWORD").await {
            // Somebody else was faster, as it should be.
            Err(error) if error.kind == Kind::Conflict => self.refresh().await,
            other => other.map(drop),
        }
    }

    /// Takes a link's choice: the first admin's, or a user's new password.
    pub(crate) async fn choose(&self, choice: Choice) -> Result<Arc<User>> {
        match choice.link.expose().split_once('.') {
            Some((id, _)) => self.choose_password(id, &choice.link, choice.password).await,
            None => self.choose_admin(choice).await,
        }
    }

    async fn choose_admin(&self, choice: Choice) -> Result<Arc<User>> {
        let now = self.ports.clock.now();
        let accepted = {
            let mut setup = self.state.people.setup.lock().unwrap_or_else(PoisonError::into_inner);
            setup.accepts(choice.link.expose(), now)
        };
        if !accepted || self.is_claimed() {
            return Err(spent());
        }
        let name = choice.name.as_deref().unwrap_or(FIRST_ADMIN);
        let password = Password::parse(choice.password, name)?;
        self.claim(name, password, "set-up link").await
    }

    /// Atomic: the roster is inserted or there is one already.
    async fn claim(&self, name: &str, password: Password, actor: &str) -> Result<Arc<User>> {
        let now = self.ports.clock.now();
        let mut user = User::new(name, Role::Admin, now, &*self.ports.random)?;
        user.choose(password.hash(&*self.ports.hasher, &*self.ports.random).await?);
        let roster = Roster { version: 0, admins: vec![user.id.clone()] };
        let changes = vec![Change::Put(user.to_document()?), Change::Put(roster.to_document()?)];
        let audit = Audit {
            at_ms: now,
            actor: actor.to_owned(),
            action: "claim".to_owned(),
            ..Audit::default()
        };
        self.ports.store.commit(changes, audit).await.map_err(claimed)?;
        self.refresh().await?;
        Ok(Arc::new(user))
    }

    async fn choose_password(&self, id: &str, link: &Secret, text: Secret) -> Result<Arc<User>> {
        let now = self.ports.clock.now();
        let found = self.ports.store.get(store::Kind::User, id).await?;
        let Some(found) = found else { return Err(spent()) };
        let mut user = User::from_document(&found)?;
        if !user.accepts(link.expose(), now, &self.state.vault) {
            return Err(spent());
        }
        self.set_password(&mut user, text, "choose password").await?;
        Ok(Arc::new(user))
    }

    /// A signed-in user's own change.
    pub(crate) async fn change_password(
        &self,
        id: &str,
        current: Secret,
        next: Secret,
    ) -> Result<Arc<User>> {
        let found = self.ports.store.get(store::Kind::User, id).await?;
        let Some(found) = found else { return Err(Error::not_found("This user is gone.")) };
        let mut user = User::from_document(&found)?;
        if !verify(current, user.password.as_deref(), &*self.ports.hasher).await? {
            let message = "The current password is not this one.";
            return Err(Error::new(Kind::Forbidden, message).coded("wrong_password"));
        }
        self.set_password(&mut user, next, "change password").await?;
        Ok(Arc::new(user))
    }

    async fn set_password(&self, user: &mut User, text: Secret, action: &str) -> Result<()> {
        let password = Password::parse(text, &user.name)?;
        user.choose(password.hash(&*self.ports.hasher, &*self.ports.random).await?);
        let (at_ms, actor) = (self.ports.clock.now(), user.name.clone());
        let audit = Audit { at_ms, actor, action: action.to_owned(), ..Audit::default() };
        self.ports.store.commit(vec![Change::Put(user.to_document()?)], audit).await?;
        self.forget_users();
        Ok(())
    }
}

fn claimed(error: Error) -> Error {
    if error.kind == Kind::Conflict {
        return Error::new(Kind::Conflict, "There is an admin already. Sign in instead.")
            .because(error.detail);
    }
    error
}

fn spent() -> Error {
    Error::new(Kind::Unauthorized, "This link is not good, or not any more.").coded("link_spent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_up_token_bears_four_mistakes_and_half_an_hour() {
        let mut setup = Setup::default();
        assert!(!setup.accepts("", 0));
        setup.make(0, Secret::new("right".to_owned()));
        for _ in 0..4 {
            assert!(!setup.accepts("wrong", 1));
        }
        assert!(setup.accepts("right", 1));
        assert!(!setup.accepts("right", 30 * 60_000));
        assert!(!setup.accepts("wrong", 1));
        assert!(!setup.accepts("right", 1), "after five mistakes it is another one");
        assert!(!setup.is_good(1));
    }
}
