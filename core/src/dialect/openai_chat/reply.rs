//! What does a whole chat answer say about its usage?

use super::{stream::usage_of, wire::Completion};
use crate::dialect::Read;

/// Reads a whole answer. One that cannot be read is passed on all the same, so it is no error here.
pub(crate) fn read(body: &[u8]) -> Read {
    let Ok(completion) = serde_json::from_slice::<Completion<'_>>(body) else {
        return Read::default();
    };
    let choices = completion.choices.as_deref().unwrap_or_default();
    let texts = choices.iter().filter_map(|choice| choice.message.as_ref());
    Read {
        usage: usage_of(&completion),
        text_bytes: texts.map(super::stream::text_bytes).sum(),
        failure: completion.error.map(|error| super::error::from_body(error, None)),
    }
}
