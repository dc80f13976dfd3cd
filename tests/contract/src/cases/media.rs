//! Does media reach a provider that takes no addresses, and does nobody get inside by naming one?

use serde_json::{Value, json};
use tidegate_provider::{Provider, Script};

use super::{Case, sample::refused};
use crate::{
    Result,
    setup::MODEL,
    wire::{Answer, Ask},
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "media_is_fetched", run: |world| Box::pin(is_fetched(world)) },
    Case { name: "media_passes_as_address", run: |world| Box::pin(passes(world)) },
    Case { name: "media_inside_is_refused", run: |world| Box::pin(inside(world)) },
    Case { name: "media_moved_inside_is_refused", run: |world| Box::pin(moved(world)) },
    Case { name: "media_failures_look_alike", run: |world| Box::pin(failures(world)) },
];

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";
const PNG_BASE64: &str = "iVBORw0KGgouLi4u";
const REFUSAL: &str = "messages[0]: The media at this URL cannot be fetched: send its bytes.";

/// A client of the chat dialect shows a picture to Ollama's.
async fn show(world: &World, url: &str) -> Result<Answer> {
    let parts = json!([
        { "type": "text", "text": world.tag() },
        { "type": "image_url", "image_url": { "url": url } },
    ]);
    let body = json!({ "model": format!("{MODEL}-ollama"), "messages": [{ "role": "user", "content": parts }] });
    world.ask(&Ask::post(CHAT, body.to_string()).bearer(&world.client.key)).await
}

/// A client of Anthropic's dialect does the same.
async fn show_as_anthropic(world: &World, model: &str, url: &str) -> Result<Answer> {
    let parts = json!([
        { "type": "text", "text": world.tag() },
        { "type": "image", "source": { "type": "url", "url": url } },
    ]);
    let body = json!({ "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": parts }] });
    let ask = Ask::post("/v1/messages", body.to_string()).header("x-api-key", &world.client.key);
    world.ask(&ask.header("anthropic-version", "2023-06-01")).await
}

fn picture() -> Script {
    Script::whole(200, &[("content-type", "image/png")], PNG)
}

fn answer() -> Script {
    let message = json!({ "role": "assistant", "content": "a cat" });
    let body = json!({ "model": "m", "message": message, "done": true, "done_reason": "stop" });
    Script::json(200, body.to_string())
}

/// What reached the provider.
fn sent(world: &World) -> Result<Value> {
    Ok(serde_json::from_slice(&world.seen_once()?.body).unwrap_or_default())
}

async fn is_fetched(world: &World) -> Result {
    let url = world.publish(picture());
    world.play(answer());
    let answer = show(world, &url).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = sent(world)?;
    assert_eq!(sent["messages"][0]["images"], json!([PNG_BASE64]));
    let fetched = world.fetched();
    assert_eq!(fetched.len(), 1);
    let fetched = &fetched[0];
    assert_eq!(fetched.method, "GET");
    for name in ["authorization", "x-api-key", "cookie", "referer"] {
        assert_eq!(fetched.header(name), None);
    }
    Ok(())
}

async fn passes(world: &World) -> Result {
    let url = world.publish(picture());
    world.play(Script::json(200, "{}"));
    show_as_anthropic(world, MODEL, &url).await?;
    let sent = sent(world)?;
    assert_eq!(sent["messages"][0]["content"][1]["image_url"]["url"], url.as_str());
    assert_eq!(world.fetched().len(), 0);
    Ok(())
}

/// Both clients are refused in their own words, and nothing has moved.
async fn is_refused(world: &World, url: &str) -> Result {
    let answer = show(world, url).await?;
    let error = refused(&answer, 400)?;
    assert_eq!(error["message"], REFUSAL, "{url}");
    assert_eq!(error["param"], "messages[0]", "{url}");
    let answer = show_as_anthropic(world, &format!("{MODEL}-ollama"), url).await?;
    assert_eq!(answer.status, 400, "{url}");
    let error = answer.json()?["error"].clone();
    assert_eq!(error["type"], "invalid_request_error", "{url}");
    assert!(error["message"].as_str().unwrap_or_default().contains(REFUSAL), "{error}");
    assert!(world.seen().is_empty(), "{url}");
    Ok(())
}

async fn inside(world: &World) -> Result {
    let canary = Provider::start().await?;
    canary.play("canary", picture());
    let url = canary.url("canary");
    let at = |host: &str| url.replacen("127.0.0.1", host, 1);
    for url in [
        url.clone(),
        at("localhost"),
        at("127.1"),
        at("2130706433"),
        at("0x7f.0.0.1"),
        at("[::ffff:127.0.0.1]"),
        at("a@127.0.0.1"),
        at("127.0.0.1.nip.io"),
    ] {
        is_refused(world, &url).await?;
    }
    assert!(canary.seen("canary").is_empty());
    Ok(())
}

async fn moved(world: &World) -> Result {
    let canary = Provider::start().await?;
    canary.play("canary", picture());
    for status in [301, 302, 303, 307, 308] {
        let location = canary.url("canary");
        let url = world.publish(Script::whole(status, &[("location", location.as_str())], ""));
        is_refused(world, &url).await?;
    }
    assert_eq!(world.fetched().len(), 10);
    assert!(canary.seen("canary").is_empty());
    Ok(())
}

async fn failures(world: &World) -> Result {
    for script in [
        Script::whole(404, &[], "nothing here"),
        Script::whole(200, &[("content-type", "image/png")], "<html>a secret page</html>"),
        Script::json(500, "{}"),
    ] {
        let url = world.publish(script);
        is_refused(world, &url).await?;
    }
    Ok(())
}
