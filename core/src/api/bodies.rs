//! What was said, word for word? The captured bodies of a request, for administrators.

use http::StatusCode;
use serde::Serialize;

use super::{Answer, records::find, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    relay::capture,
    router::Visit,
};

/// Both bodies of a request. One that was not captured, or is forgotten by now, is null.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// The record.
    id: String,
    /// What the client sent, cut at the size that is kept. Bytes that are no text are replaced.
    request: Option<String>,
    /// What the client was given.
    response: Option<String>,
}

/// The bodies of the record with this id.
pub(crate) fn get(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let record = find(gateway, &visit.param).await?;
        let read = async |part| open(gateway, [&record.client, &record.id, part]).await;
        let [request, response] = capture::PARTS;
        let (request, response) = (read(request).await?, read(response).await?);
        if request.is_none() && response.is_none() {
            return Err(Error::not_found("No bodies of this request are kept."));
        }
        write(StatusCode::OK, &Shown { id: record.id.clone(), request, response })
    })
}

async fn open(gateway: &Gateway, [client, id, part]: [&str; 3]) -> Result<Option<String>> {
    let now = gateway.ports.clock.now();
    let Some(sealed) = gateway.ports.store.get_blob(client, id, part, now).await? else {
        return Ok(None);
    };
    let sealed = std::str::from_utf8(&sealed).map_err(Error::internal)?;
    let text = gateway.state.vault.open(sealed, &capture::place(id, part))?;
    Ok(Some(text.expose().to_owned()))
}
