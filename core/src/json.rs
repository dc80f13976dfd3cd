//! How is a JSON text read? As bytes: a reader of texts beside it would be compiled once more for every type.

use serde::Deserialize;

/// Reads a text that is one JSON value.
pub(crate) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}
