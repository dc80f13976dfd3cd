//! What does a newcomer see? A key that works and a line to paste.

use http::Method;
use serde_json::{Value, json};
use tidegate_core::{Body, Result};

use crate::{
    admin::{answer_of, ask_here},
    console::say,
    house::House,
};

/// The name of the demo's client.
const NAME: &str = "demo";

/// Makes a key for the demo, in place of the one that an earlier start made, and says how to use it.
pub(crate) async fn welcome(house: &House, url: &str) -> Result<()> {
    let listed = answer_of(ask_here(house, Method::GET, "/api/clients", Body::empty()).await?);
    for client in listed.await?["data"].as_array().into_iter().flatten() {
        let (Some(id), Some(NAME), Some(false)) =
            (client["id"].as_str(), client["name"].as_str(), client["locked"].as_bool())
        else {
            continue;
        };
        let path = format!("/api/clients/{id}");
        answer_of(ask_here(house, Method::DELETE, &path, Body::empty()).await?).await?;
    }
    let wanted = Body::from(json!({ "name": NAME }).to_string());
    let created = answer_of(ask_here(house, Method::POST, "/api/clients", wanted).await?).await?;
    say(&text(url, created["key"].as_str().unwrap_or_default()));
    Ok(())
}

fn text(url: &str, key: &str) -> String {
    let body: Value = json!({
        "model": "echo",
        "messages": [{ "role": "user", "content": "Hello, Tidegate!" }],
    });
    format!(
        "Try it:\n  curl {url}/v1/chat/completions -H 'authorization: Bearer {key}' \
         -H 'content-type: application/json' -d '{body}'"
    )
}
