//! What does the client want? Its body, whole and bounded, and the few things the gateway reads of it.

use bytes::Bytes;
use http::{HeaderMap, header};

use crate::{
    dialect::{Ask, Dialect},
    error::{Error, Result},
    http::{Body, read},
    limits::BODY_BYTES_MAX,
    store::Record,
};

/// A data route: its path and what is spoken there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    /// The path, as the record names it.
    pub(crate) path: &'static str,
    /// The client's dialect.
    pub(crate) dialect: Dialect,
}

/// A request that can be routed. No later stage checks it again.
pub(super) struct Inbound {
    /// What the client speaks.
    pub(super) dialect: Dialect,
    /// What it asks for.
    pub(super) ask: Ask,
    /// The body as it came.
    pub(super) raw: Bytes,
}

#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn receive(
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Body,
    record: &mut Record,
) -> Result<Inbound> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(Error::bad_request("Send the body without content-encoding."));
    }
    let raw = read(body, BODY_BYTES_MAX).await?;
    record.bytes_in = raw.len() as u64;
    let ask = endpoint.dialect.ask(&raw)?;
    record.requested_model.clone_from(&ask.model);
    record.stream = ask.stream;
    Ok(Inbound { dialect: endpoint.dialect, ask, raw })
}
