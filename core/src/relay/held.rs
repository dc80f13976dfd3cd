//! What becomes of an answer of which a filter has left nothing? It waits, and serves when nobody else has more to say.

use super::{
    classify::note,
    dispatch::{Served, name},
    resolve::{Question, Target},
};
use crate::store::{Record, Usage};

/// An answer that waits.
pub(super) struct Held {
    served: Served,
    /// Whose it is.
    pub(super) by: Target,
    /// What the record says of how it was asked for.
    dropped: String,
    added: String,
}

impl Held {
    /// Holds an answer back, of which the record tells.
    pub(super) fn back(served: Served, by: Target, record: &Record) -> Self {
        Self { served, by, dropped: record.dropped.clone(), added: record.added.clone() }
    }

    /// The answer, and the record as it was with it.
    pub(super) fn serve(self, record: &mut Record) -> Served {
        name(record, &self.by);
        (record.dropped, record.added) = (self.dropped, self.added);
        self.served
    }

    /// Another answer serves. What this one has cost is on the bill all the same.
    pub(super) fn pay(self, question: &Question<'_>, record: &mut Record) {
        let prompt = question.inbound.size().input;
        let usage = self.served.usage().unwrap_or(Usage { prompt, ..Usage::default() });
        if record.side.model.is_empty() {
            record.side.model = format!("{}/{}", self.by.provider.id, self.by.model);
        }
        note(question.gateway, &self.by, usage, record);
    }
}
