//! Which requests are refused, and how large may a body be?

use bytes::Bytes;
use serde_json::json;
use tidegate_provider::Script;

use super::{
    Case,
    sample::{COMPLETION, refused},
};
use crate::{
    Result,
    wire::{Ask, Body},
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "request_not_json", run: |world| Box::pin(not_json(world)) },
    Case { name: "request_empty", run: |world| Box::pin(empty(world)) },
    Case { name: "request_not_an_object", run: |world| Box::pin(not_an_object(world)) },
    Case { name: "request_without_model", run: |world| Box::pin(without_model(world)) },
    Case { name: "request_unknown_model", run: |world| Box::pin(unknown_model(world)) },
    Case { name: "request_unknown_provider", run: |world| Box::pin(unknown_provider(world)) },
    Case { name: "request_deep_json", run: |world| Box::pin(deep_json(world)) },
    Case { name: "request_chunked", run: |world| Box::pin(chunked(world)) },
    Case { name: "request_of_3_mib", run: |world| Box::pin(accepted(world, 3 << 20)) },
    Case { name: "request_of_20_mib", run: |world| Box::pin(accepted(world, LARGEST)) },
    Case { name: "request_too_large", run: |world| Box::pin(too_large(world)) },
    Case { name: "request_too_large_chunked", run: |world| Box::pin(too_large_chunked(world)) },
];

/// What the gateway promises to take.
const LARGEST: usize = 20 << 20;

async fn bad(world: &World, body: &str) -> Result<serde_json::Value> {
    let answer = world.ask(&world.post(body)).await?;
    let error = refused(&answer, 400)?;
    assert_eq!(error["type"], "invalid_request_error", "{error}");
    let record = world.record(&answer).await?;
    assert_eq!((&record["error"], &record["status"]), (&json!("bad_request"), &json!(400)));
    Ok(error)
}

async fn not_json(world: &World) -> Result {
    bad(world, "{\"model\": \"mock\", \"messages\": [").await?;
    bad(world, "{'model': 'mock'}").await?;
    Ok(())
}

async fn empty(world: &World) -> Result {
    bad(world, "").await?;
    Ok(())
}

async fn not_an_object(world: &World) -> Result {
    bad(world, "[{\"model\":\"mock\"}]").await?;
    bad(world, "\"mock\"").await?;
    Ok(())
}

async fn without_model(world: &World) -> Result {
    for body in ["{\"messages\":[]}", "{\"model\":\"\"}", "{\"model\":7}", "{\"model\":null}"] {
        assert_eq!(bad(world, body).await?["param"], "model", "{body}");
    }
    Ok(())
}

async fn unknown_model(world: &World) -> Result {
    let answer = world.ask(&world.chat(json!({ "model": "gpt-never" }))).await?;
    let error = refused(&answer, 404)?;
    assert_eq!((&error["code"], &error["param"]), (&json!("model_not_found"), &json!("model")));
    let record = world.record(&answer).await?;
    assert_eq!((&record["error"], &record["status"]), (&json!("not_found"), &json!(404)));
    assert_eq!(record["requested_model"], "gpt-never");
    Ok(())
}

async fn unknown_provider(world: &World) -> Result {
    let answer = world.ask(&world.chat(json!({ "model": "nobody/mock" }))).await?;
    assert_eq!(refused(&answer, 404)?["code"], "model_not_found");
    assert_eq!(world.seen().len(), 0);
    Ok(())
}

/// Depth is where JSON readers run out of stack. Either answer is right; the gateway has to live on.
async fn deep_json(world: &World) -> Result {
    const DEPTH: usize = 200_000;
    let world = &world.untouched().await?;
    let deep = format!(
        "{{\"model\":\"mock\",\"x\":{}{},\"messages\":\"{}\"}}",
        "[".repeat(DEPTH),
        "]".repeat(DEPTH),
        world.tag()
    );
    let answer = world.ask(&world.post(deep)).await?;
    assert!([200, 400].contains(&answer.status), "{} {}", answer.status, answer.text());
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Ok(())
}

async fn chunked(world: &World) -> Result {
    let ask = world.chat(json!({ "padding": "x".repeat(5000) }));
    let Body::Whole(whole) = &ask.body else { return Ok(()) };
    let pieces = whole.chunks(100).map(Bytes::copy_from_slice).collect();
    let answer = world.ask(&ask.clone().body(Body::Chunked(pieces))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.seen_once()?.body, whole);
    Ok(())
}

/// A body of exactly `length` bytes.
fn of_length(world: &World, length: usize) -> Bytes {
    let start = format!("{{\"model\":\"mock\",\"messages\":\"{}\",\"padding\":\"", world.tag());
    let padding = "x".repeat(length - start.len() - 2);
    Bytes::from(format!("{start}{padding}\"}}"))
}

async fn accepted(world: &World, length: usize) -> Result {
    let world = &world.untouched().await?;
    world.play(Script::json(200, COMPLETION));
    let body = of_length(world, length);
    let ask = Ask::post(CHAT, body.clone()).bearer(&world.client.key);
    let answer = world.ask(&ask).await?;
    assert_eq!((answer.status, answer.text().as_str()), (200, COMPLETION));
    assert!(world.seen_once()?.body == body, "the body arrived changed");
    assert_eq!(world.record(&answer).await?["bytes_in"], length);
    Ok(())
}

async fn too_large(world: &World) -> Result {
    let world = &world.untouched().await?;
    let body = of_length(world, LARGEST + 1);
    let answer = world.ask(&Ask::post(CHAT, body).bearer(&world.client.key)).await?;
    refused(&answer, 413)?;
    assert_eq!(world.seen().len(), 0);
    Ok(())
}

async fn too_large_chunked(world: &World) -> Result {
    let world = &world.untouched().await?;
    let body = of_length(world, LARGEST + (1 << 20));
    let pieces = body.chunks(1 << 16).map(|piece| body.slice_ref(piece)).collect();
    let ask = Ask::post(CHAT, "").bearer(&world.client.key).body(Body::Chunked(pieces));
    let answer = world.ask(&ask).await?;
    refused(&answer, 413)?;
    assert_eq!(world.seen().len(), 0);
    Ok(())
}
