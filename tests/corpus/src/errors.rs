//! Does a client read a provider's error in its own dialect, with its meaning and without the gateway's secrets?

use serde_json::Value;
use tidegate_core::dialect::Dialect;

use crate::{
    canned,
    recording::{Exchange, Refusal},
    replies::CLIENTS,
    tally::{Check, Failure, Verdict},
    world::{self, Framing, Outcome, Turn},
};

/// Judges the error of one exchange in each client dialect, its own one too.
pub(crate) fn judge(exchange: &Exchange) -> Vec<Verdict> {
    let Some(refusal) = &exchange.refusal else { return Vec::new() };
    let verdict = |client: Dialect| Verdict {
        check: Check::Errors,
        pair: format!("{}>{}", exchange.dialect.name(), client.name()),
        id: exchange.id.clone(),
        failures: failure(exchange, refusal, client).into_iter().collect(),
        refused: None,
    };
    CLIENTS.into_iter().map(verdict).collect()
}

fn failure(exchange: &Exchange, refusal: &Refusal, client: Dialect) -> Option<Failure> {
    let turn = Turn {
        client,
        provider: exchange.dialect,
        model: "model",
        stream: exchange.stream,
        request: canned::request(client, exchange.stream, &[]),
        framing: Framing::Events,
        status: refusal.status,
        content_type: &refusal.content_type,
        pieces: vec![refusal.body.clone()],
    };
    let outcome = match world::run(turn) {
        Ok(outcome) => outcome,
        Err(error) => return Some(Failure::new(error, "")),
    };
    let what = broken(refusal, &outcome, client)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (was, is) = (text(&refusal.body), text(&outcome.body));
    Some(Failure::new(what, format!("{} {was}\n{} {is}", refusal.status, outcome.status)))
}

fn broken(refusal: &Refusal, outcome: &Outcome, client: Dialect) -> Option<String> {
    let text = String::from_utf8_lossy(&outcome.body);
    if ["sk-corpus", "<html", "<!DOCTYPE"].iter().any(|secret| text.contains(secret)) {
        return Some("it tells what it must not".to_owned());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&outcome.body) else {
        return Some("it is no JSON".to_owned());
    };
    let error = &body["error"];
    let shaped = match client {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Ollama => {
            error["type"].is_string() && error.get("param").is_some() && error.get("code").is_some()
        }
        Dialect::Anthropic => body["type"] == "error" && error["type"].is_string(),
        Dialect::Gemini => error["code"] == outcome.status && error["status"].is_string(),
    };
    if !shaped || error["message"].as_str().is_none_or(str::is_empty) {
        return Some("it has not the shape of the dialect".to_owned());
    }
    let fits = fits(refusal, outcome.status);
    (!fits).then(|| format!("status {} became {}", refusal.status, outcome.status))
}

/// Trouble with the gateway's own key or account is never the client's.
fn fits(refusal: &Refusal, status: u16) -> bool {
    let body = String::from_utf8_lossy(&refusal.body);
    let own = ["API_KEY_INVALID", "API key not valid"].iter().any(|word| body.contains(word));
    match refusal.status {
        401..=403 | 500.. => status >= 500,
        _ if own => status >= 500,
        same => status == same,
    }
}
