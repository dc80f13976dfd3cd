//! Who is given an answer again, and when is a provider asked anew?

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_provider::{Script, Step};

use super::{
    Case,
    sample::{COMPLETION, DONE, FINISH, USAGE, chunk, error, problem, refused, said},
};
use crate::{
    Result, failed,
    wire::{Answer, Ask},
    world::{Client, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "recall_of_a_whole_answer", run: |world| Box::pin(whole(world)) },
    Case { name: "recall_of_a_stream", run: |world| Box::pin(stream(world)) },
    Case { name: "recall_for_everybody", run: |world| Box::pin(everybody(world)) },
    Case { name: "recall_is_each_clients_own", run: |world| Box::pin(own(world)) },
    Case { name: "recall_as_the_client_wants", run: |world| Box::pin(wished(world)) },
    Case { name: "recall_of_nothing_broken", run: |world| Box::pin(broken(world)) },
    Case { name: "recall_within_a_budget", run: |world| Box::pin(budget(world)) },
    Case { name: "recall_with_a_strict_ledger", run: |world| Box::pin(strict(world)) },
    Case { name: "recall_is_set", run: |world| Box::pin(set(world)) },
];

const CACHE: &str = "x-tidegate-cache";
/// How long an answer that has reached its client may take to be kept.
const KEPT: Duration = Duration::from_millis(400);

/// Adds clients to those that are given answers again. Other cases do so at the same time.
async fn recall(world: &World, clients: &[&Client]) -> Result {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let before = world.admin("GET", "/api/settings").await?;
        let version = before.header("etag").unwrap_or_default().to_owned();
        let mut listed = before.json()?["recall"]["clients"].clone();
        let Some(list) = listed.as_array_mut() else { return failed(before.text()) };
        list.extend(clients.iter().map(|client| json!(client.id)));
        let change = json!({ "recall": { "clients": listed } });
        let changed = world.edit("PATCH", "/api/settings", Some(&version), change).await?;
        match changed.status {
            200 => break,
            409 | 412 if Instant::now() < deadline => {}
            _ => return failed(format!("not set: {} {}", changed.status, changed.text())),
        }
    }
    for client in clients {
        until_on(world, client).await?;
    }
    Ok(())
}

/// Another process hears of it within seconds.
async fn until_on(world: &World, client: &Client) -> Result {
    let deadline = Instant::now() + Duration::from_secs(16);
    // It is asked anew each time, and is no question of any case.
    let ask = of(client, world.chat(json!({ "user": "probe", "max_tokens": 20 })));
    let ask = ask.header("cache-control", "no-cache");
    while world.ask(&ask).await?.header(CACHE).is_none() {
        if Instant::now() > deadline {
            return failed("nothing is kept");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

fn of(client: &Client, mut ask: Ask) -> Ask {
    ask.headers.retain(|(name, _)| name != "authorization");
    ask.bearer(&client.key)
}

fn wanting(ask: &Ask, wish: &str) -> Ask {
    ask.clone().header("cache-control", wish)
}

/// Asks, and waits until what is to be kept is. Checks what the cache said, and whether the provider was asked.
async fn ask(world: &World, ask: &Ask, cache: Option<&str>) -> Result<Answer> {
    let before = world.seen().len();
    let answer = world.ask(ask).await?;
    tokio::time::sleep(KEPT).await;
    let asked = world.seen().len() - before;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header(CACHE), cache, "{:?}", answer.headers);
    assert_eq!(asked, usize::from(cache != Some("hit")), "requests at the provider");
    Ok(answer)
}

async fn whole(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    recall(world, &[&world.client]).await?;
    let request = world.chat(json!({}));
    let first = ask(world, &request, Some("miss")).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let again = ask(world, &request, Some("hit")).await?;
    assert_eq!((again.text().as_str(), first.text().as_str()), (COMPLETION, COMPLETION));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    let age: Option<u32> = again.header("age").and_then(|age| age.parse().ok());
    assert!(age.is_some_and(|age| (1..30).contains(&age)), "{:?}", again.headers);
    assert_eq!(again.header("x-tidegate-attempts"), Some("0"));

    let record = world.until_records(1, |record| record["recalled"] == true).await?[0].clone();
    assert_eq!(record["id"], again.request_id()?, "{record}");
    for (name, value) in [
        ("status", json!(200)),
        ("provider", json!("up")),
        ("attempts", json!(0)),
        ("cost_nano", json!(0)),
        ("bytes_out", json!(COMPLETION.len())),
        ("ended", json!("done")),
    ] {
        assert_eq!(record[name], value, "{name} in {record}");
    }
    let used = record["usage"].as_object().map(|usage| usage.values().all(|count| count == 0));
    assert_eq!(used, Some(true), "{record}");
    let path = format!("/api/records/export?client={}", world.client.id);
    let csv = world.admin("GET", &path).await?.text();
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].ends_with(",recalled") && rows[1].ends_with(",true"), "{csv}");
    Ok(())
}

async fn stream(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    recall(world, &[&world.client]).await?;
    let frames = [&chunk("caf\u{e9}"), FINISH, USAGE, DONE].map(str::to_owned);
    world.play(Script::events().paced(frames.clone(), Duration::from_millis(5)));
    ask(world, &world.stream(), Some("miss")).await?;
    let again = ask(world, &world.stream(), Some("hit")).await?;
    assert_eq!(again.text(), frames.concat());
    let kind = again.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    // The same words for a whole answer are another question.
    world.play(Script::json(200, COMPLETION));
    ask(world, &world.chat(json!({})), Some("miss")).await?;
    Ok(())
}

async fn everybody(world: &World) -> Result {
    let world = &world.fresh(world.setup()?).await?;
    world.play(Script::json(200, COMPLETION));
    let request = world.chat(json!({}));
    ask(world, &request, None).await?;
    let change = json!({ "recall": { "everybody": true, "seconds": 2 } });
    said(&world.edit("PATCH", "/api/settings", Some("*"), change).await?, 200)?;
    until_on(world, &world.client).await?;
    ask(world, &request, Some("miss")).await?;
    ask(world, &request, Some("hit")).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ask(world, &request, Some("miss")).await?;
    Ok(())
}

async fn own(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let name = format!("other-{}", world.client.id);
    let other = world.another_client(json!({ "name": name })).await?;
    recall(world, &[&world.client, &other]).await?;
    let (ours, theirs) = (world.chat(json!({})), of(&other, world.chat(json!({}))));
    ask(world, &ours, Some("miss")).await?;
    ask(world, &ours, Some("hit")).await?;
    world.play(Script::json(200, COMPLETION.replace("chatcmpl-1", "chatcmpl-2")));
    let told = ask(world, &theirs, Some("miss")).await?;
    assert!(told.text().contains("chatcmpl-2"), "{}", told.text());
    assert!(ask(world, &theirs, Some("hit")).await?.text().contains("chatcmpl-2"));
    assert!(ask(world, &ours, Some("hit")).await?.text().contains("chatcmpl-1"));
    Ok(())
}

async fn wished(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    recall(world, &[&world.client]).await?;
    let request = world.chat(json!({}));
    ask(world, &wanting(&request, "no-store"), None).await?;
    ask(world, &request, Some("miss")).await?;
    ask(world, &wanting(&request, "no-store"), None).await?;
    ask(world, &wanting(&request, "max-age=60"), Some("hit")).await?;
    world.play(Script::json(200, COMPLETION.replace("chatcmpl-1", "chatcmpl-2")));
    ask(world, &wanting(&request, "no-cache"), Some("miss")).await?;
    let again = ask(world, &request, Some("hit")).await?;
    assert!(again.text().contains("chatcmpl-2"), "the newer one is kept: {}", again.text());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    ask(world, &wanting(&request, "max-age=1"), Some("miss")).await?;
    Ok(())
}

async fn broken(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::json(200, COMPLETION));
    recall(world, &[&world.client]).await?;
    let request = world.chat(json!({}));
    world.play(Script::json(400, error("no")));
    for _ in 0..2 {
        let answer = world.ask(&request).await?;
        refused(&answer, 400)?;
        assert_eq!(answer.header(CACHE), None);
        tokio::time::sleep(KEPT).await;
    }
    world.play(Script::json(200, COMPLETION));
    ask(world, &request, Some("miss")).await?;

    world.play(Script::events().piece(chunk("a")).then(Step::Reset));
    let streamed = world.ask(&world.stream()).await?;
    assert!(streamed.text().contains("\"error\""), "{}", streamed.text());
    tokio::time::sleep(KEPT).await;
    let frames = [&chunk("b"), FINISH, USAGE, DONE].map(str::to_owned);
    world.play(Script::events().paced(frames.clone(), Duration::from_millis(5)));
    ask(world, &world.stream(), Some("miss")).await?;
    assert_eq!(ask(world, &world.stream(), Some("hit")).await?.text(), frames.concat());
    Ok(())
}

/// Each answer has 18 tokens, of which a client may have so many a day.
async fn budget(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let name = format!("budget-{}", world.client.id);
    let limits = json!([{ "tokens": 20_000, "per": "day" }]);
    let client = world.another_client(json!({ "name": name, "limits": limits })).await?;
    recall(world, &[&client]).await?;
    let request = of(&client, world.chat(json!({ "max_tokens": 20 })));
    ask(world, &request, Some("miss")).await?;
    let spending = format!("/api/clients/{}/spending", client.id);
    let used =
        async || Ok::<_, crate::Failure>(spent(&world.admin("GET", &spending).await?.json()?));
    let before = used().await?;
    for _ in 0..3 {
        ask(world, &request, Some("hit")).await?;
    }
    assert_eq!(used().await?, before, "what is given again costs nothing");

    let path = format!("/api/clients/{}", client.id);
    let change = json!({ "limits": [{ "tokens": 18, "per": "day" }] });
    said(&world.edit("PATCH", &path, Some("*"), change).await?, 200)?;
    // Another process hears of it within seconds.
    let deadline = Instant::now() + Duration::from_secs(12);
    loop {
        let answer = world.ask(&request).await?;
        if answer.status == 429 {
            assert_eq!(answer.header(CACHE), None);
            return Ok(());
        }
        assert_eq!((answer.status, answer.header(CACHE)), (200, Some("hit")), "{}", answer.text());
        if Instant::now() > deadline {
            return failed("what is kept is given beyond the budget");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn spent(spending: &Value) -> Value {
    spending["limits"][0]["used"].clone()
}

/// With the last byte of an answer that is given again its record is there, too.
async fn strict(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let name = format!("strict-{}", world.client.id);
    let client = world.another_client(json!({ "name": name, "ledger": "strict" })).await?;
    recall(world, &[&client]).await?;
    let request = of(&client, world.chat(json!({})));
    ask(world, &request, Some("miss")).await?;
    let again = world.ask(&request).await?;
    assert_eq!((again.header(CACHE), again.text().as_str()), (Some("hit"), COMPLETION));
    let record = world.admin("GET", &format!("/api/records/{}", again.request_id()?)).await?;
    assert_eq!((record.status, &record.json()?["recalled"]), (200, &json!(true)));
    Ok(())
}

async fn set(world: &World) -> Result {
    let shown = world.admin("GET", "/api/settings").await?.json()?;
    let recall = &shown["recall"];
    assert_eq!((&recall["everybody"], &recall["seconds"]), (&json!(false), &json!(600)));
    for wrong in [
        json!({ "seconds": 0 }),
        json!({ "seconds": 604_801 }),
        json!({ "clients": vec!["x"; 1_001] }),
        json!({ "hours": 1 }),
    ] {
        let change = json!({ "recall": wrong });
        problem(&world.edit("PATCH", "/api/settings", Some("*"), change).await?, 400)?;
    }
    Ok(())
}
