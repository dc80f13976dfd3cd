//! What does a response say around its output? Strict clients need every field, those of the request repeated.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::super::{
    request::ECHOED,
    wire::output::{Failure, Status, Usage},
};
use crate::{dialect::Stamp, json, store};

/// A response, under way or complete.
pub(crate) struct Response<'a> {
    pub(crate) stamp: &'a Stamp,
    pub(crate) status: Status,
    pub(crate) output: &'a [Box<RawValue>],
    pub(crate) usage: Option<&'a store::Usage>,
    pub(crate) failure: Option<Failure<'a>>,
    /// Why it is incomplete.
    pub(crate) reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

impl Serialize for Response<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reason = self.reason.map(|reason| Incomplete { reason });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &format!("resp_{}", self.stamp.id))?;
        map.serialize_entry("object", "response")?;
        map.serialize_entry("created_at", &self.stamp.at_s)?;
        map.serialize_entry("completed_at", &())?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("error", &self.failure)?;
        map.serialize_entry("incomplete_details", &reason)?;
        map.serialize_entry("model", &self.stamp.model)?;
        map.serialize_entry("output", self.output)?;
        map.serialize_entry("usage", &self.usage.map(Usage::from))?;
        for name in ECHOED {
            map.serialize_entry(name, echo(self.stamp, name))?;
        }
        map.end()
    }
}

fn echo<'a>(stamp: &'a Stamp, name: &str) -> &'a RawValue {
    let asked = stamp.echo.iter().rev().find(|(field, _)| field == name);
    let asked = asked.map(|(_, value)| &**value).filter(|value| value.get() != "null");
    asked.unwrap_or_else(|| json::read(default(name)).expect("the defaults are JSON"))
}

/// What a field of the request is when the client did not send it.
fn default(name: &str) -> &'static str {
    match name {
        "background" => "false",
        "metadata" => "{}",
        "parallel_tool_calls" | "store" => "true",
        "reasoning" => r#"{"effort":null,"summary":null}"#,
        "service_tier" => r#""default""#,
        "temperature" | "top_p" => "1.0",
        "text" => r#"{"format":{"type":"text"},"verbosity":"medium"}"#,
        "tool_choice" => r#""auto""#,
        "tools" => "[]",
        "top_logprobs" => "0",
        "truncation" => r#""disabled""#,
        _ => "null",
    }
}
