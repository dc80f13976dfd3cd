//! The Gemini generateContent dialect.

pub(crate) mod error;
mod fields;
mod finish;
mod grounding;
mod out;
mod parts;
pub(crate) mod reply;
pub(crate) mod request;
mod schema;
pub(crate) mod stream;
mod usage;
mod wire;
