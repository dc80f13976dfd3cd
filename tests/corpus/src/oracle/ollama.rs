//! What does an answer of Ollama say?

use serde_json::Value;

use super::{Arguments, Call, Finish, Said, Usage, count, items, text};
use crate::frames::Frame;

pub(super) fn whole(value: &Value) -> Said {
    let mut said = Said::default();
    take(value, &mut said);
    said
}

pub(super) fn stream(frames: &[Frame]) -> Said {
    let mut said = Said::default();
    for frame in frames {
        said.must(!said.over, "something follows the end");
        take(&frame.data, &mut said);
    }
    said.must(said.over, "there is no last line");
    said
}

fn take(value: &Value, said: &mut Said) {
    if let Some(error) = value["error"].as_str() {
        said.error = Some(error.to_owned());
        return;
    }
    let message = &value["message"];
    said.text.push_str(text(&message["content"]));
    said.thoughts.push_str(text(&message["thinking"]));
    said.thought_pieces = usize::from(!said.thoughts.is_empty());
    for call in items(&message["tool_calls"]) {
        let function = &call["function"];
        said.calls.push(Call {
            id: text(&call["id"]).to_owned(),
            name: text(&function["name"]).to_owned(),
            arguments: Arguments::of_object(&function["arguments"]),
        });
    }
    if value["done"] == true {
        said.over = true;
        said.finish = Some(match text(&value["done_reason"]) {
            "length" => Finish::Length,
            _ => Finish::Stop,
        });
        let told = value.get("eval_count").is_some() || value.get("prompt_eval_count").is_some();
        said.usage = told.then(|| Usage {
            prompt: count(&value["prompt_eval_count"]),
            completion: count(&value["eval_count"]),
            ..Usage::default()
        });
    }
}
