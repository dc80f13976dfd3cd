//! What can be looked at, set and taken out beside the configuration itself?

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_provider::Script;

use super::{
    Case,
    sample::{COMPLETION, DONE, FINISH, USAGE, chunk, problem, said},
};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    setup::MODEL,
    wire::{Answer, Ask},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "console_models", run: |world| Box::pin(models(world)) },
    Case { name: "console_records_narrowed", run: |world| Box::pin(narrowed(world)) },
    Case { name: "console_records_exported", run: |world| Box::pin(exported(world)) },
    Case { name: "console_stats", run: |world| Box::pin(stats(world)) },
    Case { name: "console_health", run: |world| Box::pin(health(world)) },
    Case { name: "console_system", run: |world| Box::pin(system(world)) },
    Case { name: "console_metrics", run: |world| Box::pin(metrics(world)) },
    Case { name: "console_openapi", run: |world| Box::pin(openapi(world)) },
    Case { name: "console_captures", run: |world| Box::pin(captures(world)) },
];

async fn models(world: &World) -> Result {
    let path = format!("/api/models/up/{}:free", world.client.id);
    let body = json!({
        "price": { "input": "2.5", "tiers": [{ "above_tokens": 200_000, "input": "5" }] },
        "display_name": "Ours",
    });
    let made = said(&world.edit("PUT", &path, None, body).await?, 201)?;
    assert_eq!(made["id"], format!("up/{}:free", world.client.id), "{made}");
    assert_eq!((&made["enabled"], &made["price"]["input"]), (&json!(true), &json!("2.5")));
    let wrong = json!({ "price": { "input": "-1" } });
    problem(&world.edit("PATCH", &path, Some("*"), wrong).await?, 400)?;
    let change = json!({ "enabled": false, "price": null });
    let changed = said(&world.edit("PATCH", &path, Some("\"1\""), change).await?, 200)?;
    assert_eq!((&changed["price"], &changed["display_name"]), (&json!(null), &json!("Ours")));
    assert!(world.admin("GET", "/api/models?limit=500").await?.text().contains(&world.client.id));
    assert_eq!(said(&world.admin("GET", &path).await?, 200)?["version"], 2);
    assert_eq!(world.admin("DELETE", &path).await?.status, 204);
    Ok(())
}

/// A good answer, a stream and a refusal of this case's client.
async fn three(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    world.ask(&world.chat(json!({}))).await?;
    let frames = [&chunk("a"), FINISH, USAGE, DONE].map(str::to_owned);
    world.play(Script::events().paced(frames, Duration::from_millis(5)));
    world.ask(&world.stream()).await?;
    let answer = world.ask(&world.chat(json!({ "model": "never-heard-of" }))).await?;
    assert_eq!(answer.status, 404);
    world.until_records(3, |_| true).await.map(drop)
}

async fn narrowed(world: &World) -> Result {
    three(world).await?;
    let client = &world.client.id;
    for (query, count) in [
        ("", 3),
        ("&failed=true", 1),
        ("&failed=false", 2),
        ("&stream=true", 1),
        ("&status=404", 1),
        ("&provider=up", 2),
        (&format!("&model={MODEL}"), 2),
        ("&team=nobody", 0),
        ("&from_ms=0&to_ms=1", 0),
    ] {
        let page = world.admin("GET", &format!("/api/records?client={client}{query}")).await?;
        let page = said(&page, 200)?;
        assert_eq!(page["data"].as_array().map(Vec::len), Some(count), "{query}: {page}");
    }
    let told = problem(&world.admin("GET", "/api/records?evil=1").await?, 400)?;
    assert_eq!(told["field"], "evil", "{told}");
    problem(&world.admin("GET", "/api/records?before=x").await?, 400)?;
    Ok(())
}

async fn exported(world: &World) -> Result {
    three(world).await?;
    let client = &world.client.id;
    let path = format!("/api/records/export?client={client}");
    let csv = world.admin("GET", &path).await?;
    assert_eq!((csv.status, csv.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let text = csv.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("id,at_ms,client,"), "{text}");
    let cells = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == cells), "{text}");
    let lines = world.admin("GET", &format!("{path}&format=jsonl&limit=2")).await?.text();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for line in lines.lines() {
        let record: Value =
            serde_json::from_str(line).map_err(|error| crate::Failure(error.to_string()))?;
        assert_eq!(record["client"], client.as_str(), "{record}");
    }
    problem(&world.admin("GET", &format!("{path}&format=xml")).await?, 400)?;
    Ok(())
}

async fn stats(world: &World) -> Result {
    three(world).await?;
    let sums = said(&world.admin("GET", "/api/stats?group_by=client").await?, 200)?;
    let rows = sums["data"].as_array().cloned().unwrap_or_default();
    let Some(own) = rows.iter().find(|row| row["group"] == world.client.id.as_str()) else {
        return failed(format!("no sum of {}: {sums}", world.client.id));
    };
    assert_eq!((&own["requests"], &own["failed"]), (&json!(3), &json!(1)), "{own}");
    assert_eq!(own["usage"]["prompt"], 22, "{own}");
    assert!(own["latency"]["p99_ms"].is_i64(), "{own}");
    for query in ["group_by=model", "group_by=provider&bucket_hours=1", "group_by=team", ""] {
        let sums = said(&world.admin("GET", &format!("/api/stats?{query}")).await?, 200)?;
        assert!(sums["data"][0]["requests"].as_i64() > Some(0), "{query}: {sums}");
    }
    problem(&world.admin("GET", "/api/stats?group_by=password").await?, 400)?;
    problem(&world.admin("GET", "/api/stats?from_ms=9&to_ms=0&bucket_hours=0").await?, 400)?;
    let overview = said(&world.admin("GET", "/api/overview").await?, 200)?;
    assert!(overview["day"]["requests"].as_i64() >= Some(3), "{overview}");
    assert!(overview["month"]["requests"].as_i64() >= overview["day"]["requests"].as_i64());
    Ok(())
}

async fn health(world: &World) -> Result {
    three(world).await?;
    let health = said(&world.admin("GET", "/api/health").await?, 200)?;
    let rows = health["data"].as_array().cloned().unwrap_or_default();
    let Some(up) = rows.iter().find(|row| row["provider"] == "up") else {
        return failed(format!("no provider: {health}"));
    };
    assert_eq!((&up["enabled"], &up["keys"]), (&json!(true), &json!(1)), "{up}");
    assert!(up["requests"].as_i64() > Some(0), "{up}");
    Ok(())
}

async fn system(world: &World) -> Result {
    let system = said(&world.admin("GET", "/api/system").await?, 200)?;
    assert!(system["version"].as_str().is_some_and(|version| version.contains('.')), "{system}");
    assert!(system["uptime_ms"].is_i64() && system["in_flight"].is_i64(), "{system}");
    let told = system["memory_used_bytes"].as_i64() > Some(0);
    assert_eq!(told, world.adapter == Adapter::Server, "{system}");
    Ok(())
}

async fn metrics(world: &World) -> Result {
    assert_eq!(world.ask(&Ask::new("GET", "/metrics")).await?.status, 401);
    three(world).await?;
    let answer = world.admin("GET", "/metrics").await?;
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    if world.adapter != Adapter::Server {
        assert!(text.starts_with("# One short-lived process"), "{text}");
        return Ok(());
    }
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    for name in ["requests_total", "request_duration_seconds_bucket", "tokens_total", "in_flight"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("tidegate_{name}"))), "{text}");
    }
    assert!(!text.contains(&world.client.id), "clients are too many to be told apart: {text}");
    Ok(())
}

async fn openapi(world: &World) -> Result {
    let document = said(&world.admin("GET", "/api/openapi.json").await?, 200)?;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/providers/{id}"]["patch"].is_object());
    Ok(())
}

/// Nothing is captured until somebody says whose, and then it is that one's alone.
async fn captures(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let before = world.ask(&world.chat(json!({}))).await?;
    world.record(&before).await?;
    let bodies = |answer: &Answer| {
        Ok::<_, crate::Failure>(format!("/api/records/{}/bodies", answer.request_id()?))
    };
    problem(&world.admin("GET", &bodies(&before)?).await?, 404)?;

    let settings = world.admin("GET", "/api/settings").await?;
    assert!(settings.header("etag").is_some(), "{:?}", settings.headers);
    problem(&world.edit("PATCH", "/api/settings", None, json!({})).await?, 428)?;
    let wrong = json!({ "capture": { "days": 0 } });
    problem(&world.edit("PATCH", "/api/settings", Some("*"), wrong).await?, 400)?;
    let change = json!({ "capture": { "clients": [world.client.id] } });
    let set = said(&world.edit("PATCH", "/api/settings", Some("*"), change).await?, 200)?;
    assert_eq!(set["capture"]["days"], 7, "{set}");

    // Another process hears of it within seconds.
    let deadline = Instant::now() + Duration::from_secs(12);
    loop {
        let answer = world.ask(&world.chat(json!({}))).await?;
        world.record(&answer).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let kept = world.admin("GET", &bodies(&answer)?).await?;
        if kept.status == 200 {
            let kept = kept.json()?;
            assert!(kept["request"].as_str().is_some_and(|text| text.contains(&world.tag())));
            assert_eq!(kept["response"], COMPLETION, "{kept}");
            break;
        }
        assert!(Instant::now() < deadline, "nothing is captured: {}", kept.text());
    }
    let frames = [&chunk("a"), FINISH, USAGE, DONE].map(str::to_owned);
    world.play(Script::events().paced(frames, Duration::from_millis(5)));
    let answer = world.ask(&world.stream()).await?;
    world.record(&answer).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let kept = said(&world.admin("GET", &bodies(&answer)?).await?, 200)?;
    assert_eq!(kept["response"], answer.text(), "{kept}");
    Ok(())
}
