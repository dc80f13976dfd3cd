//! How is a turn kept? One blob each: what was asked, what was answered, and which turn came before.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    dialect::Object,
    error::{Error, Result},
    gateway::Gateway,
    identity::Secret,
    json,
    limits::{TURN_BYTES_MAX, TURN_ID_BYTES_MAX, TURN_KEEP},
    store::Blob,
};

/// Which of a response's blobs holds the turn.
const PART: &str = "turn";

/// A turn as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Turn {
    /// The turn before.
    pub(crate) parent: Option<String>,
    /// The items of this turn's request.
    pub(crate) input: Vec<Box<RawValue>>,
    /// The whole response.
    pub(crate) response: Box<RawValue>,
}

/// What is known of a turn before its answer.
#[derive(Clone)]
pub(crate) struct Keep {
    pub(crate) client: String,
    pub(crate) parent: Option<String>,
    pub(crate) input: Vec<Box<RawValue>>,
}

impl Keep {
    /// Keeps the turn whose answer this is. A response that says it is not stored, or that has no id, is not.
    pub(crate) async fn store(self, gateway: Gateway, response: Bytes) -> Result<()> {
        let Self { client, parent, input } = self;
        let object = Object::read(&response)?;
        let Some(id) = object.typed::<String>("id")?.filter(|id| fits(id)) else { return Ok(()) };
        let response = serde_json::from_slice(&response).map_err(Error::internal)?;
        let turn = Turn { parent, input, response };
        let text = serde_json::to_string(&turn).map_err(Error::internal)?;
        if text.len() > TURN_BYTES_MAX {
            return Err(Error::internal("the turn is too large to be kept"));
        }
        let sealed = gateway.state.vault.seal(
            &Secret::new(text),
            &place(&client, &id),
            &*gateway.ports.random,
        )?;
        let keep_ms = i64::try_from(TURN_KEEP.as_millis()).unwrap_or(i64::MAX);
        let expires_at_ms = gateway.ports.clock.now().saturating_add(keep_ms);
        let (part, sealed) = (PART.to_owned(), sealed.into());
        gateway.ports.store.put_blob(Blob { client, id, part, expires_at_ms, sealed }).await
    }
}

/// The turn of a response of this client.
pub(crate) async fn load(gateway: &Gateway, client: &str, id: &str) -> Result<Option<Turn>> {
    if !fits(id) {
        return Ok(None);
    }
    let now = gateway.ports.clock.now();
    let Some(sealed) = gateway.ports.store.get_blob(client, id, PART, now).await? else {
        return Ok(None);
    };
    let sealed = std::str::from_utf8(&sealed).map_err(Error::internal)?;
    let text = gateway.state.vault.open(sealed, &place(client, id))?;
    json::read(text.expose()).map(Some).map_err(Error::internal)
}

/// Forgets a turn; `false` when there was none.
pub(crate) async fn forget(gateway: &Gateway, client: &str, id: &str) -> Result<bool> {
    if load(gateway, client, id).await?.is_none() {
        return Ok(false);
    }
    let (client, id, part) = (client.to_owned(), id.to_owned(), PART.to_owned());
    // A blob that has expired is not found, and upkeep takes it away.
    let blob = Blob { client, id, part, expires_at_ms: 0, sealed: Bytes::new() };
    gateway.ports.store.put_blob(blob).await.map(|()| true)
}

fn fits(id: &str) -> bool {
    !id.is_empty() && id.len() <= TURN_ID_BYTES_MAX
}

fn place(client: &str, id: &str) -> String {
    format!("turn|{client}|{id}")
}
