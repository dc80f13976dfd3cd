//! Who may look at the dashboard? What is kept of a user, and the list of those who may change things.

use serde::{Deserialize, Serialize};

use super::{Lifetime, Role, Secret, Session, Vault, same};
use crate::{
    error::{Error, Kind as Refusal, Result},
    json,
    limits::{SESSIONS_ENDED_MAX, TICKET_WAIT, USER_NAME_CHARS_MAX},
    ports::{Millis, Random},
    store::{Document, Kind},
};

const SHAPE: i64 = 1;

/// The one document of its kind.
const ROSTER: &str = "admins";

/// Somebody with a password.
#[derive(Clone, Serialize, Deserialize)]
pub struct User {
    /// Random, and never used again.
    #[serde(skip)]
    pub id: String,
    /// Unique whatever the case of its letters.
    #[serde(skip)]
    pub name: String,
    /// Which version of the document this is; 0 before it is kept.
    #[serde(skip)]
    pub version: i64,
    /// What they may do.
    pub role: Role,
    /// A disabled user cannot sign in.
    pub enabled: bool,
    /// Sessions of an earlier epoch have ended.
    pub epoch: i64,
    /// The hash of the password; `None` until one is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Lets whoever holds it choose the password, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The names of sessions of this epoch that were ended one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<String>,
    /// When the user was made.
    pub created_at_ms: Millis,
}

/// What is kept of a one-time link.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ticket {
    hash: String,
    /// When it ends.
    pub expires_at_ms: Millis,
}

impl User {
    /// A user who has no password yet. Nothing is kept.
    pub fn new(name: &str, role: Role, now: Millis, random: &dyn Random) -> Result<Self> {
        Ok(Self {
            id: token(random, 16),
            name: user_name(name)?,
            version: 0,
            role,
            enabled: true,
            epoch: 1,
            password: None,
            ticket: None,
            ended: Vec::new(),
            created_at_ms: now,
        })
    }

    /// Whether the user is one of those who may change things.
    #[must_use]
    pub fn is_active_admin(&self) -> bool {
        self.enabled && self.role == Role::Admin
    }

    /// Ends all sessions.
    pub fn end_sessions(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
        self.ended.clear();
    }

    /// Ends the session of this name. Those that would be over by now are forgotten.
    pub fn end_session(&mut self, name: &str, lifetime: Lifetime, now: Millis) -> Result<()> {
        let goes_on = |began: Millis| now < began.saturating_add(lifetime.total_ms);
        self.ended.retain(|ended| ended != name && Session::began(ended).is_some_and(goes_on));
        if self.ended.len() >= SESSIONS_ENDED_MAX {
            let message = "Too many sessions were ended one by one: end all of them.";
            return Err(Error::new(Refusal::Conflict, message));
        }
        self.ended.push(name.to_owned());
        Ok(())
    }

    /// Whether the session of this name was ended by itself.
    #[must_use]
    pub fn has_ended(&self, name: &str) -> bool {
        self.ended.iter().any(|ended| ended == name)
    }

    /// Takes the password away and makes the link that chooses the next one. Its text is shown once.
    pub fn reset(&mut self, now: Millis, vault: &Vault, random: &dyn Random) -> Secret {
        self.end_sessions();
        self.password = None;
        let text = Secret::new(format!("{}.{}", self.id, token(random, 32)));
        let wait = Millis::try_from(TICKET_WAIT.as_millis()).unwrap_or(Millis::MAX);
        let expires_at_ms = now.saturating_add(wait);
        self.ticket = Some(Ticket { hash: vault.ticket(text.expose()), expires_at_ms });
        text
    }

    /// Takes a new password; every link and every session ends.
    pub fn choose(&mut self, hash: String) {
        self.end_sessions();
        self.password = Some(hash);
        self.ticket = None;
    }

    /// Whether this link is the user's and still good.
    #[must_use]
    pub fn accepts(&self, ticket: &str, now: Millis, vault: &Vault) -> bool {
        let hash = vault.ticket(ticket);
        let fits =
            |kept: &Ticket| same(kept.hash.as_bytes(), hash.as_bytes()) && now < kept.expires_at_ms;
        self.enabled && self.ticket.as_ref().is_some_and(fits)
    }

    /// The document that keeps it.
    pub fn to_document(&self) -> Result<Document> {
        let body = serde_json::to_string(self).map_err(Error::internal)?;
        Ok(Document {
            kind: Kind::User,
            id: self.id.clone(),
            parent: String::new(),
            name: self.name.clone(),
            version: self.version,
            revision: 0,
            deleted: false,
            shape: SHAPE,
            body,
        })
    }

    /// Reads a document of kind `user`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let mut user: Self = read(document)?;
        user.id.clone_from(&document.id);
        user.name.clone_from(&document.name);
        user.version = document.version;
        Ok(user)
    }
}

/// A name that a user may have.
pub fn user_name(text: &str) -> Result<String> {
    let name = text.trim();
    let plain = !name.chars().any(char::is_control);
    if name.is_empty() || name.chars().count() > USER_NAME_CHARS_MAX || !plain {
        let message = format!("A name has 1 to {USER_NAME_CHARS_MAX} printable characters.");
        return Err(Error::bad_request(message).at("name"));
    }
    Ok(name.to_owned())
}

/// The users who may change things. Every change of who they are goes through this one document, so that two admins who
/// remove each other at the same time meet there.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Roster {
    /// Which version this is; 0 while nobody has claimed the store.
    #[serde(skip)]
    pub version: i64,
    /// Their ids.
    pub admins: Vec<String>,
}

impl Roster {
    /// The id of the document.
    pub const ID: &'static str = ROSTER;

    /// What it is after a user has changed or gone. `None`: it stays as it is. The last admin stays.
    pub fn after(&self, id: &str, is_active_admin: Membership) -> Result<Option<Self>> {
        let listed = self.admins.iter().any(|admin| admin == id);
        let mut next = self.clone();
        match (listed, is_active_admin) {
            (false, Membership::In) => next.admins.push(id.to_owned()),
            (true, Membership::Out) => next.admins.retain(|admin| admin != id),
            (true, Membership::In) | (false, Membership::Out) => return Ok(None),
        }
        if next.admins.is_empty() {
            let message = "This is the last admin: make another one first.";
            return Err(Error::new(Refusal::Conflict, message).coded("last_admin"));
        }
        Ok(Some(next))
    }

    /// The document that keeps it.
    pub fn to_document(&self) -> Result<Document> {
        Ok(Document {
            kind: Kind::Roster,
            id: ROSTER.to_owned(),
            parent: String::new(),
            name: String::new(),
            version: self.version,
            revision: 0,
            deleted: false,
            shape: SHAPE,
            body: serde_json::to_string(self).map_err(Error::internal)?,
        })
    }

    /// Reads the document of kind `roster`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let mut roster: Self = read(document)?;
        roster.version = document.version;
        Ok(roster)
    }
}

/// Whether somebody is on the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They are.
    In,
    /// They are not.
    Out,
}

impl From<&User> for Membership {
    fn from(user: &User) -> Self {
        if user.is_active_admin() { Self::In } else { Self::Out }
    }
}

/// So many random bytes as text that may stand in a URL.
pub(crate) fn token(random: &dyn Random, bytes: usize) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut buffer = zeroize::Zeroizing::new(vec![0; bytes]);
    random.fill(&mut buffer);
    URL_SAFE_NO_PAD.encode(&*buffer)
}

fn read<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T> {
    json::read(&document.body).map_err(|error| Error::internal(format!("{}: {error}", document.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SeededRandom, root_secret};

    #[test]
    fn a_link_is_good_once_and_for_a_day() {
        let (vault, random) = (Vault::new(&root_secret()), SeededRandom::new(1));
        let mut user = User::new(" Ada ", Role::Viewer, 0, &random).unwrap();
        assert_eq!(user.name, "Ada");
        let link = user.reset(1000, &vault, &random);
        assert!(user.accepts(link.expose(), 1000, &vault));
        assert!(!user.accepts(link.expose(), 1000 + 86_400_000, &vault));
        assert!(!user.accepts(&format!("{}x", link.expose()), 1000, &vault));
        user.choose("hash".to_owned());
        assert!(!user.accepts(link.expose(), 1000, &vault));
        assert_eq!(user.epoch, 3);
    }

    #[test]
    fn sessions_end_one_by_one_and_are_forgotten_when_they_would_be_over() {
        let lifetime = Lifetime { total_ms: 100, idle_ms: 100 };
        let mut user = User::new("ada", Role::Viewer, 0, &SeededRandom::new(1)).unwrap();
        user.end_session("0-a", lifetime, 0).unwrap();
        let kept = User::from_document(&user.to_document().unwrap()).unwrap();
        assert!(kept.has_ended("0-a") && !kept.has_ended("0-b"));
        user.end_session("50-b", lifetime, 100).unwrap();
        assert!(!user.has_ended("0-a") && user.has_ended("50-b"));
        for more in 1..SESSIONS_ENDED_MAX {
            user.end_session(&format!("50-{more}"), lifetime, 100).unwrap();
        }
        assert!(user.end_session("50-one-too-many", lifetime, 100).is_err());
        user.end_sessions();
        assert!(user.ended.is_empty(), "the epoch says it of all");
    }

    #[test]
    fn the_last_admin_stays() {
        let roster = Roster { version: 1, admins: vec!["a".to_owned()] };
        assert!(roster.after("a", Membership::Out).err().unwrap().message.contains("last"));
        let two = roster.after("b", Membership::In).unwrap().unwrap();
        assert_eq!(two.admins, ["a", "b"]);
        assert_eq!(two.after("a", Membership::Out).unwrap().unwrap().admins, ["b"]);
        assert!(two.after("c", Membership::Out).unwrap().is_none());
    }

    #[test]
    fn names_are_printable_and_short() {
        for wrong in ["", "  ", "a\nb", &"x".repeat(65)] {
            assert!(user_name(wrong).is_err(), "{wrong}");
        }
    }
}
