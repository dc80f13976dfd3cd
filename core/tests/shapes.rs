//! What is no answer in spite of its good status? Another target is asked, as long as nothing has gone to the client.

mod common;

use bytes::Bytes;
use common::{
    World,
    keys::{asked, keys},
    read,
};
use futures_executor::block_on;
use http::Request;
use tidegate_core::{
    Body,
    config::Config,
    dialect::Dialect,
    provider::{Auth, Host},
};

/// What a provider of each dialect may say with status 200 that is no answer, as a stream.
const SHAPES: [(Dialect, &[&str]); 4] = [
    (
        Dialect::OpenAiChat,
        &[
            "data: {\"error\":{\"message\":\"m\",\"code\":\"server_error\"}}\n\n",
            "data: {\"error\":{\"message\":\"m\",\"code\":429}}\n\n",
            "data: {\"error\":\"busy\"}\n\n",
            "event: error\ndata: {\"error\":{\"message\":\"m\"}}\n\n",
            "",
            ": nothing but a comment\n\n",
            "data: {\"choi",
            "data: [DONE]\n\n",
        ],
    ),
    (
        Dialect::OpenAiResponses,
        &[
            "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}\n\n",
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"m\",\"code\":\"server_is_overloaded\"}}\n\n",
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}\n\n",
            "",
            ": nothing but a comment\n\n",
        ],
    ),
    (
        Dialect::Anthropic,
        &[
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n",
            "",
            ": nothing but a comment\n\n",
        ],
    ),
    (
        Dialect::Gemini,
        &[
            "data: {\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}\n\n",
            "data: {\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n",
            "{\"error\":{\"code\":500,\"message\":\"m\",\"status\":\"INTERNAL\"}}",
            "",
        ],
    ),
];

/// A good stream of each dialect.
fn good(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        Dialect::OpenAiResponses => {
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n"
        }
        Dialect::Anthropic => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"m\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
        Dialect::Gemini => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}]},\"finishReason\":\"STOP\"}]}\n\n"
        }
        Dialect::Ollama => {
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"done\":true,\"done_reason\":\"stop\"}\n"
        }
    }
}

fn speaking(dialect: Dialect) -> impl FnOnce(&mut Config) {
    move |config| {
        keys(1, "second")(config);
        for provider in &mut config.providers {
            provider.dialect = if provider.host == Host::Echo { provider.dialect } else { dialect };
            provider.auth = Auth::Bearer;
        }
    }
}

fn pieces(text: &str) -> Vec<Result<Bytes, std::io::Error>> {
    vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]
}

/// A streamed request in the provider's own dialect, or in another one.
fn stream(world: &World, client: Dialect) -> Request<Body> {
    let (path, body) = match client {
        Dialect::Anthropic => (
            "/v1/messages",
            r#"{"model":"mock","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
        Dialect::OpenAiResponses => {
            ("/v1/responses", r#"{"model":"mock","stream":true,"store":false,"input":"hi"}"#)
        }
        Dialect::Gemini => (
            "/v1beta/models/mock:streamGenerateContent?alt=sse",
            r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
        ),
        Dialect::OpenAiChat | Dialect::Ollama => (
            "/v1/chat/completions",
            r#"{"model":"mock","stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
    };
    Request::post(path)
        .header("authorization", format!("Bearer {}", world.key))
        .body(Body::from(body))
        .expect("the request is a request")
}

#[test]
fn an_error_in_a_good_status_falls_to_the_next_target_before_any_content() {
    let lines: (Dialect, &[&str]) = (Dialect::Ollama, &["{\"error\":\"busy\"}\n", "", "{\"mod"]);
    for (dialect, shapes) in SHAPES.into_iter().chain([lines]) {
        for (shape, client) in
            shapes.iter().flat_map(|shape| [(shape, dialect), (shape, Dialect::OpenAiChat)])
        {
            block_on(async {
                let world = World::declaring(speaking(dialect));
                let kind = match dialect {
                    Dialect::Ollama => "application/x-ndjson",
                    _ => "text/event-stream",
                };
                world.upstream.answer(200, kind, pieces(shape));
                world.upstream.answer(200, kind, pieces(good(dialect)));
                let (status, body) = read(world.send(stream(&world, client)).await).await;
                let body = String::from_utf8_lossy(&body).into_owned();
                let context = format!("{dialect:?} for {client:?}: {shape} gave {status} {body}");
                assert_eq!(status, 200, "{context}");
                assert!(!body.contains("error\":{"), "{context}");
                assert_eq!(asked(&world), ["sk-1", "sk-second"], "{context}");
                assert_eq!(world.record().await.provider, "second");
            });
        }
    }
}

#[test]
fn an_error_as_a_whole_answer_falls_to_the_next_target() {
    let check = |dialect: Dialect, kind: &str, body: &str, good: &str| {
        block_on(async {
            let world = World::declaring(speaking(dialect));
            world.upstream.answer(200, kind, pieces(body));
            world.upstream.answer(200, "application/json", pieces(good));
            let ask = r#"{"model":"mock","messages":[{"role":"user","content":"hi"}]}"#;
            assert_eq!(world.ask(ask).await.0, 200, "{dialect:?} {body}");
            assert_eq!(asked(&world), ["sk-1", "sk-second"], "{dialect:?} {body}");
        });
    };
    let json = "application/json";
    let chat =
        r#"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
    for body in [r#"{"error":{"message":"m","code":503}}"#, r#"{"error":"busy"}"#, "", "{\"cho"] {
        check(Dialect::OpenAiChat, json, body, chat);
    }
    check(Dialect::OpenAiChat, "text/html", "<html>busy</html>", chat);
    let message = r#"{"type":"message","id":"m","role":"assistant","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn"}"#;
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    check(Dialect::Anthropic, json, overloaded, message);
    let candidate =
        r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}]}"#;
    let unavailable = r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#;
    check(Dialect::Gemini, json, unavailable, candidate);
    let response = r#"{"id":"r","object":"response","status":"completed","output":[]}"#;
    let failed = r#"{"id":"r","object":"response","status":"failed","error":{"code":"server_error","message":"m"},"output":[]}"#;
    check(Dialect::OpenAiResponses, json, failed, response);
    let local = r#"{"model":"m","message":{"role":"assistant","content":"hi"},"done":true}"#;
    check(Dialect::Ollama, json, r#"{"error":"busy"}"#, local);
}

#[test]
fn after_content_there_is_one_error_and_no_other_attempt() {
    let shapes: [(Dialect, &str); 3] = [
        (
            Dialect::OpenAiChat,
            "data: {\"error\":{\"message\":\"m\",\"code\":\"server_error\"}}\n\n",
        ),
        (Dialect::OpenAiChat, ""),
        (Dialect::OpenAiChat, "data: {\"choi"),
    ];
    for (dialect, end) in shapes {
        block_on(async {
            let world = World::declaring(speaking(dialect));
            let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
            let answer = [begun, end].map(|piece| Ok(Bytes::copy_from_slice(piece.as_bytes())));
            world.upstream.answer(200, "text/event-stream", answer.into());
            let (status, body) = read(world.send(stream(&world, dialect)).await).await;
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!(status, 200);
            assert_eq!(body.matches("\"error\":{").count(), 1, "{body}");
            assert!(!body.contains("[DONE]"), "{body}");
            assert_eq!(asked(&world).len(), 1);
        });
    }
}
