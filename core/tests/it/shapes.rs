//! What is no answer in spite of its good status? Another target is asked, as long as nothing has gone to the client.

use crate::common::{
    World,
    bad::{self, BREAKS, Bad, begun, good, good_whole, kind},
    keys::{asked, keys},
    read,
};
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use serde_json::Value;
use tidegate_core::{
    Body,
    config::Config,
    dialect::Dialect,
    provider::{Auth, Host},
    store::Ended,
};

/// What clients speak.
const CLIENTS: [Dialect; 4] =
    [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic, Dialect::Gemini];

fn speaking(dialect: Dialect) -> impl FnOnce(&mut Config) {
    move |config| {
        keys(1, "second")(config);
        for provider in &mut config.providers {
            provider.dialect = if provider.host == Host::Echo { provider.dialect } else { dialect };
            provider.auth = Auth::Bearer;
        }
    }
}

/// The pieces of an answer, the last of which may be that it breaks off.
fn pieces(texts: &[&str]) -> Vec<Result<Bytes, std::io::Error>> {
    let piece = |text: &&str| match *text {
        BREAKS => Err(std::io::Error::other("broken off")),
        text => Ok(Bytes::copy_from_slice(text.as_bytes())),
    };
    texts.iter().map(piece).collect()
}

/// A request in a client's dialect.
fn request(world: &World, client: Dialect, stream: &str) -> Request<Body> {
    let (path, body) = match client {
        Dialect::Anthropic => (
            "/v1/messages",
            r#"{"model":"mock","max_tokens":9,"stream":STREAM,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
        Dialect::OpenAiResponses => {
            ("/v1/responses", r#"{"model":"mock","stream":STREAM,"store":false,"input":"hi"}"#)
        }
        Dialect::Gemini if stream == "true" => (
            "/v1beta/models/mock:streamGenerateContent?alt=sse",
            r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
        ),
        Dialect::Gemini => (
            "/v1beta/models/mock:generateContent",
            r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
        ),
        Dialect::OpenAiChat | Dialect::Ollama => (
            "/v1/chat/completions",
            r#"{"model":"mock","stream":STREAM,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
    };
    Request::post(path)
        .header("authorization", format!("Bearer {}", world.key))
        .body(Body::from(body.replace("STREAM", stream)))
        .expect("the request is a request")
}

/// Whether a target that answers so makes room for the next one, whoever asks.
fn falls(dialect: Dialect, bad: &Bad, stream: &str) {
    let (good, good_kind) = match stream {
        "true" => (good(dialect), kind(dialect)),
        _ => (good_whole(dialect), "application/json"),
    };
    for client in CLIENTS {
        block_on(async {
            let world = World::declaring(speaking(dialect));
            world.upstream.answer(200, bad.kind, pieces(&[&bad.text]));
            world.upstream.answer(200, good_kind, pieces(&[good]));
            let (status, body) = read(world.send(request(&world, client, stream)).await).await;
            let body = String::from_utf8_lossy(&body).into_owned();
            let context = format!("{dialect:?} for {client:?}: {} gave {status} {body}", bad.name);
            assert_eq!(status, 200, "{context}");
            assert!(!body.contains("error\":{"), "{context}");
            assert_eq!(asked(&world), ["sk-1", "sk-second"], "{context}");
            let record = world.record().await;
            assert_eq!((&*record.provider, record.attempts), ("second", 2), "{context}");
            assert_eq!((record.ended, &*record.error), (Ended::Done, ""), "{context}");
        });
    }
}

#[test]
fn an_error_in_a_good_status_falls_to_the_next_target_before_any_content() {
    for dialect in Dialect::ALL {
        for bad in bad::streams(dialect) {
            falls(dialect, &bad, "true");
        }
    }
}

#[test]
fn an_error_as_a_whole_answer_falls_to_the_next_target() {
    for dialect in Dialect::ALL {
        for bad in bad::wholes(dialect) {
            falls(dialect, &bad, "false");
        }
    }
}

/// Whether this is how a stream of the dialect says that it has failed.
fn is_error(client: Dialect, event: &Value) -> bool {
    match client {
        Dialect::OpenAiChat | Dialect::Gemini | Dialect::Ollama => !event["error"].is_null(),
        Dialect::Anthropic => event["type"] == "error",
        Dialect::OpenAiResponses => event["type"] == "error" || event["type"] == "response.failed",
    }
}

/// What the client is told in the stream. A response that fails says so in two events, of which the second is the end.
fn told(client: Dialect, body: &str) -> Vec<Value> {
    // Google's servers say so without a frame, and its SDKs read that.
    let bare = |line: &str| client == Dialect::Gemini && line.starts_with('{');
    let data = body
        .lines()
        .filter_map(|line| line.strip_prefix("data:").or_else(|| bare(line).then_some(line)));
    let mut events: Vec<Value> = data.filter_map(|data| serde_json::from_str(data).ok()).collect();
    if let [.., error, end] = &events[..]
        && (client, &error["type"], &end["type"])
            == (Dialect::OpenAiResponses, &Value::from("error"), &Value::from("response.failed"))
    {
        events.remove(events.len() - 2);
    }
    events
}

#[test]
fn after_content_there_is_one_error_and_no_other_attempt() {
    for dialect in Dialect::ALL {
        let [ends @ .., _] = bad::streams(dialect);
        for (bad, client) in ends.iter().flat_map(|bad| CLIENTS.map(|client| (bad, client))) {
            block_on(async {
                let world = World::declaring(speaking(dialect));
                world.upstream.answer(200, kind(dialect), pieces(&[begun(dialect), &bad.text]));
                world.upstream.answer(200, kind(dialect), pieces(&[good(dialect)]));
                let (status, body) = read(world.send(request(&world, client, "true")).await).await;
                let body = String::from_utf8_lossy(&body).into_owned();
                let context =
                    format!("{dialect:?} for {client:?}: {} gave {status} {body}", bad.name);
                assert_eq!(status, 200, "{context}");
                let events = told(client, &body);
                let errors = events.iter().filter(|event| is_error(client, event)).count();
                assert_eq!(errors, 1, "{context}");
                assert!(events.last().is_some_and(|last| is_error(client, last)), "{context}");
                for end in ["[DONE]", "message_stop", "response.completed"] {
                    assert!(!body.contains(end), "{context}");
                }
                assert!(body.contains("hi"), "{context}");
                assert_eq!(asked(&world), ["sk-1"], "{context}");
                let record = world.record().await;
                assert_eq!((&*record.provider, record.attempts), ("up", 1), "{context}");
                assert_eq!((record.ended, record.status), (Ended::UpstreamBroke, 200), "{context}");
                assert!(!record.error.is_empty(), "{context}");
            });
        }
    }
}
