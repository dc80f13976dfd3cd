//! Would the judge see it if an event were left out? One is taken out of each stream that was converted.

use serde_json::Value;
use tidegate_core::dialect::Dialect;

use super::Conversion;
use crate::{
    frames::{self, Dice},
    oracle,
    recording::Exchange,
    replies::CLIENTS,
    tally::{Check, Failure, Verdict},
};

/// Takes one event out of the answer of one exchange in each other client dialect.
pub(crate) fn judge(exchange: &Exchange) -> Vec<Verdict> {
    let Some(answer) = exchange.answer.as_ref().filter(|_| exchange.stream) else {
        return Vec::new();
    };
    let others = CLIENTS.into_iter().filter(|client| *client != exchange.dialect);
    let mutate = |client: Dialect| {
        let failures = Conversion::new(exchange, answer, client).without_an_event()?;
        Some(Verdict {
            check: Check::Mutations,
            pair: format!("{}>{} stream", exchange.dialect.name(), client.name()),
            id: exchange.id.clone(),
            failures,
            refused: None,
        })
    };
    others.filter_map(mutate).collect()
}

impl Conversion<'_> {
    /// The event that was taken out unseen, if it was. `None` when the stream holds none that counts.
    fn without_an_event(&self) -> Option<Vec<Failure>> {
        let pieces = frames::cut(&self.answer.body, &mut Dice::new(&self.exchange.id));
        let outcome = self.send(pieces).ok().filter(|outcome| outcome.status == 200)?;
        let whole = self.source.finish.is_some() && self.source.error.is_none();
        let body = String::from_utf8(outcome.body.to_vec()).ok().filter(|_| whole)?;
        if !self.compare(&oracle::stream(self.client, body.as_bytes())).is_empty() {
            return None;
        }
        let found = frames::parse(body.as_bytes());
        let counting: Vec<_> =
            (0..found.len()).filter(|at| counts(self.client, &found[*at].data)).collect();
        let mut dice = Dice::new(&format!("{} {}", self.exchange.id, self.client.name()));
        let at = *counting.get(dice.up_to(counting.len().checked_sub(1)?))?;
        let frame = &found[at];
        let rest = if body.trim_start().starts_with('[') {
            let mut list: Vec<Value> = serde_json::from_str(&body).ok()?;
            list.remove(at);
            Value::Array(list).to_string()
        } else {
            format!("{}{}", &body[..frame.start], &body[frame.end..])
        };
        let said = oracle::stream(self.client, rest.as_bytes());
        let seen = !said.over || !self.compare(&said).is_empty();
        let what = format!("`{}` is not missed", kind(&frame.data));
        let failure = || Failure::new(what, frame.data.to_string());
        Some((!seen).then(failure).into_iter().collect())
    }
}

fn kind(data: &Value) -> String {
    match (data["type"].as_str(), data.as_str()) {
        (Some(kind), _) => kind.to_owned(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => "chunk".to_owned(),
    }
}

/// Whether an event says something that a client could miss.
fn counts(client: Dialect, data: &Value) -> bool {
    match client {
        Dialect::OpenAiChat => {
            let choice = &data["choices"][0];
            let filled = |value: &Value| match value {
                Value::Null => false,
                Value::String(text) => !text.trim().is_empty(),
                _ => true,
            };
            let said = ["content", "reasoning_content", "refusal", "tool_calls"];
            let call = &choice["delta"]["tool_calls"][0];
            let function = &call["function"];
            // No arguments at all mean the same, and state is the provider's alone.
            let silent = function["name"].is_null() && call["custom"].is_null();
            let empty = matches!(oracle::text(&function["arguments"]), "" | "{}");
            if call.is_object() && silent && empty {
                return false;
            }
            // What a provider wants back is carried along, and means nothing to the client.
            data.is_string()
                || !choice["finish_reason"].is_null()
                || !data["usage"].is_null()
                || said.iter().any(|name| filled(&choice["delta"][*name]))
        }
        Dialect::Gemini => {
            let candidate = &data["candidates"][0];
            let parts = oracle::items(&candidate["content"]["parts"]);
            let blank =
                |part: &Value| part["text"].as_str().is_some_and(|text| text.trim().is_empty());
            !candidate["finishReason"].is_null() || parts.iter().any(|part| !blank(part))
        }
        Dialect::Anthropic => {
            let kind = oracle::text(&data["type"]);
            let delta = &data["delta"];
            let said = ["text", "thinking", "partial_json"];
            let blank = said.iter().all(|name| oracle::text(&delta[*name]).trim().is_empty());
            // No arguments at all mean the same.
            let empty = delta["partial_json"] == "{}";
            kind != "ping" && !(kind == "content_block_delta" && (blank || empty))
        }
        Dialect::OpenAiResponses | Dialect::Ollama => true,
    }
}
