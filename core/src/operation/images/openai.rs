//! Wishes and pictures in the words of `OpenAI`.

mod read;
mod write;

pub(super) use read::{read, read_edit, read_form};
pub(super) use write::{answer, events};
