//! What do the chunks of a chat stream say, and how are they written?

mod reader;
mod skim;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use reader::Reader;
pub(crate) use skim::skim;
pub(crate) use writer::Writer;
pub(super) use writer::{
    AnnotationOut, DetailsOut, ImageOut, annotation, details, extra, finish_word, image,
};
