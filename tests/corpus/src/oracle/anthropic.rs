//! What does an answer of Anthropic say?

use serde_json::Value;

use super::{Arguments, Call, Finish, Said, Usage, count, items, text};
use crate::frames::Frame;

pub(super) fn whole(value: &Value) -> Said {
    let mut said = Said::default();
    if value["type"] == "error" || value["error"].is_object() {
        said.error = Some(text(&value["error"]["message"]).to_owned());
        return said;
    }
    said.must(value["type"] == "message", "`type` is not message");
    said.must(value["role"] == "assistant", "`role` is not assistant");
    for name in ["id", "model", "stop_reason"] {
        said.must(value[name].is_string(), &format!("`{name}` is missing"));
    }
    said.must(value["content"].is_array(), "`content` is missing");
    said.must(value.get("stop_sequence").is_some(), "`stop_sequence` is missing");
    for name in ["input_tokens", "output_tokens"] {
        said.must(value["usage"][name].is_i64(), &format!("`usage.{name}` is missing"));
    }
    for block in items(&value["content"]) {
        open(block, &mut said);
        said.text.push_str(if block["type"] == "text" { text(&block["text"]) } else { "" });
        said.thoughts.push_str(text(&block["thinking"]));
    }
    said.finish = finish(&value["stop_reason"]);
    said.usage = value["usage"].is_object().then(|| read_usage(&value["usage"]));
    said
}

/// Where a stream is.
#[derive(Default)]
struct Place {
    began: bool,
    open: Option<u64>,
    blocks: u64,
    kind: String,
    arguments: String,
    ends: u32,
    usage: serde_json::Map<String, Value>,
}

pub(super) fn stream(frames: &[Frame]) -> Said {
    let mut said = Said::default();
    let mut place = Place::default();
    for frame in frames {
        let data = &frame.data;
        let kind = text(&data["type"]);
        said.must(frame.event.as_deref() == Some(kind), "`event:` is not the type");
        said.must(!said.over && said.error.is_none(), "something follows the end");
        said.must(
            place.began || matches!(kind, "message_start" | "error" | "ping"),
            "it does not begin with message_start",
        );
        match kind {
            "message_start" => begin(&data["message"], &mut said, &mut place),
            "content_block_start" => open_block(data, &mut said, &mut place),
            "content_block_delta" => extend(data, &mut said, &mut place),
            "content_block_stop" => close(data, &mut said, &mut place),
            "message_delta" => end(data, &mut said, &mut place),
            "message_stop" => {
                said.over = true;
                said.must(place.ends == 1, "there is not one message_delta");
                said.must(place.open.is_none(), "a block was not closed");
            }
            "error" => said.error = Some(text(&data["error"]["message"]).to_owned()),
            "ping" => {}
            other => said.must(false, &format!("the event `{other}` is unknown")),
        }
    }
    if !place.usage.is_empty() {
        said.usage = Some(read_usage(&Value::Object(place.usage)));
    }
    said.must(said.over || said.error.is_some(), "there is no message_stop");
    said
}

fn begin(message: &Value, said: &mut Said, place: &mut Place) {
    said.must(!place.began, "message_start came twice");
    place.began = true;
    said.must(
        message["id"].is_string() && message["model"].is_string(),
        "the message has no id or model",
    );
    said.must(
        message["type"] == "message" && message["role"] == "assistant",
        "the message is none",
    );
    said.must(message["content"] == serde_json::json!([]), "the first message has content");
    for name in ["input_tokens", "output_tokens"] {
        said.must(
            message["usage"][name].is_i64(),
            &format!("the first message has no `usage.{name}`"),
        );
    }
    for block in items(&message["content"]) {
        open(block, said);
        said.text.push_str(if block["type"] == "text" { text(&block["text"]) } else { "" });
    }
    said.finish = finish(&message["stop_reason"]);
    merge(&message["usage"], place);
}

fn open_block(data: &Value, said: &mut Said, place: &mut Place) {
    let index = data["index"].as_u64();
    said.must(place.open.is_none(), "blocks overlap");
    said.must(index == Some(place.blocks), "the index of a block is not the next");
    said.must(place.ends == 0, "a block follows message_delta");
    place.open = index;
    place.blocks += 1;
    let block = &data["content_block"];
    text(&block["type"]).clone_into(&mut place.kind);
    place.arguments.clear();
    open(block, said);
    if place.kind == "text" {
        said.text.push_str(text(&block["text"]));
    }
    said.thoughts.push_str(text(&block["thinking"]));
}

fn open(block: &Value, said: &mut Said) {
    match text(&block["type"]) {
        "tool_use" => {
            let (id, name) = (text(&block["id"]).to_owned(), text(&block["name"]).to_owned());
            said.must(block["input"].is_object(), "a call has no `input`");
            let arguments = Arguments::of_object(&block["input"]);
            said.calls.push(Call { id, name, arguments });
        }
        "thinking" => {
            said.thought_pieces += 1;
            said.must(block["signature"].is_string(), "a thinking block has no `signature`");
        }
        _ => {}
    }
}

fn extend(data: &Value, said: &mut Said, place: &mut Place) {
    said.must(place.open == data["index"].as_u64(), "a delta belongs to no open block");
    let delta = &data["delta"];
    let kind = text(&delta["type"]);
    let fits = match kind {
        "text_delta" | "citations_delta" => place.kind == "text",
        "input_json_delta" => place.kind.ends_with("tool_use"),
        "thinking_delta" | "signature_delta" => place.kind == "thinking",
        _ => true,
    };
    said.must(fits, "a delta does not fit its block");
    match kind {
        "text_delta" => said.text.push_str(text(&delta["text"])),
        "thinking_delta" => said.thoughts.push_str(text(&delta["thinking"])),
        "input_json_delta" => place.arguments.push_str(text(&delta["partial_json"])),
        _ => {}
    }
}

fn close(data: &Value, said: &mut Said, place: &mut Place) {
    said.must(place.open == data["index"].as_u64(), "a block is closed that is not open");
    place.open = None;
    if place.kind == "tool_use"
        && !place.arguments.trim().is_empty()
        && let Some(call) = said.calls.last_mut()
    {
        call.arguments = Arguments::of_text(&place.arguments);
    }
}

fn end(data: &Value, said: &mut Said, place: &mut Place) {
    place.ends += 1;
    said.must(place.open.is_none(), "message_delta came inside a block");
    said.must(data["delta"]["stop_reason"].is_string(), "message_delta has no stop_reason");
    said.must(
        data["usage"]["output_tokens"].is_i64(),
        "message_delta has no `usage.output_tokens`",
    );
    said.finish = finish(&data["delta"]["stop_reason"]).or(said.finish);
    merge(&data["usage"], place);
}

/// The last value of each counter counts.
fn merge(usage: &Value, place: &mut Place) {
    for (name, value) in usage.as_object().into_iter().flatten() {
        if !value.is_null() {
            place.usage.insert(name.clone(), value.clone());
        }
    }
}

fn finish(reason: &Value) -> Option<Finish> {
    Some(match reason.as_str()? {
        "end_turn" | "stop_sequence" | "pause_turn" => Finish::Stop,
        "tool_use" => Finish::Tools,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "refusal" => Finish::Refused,
        _ => Finish::Failed,
    })
}

pub(super) fn read_usage(told: &Value) -> Usage {
    let cached = count(&told["cache_read_input_tokens"]);
    let split = &told["cache_creation"];
    let parts =
        count(&split["ephemeral_5m_input_tokens"]) + count(&split["ephemeral_1h_input_tokens"]);
    let written = count(&told["cache_creation_input_tokens"]).max(parts);
    Usage {
        prompt: count(&told["input_tokens"]) + cached + written,
        cached,
        written,
        completion: count(&told["output_tokens"]),
        reasoning: count(&told["output_tokens_details"]["thinking_tokens"]),
    }
}
