//! What do the lines of a stream say, and how are they written?

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(super) use reader::usage;
pub(crate) use writer::Writer;
pub(super) use writer::{call, end, message};

#[cfg(test)]
mod tests;
