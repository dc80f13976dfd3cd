//! Does the judge of requests see what changes?

use serde_json::json;

use super::*;

/// A chat request with everything, as a provider of Anthropic should get it.
fn pair() -> (Value, Value) {
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let client = json!({
        "model": "m", "max_tokens": 100, "temperature": 0.5, "stop": ["x"], "seed": 1, "unheard_of": 1,
        "tool_choice": "required",
        "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello there"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "sunny"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        ],
    });
    let provider = json!({
        "model": "model", "max_tokens": 100, "temperature": 0.5, "stop_sequences": ["x"], "system": "Be brief.",
        "tool_choice": {"type": "any"},
        "tools": [{"name": "weather", "description": "d", "input_schema": schema}],
        "messages": [
            {"role": "user", "content": "Hello there"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "sunny"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            ]},
        ],
    });
    (client, provider)
}

fn judge(client: &Value, provider: &Value, dropped: &[&str]) -> Vec<String> {
    let client = client.as_object().expect("a request is an object");
    let crossing = Crossing {
        client: Dialect::OpenAiChat,
        provider: Dialect::Anthropic,
        model: "model",
        stream: false,
        source: asked::read(Dialect::OpenAiChat, client),
    };
    let outcome = Outcome {
        status: 200,
        dropped: dropped.iter().map(|name| (*name).to_owned()).collect(),
        body: Bytes::new(),
        asked: Some(provider.to_string().into()),
        url: "https://api.anthropic.com/v1/messages".to_owned(),
        record: None,
    };
    crossing.judge(&outcome).into_iter().map(|failure| failure.what).collect()
}

/// Puts a value at a place of the provider's request, and says what is seen of it.
fn check(place: &str, value: Value, expected: &str) {
    let (client, mut provider) = pair();
    *provider.pointer_mut(place).expect("the place is there") = value;
    let seen = judge(&client, &provider, &["seed", "unheard_of"]);
    assert!(seen.iter().any(|what| what == expected), "{place}: {seen:?}");
}

#[test]
fn an_equal_request_is_equal() {
    let (client, provider) = pair();
    assert_eq!(judge(&client, &provider, &["seed", "unheard_of"]), [""; 0]);
}

#[test]
fn what_is_lost_silently_is_seen() {
    let (client, provider) = pair();
    let seen = judge(&client, &provider, &[]);
    assert_eq!(seen, ["`seed` is lost silently", "`unheard_of` is lost silently"]);
}

#[test]
fn whatever_changes_is_seen() {
    check("/system", json!("Be"), "instructions differ");
    check("/messages/0/content", json!("Hello"), "text of a turn differs");
    check("/messages/0/role", json!("assistant"), "turns differ");
    check("/messages/1/content/0/name", json!("x"), "calls of a turn differ");
    check("/messages/1/content/0/input/city", json!("Paris"), "calls of a turn differ");
    check("/messages/2/content/0/content", json!("rainy"), "results of a turn differ");
    check("/messages/2/content/0/tool_use_id", json!("b"), "results of a turn differ");
    check("/messages/2/content/1/source/data", json!("BBBB"), "media of a turn differ");
    check("/tools/0/name", json!("x"), "tools differ");
    check("/tools/0/description", json!("x"), "description of a tool differs");
    check("/tools/0/input_schema/required", json!([]), "schema of a tool differs");
    check("/tools", json!([]), "tools differ");
    check("/tool_choice", json!({"type": "auto"}), "tool_choice differs");
    check("/model", json!("x"), "place, model or stream differ");
    check("/temperature", json!(0.4), "`temperature` differs");
    check("/temperature", Value::Null, "`temperature` is lost silently");
    check("/max_tokens", json!(99), "`max_tokens` differs");
    check("/stop_sequences", json!([]), "`stop` differs");
}
