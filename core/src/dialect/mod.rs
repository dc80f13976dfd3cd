//! Which API dialects are there? The only `match` on a dialect is in this file.

mod event;
mod object;
mod openai_chat;
mod patch;
mod sse;

use bytes::Bytes;
use http::StatusCode;

pub(crate) use event::Event;
pub(crate) use sse::Splitter;

use crate::{
    error::{Error, Result},
    store::Usage,
};

/// The language of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
}

/// What a request asks for, as far as the gateway cares.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The model, as the client calls it.
    pub(crate) model: String,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Whether the client wants to see the usage at a stream's end.
    pub(crate) usage_wanted: bool,
}

/// What a whole answer says.
#[derive(Default)]
pub(crate) struct Read {
    /// The usage, if it is told.
    pub(crate) usage: Option<Usage>,
    /// How much text there is, for an estimate.
    pub(crate) text_bytes: u64,
    /// The error, if the answer is one in spite of its status.
    pub(crate) failure: Option<Error>,
}

/// Reads the frames of a stream.
pub(crate) enum Reader {
    /// `OpenAI` chat.
    OpenAiChat(openai_chat::stream::Reader),
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 1] = [Self::OpenAiChat];

    /// The word in configuration and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
        }
    }

    /// What follows a provider's base URL.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAiChat => "/chat/completions",
        }
    }

    pub(crate) fn read_request(self, body: &[u8]) -> Result<Ask> {
        match self {
            Self::OpenAiChat => openai_chat::request::read(body),
        }
    }

    pub(crate) fn patch_request(self, body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
        match self {
            Self::OpenAiChat => openai_chat::request::patch(body, ask, model),
        }
    }

    /// Reads a whole answer; `None` when it is not even JSON.
    pub(crate) fn read_reply(self, body: &[u8]) -> Option<Read> {
        match self {
            Self::OpenAiChat => openai_chat::reply::read(body),
        }
    }

    pub(crate) fn reader(self) -> Reader {
        match self {
            Self::OpenAiChat => Reader::OpenAiChat(openai_chat::stream::Reader),
        }
    }

    pub(crate) fn read_error(self, status: StatusCode, body: &[u8]) -> Error {
        match self {
            Self::OpenAiChat => openai_chat::error::read(status, body),
        }
    }

    pub(crate) fn write_error(self, error: &Error) -> (StatusCode, Vec<u8>) {
        match self {
            Self::OpenAiChat => openai_chat::error::write(error),
        }
    }

    /// An error as a frame of a stream.
    pub(crate) fn error_frame(self, error: &Error) -> Bytes {
        match self {
            Self::OpenAiChat => openai_chat::error::event(error),
        }
    }

    /// The frame that says a stream is over; empty when the dialect has none.
    pub(crate) fn done_frame(self) -> &'static [u8] {
        match self {
            Self::OpenAiChat => b"data: [DONE]\n\n",
        }
    }
}

impl Reader {
    /// Reads one frame into `out`, which is empty.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        match self {
            Self::OpenAiChat(reader) => reader.push(frame, out),
        }
    }
}
