//! The JSON of this API. It never leaves this folder.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::dialect::ir::Schema;

/// A whole answer, or one line of a streamed one: they are the same.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) created_at: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message: Option<Message<'a>>,
    #[serde(default)]
    pub(super) done: Option<bool>,
    #[serde(borrow, default)]
    pub(super) done_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) prompt_eval_count: Option<i64>,
    #[serde(default)]
    pub(super) eval_count: Option<i64>,
    #[serde(borrow, default)]
    pub(super) error: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) function: Option<Function<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct RequestOut<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Vec<MessageOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<FormatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) think: Option<ThinkOut>,
    /// Left out, it would mean a stream.
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<OptionsOut<'a>>,
}

#[derive(Serialize, Default)]
pub(super) struct MessageOut<'a> {
    pub(super) role: &'static str,
    pub(super) content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<CallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct CallOut<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) id: &'a str,
    pub(super) function: FunctionCallOut<'a>,
}

#[derive(Serialize)]
pub(super) struct FunctionCallOut<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Box<RawValue>,
}

#[derive(Serialize)]
pub(super) struct ToolOut<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) function: FunctionOut<'a>,
}

#[derive(Serialize)]
pub(super) struct FunctionOut<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    pub(super) parameters: Cow<'a, Schema>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum FormatOut<'a> {
    Word(&'static str),
    Schema(&'a Schema),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ThinkOut {
    Switch(bool),
    Degree(&'static str),
}

#[derive(Serialize, Default, PartialEq)]
pub(super) struct OptionsOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) num_predict: Option<u64>,
}

/// A line that is written.
#[derive(Serialize)]
pub(super) struct LineOut<'a> {
    pub(super) model: &'a str,
    pub(super) created_at: &'a str,
    pub(super) message: MessageOut<'a>,
    pub(super) done: bool,
    #[serde(flatten)]
    pub(super) end: Option<EndOut>,
}

/// What only the last line has. Nobody measured the times.
#[derive(Serialize)]
pub(super) struct EndOut {
    pub(super) done_reason: &'static str,
    pub(super) total_duration: i64,
    pub(super) load_duration: i64,
    pub(super) prompt_eval_count: i64,
    pub(super) prompt_eval_duration: i64,
    pub(super) eval_count: i64,
    pub(super) eval_duration: i64,
}

#[derive(Serialize)]
pub(super) struct ErrorOut<'a> {
    pub(super) error: &'a str,
}
