//! What is known of a client: the body of its document.

use serde::{Deserialize, Serialize};

use super::{Secret, Vault, mint};
use crate::{
    error::{Error, Result},
    limits::NAME_BYTES_MAX,
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
        let name = name.trim();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let message = format!("A client has a name of at most {NAME_BYTES_MAX} bytes.");
            return Err(Error::bad_request(message).at("name"));
        }
        if expires_in_ms.is_some_and(|time| time <= 0) {
            return Err(Error::bad_request("A key expires in the future.").at("expires_in_ms"));
        }
        let minted = mint(random);
        let client = Client {
            id: minted.public_id,
            name: name.to_owned(),
            hash: vault.client_hash(minted.key.expose()),
            created_at_ms,
            expires_at_ms: expires_in_ms.map(|time| created_at_ms.saturating_add(time)),
            team: String::new(),
        };
        Ok(Self { client, key: minted.key })
    }
}

impl Client {
    /// The document that keeps it.
    pub fn to_document(&self) -> Result<Document> {
        Ok(Document {
            kind: Kind::Client,
            id: self.id.clone(),
            parent: self.team.clone(),
            name: self.name.clone(),
            version: 0,
            revision: 0,
            deleted: false,
            shape: SHAPE,
            body: serde_json::to_string(self).map_err(Error::internal)?,
        })
    }

    /// Reads a document of kind `client`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let mut client: Self = serde_json::from_str(&document.body)
            .map_err(|error| Error::internal(format!("client {}: {error}", document.id)))?;
        client.id.clone_from(&document.id);
        client.name.clone_from(&document.name);
        Ok(client)
    }

    /// Whether this key is the client's and has not expired.
    #[must_use]
    pub fn accepts(&self, key: &str, vault: &Vault, now: Millis) -> bool {
        let current = self.expires_at_ms.is_none_or(|end| now < end);
        vault.fits(&self.hash, key) && current
    }
}
