//! The Gemini generateContent dialect.

pub(crate) mod error;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
