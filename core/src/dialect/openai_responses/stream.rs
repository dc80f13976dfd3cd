//! What do the events of a stream say, and how are they written?

mod items;
mod parts;
mod reader;
mod usage;
mod writer;

pub(super) use parts::citation;
pub(crate) use reader::Reader;
pub(super) use usage::canonical;
pub(crate) use writer::Writer;

#[cfg(test)]
mod tests;
