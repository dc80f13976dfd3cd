//! How does a root secret give way to another? What the older one has sealed is sealed anew, batch by batch.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    Answer,
    document::next,
    edit::{Edit, commit},
    inbound, keys, write,
};
use crate::{
    error::Result,
    gateway::Gateway,
    identity::Client,
    limits::RESEALED_MAX,
    router::{Caller, Visit},
    store::{Kind, ListQuery},
};

/// Where to go on.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// The `next` of the batch before.
    #[serde(default)]
    after: Option<String>,
}

/// What a batch has done.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Done {
    /// Upstream keys that were sealed anew.
    resealed: usize,
    /// Upstream keys that no known secret opens, or whose provider has moved: they must be given anew.
    unreadable: usize,
    /// Clients whose key was last seen under an older secret. Each moves on when it is used next.
    clients_left: usize,
    /// Where the next batch starts; null when this was the last one.
    next: Option<String>,
}

/// Seals upstream keys anew, and counts what is left of older secrets. Doing it again does no harm.
pub(crate) fn rotate(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Wanted { after } = inbound::optional(visit.request).await?;
        let done = match after.as_deref().and_then(|after| after.strip_prefix(CLIENTS)) {
            Some(after) => count_clients(gateway, after).await?,
            None => reseal(gateway, after, &visit.caller).await?,
        };
        write(StatusCode::OK, &done)
    })
}

/// Clients are looked through after the keys.
const CLIENTS: &str = "client:";

async fn reseal(gateway: &Gateway, after: Option<String>, caller: &Caller) -> Result<Done> {
    let page = ListQuery { parent: None, after, limit: RESEALED_MAX };
    let documents = gateway.ports.store.list(Kind::Key, &page).await?;
    let next = next(&documents, RESEALED_MAX).unwrap_or_else(|| CLIENTS.to_owned());
    let mut done = Done { next: Some(next), ..Done::default() };
    let mut edits = Vec::new();
    for found in keys::resealed(gateway, documents).await? {
        match found {
            keys::Resealed::Anew { before, after } => edits.push(Edit::put(*after, Some(&before))),
            keys::Resealed::Current => {}
            keys::Resealed::Unreadable => done.unreadable += 1,
        }
    }
    done.resealed = edits.len();
    if !edits.is_empty() {
        commit(gateway, caller, "rotate secret", edits).await?;
    }
    Ok(done)
}

async fn count_clients(gateway: &Gateway, after: &str) -> Result<Done> {
    let page = ListQuery { parent: None, after: Some(after.to_owned()), limit: RESEALED_MAX };
    let documents = gateway.ports.store.list(Kind::Client, &page).await?;
    let next = next(&documents, RESEALED_MAX).map(|id| format!("{CLIENTS}{id}"));
    let now = gateway.ports.clock.now();
    let mut done = Done { next, ..Done::default() };
    for document in &documents {
        let client = Client::from_document(document)?;
        if !client.is_current(&gateway.state.vault, now) {
            done.clients_left += 1;
        }
    }
    Ok(done)
}
