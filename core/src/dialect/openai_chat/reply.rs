//! What does a whole chat answer say about its usage?

use serde_json::value::RawValue;

use super::{stream::usage_of, wire::Completion};
use crate::{
    dialect::{Read, Reply, Stamp},
    error::{Error, Result},
};

/// Reads a whole answer. JSON of an unknown shape says nothing and is no error; what is not JSON is `None`.
pub(crate) fn glance(body: &[u8]) -> Option<Read> {
    let Ok(completion) = serde_json::from_slice::<Completion<'_>>(body) else {
        let json = serde_json::from_slice::<&RawValue>(body);
        return json.is_ok().then(Read::default);
    };
    let choices = completion.choices.as_deref().unwrap_or_default();
    let texts = choices.iter().filter_map(|choice| choice.message.as_ref());
    Some(Read {
        usage: usage_of(&completion),
        text_bytes: texts.map(super::stream::text_bytes).sum(),
        failure: completion.error.map(|error| super::error::from_body(error, None)),
    })
}

/// Reads a whole answer.
pub(crate) fn read(_body: &[u8]) -> Result<Reply> {
    Err(Error::internal("unwritten"))
}

/// Writes a whole answer.
pub(crate) fn write(_reply: &Reply, _stamp: &Stamp) -> Vec<u8> {
    Vec::new()
}
