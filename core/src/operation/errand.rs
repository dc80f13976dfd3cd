//! What is asked of a provider that has no such endpoint, and what becomes of its answers?

use bytes::Bytes;

use super::{embeddings, images};
use crate::{
    dialect::{Carrier, Dialect},
    error::Result,
    store::Usage,
};

/// A request and the provider it is for.
pub(crate) struct Asked<'a> {
    /// What the provider speaks.
    pub(crate) provider: Dialect,
    /// The request as it came.
    pub(crate) body: &'a [u8],
    /// The boundary of its parts, when it is a form.
    pub(crate) boundary: Option<&'a str>,
    /// The model, as the provider calls it.
    pub(crate) model: &'a str,
    /// Seconds since 1970.
    pub(crate) at_s: i64,
    /// Opens what another provider wanted the client to keep.
    pub(crate) carrier: &'a Carrier,
}

/// How an answer is had.
pub(crate) enum Errand {
    /// The gateway knows it.
    Known(Answer),
    /// The provider is asked, in as many requests as it takes.
    Ask {
        /// What follows its base URL.
        path: String,
        /// The requests.
        bodies: Vec<Vec<u8>>,
        /// Makes one answer of what it says to them.
        back: Back,
    },
}

/// Makes the client's answer of what a provider said.
pub(crate) enum Back {
    /// Texts as vectors.
    Embeddings(embeddings::Back),
    /// Pictures.
    Images(images::Back),
}

impl Back {
    /// Reads the answers, which are in the order of the requests.
    pub(crate) fn read(self, answers: &[Bytes]) -> Result<Answer> {
        match self {
            Self::Embeddings(back) => back.read(answers),
            Self::Images(back) => back.read(answers),
        }
    }
}

/// What the client gets.
pub(crate) struct Answer {
    /// Its type.
    pub(crate) kind: &'static str,
    /// The answer in the client's words.
    pub(crate) body: Vec<u8>,
    /// What was used.
    pub(crate) usage: Usage,
    /// Whether a number in it is an estimate.
    pub(crate) estimated: bool,
}

impl Answer {
    /// An answer in JSON that is exact.
    pub(crate) fn json(body: Vec<u8>, usage: Usage) -> Self {
        Self { kind: "application/json", body, usage, estimated: false }
    }
}
