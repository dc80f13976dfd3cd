//! What can administrators change, and what are they told when they may not?

use serde_json::json;

use super::{
    Case,
    sample::{COMPLETION, id, problem, said},
};
use crate::{
    Result,
    adapters::Adapter,
    setup::{ADMIN_TOKEN, MODEL, SECRET, SLASHED_MODEL, UPSTREAM_KEY},
    wire::Ask,
    world::World,
};
use tidegate_provider::Script;

pub(super) const CASES: &[Case] = &[
    Case { name: "admin_problems", run: |world| Box::pin(problems(world)) },
    Case { name: "admin_provider_life", run: |world| Box::pin(provider_life(world)) },
    Case { name: "admin_locked", run: |world| Box::pin(locked(world)) },
    Case { name: "admin_model_declared", run: |world| Box::pin(model_declared(world)) },
    Case { name: "admin_keys", run: |world| Box::pin(keys(world)) },
    Case { name: "admin_keys_follow_the_origin", run: |world| Box::pin(origin(world)) },
    Case { name: "admin_key_tested", run: |world| Box::pin(tested(world)) },
    Case { name: "admin_keys_imported", run: |world| Box::pin(imported(world)) },
    Case { name: "admin_groups", run: |world| Box::pin(groups(world)) },
    Case { name: "admin_proxies", run: |world| Box::pin(proxies(world)) },
    Case { name: "admin_audit", run: |world| Box::pin(audit(world)) },
    Case { name: "admin_backup", run: |world| Box::pin(backup(world)) },
];

async fn problems(world: &World) -> Result {
    assert_eq!(problem(&world.admin("GET", "/api/nothing").await?, 404)?["code"], "not_found");
    assert_eq!(problem(&world.ask(&Ask::new("GET", "/api/groups")).await?, 401)?["status"], 401);
    problem(&world.admin("DELETE", "/api/groups").await?, 405)?;
    let unknown = problem(&world.admin("GET", "/api/groups?role=admin").await?, 400)?;
    assert_eq!(unknown["field"], "role", "{unknown}");
    problem(&world.admin("GET", "/api/groups?limit=0").await?, 400)?;
    let path = format!("/api/groups/{}", id(world, "g"));
    let field = json!({ "strategy": "priority", "targets": [{ "name": "m", "role": 1 }] });
    let told = problem(&world.edit("PUT", &path, None, field).await?, 400)?;
    assert_eq!(told["field"], "targets.0.role", "{told}");
    let value = json!({ "strategy": "priority", "targets": SECRET });
    // A secret in the wrong place is not repeated, which every answer is checked for.
    assert_eq!(problem(&world.edit("PUT", &path, None, value).await?, 400)?["field"], "targets");
    let mut ask = Ask::post(&path, "{}").bearer(ADMIN_TOKEN);
    ask.method = "PUT";
    ask.headers.retain(|(name, _)| name != "content-type");
    problem(&world.ask(&ask).await?, 415)?;
    let mut ask = Ask::post(&path, "{\"strategy\":").bearer(ADMIN_TOKEN);
    ask.method = "PUT";
    problem(&world.ask(&ask).await?, 400)?;
    Ok(())
}

/// Where the database is a file of the server's own it is copied; elsewhere it is told that it is none.
async fn backup(world: &World) -> Result {
    let answer = world.edit("POST", "/api/backup", None, json!({})).await?;
    match world.adapter {
        Adapter::Server => {
            let made = said(&answer, 201)?;
            let path = made["path"].as_str().unwrap_or_default();
            assert!(std::fs::read(path)?.starts_with(b"SQLite format 3"), "{made}");
            std::fs::remove_file(path)?;
        }
        Adapter::Lambda | Adapter::Worker => {
            problem(&answer, 409)?;
        }
    }
    Ok(())
}

/// A provider that is made while the gateway runs answers, is changed by one of two, and goes.
async fn provider_life(world: &World) -> Result {
    let id = id(world, "p");
    let path = format!("/api/providers/{id}");
    let model = format!("model-of-{id}");
    let body = json!({
        "dialect": "openai_chat", "base_url": world.provider.base_url(), "models": [model],
    });
    let made = world.edit("PUT", &path, None, body.clone()).await?;
    assert_eq!(made.header("etag"), Some("\"1\""));
    let made = said(&made, 201)?;
    assert_eq!((&made["id"], &made["enabled"]), (&json!(id), &json!(true)), "{made}");
    let key = json!({ "provider": id, "secret": UPSTREAM_KEY });
    let key = said(&world.edit("POST", "/api/keys", None, key).await?, 201)?;

    world.play(Script::json(200, COMPLETION));
    let answer = world.ask(&world.chat(json!({ "model": model }))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.record(&answer).await?["key_id"], key["id"]);

    problem(&world.edit("PUT", &path, None, body.clone()).await?, 428)?;
    problem(&world.edit("PATCH", &path, None, json!({ "enabled": false })).await?, 428)?;
    problem(&world.edit("PUT", &path, Some("\"7\""), body).await?, 412)?;
    let change = json!({ "enabled": false });
    let changed = world.edit("PATCH", &path, Some("\"1\""), change.clone()).await?;
    assert_eq!(said(&changed, 200)?["enabled"], false);
    problem(&world.edit("PATCH", &path, Some("\"1\""), change).await?, 412)?;
    let shown = world.admin("GET", &path).await?;
    assert_eq!(shown.header("etag"), Some("\"2\""));
    assert_eq!(said(&shown, 200)?["models"], json!([model]));
    let answer = world.ask(&world.chat(json!({ "model": model }))).await?;
    assert_eq!(answer.status, 404, "a disabled provider is not asked: {}", answer.text());

    assert_eq!(world.admin("DELETE", &path).await?.status, 204);
    problem(&world.admin("GET", &path).await?, 404)?;
    let key = format!("/api/keys/{}", key["id"].as_str().unwrap_or_default());
    problem(&world.admin("GET", &key).await?, 404)?;
    Ok(())
}

async fn locked(world: &World) -> Result {
    let shown = said(&world.admin("GET", "/api/providers/up").await?, 200)?;
    assert!(shown["declared_in"].as_str().is_some_and(|text| text.contains("[[provider]]")));
    let change = json!({ "enabled": false });
    let told = problem(&world.edit("PATCH", "/api/providers/up", Some("*"), change).await?, 409)?;
    assert_eq!(told["code"], "locked");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("[[provider]]")), "{told}");
    problem(&world.admin("DELETE", "/api/providers/up").await?, 409)?;
    problem(&world.admin("DELETE", "/api/keys/up-1").await?, 409)?;
    let key = json!({ "provider": "up", "secret": "sk-more-of-them-0123456789" });
    problem(&world.edit("POST", "/api/keys", None, key).await?, 409)?;
    Ok(())
}

/// What the file sets for a model holds, is shown, and is changed there alone.
async fn model_declared(world: &World) -> Result {
    let tables = format!(
        "\n[[model]]\nid = \"up/{MODEL}\"\ndisplay_name = \"Ours\"\nprice = {{ input = 3, output = \"15\" }}\n\
         \n[[model]]\nid = \"{SLASHED_MODEL}\"\nenabled = false\n"
    );
    let world = world.fresh(world.setup()?.adding(&tables)).await?;
    let path = format!("/api/models/up/{MODEL}");
    let shown = said(&world.admin_at(&path).await?, 200)?;
    assert!(shown["declared_in"].as_str().is_some_and(|text| text.contains("[[model]]")));
    assert_eq!(
        (&shown["price"], &shown["display_name"], &shown["version"]),
        (&json!({ "input": "3", "output": "15" }), &json!("Ours"), &json!(0)),
        "{shown}"
    );
    let list = said(&world.admin("GET", "/api/models").await?, 200)?;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2), "{list}");
    for (method, version, body) in [
        ("PUT", None, json!({ "enabled": false })),
        ("PATCH", Some("*"), json!({ "enabled": false })),
        ("DELETE", Some("*"), json!({})),
    ] {
        let told = problem(&world.edit(method, &path, version, body).await?, 409)?;
        assert_eq!(told["code"], "locked", "{method}");
    }

    world.play(Script::json(200, COMPLETION));
    let answer = world.ask(&world.chat(json!({}))).await?;
    let record = world.record(&answer).await?;
    let usage = |name: &str| record["usage"][name].as_i64().unwrap_or_default();
    let expected = 3_000 * usage("prompt") + 15_000 * usage("completion");
    assert!(expected > 0 && record["cost_nano"] == json!(expected), "{record}");
    let dollars = format!("0.{expected:09}");
    assert_eq!(answer.header("x-tidegate-cost"), Some(dollars.trim_end_matches('0')));
    assert_eq!(answer.header("x-tidegate-cached"), Some("4"));
    let refused = world.ask(&world.chat(json!({ "model": SLASHED_MODEL }))).await?;
    assert_eq!(refused.status, 404, "{}", refused.text());
    Ok(())
}

async fn provider(world: &World, id: &str) -> Result<String> {
    let body = json!({ "dialect": "openai_chat", "base_url": "https://a.example/v1" });
    let path = format!("/api/providers/{id}");
    said(&world.edit("PUT", &path, None, body).await?, 201)?;
    Ok(path)
}

async fn keys(world: &World) -> Result {
    const KEY: &str = "sk-planted-canary-abcdefgh1234";
    let id = id(world, "k");
    provider(world, &id).await?;
    let fields = json!({ "provider": id, "secret": KEY, "label": "first", "rpm": 60 });
    let made = world.edit("POST", "/api/keys", None, fields.clone()).await?;
    assert!(!made.text().contains(KEY), "{}", made.text());
    let made = said(&made, 201)?;
    assert_eq!((&made["last_four"], &made["usable"]), (&json!("1234"), &json!(true)), "{made}");
    assert_eq!(
        problem(&world.edit("POST", "/api/keys", None, fields).await?, 409)?["code"],
        "taken"
    );
    let extra = json!({ "provider": id, "secret": "sk-x", "sealed": "v1|a|b" });
    assert_eq!(
        problem(&world.edit("POST", "/api/keys", None, extra).await?, 400)?["field"],
        "sealed"
    );
    let path = format!("/api/keys/{}", made["id"].as_str().unwrap_or_default());
    let change = json!({ "secret": "sk-another-one-abcdefgh5678", "weight": 3 });
    let changed = said(&world.edit("PATCH", &path, Some("\"1\""), change).await?, 200)?;
    assert_eq!((&changed["last_four"], &changed["weight"]), (&json!("5678"), &json!(3)));
    assert_eq!((&changed["label"], &changed["rpm"]), (&json!("first"), &json!(60)));
    let list = said(&world.admin("GET", &format!("/api/keys?provider={id}")).await?, 200)?;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    let all = world.admin("GET", "/api/keys?limit=500").await?;
    assert!(all.text().contains("\"up-1\""), "declared keys are shown too: {}", all.text());
    assert_eq!(world.admin("DELETE", &path).await?.status, 204);
    problem(&world.admin("GET", &path).await?, 404)?;
    Ok(())
}

/// A provider is asked with this key and no other, and its answer is told.
async fn tested(world: &World) -> Result {
    let id = id(world, "t");
    let list = format!("{id}/models");
    world.provider.play(&list, Script::json(401, "{}"));
    world.provider.play_for(&list, "sk-good-of-two-0001", Script::json(200, r#"{"data":[]}"#));
    let body = json!({ "dialect": "openai_chat", "base_url": world.provider.url(&id) });
    said(&world.edit("PUT", &format!("/api/providers/{id}"), None, body).await?, 201)?;
    for (secret, says, status) in
        [("sk-good-of-two-0001", "good", 200), ("sk-bad-of-two-00002", "refused", 401)]
    {
        let fields = json!({ "provider": id, "secret": secret });
        let key = said(&world.edit("POST", "/api/keys", None, fields).await?, 201)?;
        let path = format!("/api/keys/{}/test", key["id"].as_str().unwrap_or_default());
        let told = said(&world.edit("POST", &path, None, json!({})).await?, 200)?;
        assert_eq!((&told["says"], &told["status"]), (&json!(says), &json!(status)), "{told}");
        assert!(!told.to_string().contains(secret), "{told}");
    }
    problem(&world.edit("POST", "/api/keys/nothing/test", None, json!({})).await?, 404)?;
    Ok(())
}

/// A key must never reach another host than the one it was given for.
async fn origin(world: &World) -> Result {
    let id = id(world, "o");
    let path = provider(world, &id).await?;
    let fields = json!({ "provider": id, "secret": "sk-of-the-first-origin-0001" });
    let key = said(&world.edit("POST", "/api/keys", None, fields).await?, 201)?;
    let change = json!({ "base_url": "https://b.example/v1" });
    said(&world.edit("PATCH", &path, Some("\"1\""), change).await?, 200)?;
    let key = format!("/api/keys/{}", key["id"].as_str().unwrap_or_default());
    let shown = said(&world.admin("GET", &key).await?, 200)?;
    assert_eq!((&shown["usable"], &shown["last_four"]), (&json!(false), &json!(null)), "{shown}");
    let change = json!({ "secret": "sk-of-the-second-origin-0002" });
    let shown = said(&world.edit("PATCH", &key, Some("*"), change).await?, 200)?;
    assert_eq!((&shown["usable"], &shown["last_four"]), (&json!(true), &json!("0002")), "{shown}");
    for evil in ["http://169.254.169.254/v1", "ftp://a.example", "https://a@b.example/v1"] {
        let change = json!({ "base_url": evil });
        problem(&world.edit("PATCH", &path, Some("*"), change).await?, 400)?;
    }
    Ok(())
}

async fn imported(world: &World) -> Result {
    let id = id(world, "i");
    provider(world, &id).await?;
    let text = "# ours\nsk-import-aaaaaaaaaaaa-0001\n\nsk-import-bbbbbbbbbbbb-0002\nsk-import-aaaaaaaaaaaa-0001\n";
    let import = json!({ "provider": id, "text": text });
    let told = said(&world.edit("POST", "/api/keys/import", None, import).await?, 201)?;
    assert_eq!(told["created"][1]["last_four"], "0002", "{told}");
    assert_eq!(told["duplicates"], json!([{ "line": 5, "of": null }]), "{told}");
    let keys = json!(["sk-import-bbbbbbbbbbbb-0002", "sk-import-cccccccccccc-0003"]);
    let import = json!({ "provider": id, "keys": keys });
    let again = said(&world.edit("POST", "/api/keys/import", None, import).await?, 201)?;
    assert_eq!(again["created"].as_array().map(Vec::len), Some(1), "{again}");
    assert_eq!(again["duplicates"][0]["of"], told["created"][1]["id"], "{again}");
    let import = json!({ "provider": id, "text": "sk-good-0123456789\nsk bad" });
    problem(&world.edit("POST", "/api/keys/import", None, import).await?, 400)?;
    let list = said(&world.admin("GET", &format!("/api/keys?provider={id}")).await?, 200)?;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(3), "{list}");
    Ok(())
}

async fn groups(world: &World) -> Result {
    let [a, b] = ["ga", "gb"].map(|name| id(world, name));
    let group = |target: &str| json!({ "strategy": "priority", "targets": [{ "name": target }] });
    let path = |id: &str| format!("/api/groups/{id}");
    let made = said(&world.edit("PUT", &path(&a), None, group(&b)).await?, 201)?;
    assert_eq!(made["targets"], json!([{ "name": b, "weight": 1 }]), "{made}");
    let circle = problem(&world.edit("PUT", &path(&b), None, group(&a)).await?, 400)?;
    assert_eq!(circle["code"], "cycle", "{circle}");
    said(&world.edit("PUT", &path(&b), None, group("mock")).await?, 201)?;
    let change = json!({ "aliases": [a] });
    problem(&world.edit("PATCH", &path(&b), Some("*"), change).await?, 409)?;
    let change = json!({ "logic_level": 8, "primary_use": "hard tasks" });
    let shown = said(&world.edit("PATCH", &path(&b), Some("\"1\""), change).await?, 200)?;
    assert_eq!((&shown["logic_level"], &shown["strategy"]), (&json!(8), &json!("priority")));
    let list = world.admin("GET", "/api/groups?limit=500").await?;
    assert!(list.text().contains(&b), "{}", list.text());
    assert_eq!(said(&world.admin("GET", &path(&a)).await?, 200)?["version"], 1);
    for id in [a, b] {
        assert_eq!(world.admin("DELETE", &path(&id)).await?.status, 204);
    }
    Ok(())
}

async fn proxies(world: &World) -> Result {
    let id = id(world, "x");
    let path = format!("/api/proxies/{id}");
    let body = json!({
        "base_url": "https://api.example.com/v2", "key_in": "header", "key_name": "X-Api-Token",
        "methods": ["GET", "POST"], "paths": ["/search"],
    });
    said(&world.edit("PUT", &path, None, body).await?, 201)?;
    let fields = json!({ "proxy": id, "secret": "token-of-the-rest-api-0042" });
    let key = said(&world.edit("POST", "/api/keys", None, fields).await?, 201)?;
    assert_eq!((&key["proxy"], &key["provider"]), (&json!(id), &json!(null)), "{key}");
    problem(&world.edit("PATCH", &path, Some("*"), json!({ "key_name": null })).await?, 400)?;
    let change = json!({ "enabled": false });
    assert_eq!(said(&world.edit("PATCH", &path, Some("\"1\""), change).await?, 200)?["version"], 2);
    assert_eq!(said(&world.admin("GET", &path).await?, 200)?["paths"], json!(["/search"]));
    assert!(world.admin("GET", "/api/proxies?limit=500").await?.text().contains(&id));
    assert_eq!(world.admin("DELETE", &path).await?.status, 204);
    Ok(())
}

/// Who, what, before and after, and no secret.
async fn audit(world: &World) -> Result {
    let id = id(world, "a");
    let path = provider(world, &id).await?;
    let key = json!({ "provider": id, "secret": "sk-not-in-the-audit-log-0007" });
    let key = said(&world.edit("POST", "/api/keys", None, key).await?, 201)?;
    said(&world.edit("PATCH", &path, Some("*"), json!({ "enabled": false })).await?, 200)?;
    let rows = said(&world.admin("GET", &format!("/api/audit?document={id}")).await?, 200)?;
    let row = &rows["data"][0];
    assert_eq!((&row["actor"], &row["action"]), (&json!("admin token"), &json!("change provider")));
    assert_eq!(row["before"]["enabled"], true, "{row}");
    assert_eq!(row["after"]["enabled"], false, "{row}");
    assert_eq!(rows["data"][1]["before"], json!(null), "{rows}");
    let key = key["id"].as_str().unwrap_or_default();
    let rows = world.admin("GET", &format!("/api/audit?kind=key&document={key}")).await?;
    assert!(!rows.text().contains("sk-not-in"), "{}", rows.text());
    assert_eq!(said(&rows, 200)?["data"][0]["after"]["sealed"], "(secret)");
    let page = said(&world.admin("GET", "/api/audit?limit=1").await?, 200)?;
    let next = page["next"].as_str().unwrap_or_default();
    let older = said(&world.admin("GET", &format!("/api/audit?limit=1&after={next}")).await?, 200)?;
    assert_ne!(page["data"][0], older["data"][0]);
    Ok(())
}
