//! What does a provider of the chat dialect say? Pieces that the cases are made of.

use serde_json::{Value, json};

use crate::{Result, failed, wire::Answer, world::World};

/// A whole answer with odd spacing, escapes, unknown fields and a number that must not be read and written again.
pub(super) const COMPLETION: &str = "{\"id\": \"chatcmpl-1\",\n  \"object\":\"chat.completion\", \"created\":1755900000,\
    \"model\":\"mock-2026\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\
    \"content\":\"caf\\u00e9 \\ud83d\\ude00 😀\",\"refusal\":null,\"x_unknown\":[1.50,1e5,12345678901234567890]},\
    \"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\
    \"total_tokens\":18,\"prompt_tokens_details\":{\"cached_tokens\":4,\"audio_tokens\":0},\
    \"completion_tokens_details\":{\"reasoning_tokens\":2}},\"x_host\":{\"queue_ms\":3}}  \n";

/// The chunk that tells the usage; it is there only when asked for.
pub(super) const USAGE: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
    \"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18,\
    \"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n\n";

/// The chunk that ends a choice.
pub(super) const FINISH: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
    \"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

/// The end of a stream.
pub(super) const DONE: &str = "data: [DONE]\n\n";

/// A chunk with a piece of text.
pub(super) fn chunk(text: &str) -> String {
    let text = Value::from(text);
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// The body of a provider's error.
pub(super) fn error(message: &str) -> String {
    let inner = json!({
        "message": message, "type": "some_type", "param": "some_param", "code": "some_code",
    });
    json!({ "error": inner }).to_string()
}

/// The texts of the chunks in an answer, one after another.
pub(super) fn text_of(answer: &Answer) -> String {
    let chunks = answer.events().into_iter().filter_map(|data| serde_json::from_str(&data).ok());
    chunks
        .filter_map(|chunk: Value| {
            chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)
        })
        .collect()
}

/// Checks that an answer is an error with this status in the shape that this dialect's SDKs read, and returns it.
pub(super) fn refused(answer: &Answer, status: u16) -> Result<Value> {
    if answer.status != status {
        return failed(format!("{} instead of {status}: {}", answer.status, answer.text()));
    }
    if !answer.header("content-type").is_some_and(|v| v.starts_with("application/json")) {
        return failed(format!("an error that is not JSON: {:?}", answer.headers));
    }
    shaped(&answer.json()?)
}

/// Checks the status and returns what was said.
pub(super) fn said(answer: &Answer, status: u16) -> Result<Value> {
    if answer.status != status {
        return failed(format!("{} instead of {status}: {}", answer.status, answer.text()));
    }
    answer.json()
}

/// An id that no other case uses.
pub(super) fn id(world: &World, name: &str) -> String {
    format!("{name}-{}", world.client.id.to_lowercase())
}

/// Checks that an answer of the API is a problem with this status, and returns it.
pub(super) fn problem(answer: &Answer, status: u16) -> Result<Value> {
    if answer.status != status {
        return failed(format!("{} instead of {status}: {}", answer.status, answer.text()));
    }
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json()?;
    assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!("about:blank")));
    assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    assert!(problem["code"].is_string() && problem["title"].is_string(), "{problem}");
    Ok(problem)
}

/// Checks that a stream that has begun ends with an error event and nothing after it, and returns the error.
pub(super) fn broken(answer: &Answer) -> Result<Value> {
    let events = answer.events();
    let errors = events.iter().filter(|data| data.starts_with("{\"error\"")).count();
    let last = events.last().and_then(|data| serde_json::from_str(data).ok());
    match (answer.status, errors, last) {
        (200, 1, Some(last)) => shaped(&last),
        _ => {
            failed(format!("status {}, not one error at the end: {}", answer.status, answer.text()))
        }
    }
}

fn shaped(body: &Value) -> Result<Value> {
    let error = &body["error"];
    let nullable =
        |name: &str| error.get(name).is_some_and(|value| value.is_null() || value.is_string());
    let words = error["message"].as_str().is_some_and(|message| !message.is_empty());
    if words && error["type"].is_string() && nullable("param") && nullable("code") {
        Ok(error.clone())
    } else {
        failed(format!("not the error of this dialect: {body}"))
    }
}
