//! What does a request of `OpenAI` Responses ask?

use serde_json::{Value, json};

use super::{Asked, Choice, Format, Side, chat};
use crate::oracle::{Arguments, items, text};

const KNOWN: [&str; 20] = [
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "temperature",
    "top_p",
    "top_logprobs",
    "stream",
    "stream_options",
    "previous_response_id",
    "conversation",
    "background",
    "user",
    "service_tier",
    "prompt_cache_key",
];

pub(super) fn read(request: &Value, asked: &mut Asked) {
    asked.instruct(text(&request["instructions"]));
    if let Some(words) = request["input"].as_str() {
        asked.say(Side::Client, words);
    }
    for item in items(&request["input"]) {
        read_item(item, asked);
    }
    for tool in items(&request["tools"]) {
        read_tool(tool, asked);
    }
    asked.choice = choice(&request["tool_choice"]);
    let format = &request["text"]["format"];
    asked.format = match text(&format["type"]) {
        "json_object" => Some(Format::Json),
        "json_schema" => Some(Format::Schema(format["schema"].clone())),
        _ => None,
    };
    for name in
        ["temperature", "top_p", "user", "service_tier", "prompt_cache_key", "parallel_tool_calls"]
    {
        asked.set(name, &request[name]);
    }
    asked.set("max_tokens", &request["max_output_tokens"]);
    asked.set("reasoning_effort", &request["reasoning"]["effort"]);
    asked.set("verbosity", &request["text"]["verbosity"]);
    let logprobs = "message.output_text.logprobs";
    if items(&request["include"]).iter().any(|name| name == logprobs) {
        asked.set("logprobs", &json!(true));
    }
    for name in ["previous_response_id", "conversation", "background", "prompt"] {
        if !matches!(request[name], Value::Null | Value::Bool(false)) {
            asked.bind(name);
        }
    }
    // These two the gateway sees to itself.
    let seen = ["reasoning.encrypted_content", logprobs];
    let more = items(&request["include"]).iter().any(|name| !seen.contains(&text(name)));
    let own: &[&str] = if more { &["store"] } else { &["store", "include"] };
    let known: Vec<&str> = KNOWN.iter().chain(own).copied().collect();
    asked.leave(request, &known, "");
}

fn read_item(item: &Value, asked: &mut Asked) {
    match text(&item["type"]) {
        "" | "message" => read_message(item, asked),
        "function_call" => {
            let arguments = Arguments::of_text(text(&item["arguments"]));
            asked.call(text(&item["call_id"]), text(&item["name"]), &arguments);
            if item["namespace"].is_string() || item["caller"].is_object() {
                asked.bind("namespace");
            }
        }
        "custom_tool_call" => {
            let input = Arguments::Free(text(&item["input"]).to_owned());
            asked.call(text(&item["call_id"]), text(&item["name"]), &input);
        }
        "function_call_output" | "custom_tool_call_output" => {
            let output = &item["output"];
            let result = Value::String(chat::words(output));
            asked.answer(text(&item["call_id"]), "", &result);
            read_media(output, asked);
        }
        "reasoning" => {}
        other => asked.bind(other),
    }
}

fn read_message(item: &Value, asked: &mut Asked) {
    let words = chat::words(&item["content"]);
    match text(&item["role"]) {
        "system" | "developer" => asked.instruct(&words),
        "assistant" => asked.say(Side::Model, &words),
        _ => asked.say(Side::Client, &words),
    }
    read_media(&item["content"], asked);
}

fn read_media(content: &Value, asked: &mut Asked) {
    for part in items(content) {
        match text(&part["type"]) {
            "input_image" => {
                let url = text(&part["image_url"]);
                asked.show_url(Side::Client, url);
                if !url.starts_with("data:") {
                    asked.bind(if url.is_empty() { "file_id" } else { "address" });
                }
            }
            "input_file" => {
                let file = [&part["file_data"], &part["file_url"], &part["file_id"]];
                let file = file.into_iter().find_map(Value::as_str).unwrap_or_default();
                asked.show_url(Side::Client, file);
                asked.bind(match (&part["file_data"], &part["file_url"]) {
                    (Value::String(_), _) => "document",
                    (_, Value::String(_)) => "document address",
                    _ => "file_id",
                });
            }
            "input_text" | "output_text" | "text" | "refusal" => {}
            other => asked.bind(other),
        }
    }
}

fn read_tool(value: &Value, asked: &mut Asked) {
    match text(&value["type"]) {
        "function" => asked.tools.push(chat::tool(value)),
        "custom" => asked.tools.push(chat::free_tool(value)),
        kind if kind.starts_with("web_search") => asked.hosted.push("web_search".to_owned()),
        "code_interpreter" => asked.hosted.push("run_code".to_owned()),
        other => asked.bind(other),
    }
}

fn choice(value: &Value) -> Option<Choice> {
    if let Some(word) = value.as_str() {
        return Some(match word {
            "none" => Choice::Never,
            "required" => Choice::Required,
            _ => Choice::Auto,
        });
    }
    if let Some(name) = value["name"].as_str() {
        return Some(Choice::Only(name.to_owned()));
    }
    if value["type"] != "allowed_tools" {
        return None;
    }
    let names = items(&value["tools"]).iter().map(|tool| text(&tool["name"]).to_owned());
    Some(Choice::Among(names.collect(), value["mode"] == "required"))
}
