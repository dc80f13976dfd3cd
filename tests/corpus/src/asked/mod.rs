//! What does a request ask? Read here from the descriptions of the dialects, without a line of the gateway's own readers.

mod anthropic;
mod chat;
mod gemini;
mod ollama;
mod responses;
pub(crate) mod rules;
pub(crate) mod schema;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use crate::oracle::Arguments;

/// What a request asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Leading instructions, without blanks.
    pub(crate) system: String,
    /// The conversation. Turns of one side that follow each other are one.
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<Tool>,
    /// Tools that the provider runs.
    pub(crate) hosted: Vec<String>,
    pub(crate) choice: Option<Choice>,
    pub(crate) format: Option<Format>,
    /// Everything else that several dialects have, by the name that it is lost under.
    pub(crate) fields: BTreeMap<&'static str, Value>,
    /// Fields that no other dialect has.
    pub(crate) foreign: Vec<String>,
    /// What stands in it that may be refused where it cannot be said.
    bound: Vec<String>,
    /// The calls so far: id and name.
    calls: Vec<(String, String)>,
    /// Which of them have their result.
    answered: Vec<bool>,
}

/// What one side says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) side: Side,
    /// Without blanks.
    pub(crate) text: String,
    pub(crate) calls: Vec<(String, Value)>,
    /// The number of the call, and what came of it.
    pub(crate) results: Vec<(String, Value)>,
    pub(crate) media: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Model,
}

#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) schema: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Auto,
    Required,
    Never,
    Only(String),
    Among(Vec<String>, bool),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Json,
    Schema(Value),
}

/// Reads a request.
pub(crate) fn read(dialect: Dialect, request: &Map<String, Value>) -> Asked {
    let request = Value::Object(request.clone());
    let mut asked = Asked::default();
    match dialect {
        Dialect::OpenAiChat => chat::read(&request, &mut asked),
        Dialect::OpenAiResponses => responses::read(&request, &mut asked),
        Dialect::Anthropic => anthropic::read(&request, &mut asked),
        Dialect::Gemini => gemini::read(&request, &mut asked),
        Dialect::Ollama => ollama::read(&request, &mut asked),
    }
    asked.results_in_order();
    asked
}

impl Asked {
    /// Instructions: at the head they stand apart, later they are words of the client.
    fn instruct(&mut self, text: &str) {
        if self.turns.is_empty() {
            self.system.push_str(&bare(text));
        } else {
            self.say(Side::Client, text);
        }
    }

    fn say(&mut self, side: Side, text: &str) {
        let text = bare(text);
        if !text.is_empty() {
            self.turn(side).text.push_str(&text);
        }
    }

    fn call(&mut self, id: &str, name: &str, arguments: &Arguments) {
        self.calls.push((id.to_owned(), name.to_owned()));
        self.answered.push(false);
        let call = (name.to_owned(), arguments.as_object());
        self.turn(Side::Model).calls.push(call);
    }

    /// A result belongs to the last call of its id; without an id to the first unanswered one of its name.
    fn answer(&mut self, id: &str, name: &str, result: &Value) {
        let by_id = || self.calls.iter().rposition(|call| !id.is_empty() && call.0 == id);
        let by_name = || {
            let mut calls = self.calls.iter().zip(&self.answered);
            calls.position(|(call, answered)| !answered && call.1 == name)
        };
        let found = by_id().or_else(by_name);
        if let Some(answered) = found.and_then(|at| self.answered.get_mut(at)) {
            *answered = true;
        }
        let key = found.map_or_else(|| "?".to_owned(), |at| format!("{at:04}"));
        let result = meaning(result);
        self.turn(Side::Client).results.push((key, result));
    }

    fn show(&mut self, side: Side, medium: String) {
        self.turn(side).media.push(medium);
    }

    /// Bytes of some kind. Those of a plain text are words, whichever way they are sent.
    fn show_held(&mut self, side: Side, mime: &str, data: &str) {
        let words = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match words.filter(|_| mime.starts_with("text/")) {
            Some(words) => self.say(side, &words),
            None => self.show(side, held(data)),
        }
    }

    /// Media at a URL, which may hold it.
    fn show_url(&mut self, side: Side, url: &str) {
        let held = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
        match held {
            Some((mime, data)) => self.show_held(side, mime, data),
            None => self.show(side, format!("at {url}")),
        }
    }

    fn set(&mut self, name: &'static str, value: &Value) {
        if !value.is_null() {
            self.fields.insert(name, value.clone());
        }
    }

    /// Whether a provider of a dialect may refuse it: because of what only the client's own provider knows, or of media
    /// that the dialect has no place for.
    pub(crate) fn may_be_refused(&self, provider: Dialect) -> bool {
        use Dialect::{Anthropic, Gemini, Ollama, OpenAiChat, OpenAiResponses};
        self.bound.iter().any(|bound| match bound.as_str() {
            "address" | "document" => provider == Ollama,
            "document address" => matches!(provider, Ollama | OpenAiChat),
            "audio" => matches!(provider, Ollama | Anthropic | OpenAiResponses),
            "video" => provider != Gemini,
            _ => true,
        })
    }

    /// Whether something stands in it that may be refused.
    pub(crate) fn has(&self, bound: &str) -> bool {
        self.bound.iter().any(|known| known == bound)
    }

    fn bind(&mut self, what: impl Into<String>) {
        self.bound.push(what.into());
    }

    /// Notes the fields of an object that are not known, with the path to it before them.
    fn leave(&mut self, object: &Value, known: &[&str], prefix: &str) {
        let names = object.as_object().into_iter().flatten();
        let unknown =
            names.filter(|(name, value)| !value.is_null() && !known.contains(&name.as_str()));
        self.foreign.extend(unknown.map(|(name, _)| format!("{prefix}{name}")));
    }

    fn turn(&mut self, side: Side) -> &mut Turn {
        if self.turns.last().is_none_or(|turn| turn.side != side) {
            self.turns.push(Turn {
                side,
                text: String::new(),
                calls: Vec::new(),
                results: Vec::new(),
                media: Vec::new(),
            });
        }
        self.turns.last_mut().expect("one was pushed if there was none")
    }

    /// Results are matched to calls, so their own order says nothing.
    fn results_in_order(&mut self) {
        for turn in &mut self.turns {
            turn.results.sort_by(|a, b| a.0.cmp(&b.0));
            turn.media.sort();
        }
    }
}

/// A text without blanks, and without the tags around late instructions.
pub(crate) fn bare(text: &str) -> String {
    let text = text.replace("<system>", "").replace("</system>", "");
    text.split_whitespace().collect()
}

/// What a result says, however it is wrapped: as text, as JSON, or under one name in an object.
fn meaning(result: &Value) -> Value {
    match result {
        Value::String(text) => {
            let text = text.trim();
            let text = text.strip_prefix("Error: ").unwrap_or(text);
            match serde_json::from_str::<Value>(text) {
                Ok(Value::String(_)) | Err(_) => Value::String(bare(text)),
                Ok(value) => meaning(&value),
            }
        }
        Value::Object(object) if object.len() == 1 => {
            let wraps = ["result", "output", "error", "content"];
            let inner = wraps.iter().find_map(|name| object.get(*name));
            inner.map_or_else(|| result.clone(), meaning)
        }
        other => other.clone(),
    }
}

fn held(data: &str) -> String {
    let tail = &data[data.len().saturating_sub(12)..];
    format!("{} bytes …{tail}", data.len())
}
