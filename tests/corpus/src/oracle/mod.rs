//! What does an answer say? Read here from the descriptions of the dialects, without a line of the gateway's own readers.

mod anthropic;
mod chat;
mod gemini;
mod ollama;
mod responses;

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;
use tidegate_core::dialect::Dialect;

use crate::frames::{self, Dice};

/// The error of an answer that nobody can read.
pub(crate) const NO_JSON: &str = "no JSON";

/// What an answer says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) refusal: String,
    pub(crate) thoughts: String,
    /// How many pieces the thoughts are in: what stands between pieces is nobody's.
    pub(crate) thought_pieces: usize,
    pub(crate) calls: Vec<Call>,
    /// Kind and length of the media that the model made.
    pub(crate) media: Vec<String>,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
    /// The error that the answer, or the stream's end, is.
    pub(crate) error: Option<String>,
    /// Whether the answer says itself that it is over.
    pub(crate) over: bool,
    /// Which rules of its dialect it breaks.
    pub(crate) faults: Vec<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Arguments,
}

/// What a tool is called with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arguments {
    /// Parsed; nothing is an empty object.
    Json(Value),
    /// What a model wrote that is no JSON.
    Broken(String),
    /// What a tool of free text takes.
    Free(String),
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Tools,
    Length,
    Filtered,
    Refused,
    Failed,
}

/// Canonical counters: the prompt holds what was cached and written to caches, the completion holds the reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: i64,
    pub(crate) cached: i64,
    pub(crate) written: i64,
    pub(crate) completion: i64,
    pub(crate) reasoning: i64,
}

/// Reads a whole answer.
pub(crate) fn whole(dialect: Dialect, body: &[u8]) -> Said {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Said { error: Some(NO_JSON.to_owned()), ..Said::default() };
    };
    let mut said = match dialect {
        Dialect::OpenAiChat => chat::whole(&value),
        Dialect::OpenAiResponses => responses::whole(&value),
        Dialect::Anthropic => anthropic::whole(&value),
        Dialect::Gemini => gemini::whole(&value),
        Dialect::Ollama => ollama::whole(&value),
    };
    said.over = said.error.is_none();
    said.check_ids(dialect);
    said
}

/// Reads a stream to its end.
pub(crate) fn stream(dialect: Dialect, body: &[u8]) -> Said {
    let frames = frames::parse(body);
    let mut said = match dialect {
        Dialect::OpenAiChat => chat::stream(&frames),
        Dialect::OpenAiResponses => responses::stream(&frames),
        Dialect::Anthropic => anthropic::stream(&frames),
        Dialect::Gemini => gemini::stream(&frames),
        Dialect::Ollama => ollama::stream(&frames),
    };
    said.check_ids(dialect);
    said
}

/// A stream that breaks off somewhere before it says why the answer ends, in pieces.
pub(crate) fn truncated(dialect: Dialect, body: &Bytes, dice: &mut Dice) -> Option<Vec<Bytes>> {
    let frames = frames::parse(body);
    let last = frames.iter().find(|frame| finishes(dialect, &frame.data))?;
    let most = last.start + (last.end - last.start) / 2;
    let at = 1 + dice.up_to(most.saturating_sub(2));
    Some(frames::cut(&body.slice(..at), dice))
}

/// Whether a frame of a stream says why the answer ends.
pub(crate) fn finishes(dialect: Dialect, data: &Value) -> bool {
    match dialect {
        Dialect::OpenAiChat => chat::choice(data)["finish_reason"].is_string(),
        Dialect::OpenAiResponses => responses::is_terminal(data),
        Dialect::Anthropic => {
            data["type"] == "message_delta"
                || data["type"] == "message_stop"
                || data["message"]["stop_reason"].is_string()
        }
        Dialect::Gemini => {
            data["candidates"][0]["finishReason"].is_string()
                || data["promptFeedback"]["blockReason"].is_string()
                || data["promptFeedback"]["blockReasonMessage"].is_string()
        }
        Dialect::Ollama => data["done"] == true,
    }
}

impl Said {
    /// Notes a broken rule unless it holds.
    pub(crate) fn must(&mut self, holds: bool, fault: &str) {
        if !holds && !self.faults.iter().any(|known| known == fault) {
            self.faults.push(fault.to_owned());
        }
    }

    /// Gemini need not have any.
    fn check_ids(&mut self, dialect: Dialect) {
        let ids: Vec<&str> = self.calls.iter().map(|call| call.id.as_str()).collect();
        let told: Vec<&str> = ids.iter().copied().filter(|id| !id.is_empty()).collect();
        let unique = told.iter().collect::<BTreeSet<_>>().len() == told.len();
        let whole = dialect == Dialect::Gemini || told.len() == ids.len();
        self.must(unique && whole, "ids of calls are empty or not unique");
    }
}

impl Arguments {
    /// Of a text, as the dialects of `OpenAI` have it.
    pub(crate) fn of_text(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Json(Value::Object(serde_json::Map::default()));
        }
        serde_json::from_str(text).map_or_else(|_| Self::Broken(text.to_owned()), Self::Json)
    }

    /// Of an object, as the others have it.
    pub(crate) fn of_object(value: &Value) -> Self {
        if value.is_null() { Self::of_text("") } else { Self::Json(value.clone()) }
    }

    /// What a dialect that knows only objects makes of them.
    pub(crate) fn as_object(&self) -> Value {
        match self {
            Self::Json(Value::Null) => Self::of_text("").as_object(),
            Self::Json(value) => match value["_raw"].as_str() {
                Some(text) => Self::Broken(text.to_owned()).as_object(),
                None => value.clone(),
            },
            Self::Broken(text) => serde_json::json!({ "_raw": text.trim() }),
            Self::Free(text) => serde_json::json!({ "input": text }),
        }
    }
}

/// A counter, or nothing.
pub(crate) fn count(value: &Value) -> i64 {
    let text = || value.as_f64().map(|float| format!("{float:.0}"));
    value.as_i64().or_else(|| text()?.parse().ok()).unwrap_or(0).max(0)
}

/// A text, or an empty one.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The elements of a list, or none.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Kind and length of media.
pub(crate) fn medium(mime: &str, data: &str) -> String {
    format!("{mime} {}", data.len())
}

#[cfg(test)]
mod tests;
