//! What do the events of a stream say, and how are they written?

mod items;
mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(super) use reader::{canonical, citation};
pub(crate) use writer::Writer;
