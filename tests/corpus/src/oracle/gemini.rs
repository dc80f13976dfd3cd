//! What does an answer of Gemini say?

use serde_json::Value;

use super::{Arguments, Call, Finish, Said, Usage, count, items, text};
use crate::frames::Frame;

pub(super) fn whole(value: &Value) -> Said {
    let mut said = Said::default();
    if let Some(error) = error(value) {
        said.error = Some(error);
        return said;
    }
    take(value, &mut said);
    said.must(said.finish.is_some(), "there is no finishReason");
    said.must(value["usageMetadata"].is_object(), "there is no usageMetadata");
    said
}

pub(super) fn stream(frames: &[Frame]) -> Said {
    let mut said = Said::default();
    for frame in frames {
        let data = &frame.data;
        said.must(said.error.is_none(), "something follows the error");
        said.must(data != "[DONE]", "Gemini knows no [DONE]");
        if let Some(error) = error(data) {
            said.error = Some(error);
            continue;
        }
        let more = items(&candidate(data)["content"]["parts"]).iter().any(is_visible);
        said.must(said.finish.is_none() || !more, "something follows the finishReason");
        take(data, &mut said);
    }
    said.over = said.error.is_none() && said.finish.is_some();
    said.must(said.over || said.error.is_some(), "there is no finishReason");
    said
}

fn is_visible(part: &Value) -> bool {
    !text(&part["text"]).is_empty() || part["functionCall"].is_object()
}

fn candidate(value: &Value) -> &Value {
    let first = |candidate: &&Value| candidate["index"].as_u64().unwrap_or(0) == 0;
    items(&value["candidates"]).iter().find(first).unwrap_or(&Value::Null)
}

fn take(value: &Value, said: &mut Said) {
    let candidate = candidate(value);
    for part in items(&candidate["content"]["parts"]) {
        take_part(part, said);
    }
    if let Some(reason) = candidate["finishReason"].as_str() {
        said.finish = Some(finish(reason));
    }
    let feedback = &value["promptFeedback"];
    if feedback["blockReason"].is_string() || feedback["blockReasonMessage"].is_string() {
        said.finish = Some(Finish::Filtered);
    }
    let told = &value["usageMetadata"];
    if told.is_object() {
        said.usage = Some(read_usage(told));
        let parts = [
            "promptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
            "toolUsePromptTokenCount",
        ];
        let sum: i64 = parts.iter().map(|name| count(&told[*name])).sum();
        said.must(count(&told["totalTokenCount"]) == sum, "totalTokenCount is not the sum");
    }
}

fn take_part(part: &Value, said: &mut Said) {
    if let Some(words) = part["text"].as_str() {
        if part["thought"] == true {
            said.thoughts.push_str(words);
            said.thought_pieces += usize::from(!words.is_empty());
        } else {
            said.text.push_str(words);
        }
    }
    let call = &part["functionCall"];
    if call.is_object() {
        let (id, name) = (text(&call["id"]).to_owned(), text(&call["name"]).to_owned());
        said.calls.push(Call { id, name, arguments: Arguments::of_object(&call["args"]) });
    }
    let data = &part["inlineData"];
    if data.is_object() {
        said.media.push(super::medium(text(&data["mimeType"]), text(&data["data"])));
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "RECITATION" | "IMAGE_SAFETY"
        | "MODEL_ARMOR" => Finish::Filtered,
        _ => Finish::Failed,
    }
}

fn error(value: &Value) -> Option<String> {
    let error = value.get("error")?;
    Some(text(&error["message"]).to_owned())
}

pub(super) fn read_usage(told: &Value) -> Usage {
    let thoughts = count(&told["thoughtsTokenCount"]);
    Usage {
        prompt: count(&told["promptTokenCount"]) + count(&told["toolUsePromptTokenCount"]),
        cached: count(&told["cachedContentTokenCount"]),
        written: 0,
        completion: count(&told["candidatesTokenCount"]) + thoughts,
        reasoning: thoughts,
    }
}
