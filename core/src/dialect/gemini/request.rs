//! What does a request ask for, and how is one written?

use bytes::Bytes;

use crate::{
    dialect::{Ask, Carrier, Framing, Losses, Prompt, Traits},
    error::{Error, Result},
};

/// Reads the few things the gateway itself needs.
pub(crate) fn ask(_body: &[u8]) -> Result<Ask> {
    Err(Error::internal("unwritten"))
}

/// The request for a provider of the same dialect.
pub(crate) fn patch(body: &Bytes, _ask: &Ask, _model: &str) -> Result<Bytes> {
    Ok(body.clone())
}

/// Reads a request wholly.
pub(crate) fn read(_body: &[u8], _carrier: &Carrier) -> Result<Prompt> {
    Err(Error::internal("unwritten"))
}

/// Writes a request.
pub(crate) fn write(_prompt: &Prompt, _traits: &Traits, _losses: &mut Losses) -> Result<Vec<u8>> {
    Err(Error::internal("unwritten"))
}

/// What follows the base URL: model and verb stand in the path.
pub(crate) fn path(ask: &Ask, model: &str, framing: Framing) -> String {
    let verb = match (ask.stream, framing) {
        (false, _) => "generateContent",
        (true, Framing::Array) => "streamGenerateContent",
        (true, Framing::Events | Framing::Lines) => "streamGenerateContent?alt=sse",
    };
    format!("/models/{model}:{verb}")
}
