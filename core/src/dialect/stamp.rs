//! What does an answer bear that no provider said? Its id, its time, and the name of the model.

use std::sync::Arc;

use super::{carry::Carrier, frame::Framing};

/// What a writer puts on an answer.
#[derive(Clone)]
pub(crate) struct Stamp {
    /// Letters and digits, unique; each dialect puts its own prefix before it.
    pub(crate) id: String,
    /// Seconds since 1970.
    pub(crate) at_s: i64,
    /// The model, as the answer names it.
    pub(crate) model: String,
    /// Whether the client wants to see the usage at a stream's end, where the dialect lets it choose.
    pub(crate) usage_wanted: bool,
    /// How the client wants a stream framed.
    pub(crate) framing: Framing,
    /// Seals what a provider wants back, so that it can travel through another dialect.
    pub(crate) carrier: Arc<Carrier>,
    /// The fields of the request that this dialect repeats in its answers, by name, as they came.
    pub(crate) echo: Vec<(String, Box<serde_json::value::RawValue>)>,
}

impl Stamp {
    /// An id of one part of the answer: the same for the same number.
    pub(crate) fn part_id(&self, prefix: &str, part: usize) -> String {
        format!("{prefix}{}{part:02}", self.id)
    }
}
