//! What is known of a client: the body of its document.

use serde::{Deserialize, Serialize};

use super::{Secret, Vault, mint, mint_for, named};
use crate::{
    budget::Policy,
    error::{Error, Result},
    json,
    ports::{Millis, Random},
    store::{Document, Kind},
};

/// The shape of the body that this code writes.
const SHAPE: i64 = 1;

/// Who may call us.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The public id of its key.
    #[serde(skip)]
    pub id: String,
    /// What people call it.
    #[serde(skip)]
    pub name: String,
    /// The key's HMAC, with the id of the root secret that made it.
    pub hash: String,
    /// When it was made; 0 for a declared one.
    pub created_at_ms: Millis,
    /// When it ends, if ever.
    pub expires_at_ms: Option<Millis>,
    /// Its team; empty when it has none.
    #[serde(default)]
    pub team: String,
    /// Whether it would rather be refused than lose a field, where a request does not say.
    #[serde(default)]
    pub strict: bool,
    /// What it is held to by itself.
    #[serde(default)]
    pub policy: Policy,
    /// The key before this one, while it still works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// A key that was replaced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The key's HMAC, with the id of the root secret that made it.
    pub hash: String,
    /// When it stops working.
    pub until_ms: Millis,
}

impl Client {
    /// Somebody whom nothing holds back, and whom no key lets in.
    pub(crate) fn nobody() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            hash: String::new(),
            created_at_ms: 0,
            expires_at_ms: None,
            team: String::new(),
            strict: false,
            policy: Policy::default(),
            previous: None,
        }
    }
}

/// A client that has just been made, with the key that is shown once.
pub struct Issued {
    /// What is kept.
    pub client: Client,
    /// What is shown.
    pub key: Secret,
}

impl Issued {
    /// Makes a client. Nothing is kept yet.
    pub fn new(
        name: &str,
        created_at_ms: Millis,
        expires_in_ms: Option<i64>,
        vault: &Vault,
        random: &dyn Random,
    ) -> Result<Self> {
        let name = named("client", name)?;
        if expires_in_ms.is_some_and(|time| time <= 0) {
            return Err(Error::bad_request("A key expires in the future.").at("expires_in_ms"));
        }
        let minted = mint(random);
        let client = Client {
            id: minted.public_id,
            name,
            hash: vault.client_hash(minted.key.expose()),
            created_at_ms,
            expires_at_ms: expires_in_ms.map(|time| created_at_ms.saturating_add(time)),
            team: String::new(),
            strict: false,
            policy: Policy::default(),
            previous: None,
        };
        Ok(Self { client, key: minted.key })
    }
}

impl Client {
    /// The document that keeps it, as the version after `version`.
    pub fn to_document(&self, version: i64) -> Result<Document> {
        Ok(Document {
            kind: Kind::Client,
            id: self.id.clone(),
            parent: self.team.clone(),
            name: self.name.clone(),
            version,
            revision: 0,
            deleted: false,
            shape: SHAPE,
            body: serde_json::to_string(self).map_err(Error::internal)?,
        })
    }

    /// Calls it by another name.
    pub fn rename(&mut self, name: &str) -> Result<()> {
        self.name = named("client", name)?;
        Ok(())
    }

    /// Reads a document of kind `client`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let mut client: Self = json::read(&document.body)
            .map_err(|error| Error::internal(format!("client {}: {error}", document.id)))?;
        client.id.clone_from(&document.id);
        client.name.clone_from(&document.name);
        Ok(client)
    }

    /// Whether this key is the client's and has not expired.
    #[must_use]
    pub fn accepts(&self, key: &str, vault: &Vault, now: Millis) -> bool {
        let current = self.expires_at_ms.is_none_or(|end| now < end);
        let known = self.working(now).any(|hash| vault.fits(hash, key));
        known && current
    }

    /// Whether the current root secret has hashed every key of it that works.
    pub(crate) fn is_current(&self, vault: &Vault, now: Millis) -> bool {
        self.working(now).all(|hash| vault.is_current(hash))
    }

    /// Hashes a key of it under the current root secret. False when there is nothing to do.
    pub(crate) fn rehash(&mut self, key: &str, vault: &Vault) -> bool {
        let before = self.previous.as_mut().map(|previous| &mut previous.hash);
        let mut hashes = std::iter::once(&mut self.hash).chain(before);
        let Some(hash) = hashes.find(|hash| vault.fits(hash, key)) else { return false };
        let anew = !vault.is_current(hash);
        *hash = vault.client_hash(key);
        anew
    }

    /// Gives the client another key. The one it has works until `until_ms`, one before that no more.
    pub fn rotate(&mut self, until_ms: Millis, vault: &Vault, random: &dyn Random) -> Secret {
        let minted = mint_for(self.id.clone(), random);
        let hash = std::mem::replace(&mut self.hash, vault.client_hash(minted.key.expose()));
        self.previous = Some(Previous { hash, until_ms });
        minted.key
    }

    /// The hashes of its key, and of the one before while that works.
    fn working(&self, now: Millis) -> impl Iterator<Item = &str> {
        let before = self.previous.as_ref().filter(|previous| now < previous.until_ms);
        std::iter::once(self.hash.as_str()).chain(before.map(|previous| previous.hash.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::RootSecret,
        testing::{SeededRandom, root_secret},
    };

    #[test]
    fn a_key_is_hashed_anew_where_it_is_kept() {
        let old = RootSecret(zeroize::Zeroizing::new([6; 32]));
        let (before, both) = (Vault::new(&old), Vault::after(&root_secret(), &[old]));
        let after = Vault::new(&root_secret());
        let random = SeededRandom::new(1);
        let Issued { mut client, key: first } =
            Issued::new("anna", 0, None, &before, &random).unwrap();
        let second = client.rotate(100, &before, &random);

        assert!(!client.rehash("tg_nobody", &both), "a key that is not the client's");
        assert!(!client.accepts(second.expose(), &after, 0) && !client.is_current(&both, 0));
        assert!(client.rehash(second.expose(), &both));
        assert!(client.accepts(second.expose(), &after, 0), "it needs the old secret no more");
        assert!(!client.rehash(second.expose(), &both), "there is nothing left to do");

        assert!(!client.accepts(first.expose(), &after, 0) && !client.is_current(&both, 0));
        assert!(client.is_current(&both, 100), "a key that has ended needs no new hash");
        assert!(client.rehash(first.expose(), &both));
        assert!(client.accepts(first.expose(), &after, 99) && client.is_current(&both, 0));
        assert!(!client.accepts(first.expose(), &after, 100), "it ends when it was to end");
        assert!(client.accepts(second.expose(), &after, 100));
    }
}
