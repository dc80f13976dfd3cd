//! What is known of a client: the body of its document.

use serde::{Deserialize, Serialize};

use super::same;
use crate::{
    error::{Error, Result},
    ports::Millis,
    store::Document,
};

/// The shape this code writes.
pub const SHAPE: i64 = 1;

/// Who may call us.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The public id of its key.
    #[serde(skip)]
    pub id: String,
    /// What people call it.
    #[serde(skip)]
    pub name: String,
    /// Hex of the key's HMAC.
    pub hash: String,
    /// When it was made; 0 for a declared one.
    pub created_at_ms: Millis,
    /// When it ends, if ever.
    pub expires_at_ms: Option<Millis>,
    /// Its team; empty when it has none.
    #[serde(default)]
    pub team: String,
}

impl Client {
    /// Reads a document of kind `client`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let mut client: Self = serde_json::from_str(&document.body)
            .map_err(|error| Error::internal(format!("client {}: {error}", document.id)))?;
        client.id.clone_from(&document.id);
        client.name.clone_from(&document.name);
        Ok(client)
    }

    /// Whether a key with this hash is this client's and has not expired.
    #[must_use]
    pub fn accepts(&self, hash: &str, now: Millis) -> bool {
        let current = self.expires_at_ms.is_none_or(|end| now < end);
        same(self.hash.as_bytes(), hash.as_bytes()) && current
    }
}
