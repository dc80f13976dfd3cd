//! Does the demo provider answer everything that a newcomer tries?

use serde_json::{Value, json};

use super::{Case, sample::text_of};
use crate::{Result, wire::Ask, world::World};

pub(super) const CASES: &[Case] = &[
    Case { name: "echo_whole", run: |world| Box::pin(whole(world)) },
    Case { name: "echo_streamed", run: |world| Box::pin(streamed(world)) },
    Case { name: "echo_calls_a_tool", run: |world| Box::pin(calls_a_tool(world)) },
    Case { name: "echo_streams_a_tool_call", run: |world| Box::pin(streams_a_tool_call(world)) },
];

fn said(words: &str) -> Value {
    json!([{ "role": "user", "content": words }])
}

async fn whole(world: &World) -> Result {
    let ask = world.chat(json!({ "model": "echo", "messages": said("good 😀 morning") }));
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let reply = answer.json()?;
    let choice = &reply["choices"][0];
    assert!(
        choice["message"]["content"].as_str().is_some_and(|text| text.contains("good 😀 morning"))
    );
    assert_eq!(choice["finish_reason"], "stop");
    assert!(reply["usage"]["total_tokens"].as_i64() > Some(0), "{reply}");
    assert_eq!(world.ask(&ask).await?.body, answer.body, "the same answer every time");
    let record = world.record(&answer).await?;
    assert_eq!((&record["provider"], &record["estimated"]), (&json!("echo"), &json!(false)));
    assert_eq!(record["usage"]["prompt"], reply["usage"]["prompt_tokens"]);
    Ok(())
}

async fn streamed(world: &World) -> Result {
    let words = "one two three four";
    let ask = world.chat(json!({ "model": "echo/echo", "messages": said(words), "stream": true }));
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(text_of(&answer).contains(words), "{}", answer.text());
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
    assert!(!answer.text().contains("total_tokens"), "usage was not asked for");
    assert!(world.record(&answer).await?["usage"]["completion"].as_i64() > Some(0));
    Ok(())
}

fn with_tool(world: &World, stream: impl Into<Value>) -> Ask {
    let function = json!({ "name": "get_weather", "parameters": { "type": "object" } });
    world.chat(json!({
        "model": "echo",
        "messages": said("Paris"),
        "tools": [{ "type": "function", "function": function }],
        "tool_choice": "required",
        "stream": stream.into(),
    }))
}

async fn calls_a_tool(world: &World) -> Result {
    let reply = world.ask(&with_tool(world, false)).await?.json()?;
    let choice = &reply["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{reply}");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(
        (&call["type"], &call["function"]["name"]),
        (&json!("function"), &json!("get_weather"))
    );
    let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
    assert!(
        serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()),
        "{reply}"
    );
    Ok(())
}

async fn streams_a_tool_call(world: &World) -> Result {
    let answer = world.ask(&with_tool(world, true)).await?;
    let chunks: Vec<Value> =
        answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
    let calls = || chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]);
    assert!(calls().any(|call| call["function"]["name"] == "get_weather"), "{}", answer.text());
    let arguments: String =
        calls().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert!(
        serde_json::from_str::<Value>(&arguments).is_ok_and(|value| value.is_object()),
        "{arguments}"
    );
    let finish = chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "tool_calls");
    assert!(finish, "{}", answer.text());
    Ok(())
}
