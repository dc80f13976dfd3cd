//! What would become of a request? The gateway tells it, and asks nobody.

use serde_json::{Value, json};

use super::{
    Case,
    group::{group, targets},
    sample::{COMPLETION, problem, refused},
};
use crate::{
    Result,
    setup::{ADMIN_TOKEN, MODEL, SLASHED_MODEL},
    wire::Ask,
    world::World,
};
use tidegate_provider::Script;

pub(super) const CASES: &[Case] = &[
    Case { name: "explain_a_request_of_a_client", run: |world| Box::pin(simulated(world)) },
    Case { name: "explain_what_is_lost", run: |world| Box::pin(lost(world)) },
    Case { name: "explain_a_rated_request", run: |world| Box::pin(rated(world)) },
    Case { name: "explain_needs_an_admin", run: |world| Box::pin(admins(world)) },
    Case { name: "explain_refuses_nonsense", run: |world| Box::pin(nonsense(world)) },
];

async fn simulate(world: &World, body: &Value) -> Result<Value> {
    let answer =
        world.ask(&Ask::post("/api/simulate", body.to_string()).bearer(ADMIN_TOKEN)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn said(model: &str, text: &str) -> Value {
    json!({ "model": model, "max_tokens": 20, "messages": [{ "role": "user", "content": text }] })
}

/// The names of what would be asked, in turn.
fn planned(explained: &Value) -> Vec<&str> {
    let targets = explained["targets"].as_array().into_iter().flatten();
    targets
        .filter(|target| target["turn"].is_u64())
        .filter_map(|target| target["model"].as_str())
        .collect()
}

async fn simulated(world: &World) -> Result {
    let rule = json!({ "target": SLASHED_MODEL, "keywords": ["debug"] });
    let body = json!({
        "strategy": "heuristic", "targets": targets(&[MODEL, SLASHED_MODEL, "gone"]), "rules": [rule],
    });
    let name = group(world, "explained", body).await?;
    let limits = json!([{ "tokens": 1_000, "per": "day" }, { "requests": 5, "per": "day" }]);
    let client = world.another_client(json!({ "name": "explained", "limits": limits })).await?;
    let body = json!({ "client": client.id, "request": said(&name, "Please debug this.") });
    let explained = simulate(world, &body).await?;
    assert_eq!(explained["model"], json!(name));
    assert_eq!(planned(&explained), [SLASHED_MODEL, MODEL], "{explained}");
    let step = &explained["targets"][0]["steps"][0];
    assert_eq!((&step["group"], &step["target"]), (&json!(name), &json!(SLASHED_MODEL)));
    assert!(step["why"].as_str().is_some_and(|why| why.contains("debug")), "{step}");
    assert_eq!(explained["skipped"][0]["target"], "gone", "{explained}");
    let keys = explained["targets"][0]["keys"].as_array().map_or(0, Vec::len);
    assert!(keys > 0, "{explained}");
    let room = |at: usize| &explained["limits"][at];
    assert_eq!((&room(0)["remaining"], &room(0)["fits"]), (&json!(1_000), &json!(true)));
    assert_eq!((&room(1)["remaining"], &room(1)["wanted"]), (&json!(5), &json!(1)));
    // Nothing was asked, nothing was taken, and what really happens is what was told.
    assert!(world.seen().is_empty(), "somebody was asked");
    assert_eq!(simulate(world, &body).await?["limits"], explained["limits"]);
    world.play(Script::json(200, COMPLETION));
    let ask = world.chat(json!({
        "model": name, "messages": [{ "role": "user", "content": format!("debug {}", world.tag()) }],
    }));
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.header("x-tidegate-model"), Some(SLASHED_MODEL), "{}", answer.text());
    let long = json!({ "client": client.id, "request": said(&name, &"word ".repeat(2_000)) });
    assert_eq!(simulate(world, &long).await?["limits"][0]["fits"], json!(false));
    Ok(())
}

async fn lost(world: &World) -> Result {
    let request = json!({
        "model": MODEL, "max_tokens": 20, "top_k": 5,
        "messages": [{ "role": "user", "content": "Hello" }],
    });
    let explained = simulate(world, &json!({ "path": "/v1/messages", "request": request })).await?;
    let target = &explained["targets"][0];
    assert_eq!(target["dropped"], json!(["top_k"]), "{explained}");
    assert_eq!((&target["refusal"], &target["answer_tokens_max"]), (&Value::Null, &json!(20)));
    let path = format!("/v1beta/models/{MODEL}:generateContent");
    let request = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }] });
    let explained = simulate(world, &json!({ "path": path, "request": request })).await?;
    assert_eq!(planned(&explained), [MODEL], "{explained}");
    assert!(world.seen().is_empty(), "somebody was asked");
    Ok(())
}

async fn rated(world: &World) -> Result {
    let classifier = json!({ "model": "up/rater", "scale": 10 });
    let body = json!({
        "strategy": "classifier", "targets": targets(&[MODEL, SLASHED_MODEL]), "classifier": classifier,
    });
    let name = group(world, "explained-rated", body).await?;
    for (rating, first) in [(1, MODEL), (10, SLASHED_MODEL)] {
        let body = json!({ "rating": rating, "request": said(&name, "Hello") });
        let explained = simulate(world, &body).await?;
        assert_eq!(planned(&explained)[0], first, "{explained}");
        assert_eq!(explained["rated_by"], "up/rater", "{explained}");
    }
    let unrated = simulate(world, &json!({ "request": said(&name, "Hello") })).await?;
    let why = unrated["targets"][0]["steps"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("not rated"), "{unrated}");
    assert!(world.seen().is_empty(), "somebody was asked");
    Ok(())
}

async fn admins(world: &World) -> Result {
    let mut ask = world.chat(json!({})).header("x-tidegate-explain", "true");
    let refusal = refused(&world.ask(&ask).await?, 401)?;
    assert_eq!(refusal["code"], "admin_only", "{refusal}");
    ask.headers.retain(|(name, _)| name != "authorization");
    let explained = world.ask(&ask.bearer(ADMIN_TOKEN)).await?;
    assert_eq!(explained.status, 200, "{}", explained.text());
    assert_eq!(planned(&explained.json()?), [MODEL]);
    assert!(world.seen().is_empty(), "somebody was asked");
    let body = json!({ "request": said(MODEL, "Hello") }).to_string();
    let answer = world.ask(&Ask::post("/api/simulate", body).bearer(&world.client.key)).await?;
    problem(&answer, 401)?;
    Ok(())
}

async fn nonsense(world: &World) -> Result {
    let cases = [
        (json!({ "request": said("no-such-model", "Hello") }), 404),
        (json!({ "request": { "messages": [] } }), 400),
        (json!({ "path": "/v1/nowhere", "request": said(MODEL, "Hello") }), 400),
        (json!({ "client": "nobody", "request": said(MODEL, "Hello") }), 400),
        (json!({ "request": said(MODEL, "Hello"), "more": 1 }), 400),
        (json!({ "request": said(MODEL, "Hello"), "rating": 0 }), 400),
        (json!({ "request": [] }), 400),
    ];
    for (body, status) in cases {
        let ask = Ask::post("/api/simulate", body.to_string()).bearer(ADMIN_TOKEN);
        problem(&world.ask(&ask).await?, status)?;
    }
    Ok(())
}
