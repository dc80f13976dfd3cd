//! What does an answer of `OpenAI` chat say?

use serde_json::Value;

use super::{Arguments, Call, Finish, Said, Usage, count, items, text};
use crate::frames::Frame;

/// Calls as they come in pieces.
#[derive(Default)]
struct Growing {
    id: String,
    name: String,
    arguments: String,
    free: bool,
    index: u64,
}

pub(super) fn whole(value: &Value) -> Said {
    let mut said = Said::default();
    if let Some(error) = error(value) {
        said.error = Some(error);
        return said;
    }
    let choice = choice(value);
    let message = &choice["message"];
    for name in ["id", "object", "model"] {
        said.must(value[name].is_string(), &format!("`{name}` is missing"));
    }
    said.must(value["object"] == "chat.completion", "`object` is not chat.completion");
    said.must(value["created"].is_i64(), "`created` is missing");
    said.must(message["role"] == "assistant", "the message has no role");
    said.must(message.get("content").is_some(), "the message has no `content`");
    said.must(choice["index"] == 0, "the choice has no index");
    said.must(choice["finish_reason"].is_string(), "there is no finish_reason");
    let mut calls = Vec::new();
    take(message, &mut said, &mut calls);
    said.calls = calls.into_iter().map(call).collect();
    said.finish = finish(choice);
    said.usage = usage(value);
    check_total(value, &mut said);
    said
}

pub(super) fn stream(frames: &[Frame]) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<Growing> = Vec::new();
    let (mut role, mut finishes, mut id) = (false, 0, None);
    for frame in frames {
        let data = &frame.data;
        said.must(!said.over && said.error.is_none(), "something follows the end");
        if data == "[DONE]" {
            said.over = true;
            continue;
        }
        if let Some(error) = error(data) {
            said.error = Some(error);
            continue;
        }
        let first = id.get_or_insert_with(|| data["id"].clone());
        said.must(*first == data["id"], "chunks have different ids");
        said.must(data["object"] == "chat.completion.chunk", "`object` is not the chunk's");
        said.must(data["model"].is_string(), "`model` is missing");
        said.must(data["created"].is_i64(), "`created` is missing");
        let choice = choice(data);
        let delta = &choice["delta"];
        if !choice.is_null() {
            said.must(role || delta["role"] == "assistant", "the first delta has no role");
            role = true;
            let bare = delta.as_object().is_none_or(serde_json::Map::is_empty);
            let finish = choice["finish_reason"].is_string();
            said.must(!bare || finish, "a delta is empty");
            said.must(finishes == 0 || !finish, "there are two finish_reasons");
        }
        take_pieces(delta, &mut said, &mut calls);
        if let Some(found) = finish(choice) {
            finishes += 1;
            said.finish = Some(found);
        }
        if let Some(found) = usage(data) {
            said.must(choice.is_null() && finishes > 0, "usage is not in a chunk of its own");
            said.usage = Some(found);
            check_total(data, &mut said);
        }
    }
    said.calls = calls.into_iter().map(call).collect();
    if said.error.is_none() {
        said.must(finishes > 0, "there is no finish_reason");
        said.must(said.over, "there is no [DONE]");
    }
    said
}

/// The first choice, whatever place it has in the list.
pub(super) fn choice(value: &Value) -> &Value {
    let first = |choice: &&Value| choice["index"].as_u64().unwrap_or(0) == 0;
    items(&value["choices"]).iter().find(first).unwrap_or(&Value::Null)
}

fn take(message: &Value, said: &mut Said, calls: &mut Vec<Growing>) {
    take_words(message, said);
    said.must(
        items(&message["tool_calls"]).iter().all(|call| call["type"].is_string()),
        "a call has no type",
    );
    for (at, call) in items(&message["tool_calls"]).iter().enumerate() {
        let mut growing = Growing { index: at as u64, ..Growing::default() };
        grow(&mut growing, call);
        calls.push(growing);
    }
    if message["function_call"].is_object() {
        let mut growing = Growing::default();
        grow(&mut growing, &serde_json::json!({ "function": message["function_call"] }));
        calls.push(growing);
    }
}

fn take_pieces(delta: &Value, said: &mut Said, calls: &mut Vec<Growing>) {
    take_words(delta, said);
    for piece in items(&delta["tool_calls"]) {
        let last = calls.last().map(|call| call.index);
        let named = !text(&piece["id"]).is_empty();
        let index = piece["index"].as_u64().or(last.filter(|_| !named));
        let known = calls.iter().position(|call| Some(call.index) == index);
        // Hosts without indexes give every call an id of its own.
        let known = known
            .filter(|at| piece["index"].is_u64() || !named || calls[*at].id == text(&piece["id"]));
        let at = known.unwrap_or_else(|| {
            said.must(named, "a call begins without an id");
            said.must(piece["type"].is_string(), "a call begins without a type");
            let index = index.unwrap_or(calls.len() as u64);
            said.must(index == calls.len() as u64, "indexes of calls have gaps");
            calls.push(Growing { index, ..Growing::default() });
            calls.len() - 1
        });
        said.must(at + 1 == calls.len(), "the index of a call goes back");
        grow(&mut calls[at], piece);
    }
}

fn grow(growing: &mut Growing, piece: &Value) {
    let custom = &piece["custom"];
    growing.free |= custom.is_object();
    let (function, field) =
        if custom.is_object() { (custom, "input") } else { (&piece["function"], "arguments") };
    if growing.id.is_empty() {
        text(&piece["id"]).clone_into(&mut growing.id);
    }
    if growing.name.is_empty() {
        text(&function["name"]).clone_into(&mut growing.name);
    }
    match &function[field] {
        Value::Object(object) => {
            growing.arguments.push_str(&Value::Object(object.clone()).to_string());
        }
        other => growing.arguments.push_str(text(other)),
    }
}

fn call(growing: Growing) -> Call {
    let Growing { id, name, arguments, free, index: _ } = growing;
    let arguments = if free { Arguments::Free(arguments) } else { Arguments::of_text(&arguments) };
    Call { id, name, arguments }
}

/// Text and thoughts, in the words of all hosts.
fn take_words(message: &Value, said: &mut Said) {
    match &message["content"] {
        Value::Array(parts) => {
            for part in parts {
                said.text.push_str(text(&part["text"]));
                for thought in items(&part["thinking"]) {
                    think(said, text(&thought["text"]));
                }
            }
        }
        content => said.text.push_str(text(content)),
    }
    said.refusal.push_str(text(&message["refusal"]));
    for image in items(&message["images"]) {
        let url = text(&image["image_url"]["url"]);
        let held = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
        said.media.extend(held.map(|(mime, data)| super::medium(mime, data)));
    }
    let thought = ["reasoning_content", "reasoning"]
        .iter()
        .map(|name| text(&message[*name]))
        .find(|thought| !thought.is_empty());
    match thought {
        Some(thought) => think(said, thought),
        None => {
            for detail in items(&message["reasoning_details"]) {
                think(said, text(&detail["text"]));
                think(said, text(&detail["summary"]));
            }
        }
    }
}

fn think(said: &mut Said, thought: &str) {
    said.thoughts.push_str(thought);
    said.thought_pieces = usize::from(!said.thoughts.is_empty());
}

fn finish(choice: &Value) -> Option<Finish> {
    Some(match choice["finish_reason"].as_str()? {
        "stop" => Finish::Stop,
        "tool_calls" | "function_call" => Finish::Tools,
        "length" | "model_length" => Finish::Length,
        "content_filter" => Finish::Filtered,
        _ => Finish::Failed,
    })
}

fn error(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    Some(error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned))
}

fn usage(value: &Value) -> Option<Usage> {
    let places = [&value["usage"], &choice(value)["usage"], &value["x_groq"]["usage"]];
    let told = places.into_iter().find(|usage| usage.is_object())?;
    Some(read_usage(told))
}

/// Canonical counters of what hosts mean by theirs.
pub(super) fn read_usage(told: &Value) -> Usage {
    let (input, output) = (&told["prompt_tokens_details"], &told["completion_tokens_details"]);
    let (asked, total) = (count(&told["prompt_tokens"]), count(&told["total_tokens"]));
    let cached = count(&input["cached_tokens"])
        .max(count(&told["prompt_cache_hit_tokens"]))
        .max(count(&told["cached_tokens"]));
    let told_out = count(&told["completion_tokens"]);
    // Mistral counts sound beside the prompt, and only the total knows of it.
    let sound = count(&input["audio_tokens"]);
    let beside = sound > 0 && total - asked - told_out == sound;
    let apart = if cached > asked { cached } else { 0 };
    let prompt = asked + apart + if beside { sound } else { 0 };
    let reasoning = count(&output["reasoning_tokens"]);
    let apart = reasoning > 0 && total - asked - told_out == reasoning;
    let completion = if apart { told_out + reasoning } else { told_out };
    let written = count(&input["cache_write_tokens"]);
    Usage { prompt, cached, written, completion, reasoning: reasoning.min(completion) }
}

fn check_total(value: &Value, said: &mut Said) {
    let told = &value["usage"];
    if told.is_object() {
        let sum = count(&told["prompt_tokens"]) + count(&told["completion_tokens"]);
        said.must(count(&told["total_tokens"]) == sum, "total_tokens is not the sum");
    }
}
