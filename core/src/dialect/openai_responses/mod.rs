//! The `OpenAI` Responses dialect.

pub(crate) mod error;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod wire;
