//! What does an answer of `OpenAI` Responses say?

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Arguments, Call, Finish, Said, Usage, count, items, text};
use crate::frames::Frame;

/// The fields of a response that strict clients want to see.
const FIELDS: [&str; 15] = [
    "id",
    "object",
    "created_at",
    "status",
    "error",
    "incomplete_details",
    "instructions",
    "model",
    "output",
    "parallel_tool_calls",
    "metadata",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

pub(super) fn whole(value: &Value) -> Said {
    let mut said = Said::default();
    read(value, &mut said);
    said
}

fn read(value: &Value, said: &mut Said) {
    if value["error"].is_object() {
        said.error = Some(text(&value["error"]["message"]).to_owned());
        if value["object"] != "response" {
            return;
        }
    }
    for name in FIELDS {
        said.must(value.get(name).is_some(), &format!("`{name}` is missing"));
    }
    for item in items(&value["output"]) {
        take(item, said);
    }
    said.finish = finish(value);
    let told = &value["usage"];
    if told.is_object() {
        said.usage = Some(read_usage(told));
        let sum = count(&told["input_tokens"]) + count(&told["output_tokens"]);
        said.must(count(&told["total_tokens"]) == sum, "total_tokens is not the sum");
        let details = ["input_tokens_details", "output_tokens_details"];
        said.must(details.iter().all(|name| told[*name].is_object()), "usage has no details");
    }
}

fn take(item: &Value, said: &mut Said) {
    match text(&item["type"]) {
        "message" => {
            said.must(item["role"] == "assistant", "a message has no role");
            for part in items(&item["content"]) {
                said.text.push_str(text(&part["text"]));
                said.refusal.push_str(text(&part["refusal"]));
                let annotated = part["type"] != "output_text" || part["annotations"].is_array();
                said.must(annotated, "a text has no `annotations`");
            }
        }
        "reasoning" => {
            let pieces = items(&item["summary"]).iter().chain(items(&item["content"]));
            for piece in pieces {
                said.thoughts.push_str(text(&piece["text"]));
                said.thought_pieces += 1;
            }
            said.must(item["summary"].is_array(), "a reasoning item has no `summary`");
        }
        kind @ ("function_call" | "custom_tool_call") => {
            let id = text(&item["call_id"]).to_owned();
            let name = text(&item["name"]).to_owned();
            let arguments = if kind == "function_call" {
                Arguments::of_text(text(&item["arguments"]))
            } else {
                Arguments::Free(text(&item["input"]).to_owned())
            };
            said.calls.push(Call { id, name, arguments });
        }
        "image_generation_call" => {
            let data = text(&item["result"]);
            let format = item["output_format"].as_str().unwrap_or("png");
            if !data.is_empty() {
                said.media.push(super::medium(&format!("image/{format}"), data));
            }
        }
        _ => {}
    }
    said.must(item["id"].is_string(), "an item has no id");
}

/// Where a stream is.
#[derive(Default)]
struct Place {
    next: u64,
    opened: u64,
    open: Option<u64>,
    done: Vec<Value>,
    /// What the deltas of a piece add up to, by event family and place.
    pieces: BTreeMap<String, String>,
}

pub(super) fn stream(frames: &[Frame]) -> Said {
    let mut said = Said::default();
    let mut place = Place::default();
    let mut last = Value::Null;
    for (at, frame) in frames.iter().enumerate() {
        let data = &frame.data;
        let kind = text(&data["type"]);
        said.must(frame.event.as_deref() == Some(kind), "`event:` is not the type");
        said.must(!said.over, "something follows the end");
        said.must(data["sequence_number"] == place.next, "sequence_number has a gap");
        place.next += 1;
        let begins = [Some("response.created"), Some("response.in_progress")];
        if let Some(wanted) = begins.get(at).copied().flatten() {
            said.must(kind == wanted || kind == "error", "it does not begin as it should");
        }
        match kind {
            "response.output_item.added" => add(data, &mut said, &mut place),
            "response.output_item.done" => close(data, &mut said, &mut place),
            "error" => {
                let nested = text(&data["error"]["message"]);
                let flat = text(&data["message"]);
                said.error = Some(if flat.is_empty() { nested } else { flat }.to_owned());
            }
            _ => follow(kind, data, &mut said, &mut place),
        }
        if is_terminal(data) {
            said.over = true;
            last = data["response"].clone();
        }
    }
    conclude(said, &place, &last)
}

/// Whether an event is the last of its stream.
pub(super) fn is_terminal(data: &Value) -> bool {
    let kinds = ["response.completed", "response.incomplete", "response.failed"];
    kinds.contains(&text(&data["type"]))
}

/// What is said is what the items said when they were done; the last event must repeat it.
fn conclude(mut said: Said, place: &Place, last: &Value) -> Said {
    let output = if place.done.is_empty() { items(&last["output"]) } else { &place.done };
    if said.over {
        said.must(items(&last["output"]) == output, "the last event does not repeat the items");
        said.must(place.open.is_none(), "an item was not closed");
    }
    let mut whole = Said::default();
    let mut repeated = last.clone();
    if repeated.is_object() {
        repeated["output"] = Value::Array(output.to_vec());
        read(&repeated, &mut whole);
    } else {
        for item in output {
            take(item, &mut whole);
        }
    }
    let failed = whole.error.is_some() || last["status"] == "failed";
    let error = said.error.take().or(whole.error.take()).or(failed.then(String::new));
    let over = said.over && error.is_none();
    said.must(said.over, "there is no last event");
    let faults = said.faults.into_iter().chain(whole.faults).collect();
    Said { error, over, faults, ..whole }
}

fn add(data: &Value, said: &mut Said, place: &mut Place) {
    let index = data["output_index"].as_u64();
    said.must(index == Some(place.opened), "output_index is not the next");
    said.must(place.open.is_none(), "items overlap");
    place.opened += 1;
    place.open = index;
}

fn close(data: &Value, said: &mut Said, place: &mut Place) {
    let index = data["output_index"].as_u64();
    said.must(place.open == index, "an item is closed that is not open");
    place.open = None;
    let item = &data["item"];
    for (place_of, sum) in &place.pieces {
        let Some(told) = told(item, place_of) else { continue };
        said.must(told == sum, "the deltas of an item do not add up to it");
    }
    place.pieces.clear();
    place.done.push(item.clone());
}

/// What a finished item says at the place that deltas were for.
fn told<'a>(item: &'a Value, place_of: &str) -> Option<&'a str> {
    let (family, at) = place_of.split_once(' ')?;
    let at: usize = at.parse().ok()?;
    match family {
        "response.output_text" | "response.reasoning_text" => item["content"][at]["text"].as_str(),
        "response.refusal" => item["content"][at]["refusal"].as_str(),
        "response.reasoning_summary_text" => item["summary"][at]["text"].as_str(),
        "response.function_call_arguments" => item["arguments"].as_str(),
        "response.custom_tool_call_input" => item["input"].as_str(),
        _ => None,
    }
}

fn follow(kind: &str, data: &Value, said: &mut Said, place: &mut Place) {
    let Some((family, step)) = kind.rsplit_once('.') else { return };
    let inner = data["content_index"].as_u64().or(data["summary_index"].as_u64()).unwrap_or(0);
    if step == "delta" {
        said.must(data["output_index"].as_u64() == place.open, "a delta belongs to no open item");
        let sum = place.pieces.entry(format!("{family} {inner}")).or_default();
        sum.push_str(text(&data["delta"]));
    }
    if step == "done" {
        let sum = place.pieces.get(&format!("{family} {inner}"));
        let told =
            ["text", "refusal", "arguments", "input"].iter().find_map(|name| data[*name].as_str());
        if let (Some(sum), Some(told)) = (sum, told) {
            said.must(sum == told, "a done event is not what its deltas add up to");
        }
    }
}

fn finish(value: &Value) -> Option<Finish> {
    Some(match value["status"].as_str()? {
        "completed" => Finish::Stop,
        "incomplete" => match text(&value["incomplete_details"]["reason"]) {
            "content_filter" => Finish::Filtered,
            _ => Finish::Length,
        },
        _ => Finish::Failed,
    })
}

pub(super) fn read_usage(told: &Value) -> Usage {
    let (input, output) = (&told["input_tokens_details"], &told["output_tokens_details"]);
    let completion = count(&told["output_tokens"]);
    let (asked, cached) = (count(&told["input_tokens"]), count(&input["cached_tokens"]));
    Usage {
        prompt: if cached > asked { asked + cached } else { asked },
        cached,
        written: count(&input["cache_write_tokens"]),
        completion,
        reasoning: count(&output["reasoning_tokens"]).min(completion),
    }
}
