//! How does this API say that something went wrong?

use bytes::Bytes;
use http::StatusCode;

use crate::{dialect::openai_chat, error::Error};

/// Reads a provider's error body.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Error {
    openai_chat::error::read(status, body)
}

/// An error as a body of its own.
pub(crate) fn write(error: &Error) -> (StatusCode, Vec<u8>) {
    openai_chat::error::write(error)
}

/// An error in the middle of a stream.
pub(crate) fn event(error: &Error) -> Bytes {
    openai_chat::error::event(error)
}
