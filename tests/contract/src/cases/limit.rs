//! Who may do how much? Teams and clients with limits, made through the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_provider::Script;

use super::{
    Case,
    sample::{COMPLETION, problem, refused},
};
use crate::{
    Result, failed,
    setup::{ADMIN_TOKEN, MODEL},
    wire::{Answer, Ask, Body},
    world::{Client, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "limit_of_a_team_is_kept", run: |world| Box::pin(kept(world)) },
    Case { name: "limit_is_told_to_anthropics_clients", run: |world| Box::pin(anthropic(world)) },
    Case { name: "limit_on_models_and_addresses", run: |world| Box::pin(gates(world)) },
    Case { name: "limit_is_changed_for_a_client", run: |world| Box::pin(changed(world)) },
    Case { name: "limit_of_tokens_is_settled", run: |world| Box::pin(tokens(world)) },
    Case { name: "limit_with_a_strict_ledger", run: |world| Box::pin(strict(world)) },
    Case { name: "teams_are_a_tree", run: |world| Box::pin(tree(world)) },
    Case { name: "key_rotated", run: |world| Box::pin(rotated(world)) },
];

async fn call(world: &World, method: &'static str, path: &str, body: Value) -> Result<Answer> {
    let ask = Ask::new(method, path)
        .header("content-type", "application/json")
        .body(Body::Whole(body.to_string().into()))
        .bearer(ADMIN_TOKEN);
    // What a case changes, it has just made.
    let changes = method != "POST" || path.ends_with("/rotate");
    world.ask(&if changes { ask.header("if-match", "*") } else { ask }).await
}

fn id(world: &World, name: &str) -> String {
    format!("{name}-{}", world.client.id)
}

async fn team(world: &World, name: &str, mut fields: Value) -> Result<String> {
    let id = id(world, name);
    fields["id"] = json!(id);
    let answer = call(world, "POST", "/api/teams", fields).await?;
    if answer.status == 201 { Ok(id) } else { failed(format!("no team: {}", answer.text())) }
}

async fn client(world: &World, name: &str, mut fields: Value) -> Result<Client> {
    fields["name"] = json!(id(world, name));
    world.another_client(fields).await
}

fn chat(world: &World, client: &Client) -> Ask {
    let mut ask = world.chat(json!({ "max_tokens": 20 }));
    ask.headers.retain(|(name, _)| name != "authorization");
    ask.bearer(&client.key)
}

/// Waits until the only limit of a node is used so far: a record may still be on its way.
async fn until_used(world: &World, node: &str, used: i64) -> Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = world.admin("GET", &format!("/api/{node}/spending")).await?;
        let limits = answer.json()?["limits"].clone();
        if limits[0]["used"] == used {
            return Ok(limits[0].clone());
        }
        if Instant::now() > deadline {
            return failed(format!("not {used} used of {limits}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn kept(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let three = json!({ "limits": [{ "requests": 3, "per": "total" }] });
    let team = team(world, "kept", three).await?;
    let client = client(world, "kept", json!({ "team": team })).await?;
    for _ in 0..3 {
        assert_eq!(world.ask(&chat(world, &client)).await?.status, 200);
    }
    for _ in 0..2 {
        let answer = world.ask(&chat(world, &client)).await?;
        let error = refused(&answer, 429)?;
        assert_eq!(
            (&error["code"], &error["type"]),
            (&json!("rate_limit_exceeded"), &json!("rate_limit_error"))
        );
        let message = error["message"].as_str().unwrap_or_default();
        let said = format!(
            "The limit of the team `{team}` is reached: 3 requests in total; it does not reset."
        );
        assert_eq!(message, said);
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("0"));
    }
    assert_eq!(world.seen().len(), 3);
    let used = until_used(world, &format!("teams/{team}"), 3).await?;
    assert_eq!(used["remaining"], 0, "{used}");
    Ok(())
}

async fn anthropic(world: &World) -> Result {
    let none = json!({ "limits": [{ "requests": 0, "per": "minute" }] });
    let client = client(world, "anthropic", none).await?;
    let body = json!({ "model": MODEL, "max_tokens": 5, "messages": [{ "role": "user", "content": "x" }] });
    let ask = Ask::post("/v1/messages", body.to_string()).header("x-api-key", &client.key);
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.json()?["error"]["type"], "rate_limit_error");
    assert_eq!(answer.header("anthropic-ratelimit-requests-limit"), Some("0"));
    Ok(())
}

async fn gates(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    for (at, (fields, status)) in [
        (json!({ "models": ["gpt-*"] }), 403),
        (json!({ "models": ["gpt-*", "mo*"] }), 200),
        (json!({ "providers": ["openai"] }), 403),
        (json!({ "ips": ["203.0.113.7"] }), 403),
        (json!({ "enabled": false }), 403),
    ]
    .into_iter()
    .enumerate()
    {
        let client = client(world, &format!("gate {at}"), fields.clone()).await?;
        let answer = world.ask(&chat(world, &client)).await?;
        assert_eq!(answer.status, status, "{fields}: {}", answer.text());
    }
    assert_eq!(world.seen().len(), 1);
    for fields in [
        json!({ "limits": [{ "requests": 1 }] }),
        json!({ "limits": [{ "requests": 1, "per": "day" }, { "requests": 2, "per": "day" }] }),
        json!({ "ips": ["nowhere"] }),
        json!({ "role": "admin" }),
        json!({ "team": "no-such-team" }),
    ] {
        let mut body = fields;
        body["name"] = json!(id(world, "wrong"));
        let answer = call(world, "POST", "/api/clients", body).await?;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    Ok(())
}

async fn changed(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let client =
        client(world, "changed", json!({ "limits": [{ "requests": 0, "per": "day" }] })).await?;
    let path = format!("/api/clients/{}", client.id);
    assert_eq!(world.ask(&chat(world, &client)).await?.status, 429);
    let change = json!({ "limits": [{ "requests": 1, "per": "day" }], "models": ["m*"] });
    problem(&world.edit("PATCH", &path, None, change.clone()).await?, 428)?;
    problem(&world.edit("PATCH", &path, Some("\"7\""), change.clone()).await?, 412)?;
    let answer = call(world, "PATCH", &path, change).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = world.admin("GET", &path).await?.json()?;
    assert_eq!((&shown["models"], &shown["limits"][0]["requests"]), (&json!(["m*"]), &json!(1)));
    // Another process hears of it within seconds.
    let deadline = Instant::now() + Duration::from_secs(8);
    while world.ask(&chat(world, &client)).await?.status != 200 {
        if Instant::now() > deadline {
            return failed("a change does not arrive");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(world.ask(&chat(world, &client)).await?.status, 429);
    until_used(world, &format!("clients/{}", client.id), 1).await?;
    assert_eq!(call(world, "PATCH", &path, json!({ "key": "x" })).await?.status, 400);
    Ok(())
}

/// Reserved is the longest answer, counted is what came: eleven and seven tokens.
async fn tokens(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let client =
        client(world, "tokens", json!({ "limits": [{ "tokens": 100, "per": "day" }] })).await?;
    assert_eq!(world.ask(&chat(world, &client)).await?.status, 200);
    let node = format!("clients/{}", client.id);
    until_used(world, &node, 18).await?;
    assert_eq!(world.ask(&chat(world, &client)).await?.status, 200);
    until_used(world, &node, 36).await?;
    Ok(())
}

/// With the last byte of its answer a client's record is there.
async fn strict(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let fields = json!({ "ledger": "strict", "limits": [{ "requests": 5, "per": "day" }] });
    let client = client(world, "strict", fields).await?;
    let answer = world.ask(&chat(world, &client)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = format!("/api/records/{}", answer.request_id()?);
    let record = world.admin("GET", &path).await?;
    assert_eq!(record.status, 200, "{}", record.text());
    assert_eq!(
        (&record.json()?["ended"], &record.json()?["usage"]["prompt"]),
        (&json!("done"), &json!(11))
    );
    until_used(world, &format!("clients/{}", client.id), 1).await?;
    Ok(())
}

async fn tree(world: &World) -> Result {
    let top = team(world, "top", json!({ "limits": [{ "dollars": 2.5, "per": "month" }] })).await?;
    let below = team(world, "below", json!({ "parent": top })).await?;
    let path = |id: &str| format!("/api/teams/{id}");
    for (method, at, body, status) in [
        ("PATCH", path(&top), json!({ "parent": below }), 400),
        ("PATCH", path(&top), json!({ "parent": top }), 400),
        ("PATCH", path(&below), json!({ "parent": "nobody" }), 400),
        ("PATCH", path(&below), json!({ "budget": 1 }), 400),
        ("POST", "/api/teams".to_owned(), json!({ "id": top }), 409),
        ("POST", "/api/teams".to_owned(), json!({ "id": "a/b" }), 400),
        ("POST", "/api/teams".to_owned(), json!({ "id": "named", "name": "a\0b" }), 400),
        ("POST", "/api/teams".to_owned(), json!({ "id": "named", "models": null }), 400),
        ("POST", "/api/clients".to_owned(), json!({ "name": "a\0b" }), 400),
        ("PATCH", path(&below), json!({ "name": "two\nlines" }), 400),
        ("DELETE", path(&top), json!({}), 409),
        ("GET", path("nobody"), json!({}), 404),
        ("PATCH", path(&below), json!({ "parent": null, "name": "Below no more" }), 200),
        ("DELETE", path(&top), json!({}), 204),
        ("DELETE", path(&below), json!({}), 204),
    ] {
        if at == path(&top) && method == "DELETE" && status == 204 {
            let listed = world.admin("GET", "/api/teams?limit=500").await?;
            assert!(listed.text().contains(&format!("\"id\":\"{top}\"")), "{}", listed.text());
            let shown = world.admin("GET", &at).await?.json()?;
            assert_eq!(
                shown["limits"][0],
                json!({ "dollars": 2.5, "per": "month", "window": "calendar" })
            );
            assert_eq!(shown["locked"], false);
        }
        let answer = call(world, method, &at, body.clone()).await?;
        assert_eq!(answer.status, status, "{method} {at} {body}: {}", answer.text());
    }
    Ok(())
}

async fn rotated(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let old = client(world, "rotated", json!({})).await?;
    let path = format!("/api/clients/{}/rotate", old.id);
    let rotate = async |grace_ms: i64| -> Result<Client> {
        let answer = call(world, "POST", &path, json!({ "grace_ms": grace_ms })).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let made = answer.json()?;
        assert_eq!(made["id"], old.id.as_str());
        Ok(Client { id: old.id.clone(), key: made["key"].as_str().unwrap_or_default().to_owned() })
    };
    let until = async |client: &Client, status: u16| -> Result {
        let deadline = Instant::now() + Duration::from_secs(8);
        while world.ask(&chat(world, client)).await?.status != status {
            if Instant::now() > deadline {
                return failed(format!("not {status}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    };
    let new = rotate(60_000).await?;
    assert_ne!(new.key, old.key);
    until(&new, 200).await?;
    assert_eq!(
        world.ask(&chat(world, &old)).await?.status,
        200,
        "the old key works on for a minute"
    );
    let newest = rotate(0).await?;
    until(&newest, 200).await?;
    until(&new, 401).await?;
    until(&old, 401).await?;
    assert_eq!(call(world, "POST", &path, json!({ "grace_ms": -1 })).await?.status, 400);
    Ok(())
}
