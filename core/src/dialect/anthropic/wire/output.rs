//! What do answers, their events and their errors look like when they are written?

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::UsageOut;
use crate::{dialect::ir, json};

/// One event of a stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in super::super) enum EventOut<'a> {
    MessageStart { message: MessageOut<'a> },
    ContentBlockStart { index: usize, content_block: BlockOut<'a> },
    ContentBlockDelta { index: usize, delta: DeltaOut<'a> },
    ContentBlockStop { index: usize },
    MessageDelta { delta: EndOut<'a>, usage: UsageOut },
    MessageStop {},
}

impl EventOut<'_> {
    /// Adds the event as a frame. SDKs drop one whose `event` line is missing.
    pub(in super::super) fn frame(&self, out: &mut Vec<u8>) {
        let name = match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop {} => "message_stop",
        };
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        let start = out.len();
        serde_json::to_writer(&mut *out, self).expect("strings and numbers always serialize");
        // A block that is passed on as it came may hold line ends between its tokens, which would end the frame.
        let ends = out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r'));
        ends.for_each(|byte| *byte = b' ');
        out.extend_from_slice(b"\n\n");
    }
}

/// A whole answer, or the empty one that opens a stream.
#[derive(Serialize)]
pub(in super::super) struct MessageOut<'a> {
    pub(in super::super) id: String,
    #[serde(rename = "type")]
    pub(in super::super) kind: &'static str,
    pub(in super::super) role: &'static str,
    pub(in super::super) model: &'a str,
    pub(in super::super) content: Vec<BlockOut<'a>>,
    pub(in super::super) stop_reason: Option<&'static str>,
    pub(in super::super) stop_sequence: Option<&'a str>,
    pub(in super::super) stop_details: Option<NoDetails>,
    pub(in super::super) usage: UsageOut,
}

/// Why an answer ends.
#[derive(Serialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(in super::super) struct EndOut<'a> {
    pub(in super::super) stop_reason: Option<&'static str>,
    pub(in super::super) stop_sequence: Option<&'a str>,
    pub(in super::super) stop_details: Option<NoDetails>,
}

/// Why the model would not answer, when that is not known.
#[derive(Serialize)]
pub(in super::super) struct NoDetails {
    #[serde(rename = "type")]
    kind: &'static str,
    category: (),
    explanation: (),
}

impl NoDetails {
    /// The details that belong to a stop reason.
    pub(in super::super) fn of(reason: &str) -> Option<Self> {
        (reason == "refusal").then_some(Self { kind: "refusal", category: (), explanation: () })
    }
}

/// One block of an answer.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in super::super) enum BlockOut<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<CitationOut<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Input<'a>,
    },
    #[serde(untagged)]
    Raw(&'a RawValue),
}

/// What is added to a block.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names are the API's")]
pub(in super::super) enum DeltaOut<'a> {
    TextDelta { text: &'a str },
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: &'a str },
    InputJsonDelta { partial_json: &'a str },
    CitationsDelta { citation: CitationOut<'a> },
}

/// The arguments of a call, which this API wants as an object.
#[derive(Serialize)]
#[serde(untagged)]
pub(in super::super) enum Input<'a> {
    Object(&'a RawValue),
    Empty {},
    /// What a custom tool was given: its function has one string.
    Free {
        input: &'a str,
    },
    /// What the model wrote, when that is no object.
    Broken {
        #[serde(rename = "_raw")]
        raw: &'a str,
    },
}

impl<'a> Input<'a> {
    /// The arguments of a call.
    pub(in super::super) fn of(call: &'a ir::Call) -> Self {
        if call.custom {
            Self::Free { input: &call.arguments }
        } else {
            Self::read(&call.arguments)
        }
    }

    /// The arguments in some text. Some models write `null` for none.
    pub(in super::super) fn read(arguments: &'a str) -> Self {
        let text = arguments.trim();
        if matches!(text, "" | "null") {
            return Self::Empty {};
        }
        match json::read::<&RawValue>(text) {
            Ok(object) if text.starts_with('{') => Self::Object(object),
            Ok(_) | Err(_) => Self::Broken { raw: arguments },
        }
    }
}

/// Where words come from.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in super::super) enum CitationOut<'a> {
    /// The index is what the provider wants back. Only this API's provider makes one, so it is empty, and what a client
    /// sends back is not sent on.
    WebSearchResultLocation {
        cited_text: &'a str,
        encrypted_index: &'static str,
        title: Option<&'a str>,
        url: &'a str,
    },
    CharLocation {
        cited_text: &'a str,
        document_index: u32,
        document_title: Option<&'a str>,
        start_char_index: usize,
        end_char_index: usize,
    },
}

impl<'a> CitationOut<'a> {
    /// The citation in this API's words.
    pub(in super::super) fn of(citation: &'a ir::Citation) -> Self {
        let title = Some(citation.title.as_str()).filter(|title| !title.is_empty());
        let cited_text = citation.quoted.as_str();
        if citation.url.is_empty() {
            return Self::CharLocation {
                cited_text,
                document_index: 0,
                document_title: title,
                start_char_index: 0,
                end_char_index: cited_text.chars().count(),
            };
        }
        let (encrypted_index, url) = ("", citation.url.as_str());
        Self::WebSearchResultLocation { cited_text, encrypted_index, title, url }
    }
}

/// An error as a body or an event.
#[derive(Serialize)]
pub(in super::super) struct ErrorEnvelope<'a> {
    #[serde(rename = "type")]
    pub(in super::super) kind: &'static str,
    pub(in super::super) error: ErrorOut<'a>,
    /// The header says it.
    pub(in super::super) request_id: (),
}

/// What went wrong.
#[derive(Serialize)]
pub(in super::super) struct ErrorOut<'a> {
    #[serde(rename = "type")]
    pub(in super::super) category: &'static str,
    pub(in super::super) message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) details: Option<DetailsOut>,
}

/// What a client's own code acts on.
#[derive(Serialize)]
pub(in super::super) struct DetailsOut {
    pub(in super::super) error_code: &'static str,
    pub(in super::super) unsupported: [&'static str; 1],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object() {
        let check = |arguments: &str, custom: bool, expected: &str| {
            let call = ir::Call {
                id: "a".into(),
                name: "f".into(),
                arguments: arguments.into(),
                custom,
                state: None,
            };
            assert_eq!(serde_json::to_string(&Input::of(&call)).unwrap(), expected);
        };
        check("", false, "{}");
        check(" \n", false, "{}");
        check("null", false, "{}");
        check(
            r#"{"n": 12345678901234567890, "a": "é"}"#,
            false,
            r#"{"n": 12345678901234567890, "a": "é"}"#,
        );
        check(r#"{"a":"#, false, r#"{"_raw":"{\"a\":"}"#);
        check("[1]", false, r#"{"_raw":"[1]"}"#);
        check("free \"text\"", true, r#"{"input":"free \"text\""}"#);
        check("", true, r#"{"input":""}"#);
    }
}
