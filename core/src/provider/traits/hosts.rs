//! What do the hosts understand, and which of their models differ? What stands here wins over the catalogue.

use super::row::{ROW, Row, Says, UNSAID};
use crate::dialect::{
    Dialect::{self, Gemini, Ollama, OpenAiChat, OpenAiResponses},
    ir::Effort,
    traits::{
        Breakpoints, CallIds, Degrees, Documents, MaxTokens, MustCall, Prefill, Seed, Structured,
        Thinking, ThoughtsBack,
    },
};

/// Low, high and as much as there is.
const LOW_HIGH_MAX: Option<Degrees> = Some(Degrees::of(&[Effort::Low, Effort::High, Effort::Max]));
const OPENAI: &[Dialect] = &[OpenAiChat, OpenAiResponses];
const CHAT: &[Dialect] = &[OpenAiChat];

/// In order: the first answer to each question counts.
pub(super) const ROWS: &[Row] = &[
    // R1 refuses its thoughts, and those after it refuse to go on with tools without them.
    Row {
        spoken: CHAT,
        models: &["deepseek-r1"],
        says: Says { thoughts_back: Some(ThoughtsBack::Never), ..UNSAID },
        ..ROW
    },
    Row {
        spoken: CHAT,
        models: &["deepseek-v3-2", "deepseek-v3p2", "deepseek-v4", "deepseek-v4p1"],
        says: Says { thoughts_back: Some(ThoughtsBack::Always), ..UNSAID },
        ..ROW
    },
    // Azure sells models of other makers, which know none of OpenAI's own fields.
    Row {
        at: &["azure"],
        spoken: OPENAI,
        models: &[
            "grok",
            "deepseek",
            "llama",
            "mistral",
            "ministral",
            "codestral",
            "kimi",
            "phi",
            "cohere",
            "qwen",
            "gpt-oss",
        ],
        says: Says { native: Some(false), max_tokens: Some(MaxTokens::Plain), ..UNSAID },
    },
    Row {
        at: &["openai", "azure"],
        spoken: OPENAI,
        says: Says { native: Some(true), max_tokens: Some(MaxTokens::Completion), ..UNSAID },
        ..ROW
    },
    // The names that mean "not thinking" and "thinking" of whatever is current.
    Row {
        at: &["deepseek"],
        spoken: CHAT,
        models: &["deepseek-chat"],
        says: Says {
            thinking: Some(Thinking::Untold),
            forced_tools: Some(true),
            thoughts_back: Some(ThoughtsBack::Never),
            ..UNSAID
        },
    },
    Row {
        at: &["deepseek"],
        spoken: CHAT,
        models: &["deepseek-reasoner"],
        says: Says { switch: Some(false), ..UNSAID },
    },
    Row {
        at: &["deepseek"],
        spoken: CHAT,
        says: Says {
            thinking: Some(Thinking::Degree),
            efforts: LOW_HIGH_MAX,
            switch: Some(true),
            forced_tools: Some(false),
            thoughts_back: Some(ThoughtsBack::Always),
            structured: Some(Structured::AnyJson),
            seed: Some(Seed::Absent),
            answers: Some(false),
            media_urls: Some(false),
            max_tokens: Some(MaxTokens::Plain),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["moonshot"],
        spoken: CHAT,
        models: &["kimi-k3"],
        says: Says {
            thinking: Some(Thinking::Degree),
            efforts: LOW_HIGH_MAX,
            sampling: Some(false),
            forced_tools: Some(false),
            thoughts_back: Some(ThoughtsBack::Field),
            ..UNSAID
        },
    },
    // These two think unless they are told not to, the others think always.
    Row {
        at: &["moonshot"],
        spoken: CHAT,
        models: &["kimi-k2-5", "kimi-k2-6"],
        says: Says { thinking: Some(Thinking::Switch), switch: Some(true), ..UNSAID },
    },
    Row {
        at: &["moonshot"],
        spoken: CHAT,
        models: &["kimi-k2-5", "kimi-k2-6", "kimi-k2-7"],
        says: Says { sampling: Some(false), forced_tools: Some(false), ..UNSAID },
    },
    Row {
        at: &["moonshot"],
        spoken: CHAT,
        models: &["kimi-k2-thinking"],
        says: Says { forced_tools: Some(false), ..UNSAID },
    },
    Row {
        at: &["moonshot"],
        spoken: CHAT,
        says: Says {
            output_usual: Some(32_768),
            max_tokens: Some(MaxTokens::Completion),
            prefill: Some(Prefill::Partial),
            media_urls: Some(false),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["xai"],
        spoken: CHAT,
        models: &["non-reasoning", "grok-2", "grok-3"],
        says: Says { stop: Some(true), penalties: Some(true), ..UNSAID },
    },
    Row {
        at: &["xai"],
        spoken: CHAT,
        says: Says {
            stop: Some(false),
            penalties: Some(false),
            max_tokens: Some(MaxTokens::Completion),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["mistral"],
        spoken: CHAT,
        says: Says {
            seed: Some(Seed::Random),
            must_call: Some(MustCall::Any),
            call_ids: Some(CallIds::Nine),
            prefill: Some(Prefill::Prefix),
            alternating: Some(true),
            documents: Some(Documents::Url),
            logprobs: Some(false),
            max_tokens: Some(MaxTokens::Plain),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["groq"],
        spoken: CHAT,
        says: Says {
            answers: Some(false),
            logprobs: Some(false),
            max_tokens: Some(MaxTokens::Completion),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["cerebras"],
        spoken: CHAT,
        says: Says { max_tokens: Some(MaxTokens::Completion), ..UNSAID },
        ..ROW
    },
    Row {
        at: &["perplexity"],
        spoken: CHAT,
        says: Says {
            tools: Some(false),
            alternating: Some(true),
            answers: Some(false),
            logprobs: Some(false),
            stop: Some(false),
            seed: Some(Seed::Absent),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["fireworks"],
        spoken: CHAT,
        says: Says { thinking: Some(Thinking::Degree), ..UNSAID },
        ..ROW
    },
    Row {
        at: &["openrouter"],
        spoken: CHAT,
        says: Says {
            thinking: Some(Thinking::Degree),
            efforts: Some(Degrees::ALL),
            breakpoints: Some(Breakpoints::CacheControl),
            max_tokens: Some(MaxTokens::Plain),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        spoken: &[Ollama],
        says: Says {
            media_urls: Some(false),
            answers: Some(false),
            forced_tools: Some(false),
            ..UNSAID
        },
        ..ROW
    },
    Row {
        at: &["ollama"],
        spoken: CHAT,
        says: Says {
            media_urls: Some(false),
            answers: Some(false),
            forced_tools: Some(false),
            ..UNSAID
        },
        ..ROW
    },
    // Google's endpoint for the chat dialect.
    Row {
        at: &["gemini"],
        spoken: CHAT,
        says: Says { thinking: Some(Thinking::Degree), ..UNSAID },
        ..ROW
    },
    // Its native one: JSON Schema and media by URL came with the second generation's half.
    Row {
        spoken: &[Gemini],
        models: &["gemini-1-0", "gemini-1-5", "gemini-2-0", "gemini-pro"],
        says: Says { json_schema: Some(false), media_urls: Some(false), ..UNSAID },
        ..ROW
    },
    // In the newest of the third generation words are chosen by the model itself.
    Row {
        spoken: &[Gemini],
        models: &["gemini-3-5-flash-lite", "gemini-3-6", "gemini-3-7", "gemini-3-8"],
        says: Says { sampling: Some(false), ..UNSAID },
        ..ROW
    },
];
