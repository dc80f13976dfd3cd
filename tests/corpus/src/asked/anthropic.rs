//! What does a request of Anthropic ask?

use serde_json::{Value, json};

use super::{Asked, Choice, Format, Side, Tool, chat};
use crate::oracle::{Arguments, items, text};

const KNOWN: [&str; 18] = [
    "speed",
    "model",
    "messages",
    "system",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "stream",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "service_tier",
    "cache_control",
];

pub(super) fn read(request: &Value, asked: &mut Asked) {
    asked.instruct(&chat::words(&request["system"]));
    for message in items(&request["messages"]) {
        let side = if message["role"] == "assistant" { Side::Model } else { Side::Client };
        if let Some(words) = message["content"].as_str() {
            if message["role"] == "system" { asked.instruct(words) } else { asked.say(side, words) }
        }
        for block in items(&message["content"]) {
            read_block(block, side, asked);
        }
    }
    for tool in items(&request["tools"]) {
        read_tool(tool, asked);
    }
    asked.choice = choice(&request["tool_choice"]);
    if request["tool_choice"]["disable_parallel_tool_use"] == true {
        asked.set("parallel_tool_calls", &Value::Bool(false));
    }
    let format = [&request["output_config"]["format"], &request["output_format"]];
    let format = format.into_iter().find(|format| format["type"] == "json_schema");
    asked.format = format.map(|format| Format::Schema(format["schema"].clone()));
    for name in ["max_tokens", "temperature", "top_p", "top_k", "service_tier"] {
        asked.set(name, &request[name]);
    }
    asked.set("stop", &request["stop_sequences"]);
    if request["speed"] == "fast" {
        asked.set("service_tier", &request["speed"]);
    }
    asked.set("user", &request["metadata"]["user_id"]);
    read_thinking(request, asked);
    if request.to_string().contains("\"cache_control\":{") {
        asked.set("cache_control", &Value::Bool(true));
    }
    asked.leave(request, &KNOWN, "");
}

fn read_thinking(request: &Value, asked: &mut Asked) {
    let thinking = &request["thinking"];
    let effort = &request["output_config"]["effort"];
    match text(&thinking["type"]) {
        "disabled" => asked.set("reasoning_effort", &json!("none")),
        "enabled" => asked.set("reasoning_effort", &thinking["budget_tokens"]),
        _ if !effort.is_null() => asked.set("reasoning_effort", effort),
        "" => {}
        _ => asked.set("reasoning_effort", &thinking["type"]),
    }
}

fn read_block(block: &Value, side: Side, asked: &mut Asked) {
    match text(&block["type"]) {
        "text" => asked.say(side, text(&block["text"])),
        "image" | "document" => read_media(block, side, asked),
        "tool_use" => {
            let arguments = Arguments::of_object(&block["input"]);
            asked.call(text(&block["id"]), text(&block["name"]), &arguments);
        }
        "tool_result" => {
            let result = Value::String(chat::words(&block["content"]));
            asked.answer(text(&block["tool_use_id"]), "", &result);
            for inner in items(&block["content"]) {
                if inner["type"] != "text" {
                    read_block(inner, side, asked);
                }
            }
        }
        "thinking" | "redacted_thinking" => {}
        other => asked.bind(other),
    }
}

fn read_media(block: &Value, side: Side, asked: &mut Asked) {
    let source = &block["source"];
    match text(&source["type"]) {
        "base64" => asked.show_held(side, text(&source["media_type"]), text(&source["data"])),
        "text" => asked.say(side, text(&source["data"])),
        "content" => asked.say(side, &chat::words(&source["content"])),
        "url" => {
            let document = block["type"] == "document";
            asked.bind(if document { "document address" } else { "address" });
            asked.show_url(side, text(&source["url"]));
        }
        other => asked.bind(other),
    }
    if block["type"] == "document" && source["type"] == "base64" {
        asked.bind("document");
    }
}

fn read_tool(value: &Value, asked: &mut Asked) {
    match text(&value["type"]) {
        "" | "custom" => asked
            .tools
            .push(Tool { schema: value["input_schema"].clone(), ..chat::free_tool(value) }),
        kind if kind.starts_with("web_search") => asked.hosted.push("web_search".to_owned()),
        kind if kind.starts_with("code_execution") => asked.hosted.push("run_code".to_owned()),
        other => asked.bind(other),
    }
}

fn choice(value: &Value) -> Option<Choice> {
    Some(match value["type"].as_str()? {
        "any" => Choice::Required,
        "none" => Choice::Never,
        "tool" => Choice::Only(text(&value["name"]).to_owned()),
        _ => Choice::Auto,
    })
}
