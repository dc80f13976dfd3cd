//! What does a target understand? Data about its host and its model, which decides how a prompt is written for it.

/// What a target understands. The default is what most of its dialect do.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    /// The most tokens the model may write, if that is known.
    pub(crate) output_max: Option<u64>,
    /// Whether the model takes temperature, `top_p` and `top_k`.
    pub(crate) sampling: bool,
    /// How the model is told to think.
    pub(crate) thinking: Thinking,
    /// Whether the model can be made to call a tool.
    pub(crate) forced_tools: bool,
    /// Whether instructions may stand between turns.
    pub(crate) late_system: bool,
    /// Whether the host is the one that the dialect was made by, and knows its newest fields.
    pub(crate) native: bool,
    /// How the answer is held to a schema.
    pub(crate) structured: Structured,
    /// Whether the host takes JSON Schema as it is, rather than a subset of its own.
    pub(crate) json_schema: bool,
    /// What the field for the most tokens is called.
    pub(crate) max_tokens: MaxTokens,
    /// Whether the host fetches media by URL.
    pub(crate) media_urls: bool,
    /// How earlier thoughts go back.
    pub(crate) thoughts_back: ThoughtsBack,
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It does not think, or cannot be told.
    Untold,
    /// By degree: `reasoning_effort`, `thinkingLevel`, Anthropic's adaptive thinking with an effort.
    Degree,
    /// By tokens.
    Budget {
        /// The least it takes; 0 where thinking can be off.
        min: u64,
        /// The most it takes.
        max: u64,
    },
    /// By a switch alone: `thinking.type`.
    Switch,
}

/// How an answer is held to a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structured {
    /// The host takes the schema.
    Schema,
    /// The host takes "any JSON"; the schema goes into the instructions.
    AnyJson,
    /// The host takes neither; a tool of the schema's shape must be called.
    ForcedTool,
}

/// What the chat dialect's field for the most tokens is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaxTokens {
    /// `max_completion_tokens`.
    Completion,
    /// `max_tokens`, which older hosts know.
    Plain,
}

/// How earlier thoughts go back to a chat host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThoughtsBack {
    /// Not at all.
    Never,
    /// As `reasoning_content` with each turn that had them.
    Field,
    /// As `reasoning_content` with every turn of the model, empty where nothing is known.
    Always,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            output_max: None,
            sampling: true,
            thinking: Thinking::Degree,
            forced_tools: true,
            late_system: false,
            native: false,
            structured: Structured::Schema,
            json_schema: true,
            max_tokens: MaxTokens::Completion,
            media_urls: true,
            thoughts_back: ThoughtsBack::Never,
        }
    }
}
