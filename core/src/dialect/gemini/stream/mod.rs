//! What do the events of a stream say, and how are they written?

mod partial;
mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

#[cfg(test)]
mod tests;
