//! The `OpenAI` chat completions dialect.

pub(crate) mod error;
mod out;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod usage;
mod wire;
