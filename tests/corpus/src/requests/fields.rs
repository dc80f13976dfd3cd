//! Does everything beside the conversation cross, or is the client told that it does not?

use serde_json::Value;
use tidegate_core::dialect::Dialect;

use super::Crossing;
use crate::{asked::Asked, oracle::items, tally::Failure};

impl Crossing {
    pub(super) fn compare_fields(&self, target: &Asked, told: &Told<'_>) -> Vec<Failure> {
        let mut failures = Vec::new();
        for (name, was) in &self.source.fields {
            let is = target.fields.get(name).unwrap_or(&Value::Null);
            if told.names(name) || self.kept(name, was, is) {
                continue;
            }
            let what = if is.is_null() { "is lost silently" } else { "differs" };
            failures.push(Failure::new(format!("`{name}` {what}"), format!("{was}\n{is}")));
        }
        let thinks = target.fields.get("reasoning_effort").is_some_and(|effort| !is_off(effort));
        if thinks && !self.source.fields.contains_key("reasoning_effort") {
            failures.push(Failure::new("reasoning is asked for by nobody", ""));
        }
        failures
    }

    /// Whether a field says the same there, or had nothing to say.
    pub(super) fn kept(&self, name: &str, was: &Value, is: &Value) -> bool {
        let number = |value: &Value| value.as_f64();
        match name {
            "parallel_tool_calls" => {
                *was == Value::Bool(true) || self.source.tools.is_empty() || is == was
            }
            "n" => number(was) == Some(1.0) || number(was) == number(is),
            "service_tier" => matches!(was.as_str(), Some("auto" | "default")) || is == was,
            // The gateway itself ends the answer where a dialect cannot be told to.
            "stop" => {
                items(was).is_empty() || self.provider == Dialect::OpenAiResponses || is == was
            }
            "temperature" if self.provider == Dialect::Anthropic => {
                number(is) == number(was).map(|value| value.min(1.0))
            }
            "max_tokens" if self.provider == Dialect::Anthropic => number(is) >= number(was),
            "max_tokens" if self.provider == Dialect::OpenAiResponses => {
                number(is) == number(was).map(|value| value.max(16.0))
            }
            "reasoning_effort" => {
                let open = matches!(was.as_str(), Some("adaptive" | "enabled" | "auto"))
                    || number(was) == Some(-1.0);
                let little = matches!(is.as_str(), Some("minimal" | "low"))
                    || number(is).is_some_and(|tokens| tokens <= 128.0);
                let off = is.is_null() || is_off(is);
                // Some models cannot but think.
                open || if is_off(was) { off || little } else { !off }
            }
            "temperature" | "top_p" | "top_k" | "seed" | "max_tokens" | "presence_penalty"
            | "frequency_penalty" => number(is) == number(was),
            _ => is == was,
        }
    }
}

fn is_off(effort: &Value) -> bool {
    matches!(effort.as_str(), Some("none" | "disabled"))
        || effort.as_f64() == Some(0.0)
        || *effort == Value::Bool(false)
}

/// What the client was told is lost.
pub(super) struct Told<'a>(pub(super) &'a [String]);

impl Told<'_> {
    /// Whether a field was named, alone or with a path.
    pub(super) fn names(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or(name);
        self.0.iter().any(|told| {
            told == name
                || told.split('.').next() == Some(name)
                || told.rsplit('.').next() == Some(last)
        })
    }
}
