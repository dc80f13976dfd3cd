//! What can a turn of a conversation hold?

use serde_json::value::RawValue;

use crate::dialect::Dialect;

/// One piece of a turn or of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Text.
    Text {
        /// The words.
        text: String,
        /// Where they come from; of an answer.
        citations: Vec<Citation>,
        /// Whether a cache ends here.
        cache: Option<Cache>,
    },
    /// The model's words for not answering.
    Refusal(String),
    /// An image, a document, audio or video.
    Media(Media),
    /// What the model thought.
    Thought(Thought),
    /// The model calls a tool.
    Call(Call),
    /// What came of a call.
    Outcome(Outcome),
    /// A piece that only one dialect knows, such as a search that its provider made.
    Opaque {
        /// Whose it is.
        dialect: Dialect,
        /// The dialect's name for it.
        kind: String,
        /// The piece as it came.
        json: Box<RawValue>,
    },
}

impl Part {
    /// Whether there is anything in it for a reader.
    pub(crate) fn says_something(&self) -> bool {
        match self {
            Self::Text { text, .. } | Self::Refusal(text) => !text.is_empty(),
            Self::Thought(thought) => !thought.text.is_empty(),
            Self::Media(_) | Self::Call(_) | Self::Outcome(_) | Self::Opaque { .. } => true,
        }
    }
}

/// A place where the provider may keep what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// For some minutes.
    Short,
    /// For an hour or more.
    Long,
}

/// An image, a document, audio or video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// What it is.
    pub(crate) kind: MediaKind,
    /// Where its bytes are.
    pub(crate) source: Source,
    /// How closely an image is looked at, in the words of the chat dialect.
    pub(crate) detail: Option<String>,
    /// A file's name or title.
    pub(crate) name: Option<String>,
    /// Whether a cache ends here.
    pub(crate) cache: Option<Cache>,
}

/// What media is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    /// A picture.
    Image,
    /// A PDF or a text file.
    Document,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// Where the bytes of media are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Here.
    Data {
        /// Such as `image/png`.
        mime: String,
        /// The bytes in standard base64; a plain text document holds its text in [`Source::Text`].
        base64: String,
    },
    /// Here, as text.
    Text(String),
    /// Somewhere on the web, or where the provider can reach it.
    Url {
        /// Such as `image/png`, where it was told.
        mime: Option<String>,
        /// The address.
        url: String,
    },
    /// In a provider's own file store: nowhere else.
    File {
        /// Whose store.
        dialect: Dialect,
        /// Its name there.
        id: String,
    },
}

/// What the model thought. The text may be empty when only its state is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thought {
    /// The words.
    pub(crate) text: String,
    /// Whether they are a summary rather than the thoughts themselves.
    pub(crate) summary: bool,
    /// What the provider wants back.
    pub(crate) state: Option<State>,
}

/// Something opaque that only the provider that made it understands, and wants back unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The dialect it was made in.
    pub(crate) dialect: Dialect,
    /// The dialect's name for its form: one of [`State::FORMS`].
    pub(crate) form: &'static str,
    /// The dialect's id of the piece it belongs to; empty when it has none.
    pub(crate) id: String,
    /// The state itself.
    pub(crate) data: String,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// What the result refers to; empty where the dialect has no ids.
    pub(crate) id: String,
    /// The tool.
    pub(crate) name: String,
    /// The arguments: JSON in its exact text, or free text when the tool is a custom one.
    pub(crate) arguments: String,
    /// Whether the tool takes free text.
    pub(crate) custom: bool,
    /// What the provider wants back with the call.
    pub(crate) state: Option<State>,
}

/// The result of a call.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The call's id; empty where the dialect has no ids.
    pub(crate) id: String,
    /// The tool's name, where the dialect tells it here.
    pub(crate) name: Option<String>,
    /// What came of it: text and media. A result that was JSON is text.
    pub(crate) parts: Vec<Part>,
    /// Whether the tool failed.
    pub(crate) failed: bool,
    /// Whether the call was of a custom tool.
    pub(crate) custom: bool,
    /// Whether a cache ends here.
    pub(crate) cache: Option<Cache>,
}

/// Where words of an answer come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Citation {
    /// The address of the source.
    pub(crate) url: String,
    /// Its title.
    pub(crate) title: String,
    /// The source's own words, where they are told.
    pub(crate) quoted: String,
    /// Which characters of the text part it stands for, from and to; the whole part when it is `None`.
    pub(crate) span: Option<(usize, usize)>,
}

impl State {
    /// All forms of all dialects: Anthropic's signature of a thought and its redacted thought, Gemini's signature,
    /// encrypted reasoning of Responses, plain details of a chat host.
    pub(crate) const FORMS: [&'static str; 4] = ["signature", "redacted", "encrypted", "details"];
}

impl Part {
    /// Plain text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), citations: Vec::new(), cache: None }
    }
}
