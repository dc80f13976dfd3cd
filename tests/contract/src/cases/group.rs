//! Where does a request for a routed name go? Groups that are made through the API, and one that is declared.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_provider::{Script, Step, tag};

use super::{
    Case,
    sample::{COMPLETION, id, problem, refused},
};
use crate::{
    Result, failed,
    setup::{GROUP, MODEL, POOL_KEYS, SLASHED_MODEL, UNREACHABLE_MODEL},
    wire::{Answer, Ask},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "group_falls_to_the_second_target", run: |world| Box::pin(falls(world)) },
    Case { name: "group_names_who_takes_long_ones", run: |world| Box::pin(long(world)) },
    Case { name: "group_names_who_takes_filtered_ones", run: |world| Box::pin(filtered(world)) },
    Case { name: "group_asks_beside_a_slow_target", run: |world| Box::pin(hedged(world)) },
    Case { name: "group_goes_by_keywords", run: |world| Box::pin(keywords(world)) },
    Case { name: "group_weight_zero_takes_out", run: |world| Box::pin(weights(world)) },
    Case { name: "group_dispatches_on_two_levels", run: |world| Box::pin(dispatches(world)) },
    Case { name: "group_unrated_goes_to_the_middle", run: |world| Box::pin(unrated(world)) },
    Case { name: "group_stays_with_a_session", run: |world| Box::pin(sticky(world)) },
    Case { name: "group_is_a_listed_model", run: |world| Box::pin(listed(world)) },
    Case { name: "group_in_a_circle_is_refused", run: |world| Box::pin(circle(world)) },
    Case { name: "group_without_a_usable_target", run: |world| Box::pin(nowhere(world)) },
    Case { name: "group_is_what_a_client_may_use", run: |world| Box::pin(policy(world)) },
    Case { name: "group_in_every_dialect", run: |world| Box::pin(dialects(world)) },
    Case { name: "group_declared_is_locked", run: |world| Box::pin(locked(world)) },
    Case { name: "groups_to_begin_with", run: |world| Box::pin(first_ones(world)) },
];

pub(super) fn targets(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "name": name })).collect()
}

/// Makes a group and returns its id.
pub(super) async fn group(world: &World, name: &str, body: Value) -> Result<String> {
    let id = id(world, name);
    let answer = world.edit("PUT", &format!("/api/groups/{id}"), None, body).await?;
    if answer.status == 201 { Ok(id) } else { failed(format!("no group: {}", answer.text())) }
}

/// Asks a group something; the answer must be good.
async fn ask(world: &World, group: &str, text: &str) -> Result<Answer> {
    let content = format!("{text} {}", world.tag());
    let messages = json!([{ "role": "user", "content": content }]);
    let answer = world.ask(&world.chat(json!({ "model": group, "messages": messages }))).await?;
    if answer.status == 200 { Ok(answer) } else { failed(answer.text()) }
}

/// The model that the provider was asked for last.
fn asked_for(world: &World) -> String {
    let body = world.seen().pop().map(|seen| seen.body).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    body["model"].as_str().unwrap_or_default().to_owned()
}

async fn falls(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let pair = targets(&[UNREACHABLE_MODEL, MODEL]);
    let made = group(world, "falls", json!({ "strategy": "priority", "targets": pair })).await?;
    for name in [made.as_str(), GROUP] {
        let answer = ask(world, name, "hello").await?;
        assert_eq!(answer.text(), COMPLETION);
        let record = world.record(&answer).await?;
        assert_eq!(record["requested_model"], name, "{record}");
        assert_eq!((&record["provider"], &record["model"]), (&json!("up"), &json!(MODEL)));
        assert_eq!(record["attempts"], 2, "{record}");
        let tried = &record["tried"];
        assert_eq!(tried[0]["by"], format!("group {name}"), "{record}");
        assert_eq!(tried[1]["to"], format!("closed/{UNREACHABLE_MODEL}"), "{record}");
        assert_eq!(tried[1]["why"], "upstream_unreachable", "{record}");
        assert_eq!((&tried[2]["key"], &tried[2]["why"]), (&record["key_id"], &json!("ok")));
    }
    Ok(())
}

/// A pooled model refuses what the usual one takes.
async fn named(world: &World, refusal: &str, list: &str) -> Result {
    let refuses = world.pooled();
    let refusing = format!("{}/{MODEL}", refuses.asked_provider());
    world.play(Script::json(200, COMPLETION));
    for key in POOL_KEYS {
        world.play_for(key, Script::json(400, refusal.to_owned()));
    }
    let mut body = json!({
        "strategy": "priority", "targets": targets(&[&refusing, UNREACHABLE_MODEL]),
        "fallbacks": [UNREACHABLE_MODEL],
    });
    let without = group(world, "unnamed", body.clone()).await?;
    let answer = world.ask(&world.chat(json!({ "model": without }))).await?;
    refused(&answer, 400)?;
    assert_eq!(world.record(&answer).await?["attempts"], 1, "nobody else would do better");
    body[list] = json!([MODEL]);
    let with = group(world, "named", body).await?;
    let answer = ask(world, &with, "hello").await?;
    assert_eq!(answer.text(), COMPLETION);
    let record = world.record(&answer).await?;
    assert_eq!((&record["provider"], &record["attempts"]), (&json!("up"), &json!(2)), "{record}");
    Ok(())
}

async fn long(world: &World) -> Result {
    let error = json!({ "message": "too long", "code": "context_length_exceeded" });
    named(world, &json!({ "error": error }).to_string(), "context_fallbacks").await
}

async fn filtered(world: &World) -> Result {
    let error = json!({ "message": "no", "code": "content_filter" });
    named(world, &json!({ "error": error }).to_string(), "content_fallbacks").await
}

async fn hedged(world: &World) -> Result {
    let slow = world.pooled();
    world.play(Script::json(200, COMPLETION));
    for key in POOL_KEYS {
        world.play_for(key, Script::silence().then(Step::Hang));
    }
    let slowly = format!("{}/{MODEL}", slow.asked_provider());
    let body = json!({
        "strategy": "priority", "targets": targets(&[&slowly, MODEL]), "hedge": { "after_ms": 200 },
    });
    let answer = ask(world, &group(world, "quick", body).await?, "hello").await?;
    assert_eq!(answer.text(), COMPLETION);
    let record = world.record(&answer).await?;
    assert_eq!((&record["provider"], &record["attempts"]), (&json!("up"), &json!(2)), "{record}");
    assert_eq!(record["side_model"], json!(slowly), "{record}");
    assert!(record["side_prompt"].as_i64() > Some(0), "{record}");
    // Nobody goes on waiting for the slow one.
    world.seen_until(Duration::from_secs(5), |seen| seen.left.is_some()).await?;
    Ok(())
}

async fn keywords(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let rule = json!({ "target": SLASHED_MODEL, "keywords": ["debug", "step by step"] });
    let body = json!({
        "strategy": "heuristic", "targets": targets(&[MODEL, SLASHED_MODEL]), "rules": [rule],
    });
    let group = group(world, "words", body).await?;
    for (text, model) in [
        ("Please DEBUG this.", SLASHED_MODEL),
        ("Explain it step by step:", SLASHED_MODEL),
        ("I am debugging.", MODEL),
        ("hello", MODEL),
    ] {
        ask(world, &group, text).await?;
        assert_eq!(asked_for(world), model, "{text}");
    }
    Ok(())
}

async fn weights(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let out = json!([{ "name": UNREACHABLE_MODEL, "weight": 0 }, { "name": MODEL, "weight": 1 }]);
    let group = group(world, "out", json!({ "strategy": "weighted", "targets": out })).await?;
    for _ in 0..5 {
        let answer = ask(world, &group, "hello").await?;
        assert_eq!(world.record(&answer).await?["attempts"], 1);
    }
    Ok(())
}

/// What a rating model answers.
fn says(text: &str) -> Script {
    let message = json!({ "role": "assistant", "content": text });
    let answer = json!({
        "id": "r", "object": "chat.completion", "created": 1, "model": "rater",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 90, "completion_tokens": 2, "total_tokens": 92 },
    });
    Script::json(200, answer.to_string())
}

/// A group of three tiers, and the script that its rating model plays.
async fn dispatcher(world: &World, tiers: &[&str], rating: Script) -> Result<String> {
    let script = id(world, "rating");
    world.provider.play(&script, rating);
    let classifier = json!({
        "model": "up/rater", "scale": 10, "instructions": format!("Rate it. {}", tag(&script)),
    });
    let body = json!({
        "strategy": "classifier", "targets": targets(tiers), "classifier": classifier,
    });
    group(world, "dispatcher", body).await
}

async fn dispatches(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let rule = json!({ "target": SLASHED_MODEL, "keywords": ["debug"] });
    let tier = json!({
        "strategy": "heuristic", "targets": targets(&[MODEL, SLASHED_MODEL]), "rules": [rule],
    });
    let tier = group(world, "tier", tier).await?;
    let low = [UNREACHABLE_MODEL, UNREACHABLE_MODEL, tier.as_str()];
    let dispatcher = dispatcher(world, &low, says("9")).await?;
    let answer = ask(world, &dispatcher, "Debug this race condition in my Go code.").await?;
    assert_eq!(asked_for(world), SLASHED_MODEL);
    let told = |name: &str| answer.header(&format!("x-tidegate-{name}"));
    let of = [told("provider"), told("model"), told("attempts")];
    assert_eq!(of, [Some("up"), Some(SLASHED_MODEL), Some("1")], "{:?}", answer.headers);
    let record = world.record(&answer).await?;
    assert_eq!(record["requested_model"], json!(dispatcher), "{record}");
    assert_eq!((&record["model"], &record["attempts"]), (&json!(SLASHED_MODEL), &json!(1)));
    assert_eq!((&record["side_model"], &record["side_prompt"]), (&json!("up/rater"), &json!(90)));
    assert_eq!(record["usage"]["prompt"], 11, "{record}");
    let rating = world.provider.seen(&id(world, "rating"));
    let body: Value = serde_json::from_slice(&rating[0].body).unwrap_or_default();
    assert_eq!((rating.len(), &body["model"]), (1, &json!("rater")), "{body}");
    let shown = body["messages"][1]["content"].as_str().unwrap_or_default();
    assert!(shown.starts_with("Debug this race"), "{body}");
    Ok(())
}

async fn unrated(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let tiers = [UNREACHABLE_MODEL, MODEL, UNREACHABLE_MODEL];
    let dispatcher = dispatcher(world, &tiers, says("no idea")).await?;
    for (rating, prompt) in [
        (says("no idea"), 90),
        (says("11"), 90),
        (Script::json(500, "{\"error\":{\"message\":\"broken\"}}"), 0),
        (Script::json(200, "not JSON"), 0),
    ] {
        world.provider.play(&id(world, "rating"), rating);
        let record = world.record(&ask(world, &dispatcher, "hello").await?).await?;
        assert_eq!((&record["model"], &record["attempts"]), (&json!(MODEL), &json!(1)));
        assert_eq!(record["side_prompt"], prompt, "{record}");
    }
    Ok(())
}

async fn sticky(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let pair = targets(&[MODEL, SLASHED_MODEL]);
    let group = group(world, "stays", json!({ "strategy": "sticky", "targets": pair })).await?;
    let mut models = Vec::new();
    for session in 0..12 {
        for _ in 0..2 {
            let ask = world.chat(json!({ "model": group }));
            let session = session.to_string();
            assert_eq!(world.ask(&ask.header("x-tidegate-session", &session)).await?.status, 200);
            models.push(asked_for(world));
        }
    }
    assert!(models.chunks(2).all(|two| two[0] == two[1]), "{models:?}");
    models.dedup();
    assert!(models.len() > 1, "every session at the same target: {models:?}");
    Ok(())
}

async fn listed(world: &World) -> Result {
    let alias = id(world, "alias");
    let body = json!({
        "strategy": "priority", "targets": targets(&["nobodys-model", MODEL]), "aliases": [alias],
    });
    let made = group(world, "listed", body).await?;
    let dead = json!({ "strategy": "priority", "targets": targets(&["nobodys-model"]) });
    let dead = group(world, "dead", dead).await?;
    let key = world.client.key.as_str();
    let get = |path: String| Ask::new("GET", path).header("x-goog-api-key", key);
    let openai = Ask::new("GET", "/v1/models").bearer(key);
    let anthropic = get("/v1/models".to_owned()).header("anthropic-version", "2023-06-01");
    for list in [openai, anthropic, get("/v1beta/models".to_owned())] {
        let text = world.ask(&list).await?.text();
        for name in [made.as_str(), alias.as_str(), GROUP] {
            assert!(text.contains(&format!("{name}\"")), "{name} in {text}");
        }
        assert!(!text.contains(&dead), "{text}");
    }
    let one = Ask::new("GET", format!("/v1/models/{made}")).bearer(key);
    let one = world.ask(&one).await?.json()?;
    assert_eq!((&one["id"], &one["owned_by"]), (&json!(made), &json!("tidegate")), "{one}");
    let one = world.ask(&get(format!("/v1beta/models/{alias}"))).await?.json()?;
    assert_eq!(one["name"], format!("models/{alias}"));
    refused(&world.ask(&Ask::new("GET", format!("/v1/models/{dead}")).bearer(key)).await?, 404)?;
    Ok(())
}

async fn circle(world: &World) -> Result {
    let [a, b] = ["a", "b"].map(|name| id(world, name));
    let to = |target: &str| json!({ "strategy": "priority", "targets": targets(&[target, MODEL]) });
    group(world, "a", to(&b)).await?;
    let path = format!("/api/groups/{b}");
    let told = problem(&world.edit("PUT", &path, None, to(&a)).await?, 400)?;
    assert_eq!(told["code"], "cycle", "{told}");
    let circle = format!("The groups go round in a circle: {b} → {a} → {b}.");
    assert_eq!(told["detail"], circle, "{told}");
    Ok(())
}

async fn nowhere(world: &World) -> Result {
    let body = json!({ "strategy": "priority", "targets": targets(&["nobodys-model"]) });
    let group = group(world, "nowhere", body).await?;
    let answer = world.ask(&world.chat(json!({ "model": group }))).await?;
    let error = refused(&answer, 404)?;
    let told = format!(
        "No target of the group `{group}` can be used: `nobodys-model` is with no provider."
    );
    assert_eq!((&error["message"], &error["code"]), (&json!(told), &json!("model_not_found")));
    assert_eq!(world.record(&answer).await?["requested_model"], json!(group));
    Ok(())
}

async fn policy(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let pair = targets(&[SLASHED_MODEL, MODEL]);
    let body = json!({ "strategy": "priority", "targets": pair });
    let group = group(world, "allowed", body).await?;
    for (at, (models, model, status)) in [
        // Who may use a group may use what it leads to, and that by no other name.
        (json!([group]), group.as_str(), 200),
        (json!([group]), MODEL, 403),
        // Who may use a model may have it through a group too, and none of the others there.
        (json!([MODEL]), group.as_str(), 200),
        (json!(["gpt-*"]), group.as_str(), 403),
    ]
    .into_iter()
    .enumerate()
    {
        let name = id(world, &format!("allowed {at}"));
        let client = world.another_client(json!({ "name": name, "models": models })).await?;
        let mut ask = world.chat(json!({ "model": model }));
        ask.headers.retain(|(name, _)| name != "authorization");
        let answer = world.ask(&ask.bearer(&client.key)).await?;
        assert_eq!(answer.status, status, "{models} {model}: {}", answer.text());
        if at == 2 {
            assert_eq!(asked_for(world), MODEL);
        }
    }
    Ok(())
}

async fn dialects(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let rule = json!({ "target": SLASHED_MODEL, "keywords": ["debug"] });
    let body = json!({
        "strategy": "heuristic", "targets": targets(&[MODEL, SLASHED_MODEL]), "rules": [rule],
    });
    let group = group(world, "words", body).await?;
    let said = format!("debug {}", world.tag());
    let turns = json!([{ "role": "user", "content": said }]);
    let gemini = format!("/v1beta/models/{group}:generateContent");
    for (path, body) in [
        ("/v1/responses", json!({ "model": group, "input": said })),
        ("/v1/messages", json!({ "model": group, "max_tokens": 9, "messages": turns })),
        (&gemini, json!({ "contents": [{ "role": "user", "parts": [{ "text": said }] }] })),
        ("/v1/completions", json!({ "model": group, "prompt": said })),
    ] {
        let ask = Ask::post(path, body.to_string()).bearer(&world.client.key);
        let answer = world.ask(&ask).await?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(asked_for(world), SLASHED_MODEL, "{path}");
        assert_eq!(world.record(&answer).await?["requested_model"], json!(group), "{path}");
    }
    Ok(())
}

async fn locked(world: &World) -> Result {
    let path = format!("/api/groups/{GROUP}");
    let shown = world.admin("GET", &path).await?.json()?;
    assert!(shown["declared_in"].as_str().is_some_and(|text| text.contains("[[group]]")));
    assert_eq!(shown["targets"][0], json!({ "name": UNREACHABLE_MODEL, "weight": 1 }), "{shown}");
    let change = json!({ "enabled": false });
    let told = problem(&world.edit("PATCH", &path, Some("*"), change).await?, 409)?;
    assert_eq!(told["code"], "locked", "{told}");
    problem(&world.admin("DELETE", &path).await?, 409)?;
    let other = json!({
        "strategy": "priority", "targets": targets(&[MODEL]), "aliases": [GROUP],
    });
    let path = format!("/api/groups/{}", id(world, "other"));
    problem(&world.edit("PUT", &path, None, other).await?, 409)?;
    Ok(())
}

/// They are there before anybody has made one, and what is deleted stays so.
async fn first_ones(world: &World) -> Result {
    let names = [
        "fast-flow",
        "standard-pro",
        "heavy-logic",
        "dispatcher",
        "deepseek-auto",
        "openai-auto",
        "gemini-auto",
    ];
    for name in names {
        let shown = world.admin("GET", &format!("/api/groups/{name}")).await?;
        assert_eq!(shown.status, 200, "{name}: {}", shown.text());
        let shown = shown.json()?;
        assert!(shown["primary_use"].as_str().is_some_and(|text| !text.is_empty()), "{shown}");
        assert_eq!(shown["fallbacks"], json!([]), "stored whole: {shown}");
    }
    let path = "/api/groups/gemini-auto";
    assert_eq!(world.admin("DELETE", path).await?.status, 204);
    // Another change makes the configuration be read again.
    group(world, "later", json!({ "strategy": "priority", "targets": targets(&[MODEL]) })).await?;
    world.play(Script::json(200, COMPLETION));
    ask(world, MODEL, "hello").await?;
    problem(&world.admin("GET", path).await?, 404)?;
    Ok(())
}
