//! Do the nine bugs stay away that an earlier gateway had? A test for each, named after it.

use std::time::Duration;

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use serde_json::{Value, json};
use tidegate_core::{
    Body,
    config::Config,
    identity::Secret,
    money::Prices,
    ports::Clock,
    provider::{Host, Key, Provider},
    store::Record,
};

fn answers(world: &World, kind: &str, text: &str) {
    world.upstream.answer(200, kind, vec![Ok(Bytes::from(text.to_owned()))]);
}

const ANSWER: &str = r#"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":100}}"#;

fn chat(model: &str, fields: Value) -> String {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body.to_string()
}

/// A request of a client that speaks Anthropic's dialect.
fn message(world: &World, body: &Value) -> Request<Body> {
    Request::post("/v1/messages")
        .header("authorization", format!("Bearer {}", world.key))
        .body(Body::from(body.to_string()))
        .expect("the request is a request")
}

fn sent(world: &World) -> Value {
    let asked = world.upstream.asked().pop().expect("the provider was asked");
    serde_json::from_slice(&asked.body).expect("it is JSON")
}

/// Declares a provider under this name, whose models are known by it.
fn at(id: &str) -> impl FnOnce(&mut Config) {
    let id = id.to_owned();
    move |config| {
        let host = Host::Url(format!("http://{id}.example/v1"));
        let keys = vec![Key::new(format!("{id}-1"), Secret::new("sk-x".to_owned()))];
        let up = config.providers[0].clone();
        config.providers.push(Provider { id, host, keys, models: Vec::new(), ..up });
    }
}

#[test]
fn bug_1_a_client_timeout_of_thirty_seconds_killed_long_streams() {
    block_on(async {
        let usual = Config::read(None, &|_| None).expect("nothing is declared").waits;
        let world = World::declaring(|config| config.waits = usual);
        let clock = world.clock.clone();
        let frame = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
        let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        // A word every twenty seconds, for twenty minutes.
        let frames = std::iter::repeat_n(frame, 60).chain([end]).map(Ok::<_, std::io::Error>);
        let body = stream::iter(frames).inspect(move |_| clock.advance(Duration::from_secs(20)));
        let response = Response::builder().header("content-type", "text/event-stream");
        world.upstream.respond(response.body(Body::from_stream(body)).expect("it is a response"));
        let began = world.clock.now();
        let body = chat("mock", json!({ "stream": true }));
        let (status, body) = read(world.send(world.chat(&body)).await).await;
        assert_eq!(status, 200);
        assert_eq!(body.len(), 60 * frame.len() + end.len());
        assert!(world.clock.now() - began >= 20 * 60 * 1000);
    });
}

#[test]
fn bug_2_tool_call_ids_were_cut_to_40_letters_and_became_the_same() {
    block_on(async {
        let world = World::new();
        answers(&world, "application/json", ANSWER);
        let ids = ["a", "b"].map(|end| format!("toolu_{}{end}", "0123456789".repeat(6)));
        let calls = ids
            .each_ref()
            .map(|id| json!({ "type": "tool_use", "id": id, "name": "look", "input": {} }));
        let results = ids
            .each_ref()
            .map(|id| json!({ "type": "tool_result", "tool_use_id": id, "content": id }));
        let body = json!({
            "model": "mock", "max_tokens": 9,
            "tools": [{ "name": "look", "input_schema": { "type": "object" } }],
            "messages": [
                { "role": "user", "content": "hi" },
                { "role": "assistant", "content": calls },
                { "role": "user", "content": results },
            ],
        });
        let (status, text) = read(world.send(message(&world, &body)).await).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
        let sent = sent(&world);
        let called = [0, 1].map(|at| sent["messages"][1]["tool_calls"][at]["id"].clone());
        assert_eq!(called, ids.each_ref().map(|id| json!(id)), "{sent}");
        for (at, id) in ids.iter().enumerate() {
            let result = &sent["messages"][2 + at];
            assert_eq!((&result["tool_call_id"], &result["content"]), (&json!(id), &json!(id)));
        }
    });
}

/// The record of a request to a group that leads to this target.
async fn routed(name: &str, target: &str, answer: &str) -> Record {
    let text = format!("[[group]]\nid = \"{name}\"\ntargets = [\"{target}\"]\n");
    let read = Config::read(Some(&text), &|_| None).expect("a test writes it well");
    let world = World::declaring(|config| config.groups = read.groups);
    answers(&world, "application/json", answer);
    assert_eq!(world.ask(&chat(name, json!({}))).await.0, 200);
    world.record().await
}

#[test]
fn bug_3_the_groups_name_was_priced_and_cost_nothing() {
    let record = block_on(routed("openai-auto", "up/gpt-4o", ANSWER));
    assert_eq!((&*record.requested_model, &*record.model), ("openai-auto", "gpt-4o"));
    assert_eq!(record.cost_nano, 1000 * 2_500 + 100 * 10_000);
}

/// A stream of Gemini whose last frame tells this usage.
fn gemini(usage: &Value) -> String {
    let part =
        json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "hi" }] } }] });
    let end = json!({
        "candidates": [{ "content": { "role": "model", "parts": [{ "text": "" }] }, "finishReason": "STOP" }],
        "usageMetadata": usage,
    });
    format!("data: {part}\n\ndata: {end}\n\n")
}

async fn streamed_by_gemini(usage: &Value) -> Record {
    let world = World::new();
    answers(&world, "text/event-stream", &gemini(usage));
    let body = chat("gemini/gemini-2.5-pro", json!({ "stream": true }));
    assert_eq!(world.ask(&body).await.0, 200);
    world.record().await
}

#[test]
fn bug_4_no_tokens_were_logged_for_streams_of_gemini() {
    let usage = json!({ "promptTokenCount": 91, "candidatesTokenCount": 12, "thoughtsTokenCount": 5, "totalTokenCount": 108 });
    let record = block_on(streamed_by_gemini(&usage));
    assert_eq!((record.usage.prompt, record.usage.completion), (91, 17));
    assert!(!record.estimated && record.cost_nano > 0);
}

#[test]
fn bug_5_the_provider_was_chosen_before_the_routing_was_resolved() {
    // The group has the name of another maker's model.
    let answer = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":1}}"#;
    let record = block_on(routed("gpt-4o", "anthropic/claude-haiku-4-5", answer));
    assert_eq!((&*record.provider, &*record.model), ("anthropic", "claude-haiku-4-5"));
}

#[test]
fn bug_6_deepseek_was_not_given_its_reasoning_back() {
    block_on(async {
        let world = World::declaring(at("deepseek"));
        let call = json!({ "id": "call_1", "type": "function", "function": { "name": "look", "arguments": "{}" } });
        let said = json!({
            "role": "assistant", "content": null, "reasoning_content": "let me look", "tool_calls": [call],
        });
        let answer = json!({ "choices": [{ "message": said, "finish_reason": "tool_calls" }] });
        answers(&world, "application/json", &answer.to_string());
        let tools = json!([{ "name": "look", "input_schema": { "type": "object" } }]);
        let ask = |messages: Value| json!({ "model": "deepseek/deepseek-v4-pro", "max_tokens": 9, "tools": tools, "messages": messages });
        let first = json!({ "role": "user", "content": "hi" });
        assert_eq!(read(world.send(message(&world, &ask(json!([first])))).await).await.0, 200);
        // A client that keeps the call and drops the thought.
        let call = json!({ "type": "tool_use", "id": "call_1", "name": "look", "input": {} });
        let result = json!({ "type": "tool_result", "tool_use_id": "call_1", "content": "done" });
        answers(&world, "application/json", ANSWER);
        let turns = json!([
            first, { "role": "assistant", "content": [call] }, { "role": "user", "content": [result] },
        ]);
        assert_eq!(read(world.send(message(&world, &ask(turns))).await).await.0, 200);
        let sent = sent(&world);
        let turns = sent["messages"].as_array().into_iter().flatten();
        let own: Vec<&Value> = turns.filter(|turn| turn["role"] == "assistant").collect();
        assert_eq!(own.len(), 1);
        assert_eq!(own[0]["reasoning_content"], "let me look", "{sent}");
    });
}

#[test]
fn bug_7_the_limits_of_a_reseller_were_taken_by_chance() {
    block_on(async {
        let mut limits = Vec::new();
        for _ in 0..5 {
            let world = World::new();
            answers(
                &world,
                "application/json",
                r#"{"type":"message","role":"assistant","content":[]}"#,
            );
            world.ask(&chat("anthropic/claude-3-haiku-20240307", json!({}))).await;
            limits.push(sent(&world)["max_tokens"].clone());
        }
        // What the maker says, every time.
        assert_eq!(limits, vec![json!(4096); 5]);
        // A host of which nothing is known sells a model at its maker's price.
        let price = |provider| Prices::default().quote(provider, "gpt-4o", 1_000, 1_000);
        assert_eq!(price("nobody-knows-this-host"), price("openai"));
    });
}

#[test]
fn bug_8_gemini_s_cached_tokens_were_missing() {
    let usage = |cached| json!({ "promptTokenCount": 1000, "cachedContentTokenCount": cached, "candidatesTokenCount": 1 });
    let (none, most) = block_on(async {
        (streamed_by_gemini(&usage(0)).await, streamed_by_gemini(&usage(900)).await)
    });
    assert_eq!((most.usage.prompt, most.usage.cached), (1000, 900));
    assert!(most.cost_nano < none.cost_nano, "{} {}", most.cost_nano, none.cost_nano);
}

#[test]
fn bug_9_the_prices_of_a_promotion_were_written_into_the_code() {
    block_on(async {
        let mut costs = Vec::new();
        // By day, at an hour that was once cheaper, and years later.
        for hours in [0, 9, 5 * 365 * 24] {
            let world = World::declaring(at("deepseek"));
            world.clock.advance(Duration::from_hours(hours));
            answers(&world, "application/json", ANSWER);
            assert_eq!(world.ask(&chat("deepseek/deepseek-chat", json!({}))).await.0, 200);
            costs.push(world.record().await.cost_nano);
        }
        let listed = Prices::default().quote("deepseek", "deepseek-chat", 1_000, 100);
        assert_eq!(costs.iter().map(|cost| Some(*cost)).collect::<Vec<_>>(), [listed; 3]);
        assert!(listed > Some(0));
    });
}
