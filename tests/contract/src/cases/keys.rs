//! Who may call, and what is everybody else told?

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    Case,
    sample::{problem, refused},
};
use crate::{
    Result, failed,
    setup::ADMIN_TOKEN,
    wire::Ask,
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "key_missing", run: |world| Box::pin(missing(world)) },
    Case { name: "key_malformed", run: |world| Box::pin(malformed(world)) },
    Case { name: "key_with_other_secret", run: |world| Box::pin(other_secret(world)) },
    Case { name: "key_expired", run: |world| Box::pin(expired(world)) },
    Case { name: "key_revoked", run: |world| Box::pin(revoked(world)) },
    Case { name: "key_declared", run: |world| Box::pin(declared(world)) },
    Case { name: "key_needed_for_models", run: |world| Box::pin(needed_for_models(world)) },
    Case { name: "api_needs_its_own_token", run: |world| Box::pin(api_token(world)) },
    Case { name: "api_lists_clients", run: |world| Box::pin(api_lists(world)) },
    Case { name: "api_shows_declared_providers", run: |world| Box::pin(api_providers(world)) },
];

async fn unauthorized(world: &World, ask: &Ask) -> Result {
    let answer = world.ask(ask).await?;
    let error = refused(&answer, 401)?;
    assert_eq!(error["code"], "invalid_api_key", "{error}");
    assert_eq!(error["type"], "invalid_request_error", "{error}");
    assert_eq!(world.seen().len(), 0, "a request without a key reached the provider");
    Ok(())
}

fn chat_as(world: &World, authorization: &str) -> Ask {
    let mut ask = world.chat(json!({}));
    ask.headers.retain(|(name, _)| name != "authorization");
    ask.header("authorization", authorization)
}

async fn missing(world: &World) -> Result {
    let mut ask = world.chat(json!({}));
    ask.headers.retain(|(name, _)| name != "authorization");
    unauthorized(world, &ask).await
}

async fn malformed(world: &World) -> Result {
    let key = world.client.key.as_str();
    let short = &key[..key.len() - 1];
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer sk-somebody-elses",
        "Bearer tg_",
        "Bearer tg__",
        "Basic dXNlcjpwYXNz",
        &format!("Bearer {short}"),
        &format!("Bearer {key}x"),
        &format!("Bearer {key} {key}"),
        &format!("Basic {key}"),
        &format!("Bearer {}", "x".repeat(6000)),
    ] {
        unauthorized(world, &chat_as(world, value)).await?;
    }
    Ok(())
}

/// The right public id does not open anything.
async fn other_secret(world: &World) -> Result {
    let other =
        world.another_client(json!({ "name": format!("other of {}", world.client.id) })).await?;
    let mixed = other.key.replace(&other.id, &world.client.id);
    if mixed == other.key {
        return failed("a client key does not hold its public id");
    }
    unauthorized(world, &chat_as(world, &format!("Bearer {mixed}"))).await
}

async fn expired(world: &World) -> Result {
    let name = format!("short-lived of {}", world.client.id);
    let client = world.another_client(json!({ "name": name, "expires_in_ms": 1500 })).await?;
    let answer = world.ask(&chat_as(world, &format!("Bearer {}", client.key))).await?;
    assert_eq!(answer.status, 200, "before it expires: {}", answer.text());
    tokio::time::sleep(Duration::from_millis(1700)).await;
    let answer = world.ask(&chat_as(world, &format!("Bearer {}", client.key))).await?;
    assert_eq!(refused(&answer, 401)?["code"], "invalid_api_key");
    Ok(())
}

/// The process that revokes it knows at once; any other learns it when its entry is re-checked.
async fn revoked(world: &World) -> Result {
    let name = format!("revoked of {}", world.client.id);
    let client = world.another_client(json!({ "name": name })).await?;
    let ask = chat_as(world, &format!("Bearer {}", client.key));
    assert_eq!(world.ask(&ask).await?.status, 200);
    let path = format!("/api/clients/{}", client.id);
    assert_eq!(world.admin("DELETE", &path).await?.status, 204);
    let deadline = Instant::now() + Duration::from_secs(8);
    loop {
        let answer = world.ask(&ask).await?;
        if answer.status == 401 {
            assert_eq!(refused(&answer, 401)?["code"], "invalid_api_key");
            return Ok(());
        }
        if Instant::now() > deadline {
            return failed("a revoked key goes on working");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn declared(world: &World) -> Result {
    let declared = world.untouched().await?;
    assert_eq!(declared.ask(&declared.chat(json!({}))).await?.status, 200);
    let list = declared.admin("GET", "/api/clients").await?.json()?;
    let row = &list["data"][0];
    assert_eq!((&row["name"], &row["locked"]), (&json!("declared"), &json!(true)), "{list}");
    let path = format!("/api/clients/{}", declared.client.id);
    assert_eq!(problem(&declared.admin("DELETE", &path).await?, 409)?["code"], "locked");
    assert_eq!(declared.ask(&declared.chat(json!({}))).await?.status, 200);
    Ok(())
}

async fn needed_for_models(world: &World) -> Result {
    unauthorized(world, &Ask::new("GET", "/v1/models")).await?;
    unauthorized(world, &Ask::new("GET", "/v1/models/mock")).await
}

async fn api_token(world: &World) -> Result {
    let client = world.client.key.as_str();
    for path in ["/api/clients", "/api/records", "/api/providers"] {
        assert_eq!(world.ask(&Ask::new("GET", path)).await?.status, 401, "{path}");
        let ask = Ask::new("GET", path).bearer(client);
        let status = world.ask(&ask).await?.status;
        assert!([401, 403].contains(&status), "{path} answers a client key with {status}");
    }
    let ask = Ask::post("/api/clients", "{\"name\":\"intruder\"}").bearer(client);
    assert!([401, 403].contains(&world.ask(&ask).await?.status));
    let ask = Ask::post(CHAT, "{\"model\":\"mock\"}").bearer(ADMIN_TOKEN);
    assert_eq!(world.ask(&ask).await?.status, 401, "the API's token is no client key");
    Ok(())
}

async fn api_lists(world: &World) -> Result {
    let mut after = String::new();
    loop {
        let answer = world.admin("GET", &format!("/api/clients?limit=200{after}")).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json()?;
        let rows = page["data"].as_array().cloned().unwrap_or_default();
        assert!(rows.iter().all(|row| row.get("key").is_none()), "a key is shown once: {page}");
        if let Some(row) = rows.iter().find(|row| row["id"] == world.client.id.as_str()) {
            assert_eq!(
                (&row["locked"], &row["expires_at_ms"]),
                (&json!(false), &json!(null)),
                "{row}"
            );
            return Ok(());
        }
        match page["next"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return failed(format!("the client is not listed: {page}")),
        }
    }
}

async fn api_providers(world: &World) -> Result {
    let answer = world.admin("GET", "/api/providers").await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for id in ["up", "closed", "echo"] {
        assert!(answer.text().contains(&format!("\"id\":\"{id}\"")), "{id}: {}", answer.text());
    }
    Ok(())
}
