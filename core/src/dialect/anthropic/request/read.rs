//! What does a request say, in the words that all dialects share?

mod content;
mod media;
mod tools;

use std::borrow::Cow;

use serde_json::value::RawValue;

use self::content::Content;
use super::super::error::THREAD_UNSUPPORTED;
use crate::{
    dialect::{
        Carrier,
        ir::{Cache, Effort, Format, Prompt, Reasoning, Role, Sampling, Schema, Show, Turn},
        object::Object,
    },
    error::{Error, Result},
    limits::FOREIGN_FIELDS_MAX,
};

/// The fields that are read. Of any other one only the name is kept, because no other dialect has it.
const KNOWN: &[&str] = &[
    "model",
    "max_tokens",
    "messages",
    "system",
    "stream",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "service_tier",
    "speed",
    "cache_control",
    // The version that hosts of this dialect want here rather than in a header.
    "anthropic_version",
];

/// Reads a request wholly.
pub(crate) fn read(body: &[u8], carrier: &Carrier) -> Result<Prompt> {
    let object = Object::read(body)?;
    if object.present("thread").is_some() {
        // What it names is at Anthropic; going on without it would be another conversation.
        let message = "`thread` cannot be used with a model of another provider.";
        return Err(Error::bad_request(message).at("thread").coded(THREAD_UNSUPPORTED));
    }
    let mut foreign = unknown(&object, KNOWN);
    let turns = turns(&object, Content { carrier, foreign: &mut foreign })?;
    let tools::Read { tools, choice, parallel } = tools::read(&object, &mut foreign)?;
    let output = object.nested("output_config")?;
    Ok(Prompt {
        model: object.typed("model")?.unwrap_or_default(),
        stream: object.typed("stream")?.unwrap_or(false),
        turns,
        tools,
        choice,
        parallel,
        format: format(&object, output.as_ref())?,
        reasoning: reasoning(&object, output.as_ref(), &mut foreign)?,
        sampling: Sampling {
            temperature: object.typed("temperature")?,
            top_p: object.typed("top_p")?,
            top_k: object.typed("top_k")?,
            ..Sampling::default()
        },
        stop: object.typed("stop_sequences")?.unwrap_or_default(),
        max_tokens: object.typed("max_tokens")?,
        user: user(&object, &mut foreign)?,
        tier: tier(&object)?,
        cache: cache(&object)?,
        verbosity: None,
        cache_key: None,
        foreign,
    })
}

/// The names of fields that are not known, unless they say nothing.
fn unknown(object: &Object<'_>, known: &[&str]) -> Vec<String> {
    let names = object.names().filter(|name| !known.contains(name)).take(FOREIGN_FIELDS_MAX);
    let says = |name: &&str| {
        !matches!(object.get(name).map_or("null", RawValue::get), "null" | "[]" | "{}")
    };
    names.filter(says).map(str::to_owned).collect()
}

/// Notes a field that no other dialect has, once.
fn note(foreign: &mut Vec<String>, name: String) {
    if foreign.len() < FOREIGN_FIELDS_MAX && !foreign.contains(&name) {
        foreign.push(name);
    }
}

fn turns(object: &Object<'_>, mut content: Content<'_>) -> Result<Vec<Turn>> {
    let mut turns = Vec::new();
    if let Some(system) = object.present("system") {
        let parts = content.read(system).map_err(|error| error.at("system"))?;
        turns.push(Turn::new(Role::System, parts));
    }
    let messages: Vec<&RawValue> = object.typed("messages")?.unwrap_or_default();
    if messages.is_empty() {
        return Err(Error::bad_request("`messages` must hold a message.").at("messages"));
    }
    for (at, message) in messages.into_iter().enumerate() {
        let turn = turn(message, &mut content).map_err(|error| error.within("messages", at))?;
        turns.push(turn);
    }
    Ok(turns)
}

fn turn(message: &RawValue, content: &mut Content<'_>) -> Result<Turn> {
    let message = Object::read(message.get().as_bytes())
        .map_err(|_| Error::bad_request("A message is no object."))?;
    let role: Cow<'_, str> = message.typed("role")?.unwrap_or_default();
    let role = match &*role {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let text = format!("`{other}` is no role of a message.");
            return Err(Error::bad_request(text).at("role"));
        }
    };
    let missing = || Error::bad_request("A message needs `content`.").at("content");
    let said = message.present("content").ok_or_else(missing)?;
    Ok(Turn::new(role, content.read(said)?))
}

fn format(object: &Object<'_>, output: Option<&Object<'_>>) -> Result<Option<Format>> {
    let current = output.map(|output| output.nested("format")).transpose()?.flatten();
    let Some(format) = current.map_or_else(|| object.nested("output_format"), |it| Ok(Some(it)))?
    else {
        return Ok(None);
    };
    let missing = || Error::bad_request("The format needs a `schema`.").at("output_config");
    let schema = Schema::read(format.present("schema").ok_or_else(missing)?)
        .map_err(|error| error.at("output_config"))?;
    Ok(Some(Format::Schema { name: None, description: None, schema, strict: Some(true) }))
}

fn reasoning(
    object: &Object<'_>,
    output: Option<&Object<'_>>,
    foreign: &mut Vec<String>,
) -> Result<Reasoning> {
    let effort = match output {
        Some(output) => {
            let names = unknown(output, &["effort", "format"]);
            foreign.extend(names.into_iter().map(|name| format!("output_config.{name}")));
            degree(output)?
        }
        None => None,
    };
    let Some(thinking) = object.nested("thinking")? else {
        return Ok(Reasoning { effort, show: None });
    };
    let kind: Cow<'_, str> = thinking.typed("type")?.unwrap_or_default();
    let show = match thinking.typed::<Cow<'_, str>>("display")?.as_deref() {
        Some("omitted") => Some(Show::Hidden),
        Some(_) | None => Some(Show::Summary),
    };
    match &*kind {
        "disabled" => Ok(Reasoning { effort: Some(Effort::Off), show: None }),
        "enabled" => {
            let budget = thinking.typed("budget_tokens")?.map(Effort::Budget);
            Ok(Reasoning { effort: budget.or(effort).or(Some(Effort::Adaptive)), show })
        }
        "adaptive" => Ok(Reasoning { effort: effort.or(Some(Effort::Adaptive)), show }),
        _ => {
            foreign.push("thinking".to_owned());
            Ok(Reasoning { effort, show: None })
        }
    }
}

fn degree(output: &Object<'_>) -> Result<Option<Effort>> {
    let Some(word) = output.typed::<Cow<'_, str>>("effort")? else { return Ok(None) };
    let unknown = || Error::bad_request(format!("`{word}` is no effort.")).at("output_config");
    Effort::from_word(&word).map(Some).ok_or_else(unknown)
}

fn user(object: &Object<'_>, foreign: &mut Vec<String>) -> Result<Option<String>> {
    let Some(metadata) = object.nested("metadata")? else { return Ok(None) };
    let others = unknown(&metadata, &["user_id"]);
    foreign.extend(others.into_iter().map(|name| format!("metadata.{name}")));
    metadata.typed("user_id").map_err(|error| error.at("metadata"))
}

/// The tier in the words of the chat dialect, where speed is one of the tiers.
fn tier(object: &Object<'_>) -> Result<Option<String>> {
    let speed: Option<String> = object.typed("speed")?;
    if speed.as_deref() == Some("fast") {
        return Ok(speed);
    }
    let tier: Option<String> = object.typed("service_tier")?;
    Ok(tier.map(|tier| if tier == "standard_only" { "default".to_owned() } else { tier }))
}

/// The breakpoint of an object.
fn cache(object: &Object<'_>) -> Result<Option<Cache>> {
    let Some(control) = object.nested("cache_control")? else { return Ok(None) };
    let ttl: Option<Cow<'_, str>> = control.typed("ttl")?;
    Ok(Some(if ttl.as_deref() == Some("1h") { Cache::Long } else { Cache::Short }))
}

#[cfg(test)]
mod tests;
