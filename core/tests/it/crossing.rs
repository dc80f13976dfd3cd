//! What is refused, told or bounded when a request or an answer crosses from one dialect to another?

use std::fmt::Write as _;

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use serde_json::{Value, json};
use tidegate_core::{Body, store::Ended};

fn post(world: &World, path: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .header("authorization", format!("Bearer {}", world.key))
        .body(Body::from(body.to_string()))
        .expect("the request is a request")
}

fn chat(model: &str, fields: Value) -> Value {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body
}

const CHAT_ANSWER: &str = r#"{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
const GEMINI_ANSWER: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}"#;

#[test]
fn several_answers_are_had_in_the_same_dialect_alone() {
    block_on(async {
        let world = World::new();
        let gemini = "/v1beta/models/up/mock:generateContent";
        for model in ["anthropic/m", "gemini/m", "ollama/m"] {
            let (status, body) = world.ask(&chat(model, json!({ "n": 2 })).to_string()).await;
            let error: Value = serde_json::from_slice(&body).expect("an error is JSON");
            assert_eq!((status, &error["error"]["param"]), (400, &json!("n")), "{error}");
            assert_eq!(error["error"]["code"], "unsupported_parameter", "{error}");
        }
        let two = json!({ "candidateCount": 2 });
        let contents = json!([{ "role": "user", "parts": [{ "text": "hi" }] }]);
        let ask = post(&world, gemini, &json!({ "contents": contents, "generationConfig": two }));
        let (status, body) = read(world.send(ask).await).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, 400, "{text}");
        assert!(text.contains("generationConfig.candidateCount"), "{text}");
        assert!(world.upstream.asked().is_empty(), "a refused request reached the provider");
        world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(CHAT_ANSWER))]);
        assert_eq!(world.ask(&chat("mock", json!({ "n": 2 })).to_string()).await.0, 200);
        let sent: Value = serde_json::from_slice(&world.upstream.asked()[0].body).expect("JSON");
        assert_eq!(sent["n"], 2);
    });
}

#[test]
fn a_schema_that_nobody_enforces_is_told() {
    block_on(async {
        let world = World::new();
        let parameters = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
        for (strict, told) in [(true, Some("tools.strict")), (false, None)] {
            let function = json!({ "name": "f", "parameters": parameters, "strict": strict });
            let tools = json!({ "tools": [{ "type": "function", "function": function }] });
            world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(GEMINI_ANSWER))]);
            let ask = post(&world, "/v1/chat/completions", &chat("gemini/m", tools));
            let response = world.send(ask).await;
            let dropped = response.headers().get("x-tidegate-dropped");
            assert_eq!(dropped.and_then(|value| value.to_str().ok()), told);
        }
    });
}

/// An answer of nothing but calls, in one chunk.
fn calls(count: usize) -> String {
    let mut calls = String::new();
    for at in 0..count {
        let comma = if at == 0 { "" } else { "," };
        write!(calls, r#"{comma}{{"index":{at},"id":"c{at}","function":{{"name":"f"}}}}"#)
            .expect("a String takes everything");
    }
    format!(r#"data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{calls}]}}}}]}}"#)
}

#[test]
fn an_answer_has_a_bounded_number_of_parts() {
    for (count, whole) in [(4_096, true), (4_097, false), (60_000, false)] {
        block_on(async {
            let world = World::new();
            let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}";
            let stream = format!("{}\n\n{end}\n\ndata: [DONE]\n\n", calls(count));
            world.upstream.answer(200, "text/event-stream", vec![Ok(Bytes::from(stream))]);
            let body = chat("mock", json!({ "stream": true, "max_tokens": 9 }));
            let (_, body) = read(world.send(post(&world, "/v1/messages", &body)).await).await;
            let text = String::from_utf8_lossy(&body);
            assert_eq!(text.contains("event: message_stop"), whole, "{count}");
            assert_eq!(text.contains("too many parts"), !whole, "{count}");
            let ended = if whole { Ended::Done } else { Ended::Refused };
            assert_eq!(world.record().await.ended, ended, "{count}");
        });
    }
}

#[test]
fn a_client_hears_of_the_rate_in_its_own_words() {
    block_on(async {
        let world = World::new();
        let answer = |headers: &[(&str, &str)], text: &str| {
            world.upstream.answer_with(200, headers, text);
        };
        let given = [("content-type", "application/json"), ("x-ratelimit-remaining-tokens", "5")];
        let hi = json!({ "max_tokens": 9 });
        for (path, name) in [
            ("/v1/chat/completions", "x-ratelimit-remaining-tokens"),
            ("/v1/messages", "anthropic-ratelimit-tokens-remaining"),
        ] {
            answer(&given, CHAT_ANSWER);
            let response = world.send(post(&world, path, &chat("mock", hi.clone()))).await;
            let told = response.headers().get(name).and_then(|value| value.to_str().ok());
            assert_eq!(told, Some("5"), "{path}");
        }
    });
}

#[test]
fn an_answer_comes_in_the_dialect_that_is_named() {
    block_on(async {
        let world = World::new();
        let named = |path: &str, body: Value, name: &'static str| {
            let mut request = post(&world, path, &body);
            request.headers_mut().insert("x-tidegate-answer", name.parse().unwrap());
            request
        };
        let send = async |request| {
            let (status, body) = read(world.send(request).await).await;
            (status, serde_json::from_slice::<Value>(&body).expect("JSON"))
        };
        for (name, pointer, said) in [
            ("anthropic", "/content/0/text", "hi"),
            ("gemini", "/candidates/0/content/parts/0/text", "hi"),
            ("openai_responses", "/output/0/content/0/text", "hi"),
            ("ollama", "/message/content", "hi"),
            ("openai_chat", "/choices/0/message/content", "hi"),
        ] {
            world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(CHAT_ANSWER))]);
            let chats = chat("mock", json!({}));
            let (status, answer) = send(named("/v1/chat/completions", chats, name)).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(answer.pointer(pointer), Some(&json!(said)), "{name}: {answer}");
        }
        let nobody = chat("nobody/m", json!({}));
        let (status, error) = send(named("/v1/chat/completions", nobody, "anthropic")).await;
        assert_eq!((status, &error["type"]), (404, &json!("error")), "{error}");
        let asked = world.upstream.asked().len();
        for (path, name) in [("/v1/chat/completions", "latin"), ("/v1/embeddings", "gemini")] {
            let body = json!({ "model": "mock", "messages": [], "input": "hi" });
            let (status, error) = send(named(path, body, name)).await;
            assert_eq!(status, 400, "{error}");
            assert_eq!(error["error"]["param"], "x-tidegate-answer", "{error}");
        }
        assert_eq!(world.upstream.asked().len(), asked, "a refused request was sent");
    });
}
