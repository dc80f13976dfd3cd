//! Which routes are there, and what do all others answer?

use std::path::Path;

use serde_json::json;

use super::{Case, sample::refused};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    setup::{MODEL, SLASHED_MODEL},
    wire::Ask,
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "route_unknown", run: |world| Box::pin(unknown(world)) },
    Case { name: "route_wrong_method", run: |world| Box::pin(wrong_method(world)) },
    Case { name: "route_options", run: |world| Box::pin(options(world)) },
    Case { name: "route_head", run: |world| Box::pin(head(world)) },
    Case { name: "route_tricky_paths", run: |world| Box::pin(tricky_paths(world)) },
    Case { name: "models_listed", run: |world| Box::pin(models(world)) },
    Case { name: "models_by_id", run: |world| Box::pin(model_by_id(world)) },
    Case { name: "models_unknown", run: |world| Box::pin(unknown_model(world)) },
    Case { name: "health", run: |world| Box::pin(health(world)) },
    Case { name: "ready", run: |world| Box::pin(ready(world)) },
    Case { name: "welcome", run: |world| Box::pin(welcome(world)) },
    Case { name: "pages_for_browsers", run: |world| Box::pin(pages(world)) },
];

fn get(world: &World, path: &str) -> Ask {
    Ask::new("GET", path).bearer(&world.client.key)
}

async fn unknown(world: &World) -> Result {
    for path in ["/v1/nothing", "/v1", "/v1/chat", "/v1/chat/completions/extra", "/nothing"] {
        refused(&world.ask(&get(world, path)).await?, 404)?;
    }
    refused(&world.ask(&Ask::post("/v2/chat/completions", "{}")).await?, 404)?;
    Ok(())
}

async fn wrong_method(world: &World) -> Result {
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
        let answer = world.ask(&Ask::new(method, CHAT).bearer(&world.client.key)).await?;
        assert_eq!(answer.status, 405, "{method}");
        let allowed = answer.header("allow").unwrap_or_default();
        assert!(allowed.contains("POST") && !allowed.contains("GET"), "{method}: {allowed}");
        if method != "HEAD" {
            refused(&answer, 405)?;
        }
    }
    let answer = world.ask(&Ask::post("/v1/models", "{}").bearer(&world.client.key)).await?;
    refused(&answer, 405)?;
    assert!(answer.header("allow").is_some_and(|allowed| allowed.contains("GET")));
    Ok(())
}

async fn options(world: &World) -> Result {
    for (path, method) in [(CHAT, "POST"), ("/v1/models", "GET"), ("/health", "GET")] {
        let answer = world.ask(&Ask::new("OPTIONS", path)).await?;
        assert!([200, 204].contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        let allowed = answer.header("allow").unwrap_or_default();
        assert!(allowed.contains(method) && allowed.contains("OPTIONS"), "{path}: {allowed}");
        assert!(answer.body.is_empty(), "{}", answer.text());
    }
    let answer = world.ask(&Ask::new("OPTIONS", "/v1/nothing")).await?;
    assert_eq!(answer.status, 404);
    Ok(())
}

async fn head(world: &World) -> Result {
    for path in ["/", "/health", "/ready", "/v1/models", "/v1/models/mock"] {
        let whole = world.ask(&get(world, path)).await?;
        let head = world.ask(&Ask::new("HEAD", path).bearer(&world.client.key)).await?;
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
    }
    Ok(())
}

/// Two readings of one path are how a rule for the one is passed by the other.
async fn tricky_paths(world: &World) -> Result {
    for path in [
        "//v1/models",
        "/v1//models",
        "/v1/models/../../api/clients",
        "/v1/%2e%2e/api/clients",
        "/v1%2fmodels",
        "/api/clients%00",
        "/v1/models\\..\\..\\api",
    ] {
        let answer = world.ask(&get(world, path)).await?;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("\"data\""), "{path}: {}", answer.text());
    }
    Ok(())
}

async fn models(world: &World) -> Result {
    let answer = world.ask(&get(world, "/v1/models")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json()?;
    assert_eq!(list["object"], "list");
    let Some(rows) = list["data"].as_array() else { return failed(format!("no data: {list}")) };
    for id in [MODEL, SLASHED_MODEL, "echo"] {
        let Some(row) = rows.iter().find(|row| row["id"] == id) else {
            return failed(format!("{id} is not listed: {list}"));
        };
        assert_eq!(row["object"], "model", "{row}");
        assert!(row["owned_by"].is_string() && row["created"].is_i64(), "{row}");
    }
    Ok(())
}

async fn model_by_id(world: &World) -> Result {
    let encoded = SLASHED_MODEL.replace(':', "%3A");
    for (path, id) in [(MODEL, MODEL), (SLASHED_MODEL, SLASHED_MODEL), (&encoded, SLASHED_MODEL)] {
        let answer = world.ask(&get(world, &format!("/v1/models/{path}"))).await?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let model = answer.json()?;
        assert_eq!((&model["id"], &model["object"]), (&json!(id), &json!("model")), "{path}");
    }
    Ok(())
}

async fn unknown_model(world: &World) -> Result {
    let answer = world.ask(&get(world, "/v1/models/never/heard-of")).await?;
    assert_eq!(refused(&answer, 404)?["code"], "model_not_found");
    Ok(())
}

async fn health(world: &World) -> Result {
    let answer = world.ask(&Ask::new("GET", "/health")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    Ok(())
}

async fn ready(world: &World) -> Result {
    let answer = world.ask(&Ask::new("GET", "/ready")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Ok(())
}

async fn welcome(world: &World) -> Result {
    let answer = world.ask(&Ask::new("GET", "/").header("accept", "application/json")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let welcome = answer.json()?;
    assert!(welcome["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("tidegate")));
    assert!(welcome["version"].as_str().is_some_and(|version| version.contains('.')), "{welcome}");
    assert!(welcome.to_string().contains(CHAT), "no links: {welcome}");
    Ok(())
}

/// Is there when the dashboard was built.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/dist/index.html");

/// A browser is shown pages where programs get JSON. A Worker without a built dashboard has nothing to show.
async fn pages(world: &World) -> Result {
    let program = world.ask(&Ask::new("GET", "/").header("accept", "*/*")).await?;
    assert_eq!((program.status, &program.json()?["name"]), (200, &json!("Tidegate")));
    if world.adapter == Adapter::Worker && !Path::new(BUILT).exists() {
        return Ok(());
    }
    let mut shown = String::new();
    for path in ["/", "/setup", "/ui/requests/some-id"] {
        let ask =
            Ask::new("GET", path).header("accept", "text/html,application/xml;q=0.9,*/*;q=0.8");
        let answer = world.ask(&ask).await?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert_eq!(policy, tidegate_core::http::CONTENT_SECURITY_POLICY, "{path}");
        assert!(answer.text().contains("Tidegate"), "{path}: {}", answer.text());
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
        {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let keeping = answer.header("cache-control").unwrap_or_default();
        assert!(["no-cache", "no-store"].contains(&keeping), "{path}: {keeping}");
        shown = answer.text();
    }
    if let Some(asset) = shown.split('"').find(|text| text.starts_with("/ui/assets/")) {
        let answer = world.ask(&Ask::new("GET", asset)).await?;
        assert_eq!(answer.status, 200, "{asset}: {}", answer.text());
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert_eq!(policy, tidegate_core::http::CONTENT_SECURITY_POLICY, "{asset}");
        let keeping = "public, max-age=31536000, immutable";
        assert_eq!(answer.header("cache-control"), Some(keeping), "{asset}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{asset}");
        let answer = world.ask(&Ask::new("GET", "/ui/icon.svg")).await?;
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(answer.status == 200 && kind.starts_with("image/svg+xml"), "{kind}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
    let answer = world.ask(&Ask::new("GET", "/ui/assets/none.js")).await?;
    assert_eq!(answer.status, 404, "{}", answer.text());
    Ok(())
}
