//! What does a request of Ollama ask?

use serde_json::Value;

use super::{Asked, Format, Side, chat, held};
use crate::oracle::{Arguments, items, text};

pub(super) fn read(request: &Value, asked: &mut Asked) {
    for message in items(&request["messages"]) {
        match text(&message["role"]) {
            "system" => asked.instruct(text(&message["content"])),
            "tool" => {
                let (id, name) = (&message["tool_call_id"], &message["tool_name"]);
                asked.answer(text(id), text(name), &message["content"]);
            }
            "assistant" => {
                asked.say(Side::Model, text(&message["content"]));
                for call in items(&message["tool_calls"]) {
                    let function = &call["function"];
                    let arguments = Arguments::of_object(&function["arguments"]);
                    asked.call(text(&call["id"]), text(&function["name"]), &arguments);
                }
            }
            _ => asked.say(Side::Client, text(&message["content"])),
        }
        for image in items(&message["images"]) {
            asked.show(Side::Client, held(text(image)));
        }
    }
    for tool in items(&request["tools"]) {
        asked.tools.push(chat::tool(&tool["function"]));
    }
    asked.format = match &request["format"] {
        Value::String(_) => Some(Format::Json),
        Value::Object(_) => Some(Format::Schema(request["format"].clone())),
        _ => None,
    };
    let options = &request["options"];
    for name in
        ["temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "stop"]
    {
        asked.set(name, &options[name]);
    }
    asked.set("max_tokens", &options["num_predict"]);
    asked.set("reasoning_effort", &request["think"]);
    asked.set("logprobs", &request["logprobs"]);
    let known = [
        "model",
        "messages",
        "stream",
        "tools",
        "format",
        "options",
        "think",
        "logprobs",
        "top_logprobs",
    ];
    asked.leave(request, &known, "");
}
