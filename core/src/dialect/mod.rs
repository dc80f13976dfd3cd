//! Which API dialects are there? The only `match` on a dialect is in this file.

/// The language of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
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
}
