//! What does a request of `OpenAI` chat ask?

use serde_json::Value;

use super::{Asked, Choice, Format, Side, Tool};
use crate::oracle::{Arguments, items, text};

const KNOWN: [&str; 27] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "n",
    "logprobs",
    "top_logprobs",
    "stop",
    "max_completion_tokens",
    "max_tokens",
    "verbosity",
    "user",
    "service_tier",
    "prompt_cache_key",
];

pub(super) fn read(request: &Value, asked: &mut Asked) {
    for message in items(&request["messages"]) {
        read_message(message, asked);
    }
    for tool in items(&request["tools"]) {
        read_tool(tool, asked);
    }
    for function in items(&request["functions"]) {
        asked.tools.push(tool(function));
    }
    if request["web_search_options"].is_object() {
        asked.hosted.push("web_search".to_owned());
    }
    asked.choice = choice(&request["tool_choice"]).or_else(|| choice(&request["function_call"]));
    asked.format = format(&request["response_format"]);
    for name in [
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "verbosity",
        "user",
        "service_tier",
        "prompt_cache_key",
        "parallel_tool_calls",
        "n",
        "reasoning_effort",
    ] {
        asked.set(name, &request[name]);
    }
    let limit = &request["max_completion_tokens"];
    asked.set("max_tokens", if limit.is_null() { &request["max_tokens"] } else { limit });
    if request["logprobs"] == true {
        asked.set("logprobs", &Value::Bool(true));
    }
    match &request["stop"] {
        Value::String(one) => asked.set("stop", &serde_json::json!([one])),
        list => asked.set("stop", list),
    }
    if request["thinking"]["type"].is_string() {
        asked
            .fields
            .entry("reasoning_effort")
            .or_insert_with(|| request["thinking"]["type"].clone());
    }
    let known: Vec<&str> = KNOWN.into_iter().chain(["web_search_options"]).collect();
    asked.leave(request, &known, "");
}

fn read_message(message: &Value, asked: &mut Asked) {
    let role = text(&message["role"]);
    match role {
        "system" | "developer" => asked.instruct(&words(&message["content"])),
        "assistant" => {
            asked.say(Side::Model, &words(&message["content"]));
            asked.say(Side::Model, text(&message["refusal"]));
            for call in items(&message["tool_calls"]) {
                let (function, free) = (&call["function"], &call["custom"]);
                let id = text(&call["id"]);
                if free.is_object() {
                    let input = Arguments::Free(text(&free["input"]).to_owned());
                    asked.call(id, text(&free["name"]), &input);
                } else {
                    asked.call(id, text(&function["name"]), &arguments(&function["arguments"]));
                }
            }
            let function = &message["function_call"];
            if function.is_object() {
                asked.call("", text(&function["name"]), &arguments(&function["arguments"]));
            }
        }
        "tool" | "function" => {
            let result = Value::String(words(&message["content"]));
            asked.answer(text(&message["tool_call_id"]), text(&message["name"]), &result);
            read_media(message, asked);
        }
        _ => {
            asked.say(Side::Client, &words(&message["content"]));
            read_media(message, asked);
        }
    }
}

fn arguments(value: &Value) -> Arguments {
    match value {
        Value::String(text) => Arguments::of_text(text),
        other => Arguments::of_object(other),
    }
}

/// All text of a content.
pub(super) fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| {
                let kind = text(&part["type"]);
                let spoken = matches!(kind, "text" | "input_text" | "output_text");
                if spoken { text(&part["text"]) } else { text(&part["refusal"]) }
            });
            texts.collect()
        }
        _ => String::new(),
    }
}

fn read_media(message: &Value, asked: &mut Asked) {
    for part in items(&message["content"]) {
        match text(&part["type"]) {
            kind @ ("image_url" | "video_url" | "document_url") => {
                let place = &part[kind];
                let url = place.as_str().unwrap_or_else(|| text(&place["url"]));
                asked.show_url(Side::Client, url);
                match kind {
                    "image_url" if url.starts_with("data:") => {}
                    "image_url" => asked.bind("address"),
                    "video_url" => asked.bind("video"),
                    other => asked.bind(other),
                }
            }
            "input_audio" => {
                asked.show(Side::Client, super::held(text(&part["input_audio"]["data"])));
                asked.bind("audio");
            }
            "file" => {
                let file = &part["file"];
                asked.show_url(Side::Client, text(&file["file_data"]));
                asked.bind(if file["file_data"].is_string() { "document" } else { "file_id" });
            }
            "text" => {}
            other => asked.bind(other),
        }
    }
}

fn read_tool(value: &Value, asked: &mut Asked) {
    match text(&value["type"]) {
        "custom" => asked.tools.push(free_tool(&value["custom"])),
        "function" | "" => asked.tools.push(tool(&value["function"])),
        other => asked.bind(other),
    }
}

/// A tool of free text, as dialects without such tools see it.
pub(super) fn free_tool(value: &Value) -> Tool {
    Tool {
        name: text(&value["name"]).to_owned(),
        description: text(&value["description"]).to_owned(),
        schema: Value::Null,
    }
}

pub(super) fn tool(function: &Value) -> Tool {
    Tool { schema: function["parameters"].clone(), ..free_tool(function) }
}

fn choice(value: &Value) -> Option<Choice> {
    if let Some(word) = value.as_str() {
        return Some(match word {
            "none" => Choice::Never,
            "required" | "any" => Choice::Required,
            _ => Choice::Auto,
        });
    }
    let named = [&value["function"]["name"], &value["custom"]["name"], &value["name"]];
    if let Some(name) = named.into_iter().find_map(Value::as_str) {
        return Some(Choice::Only(name.to_owned()));
    }
    let allowed = value.get("allowed_tools")?;
    let tools = items(&allowed["tools"]).iter().map(|tool| text(&tool["function"]["name"]));
    Some(Choice::Among(tools.map(str::to_owned).collect(), allowed["mode"] == "required"))
}

fn format(value: &Value) -> Option<Format> {
    match text(&value["type"]) {
        "json_object" => Some(Format::Json),
        "json_schema" => Some(Format::Schema(value["json_schema"]["schema"].clone())),
        _ => None,
    }
}
