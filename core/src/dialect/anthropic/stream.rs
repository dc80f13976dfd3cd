//! What do the events of a stream say, and how are they written?

mod reader;
mod words;
mod writer;

pub(crate) use reader::Reader;
pub(super) use words::{call_id, call_state, is_hidden, media_text, message_id, seal};
pub(crate) use writer::Writer;

#[cfg(test)]
pub(super) mod tests;
