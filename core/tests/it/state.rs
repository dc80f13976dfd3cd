//! Does a call's state come back when another instance is asked than the one that answered?

use std::sync::Arc;

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use serde_json::{Value, json};
use tidegate_core::testing::Shelf;

const WEATHER: &str = r#""tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{}}}}]"#;

fn storing(store: &Arc<Shelf>) -> World {
    World::over(store.clone(), |_| {})
}

/// A chat request to a model, with these messages after the first question.
fn asks(model: &str, more: &str) -> String {
    let question = r#"{"role":"user","content":"What is the weather?"}"#;
    format!(
        r#"{{"model":"{model}","max_tokens":20000,"reasoning_effort":"high",{WEATHER},"messages":[{question}{more}]}}"#
    )
}

/// The same call given back without anything that its own API does not have, and what came of it.
fn goes_on(id: &str) -> String {
    format!(
        r#",{{"role":"assistant","content":null,"tool_calls":[{{"id":"{id}","type":"function","function":{{"name":"weather","arguments":"{{}}"}}}}]}},{{"role":"tool","tool_call_id":"{id}","content":"rain"}}"#
    )
}

/// Asks one instance and goes on at another one, which has the same store if `shared`. What the provider was then sent.
fn second_turn(
    model: &str,
    answer: &Value,
    id: &str,
    store: &Arc<Shelf>,
    other: &Arc<Shelf>,
) -> Value {
    block_on(async {
        let (first, second) = (storing(store), storing(other));
        for world in [&first, &second] {
            let answer = vec![Ok(Bytes::from(answer.to_string()))];
            world.upstream.answer(200, "application/json", answer);
        }
        let (status, body) = first.ask(&asks(model, "")).await;
        assert_eq!(status, 200, "{body:?}");
        first.record().await;
        let (status, body) = read(second.send(second.chat(&asks(model, &goes_on(id)))).await).await;
        assert_eq!(status, 200, "{body:?}");
        let asked = second.upstream.asked().remove(0);
        serde_json::from_slice(&asked.body).expect("what is sent is JSON")
    })
}

#[test]
fn thoughts_of_anthropic_are_found_by_another_instance() {
    let thinking = json!({ "type": "thinking", "thinking": "Rain?", "signature": "sig" });
    let call = json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} });
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [thinking, call], "stop_reason": "tool_use", "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    });
    let (one, two) = (Arc::new(Shelf::default()), Arc::new(Shelf::default()));
    let model = "anthropic/claude-sonnet-4-5";
    let sent = second_turn(model, &answer, "toolu_1", &one, &one);
    assert_eq!(sent["messages"][1]["content"], json!([thinking, call]), "{sent}");
    assert_eq!(one.asked(), 1, "only the instance that does not know it asks");
    let sent = second_turn(model, &answer, "toolu_1", &one, &two);
    assert_eq!(sent["messages"][1]["content"], json!([call]), "{sent}");
}

#[test]
fn signatures_of_gemini_are_found_by_another_instance() {
    let call = json!({
        "functionCall": { "id": "call_1", "name": "weather", "args": {} },
        "thoughtSignature": "c2ln",
    });
    let answer = json!({
        "candidates": [{
            "content": { "role": "model", "parts": [call] }, "finishReason": "STOP", "index": 0,
        }],
        "usageMetadata": { "promptTokenCount": 1, "candidatesTokenCount": 1 },
    });
    let store = Arc::new(Shelf::default());
    let model = "gemini/gemini-3-pro-preview";
    let sent = second_turn(model, &answer, "call_1", &store, &store);
    let part = &sent["contents"][1]["parts"][0];
    assert_eq!(part["thoughtSignature"], "c2ln", "{sent}");
}

#[test]
fn nobody_is_asked_about_what_is_known_or_not_wanted() {
    let call = json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} });
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [call], "stop_reason": "tool_use", "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    });
    let store = Arc::new(Shelf::default());
    block_on(async {
        let world = storing(&store);
        let quiet = |ask: String| ask.replace(r#""reasoning_effort":"high","#, "");
        let model = "anthropic/claude-sonnet-4-5";
        for ask in [
            asks(model, ""),
            asks(model, &goes_on("toolu_1")),
            quiet(asks(model, &goes_on("toolu_2"))),
        ] {
            let answer = vec![Ok(Bytes::from(answer.to_string()))];
            world.upstream.answer(200, "application/json", answer);
            assert_eq!(world.ask(&ask).await.0, 200);
        }
        world.later.run_all().await;
    });
    assert_eq!((store.asked(), store.kept()), (0, 0));
}

#[test]
fn an_earlier_call_is_asked_for_once() {
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [{ "type": "text", "text": "Rain." }], "stop_reason": "end_turn",
        "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 1 },
    });
    let store = Arc::new(Shelf::default());
    block_on(async {
        let world = storing(&store);
        let ask = asks("anthropic/claude-sonnet-4-5", &(goes_on("toolu_1") + &goes_on("toolu_2")));
        for asked in [2, 3] {
            let answer = vec![Ok(Bytes::from(answer.to_string()))];
            world.upstream.answer(200, "application/json", answer);
            assert_eq!(world.ask(&ask).await.0, 200);
            assert_eq!(store.asked(), asked);
        }
    });
}

#[test]
fn a_store_that_fails_changes_nothing() {
    block_on(async {
        let world = World::new();
        let answer = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{ "type": "text", "text": "Rain." }], "stop_reason": "end_turn",
            "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 1 },
        });
        world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(answer.to_string()))]);
        let ask = asks("anthropic/claude-sonnet-4-5", &goes_on("toolu_1"));
        assert_eq!(world.ask(&ask).await.0, 200);
        world.record().await;
    });
}

#[test]
fn a_blob_opens_for_its_own_call_alone() {
    let thinking = json!({ "type": "thinking", "thinking": "Rain?", "signature": "sig" });
    let call = json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} });
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [thinking, call], "stop_reason": "tool_use", "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    });
    let store = Arc::new(Shelf::default());
    second_turn("anthropic/claude-sonnet-4-5", &answer, "toolu_1", &store, &store);
    let (id, sealed) = store.only();
    assert_eq!(id.len(), 64, "a hash, not the call's id: {id}");
    assert!(!String::from_utf8_lossy(&sealed).contains("Rain"), "it is kept in clear");
}
