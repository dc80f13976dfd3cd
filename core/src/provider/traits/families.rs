//! What may be expected of a model that the catalogue does not list, or leaves open?

use super::row::{ROW, Row, Says, UNSAID};
use crate::dialect::{
    Dialect::{self, Gemini, OpenAiChat, OpenAiResponses},
    ir::Effort,
    traits::{Breakpoints, Degrees, MaxTokens, Structured, Thinking},
};

const OPENAI: &[Dialect] = &[OpenAiChat, OpenAiResponses];
const CHAT: &[Dialect] = &[OpenAiChat];
const MINIMAL_TO_HIGH: Option<Degrees> =
    Some(Degrees::of(&[Effort::Minimal, Effort::Low, Effort::Medium, Effort::High]));
const LOW_TO_HIGH: Option<Degrees> =
    Some(Degrees::of(&[Effort::Low, Effort::Medium, Effort::High]));
const LOW_TO_MAX: Option<Degrees> =
    Some(Degrees::of(&[Effort::Low, Effort::Medium, Effort::High, Effort::Higher, Effort::Max]));
const OFF_TO_MAX: Option<Degrees> = Some(Degrees::of(&[
    Effort::Off,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::Higher,
    Effort::Max,
]));
const OFF_TO_HIGH: Option<Degrees> =
    Some(Degrees::of(&[Effort::Off, Effort::Low, Effort::Medium, Effort::High]));

/// In order: the first answer to each question counts, and the catalogue's wins.
pub(super) const ROWS: &[Row] = &[
    // OpenAI's models of the chat product do not think, those of the numbers do.
    Row {
        spoken: OPENAI,
        models: &["gpt-5-chat", "gpt-5-3-chat"],
        says: Says {
            sampling: Some(true),
            stop: Some(true),
            thinking: Some(Thinking::Untold),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["openai", "azure"],
        spoken: OPENAI,
        models: &["gpt-5", "gpt-6", "gpt-7", "o1", "o3", "o4", "codex"],
        says: Says {
            sampling: Some(false),
            stop: Some(false),
            thinking: Some(Thinking::Degree),
            ..UNSAID
        },
    },
    Row {
        at: &["openai", "azure"],
        spoken: CHAT,
        models: &["gpt-5-6", "gpt-6", "gpt-7"],
        says: Says { breakpoints: Some(Breakpoints::PromptCache), ..UNSAID },
    },
    Row {
        at: &["openai", "azure"],
        spoken: OPENAI,
        models: &["gpt-5-6"],
        says: Says { efforts: OFF_TO_MAX, ..UNSAID },
    },
    // Some of these think always.
    Row {
        at: &["openai", "azure"],
        spoken: OPENAI,
        models: &["gpt-6", "gpt-7"],
        says: Says { efforts: LOW_TO_MAX, ..UNSAID },
    },
    Row {
        at: &["openai", "azure"],
        spoken: OPENAI,
        models: &["gpt-5", "o1", "o3", "o4", "codex"],
        says: Says { efforts: LOW_TO_HIGH, ..UNSAID },
    },
    Row {
        at: &["openai", "azure"],
        spoken: OPENAI,
        models: &["gpt-3-5", "gpt-4", "gpt-4o", "chatgpt-4o"],
        says: Says { thinking: Some(Thinking::Untold), ..UNSAID },
    },
    Row {
        spoken: OPENAI,
        models: &["gpt-oss"],
        says: Says { thinking: Some(Thinking::Degree), efforts: LOW_TO_HIGH, ..UNSAID },
        ..ROW
    },
    Row {
        at: &["xai"],
        spoken: OPENAI,
        models: &["grok-4-3", "grok-4-5", "grok-4-6", "grok-4-7"],
        says: Says { thinking: Some(Thinking::Degree), efforts: LOW_TO_HIGH, ..UNSAID },
    },
    // An effort for a model that knows none is an error at these.
    Row {
        at: &["xai", "mistral", "cerebras", "moonshot"],
        spoken: CHAT,
        says: Says { thinking: Some(Thinking::Untold), ..UNSAID },
        ..ROW
    },
    // Only the models that the catalogue names are held to a schema here.
    Row {
        at: &["groq"],
        spoken: CHAT,
        says: Says {
            structured: Some(Structured::AnyJson),
            thinking: Some(Thinking::Untold),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        spoken: &[Gemini],
        models: &["gemini-2-5-pro"],
        says: Says { thinking: Some(Thinking::Budget { min: 128, max: 32_768 }), ..UNSAID },
        ..ROW
    },
    Row {
        spoken: &[Gemini],
        models: &["gemini-2-5"],
        says: Says { thinking: Some(Thinking::Budget { min: 0, max: 24_576 }), ..UNSAID },
        ..ROW
    },
    Row {
        spoken: &[Gemini],
        models: &["gemini-1-0", "gemini-1-5", "gemini-2-0", "gemma", "imagen", "learnlm"],
        says: Says { thinking: Some(Thinking::Untold), ..UNSAID },
        ..ROW
    },
    // The larger models of the third generation know fewer levels, and the newest no longer the least one.
    Row {
        spoken: &[Gemini],
        models: &["gemini-3-flash", "gemini-3-1-flash", "gemini-3-5-flash", "gemini-3-6-flash"],
        says: Says { thinking: Some(Thinking::Degree), efforts: MINIMAL_TO_HIGH, ..UNSAID },
        ..ROW
    },
    Row {
        spoken: &[Gemini],
        says: Says { thinking: Some(Thinking::Degree), efforts: LOW_TO_HIGH, ..UNSAID },
        ..ROW
    },
    Row {
        spoken: CHAT,
        models: &["gpt-5", "gpt-6", "gpt-7", "o1", "o3", "o4"],
        says: Says { max_tokens: Some(MaxTokens::Completion), ..UNSAID },
        ..ROW
    },
    // Most servers of open models are older than `max_completion_tokens`.
    Row {
        spoken: CHAT,
        says: Says { max_tokens: Some(MaxTokens::Plain), efforts: OFF_TO_HIGH, ..UNSAID },
        ..ROW
    },
];
