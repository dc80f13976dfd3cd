//! The parts of this API's JSON that the gateway reads and writes. They never leave this folder.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::bill::{Behind, Dollars, ToolCalls};

/// Items as they are sent to a provider.
pub(crate) mod input;
/// Media of a request, read and written.
pub(crate) mod media;
/// Answers and events as they are sent to a client.
pub(crate) mod output;

/// One event of a stream.
#[derive(Deserialize)]
pub(crate) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(default)]
    pub(crate) output_index: Option<u64>,
    #[serde(default)]
    pub(crate) content_index: Option<u64>,
    #[serde(default)]
    pub(crate) summary_index: Option<u64>,
    #[serde(default)]
    pub(crate) delta: Option<String>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) refusal: Option<String>,
    #[serde(default)]
    pub(crate) arguments: Option<String>,
    #[serde(default)]
    pub(crate) input: Option<String>,
    #[serde(borrow, default)]
    pub(crate) item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) annotation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
}

/// A whole answer, or what is known of one under way.
#[derive(Deserialize)]
pub(crate) struct Response<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow, default)]
    pub(crate) output: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
    #[serde(default)]
    pub(crate) tool_usage: Option<ToolUsage>,
    #[serde(borrow, default)]
    pub(crate) service_tier: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
}

/// Why an answer is incomplete.
#[derive(Deserialize)]
pub(crate) struct Incomplete<'a> {
    #[serde(borrow, default)]
    pub(crate) reason: Option<Cow<'a, str>>,
}

/// What chooses how an item or a part is read further.
#[derive(Deserialize)]
pub(crate) struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
}

/// A message of the model.
#[derive(Deserialize)]
pub(crate) struct Message<'a> {
    #[serde(borrow, default)]
    pub(crate) content: Option<Vec<Words<'a>>>,
}

/// A part of a message, a summary or a thought.
#[derive(Deserialize)]
pub(crate) struct Words<'a> {
    #[serde(borrow, default)]
    pub(crate) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) annotations: Option<Vec<&'a RawValue>>,
}

/// A call of a function (`arguments`) or of a custom tool (`input`).
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(crate) struct Call<'a> {
    #[serde(borrow, default)]
    pub(crate) call_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) arguments: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) input: Option<Cow<'a, str>>,
}

/// A `reasoning` item.
#[derive(Deserialize)]
pub(crate) struct Thought<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) summary: Option<Vec<Words<'a>>>,
    #[serde(borrow, default)]
    pub(crate) content: Option<Vec<Words<'a>>>,
    #[serde(borrow, default)]
    pub(crate) encrypted_content: Option<Cow<'a, str>>,
}

/// An `image_generation_call`.
#[derive(Deserialize)]
pub(crate) struct Image<'a> {
    #[serde(borrow, default)]
    pub(crate) result: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) output_format: Option<Cow<'a, str>>,
}

/// An annotation; only `url_citation` has an address.
#[derive(Deserialize)]
pub(crate) struct Annotation<'a> {
    #[serde(borrow, default)]
    pub(crate) url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) title: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) start_index: Option<usize>,
    #[serde(default)]
    pub(crate) end_index: Option<usize>,
}

/// The counters of an answer.
#[derive(Deserialize)]
pub(crate) struct Usage {
    #[serde(default)]
    pub(crate) input_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) input_tokens_details: Option<InputDetails>,
    #[serde(default)]
    pub(crate) output_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) output_tokens_details: Option<OutputDetails>,
    #[serde(default)]
    pub(crate) total_tokens: Option<i64>,
    /// `OpenRouter` and Perplexity tell what the answer cost.
    #[serde(default)]
    pub(crate) cost: Option<Dollars>,
    #[serde(default)]
    pub(crate) is_byok: Option<bool>,
    #[serde(default)]
    pub(crate) cost_details: Option<Behind>,
    /// So does xAI.
    #[serde(default)]
    pub(crate) cost_in_usd_ticks: Option<i64>,
    #[serde(default)]
    pub(crate) server_side_tool_usage_details: Option<ToolCalls>,
}

/// What the input consists of.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(crate) struct InputDetails {
    #[serde(default)]
    pub(crate) cached_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) cache_write_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) audio_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) image_tokens: Option<i64>,
}

/// What the output consists of.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(crate) struct OutputDetails {
    #[serde(default)]
    pub(crate) reasoning_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) audio_tokens: Option<i64>,
    #[serde(default)]
    pub(crate) image_tokens: Option<i64>,
}

/// Uses of the provider's own tools.
#[derive(Deserialize)]
pub(crate) struct ToolUsage {
    #[serde(default)]
    pub(crate) web_search: Option<Requests>,
}

/// How often a tool was used.
#[derive(Deserialize)]
pub(crate) struct Requests {
    #[serde(default)]
    pub(crate) num_requests: Option<i64>,
}

/// An error, inside an event or as an event of its own.
#[derive(Deserialize)]
pub(crate) struct ErrorBody<'a> {
    #[serde(borrow, default)]
    pub(crate) message: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    pub(crate) category: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) param: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) code: Option<Code<'a>>,
}

/// Some hosts send numbers.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Code<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(i64),
}
