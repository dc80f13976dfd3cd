//! What do requests cost, where do newer prices come from, and what does a source that tells nonsense do?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidegate_provider::{Provider, Script};

use super::{
    Case,
    sample::{COMPLETION, problem},
};
use crate::{
    Result, failed,
    setup::{ADMIN_TOKEN, MODEL},
    wire::{Answer, Ask},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "prices_listed", run: |world| Box::pin(listed(world)) },
    Case { name: "prices_refused_when_off", run: |world| Box::pin(off(world)) },
    Case { name: "prices_refreshed_and_recomputed", run: |world| Box::pin(refreshed(world)) },
    Case { name: "prices_refreshed_by_upkeep", run: |world| Box::pin(by_upkeep(world)) },
    Case { name: "prices_refreshed_beside_requests", run: |world| Box::pin(beside(world)) },
];

/// How long prices may take to come.
const PRICES_WAIT: Duration = Duration::from_secs(10);

/// What models.dev says, as the gateway is built with it.
const SOURCE: &str = include_str!("../../../../core/data/models_dev.json");

fn post(path: &'static str, body: &Value) -> Ask {
    Ask::post(path, body.to_string()).bearer(ADMIN_TOKEN)
}

async fn prices(world: &World) -> Result<Value> {
    let answer = world.admin("GET", "/api/prices?limit=1").await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn listed(world: &World) -> Result {
    let shown = prices(world).await?;
    assert!(shown["models"].as_u64().is_some_and(|models| models > 700), "{shown}");
    // Other cases set something for models, which is told by what follows the catalogue.
    let catalog = shown["catalog"].as_str().unwrap_or_default();
    let id = shown["id"].as_str().unwrap_or_default();
    assert!(!catalog.is_empty() && id.starts_with(catalog), "{shown}");
    assert_eq!(shown["fetched_at_ms"], Value::Null, "{shown}");
    let (mut path, mut seen) = ("/api/prices?provider=openai&limit=20".to_owned(), Vec::new());
    loop {
        let page = world.admin_at(&path).await?.json()?;
        seen.extend(page["data"].as_array().cloned().unwrap_or_default());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/prices?provider=openai&limit=20&after={next}");
    }
    let of = |id: &str| seen.iter().find(|model| model["id"] == id).cloned().unwrap_or_default();
    assert_eq!(of("gpt-4o")["price"]["input"], "2.5", "{seen:?}");
    assert_eq!(of("dall-e-3")["price"]["picture"], "40000", "{seen:?}");
    let mut ids: Vec<String> = seen.iter().map(|model| model["id"].to_string()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "a model came twice");
    problem(&world.ask(&Ask::new("GET", "/api/prices").bearer(&world.client.key)).await?, 401)?;
    Ok(())
}

async fn off(world: &World) -> Result {
    problem(&world.ask(&post("/api/prices/refresh", &json!({}))).await?, 409)?;
    let wrong = json!({ "from_ms": 0, "to_ms": 1, "all": true });
    problem(&world.ask(&post("/api/prices/recompute", &wrong)).await?, 400)?;
    let unknown = json!({ "from_ms": 0, "to_ms": 1, "snapshot": "nobody" });
    problem(&world.ask(&post("/api/prices/recompute", &unknown)).await?, 404)?;
    Ok(())
}

/// A request is answered while the source is silent; nonsense changes nothing; real prices hold from then on, and for
/// what was asked before when that is wanted.
async fn refreshed(world: &World) -> Result {
    let source = Provider::start().await?;
    source.play("", Script::silence());
    let url = source.base_url();
    let world = world.fresh(world.setup()?.pricing(&url)).await?;
    world.play(Script::json(200, COMPLETION));
    let before = world.record(&world.ask(&world.chat(json!({}))).await?).await?;
    assert_eq!((&before["cost_nano"], &before["price_id"]), (&json!(0), &json!("")));

    let embedded = prices(&world).await?["id"].clone();
    for nonsense in ["<html>", "{}", &SOURCE.replace("\"input\":", "\"input\": 0.0000001, \"x\":")]
    {
        source.play("", Script::json(200, nonsense.to_owned()));
        problem(&world.ask(&post("/api/prices/refresh", &json!({}))).await?, 502)?;
        assert_eq!(
            prices(&world).await?["id"],
            embedded,
            "{}",
            &nonsense[..nonsense.len().min(80)]
        );
    }

    source.play("", Script::json(200, with_mock()?));
    let answer = world.ask(&post("/api/prices/refresh", &json!({}))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = answer.json()?;
    assert_ne!(shown["id"], embedded, "{shown}");
    assert!(shown["fetched_at_ms"].is_i64() && shown["checked_at_ms"].is_i64(), "{shown}");

    let after = world.record(&world.ask(&world.chat(json!({}))).await?).await?;
    assert_eq!(after["price_id"], shown["id"], "{after}");
    let usage = |name: &str| after["usage"][name].as_i64().unwrap_or_default();
    let expected = 3_000 * usage("prompt") + 15_000 * usage("completion");
    assert!(expected > 0 && after["cost_nano"] == json!(expected), "{after}");

    let again = json!({ "from_ms": 0, "to_ms": 9_000_000_000_000_i64 });
    let done = |answer: Answer| answer.json();
    let first = done(world.ask(&post("/api/prices/recompute", &again)).await?)?;
    assert_eq!((&first["changed"], &first["next"]), (&json!(1), &Value::Null), "{first}");
    let second = done(world.ask(&post("/api/prices/recompute", &again)).await?)?;
    assert_eq!((&second["changed"], &second["records"]), (&json!(0), &first["records"]));
    let priced = world.until_records(2, |record| record["cost_nano"] == json!(expected)).await?;
    assert_eq!(priced[1]["price_id"], shown["id"]);

    let by_embedded = json!({ "from_ms": 0, "to_ms": 9_000_000_000_000_i64, "snapshot": embedded });
    let third = done(world.ask(&post("/api/prices/recompute", &by_embedded)).await?)?;
    assert_eq!(third["changed"], json!(2), "{third}");
    world.until_records(2, |record| record["cost_nano"] == json!(0)).await?;
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

/// Nobody asks for anything, and the time for upkeep comes.
async fn by_upkeep(world: &World) -> Result {
    let source = Provider::start().await?;
    source.play("", Script::json(200, with_mock()?));
    let setup = world.setup()?.pricing(&source.base_url());
    let gateway = Arc::new(world.adapter.start(setup).await?);
    gateway.upkeep().await?;
    let fetched = source.until("", 0, PRICES_WAIT, |_| true).await;
    assert!(fetched.is_some(), "nobody has asked for prices: {}", gateway.log());
    let provider = Arc::clone(&world.provider);
    until_fetched(&World::new(world.adapter, gateway, provider, "upkeep").await?).await
}

/// No time for upkeep comes, and requests do.
async fn beside(world: &World) -> Result {
    let source = Provider::start().await?;
    source.play("", Script::json(200, with_mock()?));
    until_fetched(&world.fresh(world.setup()?.pricing(&source.base_url())).await?).await
}

async fn until_fetched(world: &World) -> Result {
    let deadline = Instant::now() + PRICES_WAIT;
    loop {
        let shown = prices(world).await?;
        if shown["fetched_at_ms"].is_i64() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return failed(format!("the prices stay as they are: {shown}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The source with a price for the scripted provider's model.
fn with_mock() -> Result<String> {
    let mut source: Value = serde_json::from_str(SOURCE).expect("it is JSON in the repository");
    let Some(models) = source["openai"]["models"].as_object_mut() else {
        return failed("the source has no models of OpenAI");
    };
    let mock = json!({ "id": MODEL, "name": "Mock", "release_date": "2026-01-01",
        "limit": { "context": 1000, "output": 1000 }, "new_field": true,
        "modalities": { "input": ["text"], "output": ["text"] },
        "cost": { "input": 3, "output": 15 } });
    models.insert(MODEL.to_owned(), mock);
    Ok(source.to_string())
}
