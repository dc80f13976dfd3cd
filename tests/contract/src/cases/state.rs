//! Does a provider get back what it wants with its calls, when another process is asked than the one that answered?

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_provider::Script;

use super::Case;
use crate::{Result, failed, wire::Ask, world::World};

pub(super) const CASES: &[Case] =
    &[Case { name: "state_outlives_its_process", run: |world| Box::pin(outlives(world)) }];

/// How long the state may take to be stored after the response.
const STORE_WAIT: Duration = Duration::from_secs(5);

/// A client that gives a call back as its own API has it: without the thoughts before it.
fn ask(world: &World, more: &[Value]) -> Ask {
    let question = json!({ "role": "user", "content": format!("hello {}", world.tag()) });
    let messages: Vec<_> = std::iter::once(question).chain(more.iter().cloned()).collect();
    let schema = json!({ "type": "object", "properties": {} });
    let function = json!({ "name": "weather", "parameters": schema });
    world.chat(json!({
        "model": "anthropic/claude-sonnet-4-5", "max_tokens": 20000, "reasoning_effort": "high",
        "messages": messages, "tools": [{ "type": "function", "function": function }],
    }))
}

async fn outlives(world: &World) -> Result {
    let world = world.fresh(world.setup()?).await?;
    let thinking = json!({ "type": "thinking", "thinking": "Rain?", "signature": "c2ln" });
    let call = json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} });
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [thinking, call], "stop_reason": "tool_use", "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    });
    world.play(Script::json(200, answer.to_string()));
    let first = world.ask(&ask(&world, &[])).await?;
    assert_eq!(first.status, 200, "{}", first.text());
    // Stored beside the record, which may be there first.
    world.record(&first).await?;
    let said = json!({ "role": "assistant", "content": null, "tool_calls": [{
        "id": "toolu_1", "type": "function", "function": { "name": "weather", "arguments": "{}" },
    }] });
    let outcome = json!({ "role": "tool", "tool_call_id": "toolu_1", "content": "rain" });
    let mut world = world;
    let deadline = Instant::now() + STORE_WAIT;
    loop {
        world = world.restarted().await?;
        let second = world.ask(&ask(&world, &[said.clone(), outcome.clone()])).await?;
        assert_eq!(second.status, 200, "{}", second.text());
        let sent = world.seen().pop().map(|seen| seen.body).unwrap_or_default();
        let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
        if sent["messages"][1]["content"] == json!([thinking, call]) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return failed(format!("the thoughts before the call are lost: {sent}"));
        }
    }
}
