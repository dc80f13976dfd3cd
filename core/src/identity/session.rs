//! What does a session's cookie say? Who, since when, of which epoch, signed. It is good by itself, unless its user says
//! otherwise.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Secret, Vault, same, token};
use crate::ports::{Millis, Random};

/// The form of what this code writes.
const FORM: &str = "1";

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Random: no two sessions are the same.
    pub id: String,
    /// The user's id.
    pub user: String,
    /// The user's epoch when it began.
    pub epoch: i64,
    /// When it began.
    pub began_at_ms: Millis,
    /// When it was last used, as far as the cookie knows.
    pub seen_at_ms: Millis,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// In all.
    pub total_ms: Millis,
    /// Without being used.
    pub idle_ms: Millis,
}

impl Session {
    /// A new one, under a new id.
    #[must_use]
    pub fn begin(user: &str, epoch: i64, now: Millis, random: &dyn Random) -> Self {
        let (id, user) = (token(random, 16), user.to_owned());
        Self { id, user, epoch, began_at_ms: now, seen_at_ms: now }
    }

    /// The cookie's value.
    #[must_use]
    pub fn seal(&self, vault: &Vault) -> Secret {
        let said = self.said();
        let mac = URL_SAFE_NO_PAD.encode(vault.sign(&said));
        Secret::new(format!("{said}.{mac}"))
    }

    /// What it says, without the signature. Nobody can come in with that.
    #[must_use]
    pub fn said(&self) -> String {
        let Self { id, user, epoch, began_at_ms, seen_at_ms } = self;
        format!("{FORM}.{id}.{user}.{epoch}.{began_at_ms}.{seen_at_ms}")
    }

    /// Reads a cookie's value, if it was signed here and is not over.
    #[must_use]
    pub fn open(value: &str, vault: &Vault, lifetime: Lifetime, now: Millis) -> Option<Self> {
        let (said, mac) = value.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        if !same(&vault.sign(said), &mac) {
            return None;
        }
        Self::read(said).filter(|session| session.runs(lifetime, now))
    }

    /// Reads what one [`said`](Self::said), where it is known to have been signed here.
    #[must_use]
    pub fn read(said: &str) -> Option<Self> {
        let mut fields = said.split('.');
        let mut field = || fields.next();
        if field()? != FORM {
            return None;
        }
        Some(Self {
            id: field()?.to_owned(),
            user: field()?.to_owned(),
            epoch: field()?.parse().ok()?,
            began_at_ms: field()?.parse().ok()?,
            seen_at_ms: field()?.parse().ok()?,
        })
    }

    /// Whether it is over neither by its age nor by idleness.
    #[must_use]
    pub fn runs(&self, lifetime: Lifetime, now: Millis) -> bool {
        now < self.ends_at(lifetime) && now.saturating_sub(self.seen_at_ms) < lifetime.idle_ms
    }

    /// What it is called in a list. Nobody can come in with that.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.began_at_ms, self.id)
    }

    /// When the session of this name began.
    #[must_use]
    pub fn began(name: &str) -> Option<Millis> {
        name.split_once('-')?.0.parse().ok()
    }

    /// When it is over, however much it is used.
    #[must_use]
    pub fn ends_at(&self, lifetime: Lifetime) -> Millis {
        self.began_at_ms.saturating_add(lifetime.total_ms)
    }

    /// The same session, used now; `None` while the cookie knows well enough.
    #[must_use]
    pub fn seen(&self, now: Millis, lifetime: Lifetime) -> Option<Self> {
        let due = now.saturating_sub(self.seen_at_ms) >= lifetime.idle_ms / 24;
        due.then(|| Self { seen_at_ms: now, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SeededRandom, root_secret};

    const HOUR: Millis = 3_600_000;
    const LIFETIME: Lifetime = Lifetime { total_ms: 12 * HOUR, idle_ms: 2 * HOUR };

    #[test]
    fn a_session_ends_by_its_age_and_by_idleness() {
        let vault = Vault::new(&root_secret());
        let session = Session::begin("ada", 3, HOUR, &SeededRandom::new(1));
        let value = session.seal(&vault);
        let open = |now| Session::open(value.expose(), &vault, LIFETIME, now);
        assert_eq!(Session::began(&session.name()), Some(HOUR));
        assert_eq!(open(HOUR), Some(session.clone()));
        assert_eq!(Session::read(&session.said()), Some(session.clone()));
        assert_eq!(open(3 * HOUR - 1), Some(session.clone()));
        assert_eq!(open(3 * HOUR), None);
        let mut used = session;
        for now in (2..13).map(|hour| hour * HOUR) {
            used = used.seen(now, LIFETIME).unwrap();
            let value = used.seal(&vault);
            assert!(Session::open(value.expose(), &vault, LIFETIME, now).is_some());
        }
        let value = used.seal(&vault);
        assert_eq!(Session::open(value.expose(), &vault, LIFETIME, 13 * HOUR), None);
    }

    #[test]
    fn what_was_not_signed_here_is_nothing() {
        let vault = Vault::new(&root_secret());
        let session = Session::begin("ada", 3, 0, &SeededRandom::new(1));
        let value = session.seal(&vault);
        for at in 0..value.expose().len() {
            let mut bytes = value.expose().to_owned().into_bytes();
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            let broken = String::from_utf8(bytes).unwrap();
            let found = Session::open(&broken, &vault, LIFETIME, 1);
            // The last character of base64 has bits that mean nothing.
            assert!(found.is_none() || at + 1 == value.expose().len(), "{at}");
        }
        for text in ["", ".", "1.a.b.1.1.1.", "1.a.b.1.1.1"] {
            assert!(Session::open(text, &vault, LIFETIME, 1).is_none(), "{text}");
        }
    }
}
