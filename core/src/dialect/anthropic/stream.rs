//! What do the events of a stream say, and how are they written?

use crate::dialect::{Event, Stamp};

/// Reads frame after frame.
#[derive(Default)]
pub(crate) struct Reader;

impl Reader {
    /// Reads one frame into `out`.
    pub(crate) fn push(&mut self, _frame: &[u8], _out: &mut Vec<Event>) {}

    /// The stream has ended.
    pub(crate) fn end(&mut self, _out: &mut Vec<Event>) {}
}

/// Writes event after event.
pub(crate) struct Writer;

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(_stamp: Stamp) -> Self {
        Self
    }

    /// Adds what an event is in this dialect to `out`.
    pub(crate) fn push(&mut self, _event: Event, _out: &mut Vec<u8>) {}
}
