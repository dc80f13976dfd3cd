//! Does the judge of answers see what changes?

use serde_json::{Value, json};

use super::*;

fn exchange() -> (Exchange, Answer) {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "Let me see.", "reasoning_content": "Hm.",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}}],
        }}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4}},
    });
    let answer = Answer {
        content_type: "application/json".to_owned(),
        body: body.to_string().into(),
        raw: true,
    };
    let dialect = Dialect::OpenAiChat;
    let exchange = Exchange {
        id: "a#0".to_owned(),
        dialect,
        stream: false,
        request: None,
        answer: None,
        refusal: None,
    };
    (exchange, answer)
}

fn message() -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 5},
    })
}

fn compare(message: &Value) -> Vec<String> {
    let (exchange, answer) = exchange();
    let conversion = Conversion::new(&exchange, &answer, Dialect::Anthropic);
    let said = oracle::whole(Dialect::Anthropic, message.to_string().as_bytes());
    conversion.compare(&said).into_iter().map(|failure| failure.what).collect()
}

/// Puts a value at a place of the client's answer, and says what is seen of it.
fn check(place: &str, value: Value, expected: &str) {
    let mut message = message();
    *message.pointer_mut(place).expect("the place is there") = value;
    let seen = compare(&message);
    assert!(seen.iter().any(|what| what == expected), "{place}: {seen:?}");
}

#[test]
fn an_equal_answer_is_equal() {
    assert_eq!(compare(&message()), [""; 0]);
}

#[test]
fn whatever_changes_is_seen() {
    check("/content/1/text", json!("Let me"), "text differs");
    check("/content/0/thinking", json!(""), "reasoning differs");
    check("/content/2/name", json!("x"), "calls differ");
    check("/content/2/input/city", json!("Paris"), "calls differ");
    check("/content/2/id", json!("b"), "ids of calls differ");
    check("/content/2", json!({"type": "text", "text": ""}), "calls differ");
    check("/stop_reason", json!("end_turn"), "finish differs");
    check("/usage/input_tokens", json!(10), "usage differs");
    check("/usage/output_tokens", json!(4), "usage differs");
    check("/role", json!("user"), "rule broken: `role` is not assistant");
}
