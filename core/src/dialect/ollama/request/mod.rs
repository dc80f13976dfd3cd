//! What does a request ask for, and how is one written?

mod read;
mod write;

use bytes::Bytes;

pub(crate) use read::read;
pub(crate) use write::write;

use crate::{
    dialect::{
        Ask,
        object::Object,
        patch::{self, Edit},
    },
    error::{Error, Result},
    limits::MODEL_BYTES_MAX,
};

#[cfg(test)]
mod tests;

/// Reads model and manner of answering: unless it is told otherwise, the API streams.
pub(crate) fn ask(body: &[u8]) -> Result<Ask> {
    let object = Object::read(body)?;
    let model: Option<String> = object.typed("model")?;
    let model = model.unwrap_or_default();
    if model.is_empty() || model.len() > MODEL_BYTES_MAX {
        return Err(Error::bad_request("`model` must name a model.").at("model"));
    }
    Ok(Ask { model, stream: object.typed("stream")?.unwrap_or(true), usage_wanted: true })
}

/// The request as the provider gets it: its own name of the model.
pub(crate) fn patch(body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
    if ask.model == model {
        return Ok(body.clone());
    }
    let object = Object::read(body)?;
    let name = serde_json::to_string(model).map_err(Error::internal)?;
    let edits: Vec<Edit> =
        object.spans("model").map(|at| Edit { at, with: name.clone() }).collect();
    Ok(patch::apply(body, &edits))
}
