//! What do answers and events look like as they are sent to a client?

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{dialect::ir::Citation, store};

/// Adds one event to a stream.
pub(crate) fn write_frame(kind: &str, frame: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let start = out.len();
    serde_json::to_writer(&mut *out, frame).expect("writing to memory cannot fail");
    // JSON that is carried as it came may hold line ends, which would end the event. They stand between values only.
    for byte in out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    out.extend_from_slice(b"\n\n");
}

/// Any event but `error`.
#[derive(Serialize, Default)]
pub(crate) struct Frame<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) sequence_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) annotation_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<Words<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) annotation: Option<Annotation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logprobs: Option<[(); 0]>,
}

/// The event `error`.
#[derive(Serialize)]
pub(crate) struct ErrorFrame<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) sequence_number: u64,
    pub(crate) code: Option<Cow<'a, str>>,
    pub(crate) message: Cow<'a, str>,
    pub(crate) param: Option<Cow<'a, str>>,
    pub(crate) error: &'a RawValue,
}

/// The `error` of a response.
#[derive(Serialize)]
pub(crate) struct Failure<'a> {
    pub(crate) code: &'static str,
    pub(crate) message: &'a str,
}

/// How far an item or a response is.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    InProgress,
    Completed,
    Incomplete,
    Failed,
}

/// An item of the output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Item<'a> {
    Message {
        id: &'a str,
        role: &'static str,
        status: Status,
        content: &'a [Box<RawValue>],
    },
    FunctionCall {
        id: &'a str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
        status: Status,
    },
    CustomToolCall {
        id: &'a str,
        call_id: &'a str,
        name: &'a str,
        input: &'a str,
        status: Status,
    },
    Reasoning {
        id: &'a str,
        summary: &'a [Words<'a>],
        #[serde(skip_serializing_if = "<[Words<'_>]>::is_empty")]
        content: &'a [Words<'a>],
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
    ImageGenerationCall {
        id: &'a str,
        status: Status,
        result: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        output_format: Option<&'a str>,
    },
}

/// A part of a message, a summary or a thought.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Words<'a> {
    OutputText { text: &'a str, annotations: Vec<Annotation<'a>>, logprobs: [(); 0] },
    Refusal { refusal: &'a str },
    SummaryText { text: &'a str },
    ReasoningText { text: &'a str },
}

/// A `url_citation`.
#[derive(Serialize)]
pub(crate) struct Annotation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    start_index: usize,
    end_index: usize,
    url: &'a str,
    title: &'a str,
}

impl<'a> Annotation<'a> {
    /// The citation of a text; one without a span stands for the whole text.
    pub(crate) fn new(citation: &'a Citation, text: &str) -> Self {
        let whole = || (0, text.chars().count());
        let (start_index, end_index) = citation.span.unwrap_or_else(whole);
        let (url, title) = (&citation.url, &citation.title);
        Self { kind: "url_citation", start_index, end_index, url, title }
    }
}

/// The counters of an answer.
#[derive(Serialize)]
pub(crate) struct Usage {
    input_tokens: i64,
    input_tokens_details: InputDetails,
    output_tokens: i64,
    output_tokens_details: OutputDetails,
    total_tokens: i64,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: i64,
    cache_write_tokens: i64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: i64,
}

impl From<&store::Usage> for Usage {
    fn from(usage: &store::Usage) -> Self {
        let cache_write_tokens = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
        Self {
            input_tokens: usage.prompt,
            input_tokens_details: InputDetails { cached_tokens: usage.cached, cache_write_tokens },
            output_tokens: usage.completion,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning },
            total_tokens: usage.prompt.saturating_add(usage.completion),
        }
    }
}

/// JSON that is written more than once.
pub(crate) fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("text, numbers and JSON always serialize")
}
