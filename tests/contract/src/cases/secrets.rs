//! Does any secret ever leave the gateway, in an answer or in its log?

use serde_json::{Value, json};
use tidegate_provider::{Script, Step};

use super::{
    Case,
    sample::{COMPLETION, error},
};
use crate::{
    Result, failed,
    setup::{CANARIES, UPSTREAM_KEY},
    wire::{Ask, exchange},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "secrets_in_answers_and_log", run: |world| Box::pin(nowhere(world)) },
    Case { name: "secrets_are_all_current", run: |world| Box::pin(current(world)) },
];

/// Words of a prompt, which no log may hold either.
const PROMPT: &str = "prompt-canary-c0ffee";

/// Where the root secret was never another one, a rotation goes through keys and clients and finds nothing to do.
async fn current(world: &World) -> Result {
    let mut after = Value::Null;
    loop {
        let body = json!({ "after": after });
        let answer = world.edit("POST", "/api/secret/rotate", None, body).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let done = answer.json()?;
        assert_eq!((&done["resealed"], &done["clients_left"]), (&json!(0), &json!(0)), "{done}");
        after = done["next"].clone();
        if after.is_null() {
            return Ok(());
        }
    }
}

async fn nowhere(world: &World) -> Result {
    let loud = world.fresh(world.setup()?.talkative()).await?;
    let told = format!("Incorrect API key provided: {UPSTREAM_KEY}.");
    let answers = [
        Script::json(200, COMPLETION),
        Script::json(400, error(&told)),
        Script::json(500, format!("Authorization: Bearer {UPSTREAM_KEY}")),
        Script::silence().then(Step::Reset),
        Script::events().piece(format!("data: {}\n\n", error(&told))),
        // The key is not used after that.
        Script::json(401, error(&told)),
    ];
    for script in answers {
        loud.play(script);
        let messages = json!([{ "role": "user", "content": format!("{PROMPT} {}", loud.tag()) }]);
        // Each answer is searched for secrets.
        loud.ask(&loud.chat(json!({ "messages": messages, "stream": true }))).await?;
    }
    loud.ask(&loud.post(format!("{{\"model\": {PROMPT}"))).await?;
    for path in ["/api/clients", "/api/providers", "/api/records", "/", "/health", "/ready"] {
        loud.admin("GET", path).await?;
    }
    // A key that is almost right is as good as a key to whoever reads the log.
    let almost = format!("{}x", loud.client.key);
    exchange(loud.gateway.address, &Ask::new("GET", "/v1/models").bearer(&almost)).await?;
    loud.until_records(7, |_| true).await?;
    silent(&loud.gateway.log(), CANARIES.into_iter().chain([loud.client.key.as_str(), PROMPT]))
}

/// Checks that none of the words is in a log.
pub fn silent<'a>(log: &str, words: impl IntoIterator<Item = &'a str>) -> Result {
    for word in words {
        if let Some(line) = log.lines().find(|line| line.contains(word)) {
            return failed(format!("the log shows {word}: {line}"));
        }
    }
    Ok(())
}
