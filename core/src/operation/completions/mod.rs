//! How is a text continued by a provider that has only conversations? As what one turn of the user is answered.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{Writer, answer};

/// What follows the base URL of a provider that continues texts.
pub(super) const PATH: &str = "/completions";
