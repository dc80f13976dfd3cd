//! What happens in a stream, whatever its dialect?

use serde_json::value::RawValue;

use super::{
    Dialect,
    ir::{Citation, Media, State, Stop},
};
use crate::{error::Error, store::Usage};

/// One thing that a stream says. Parts are numbered in the order they open, from 0; only one is open at a time, except
/// calls of tools, which a dialect may interleave.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The answer begins. Comes once, and first, where the dialect has it.
    Start {
        /// The provider's id of the answer.
        id: String,
        /// The model, as the provider calls it.
        model: String,
    },
    /// A part begins.
    Open {
        /// Its number.
        part: usize,
        /// What it is.
        kind: Kind,
    },
    /// More of a part: text, reasoning or the arguments of a call.
    Delta {
        /// Its number.
        part: usize,
        /// What was added.
        text: String,
    },
    /// The state that the provider wants back with a part.
    Sign {
        /// Its number.
        part: usize,
        /// The state.
        state: State,
    },
    /// Where the words of a text part come from.
    Cite {
        /// Its number.
        part: usize,
        /// The source.
        citation: Citation,
    },
    /// A part is complete.
    Close {
        /// Its number.
        part: usize,
    },
    /// Usage; may come more than once, the last one counts.
    Usage(Usage),
    /// The model has finished.
    Finish(Stop),
    /// The stream says that it is over.
    Done,
    /// An error inside a stream that began well.
    Fail(Error),
    /// Something without a meaning to us.
    Other,
}

/// What kind of part opens.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// The model's words for not answering.
    Refusal,
    /// What the model thinks.
    Thought {
        /// Whether it is a summary.
        summary: bool,
    },
    /// A call of a tool.
    Call {
        /// What the result will refer to; empty where the dialect has no ids.
        id: String,
        /// The tool.
        name: String,
        /// Whether the tool takes free text.
        custom: bool,
    },
    /// Media that the model made; it opens whole.
    Media(Media),
    /// A piece that only the provider's dialect knows; it opens whole.
    Opaque {
        /// Whose it is.
        dialect: Dialect,
        /// The dialect's name for it.
        kind: String,
        /// The piece as it came.
        json: Box<RawValue>,
    },
}

impl Kind {
    /// Whether it says something as soon as it opens.
    pub(crate) fn says_something(&self) -> bool {
        match self {
            Self::Text | Self::Refusal | Self::Thought { .. } => false,
            Self::Call { .. } | Self::Media(_) | Self::Opaque { .. } => true,
        }
    }
}
