//! What is written down of a request, when, and what does that cost the client?

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_core::limits::SNAPSHOT_STALE;
use tidegate_provider::Script;

use super::{
    Case,
    sample::{COMPLETION, DONE, FINISH, USAGE, chunk},
};
use crate::{
    Result, failed,
    setup::MODEL,
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "record_of_a_whole_answer", run: |world| Box::pin(of_a_whole_answer(world)) },
    Case { name: "record_of_a_stream", run: |world| Box::pin(of_a_stream(world)) },
    Case { name: "record_delays_nothing", run: |world| Box::pin(delays_nothing(world)) },
    Case { name: "record_by_id", run: |world| Box::pin(by_id(world)) },
    Case { name: "records_page_by_page", run: |world| Box::pin(page_by_page(world)) },
    Case { name: "cold_requests_at_once", run: |world| Box::pin(cold_at_once(world)) },
];

async fn of_a_whole_answer(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION).after(Duration::from_millis(50)));
    let ask = world.chat(json!({}));
    let answer = world.ask(&ask).await?;
    let record = world.record(&answer).await?;
    for (name, value) in [
        ("client", json!(world.client.id)),
        ("endpoint", json!(CHAT)),
        ("dialect", json!("openai_chat")),
        ("requested_model", json!(MODEL)),
        ("provider", json!("up")),
        ("model", json!(MODEL)),
        ("status", json!(200)),
        ("error", json!("")),
        ("stream", json!(false)),
        ("estimated", json!(false)),
        ("cost_nano", json!(0)),
        ("attempts", json!(1)),
        ("bytes_in", json!(world.seen_once()?.body.len())),
        ("bytes_out", json!(COMPLETION.len())),
        ("dropped", json!("")),
        ("added", json!("")),
        ("ended", json!("done")),
    ] {
        assert_eq!(record[name], value, "{name} in {record}");
    }
    assert!(record["key_id"].as_str().is_some_and(|id| !id.is_empty()), "{record}");
    let total = record["total_ms"].as_i64().unwrap_or_default();
    assert!((40..5000).contains(&total), "{record}");
    Ok(())
}

async fn of_a_stream(world: &World) -> Result {
    let pause = Duration::from_millis(150);
    let frames = [&chunk("a"), FINISH, USAGE, DONE].map(str::to_owned);
    world.play(Script::events().paced(frames, pause).after(pause));
    let answer = world.ask(&world.stream()).await?;
    let record = world.record(&answer).await?;
    let first = record["first_byte_ms"].as_i64().unwrap_or_default();
    let total = record["total_ms"].as_i64().unwrap_or_default();
    assert!(first >= 100, "the first byte was late: {record}");
    assert!(total >= first + 300, "the last byte was later: {record}");
    assert_eq!((&record["stream"], &record["ended"]), (&json!(true), &json!("done")));
    Ok(())
}

/// The client has its last byte as soon as the provider has sent it; the record follows.
async fn delays_nothing(world: &World) -> Result {
    const DELAY_MAX: Duration = Duration::from_millis(60);
    let pause = Duration::from_millis(50);
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        let frames = [&chunk("a"), FINISH, USAGE, DONE].map(str::to_owned);
        world.play(Script::events().paced(frames, pause));
        let before = world.seen().len();
        let answer = world.ask(&world.stream()).await?;
        let sent = sent_all(world, before).await?;
        // The last frame is followed by a pause, so the end is compared with the end.
        shortest = shortest.min(answer.end_at.saturating_duration_since(sent));
        world.record(&answer).await?;
    }
    assert!(shortest < DELAY_MAX, "the end came {shortest:?} after the provider's");
    Ok(())
}

/// When the provider had sent everything. It notes that after the last byte, which may be at its client's by then.
async fn sent_all(world: &World, at: usize) -> Result<Instant> {
    for _ in 0..100 {
        if let Some(sent) = world.seen().get(at).and_then(|seen| seen.answered) {
            return Ok(sent);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    failed("the provider has not sent everything")
}

async fn by_id(world: &World) -> Result {
    let answer = world.ask(&world.chat(json!({}))).await?;
    let record = world.record(&answer).await?;
    let single = world.admin("GET", &format!("/api/records/{}", answer.request_id()?)).await?;
    assert_eq!((single.status, single.json()?), (200, record));
    assert_eq!(world.admin("GET", "/api/records/never").await?.status, 404);
    Ok(())
}

async fn page_by_page(world: &World) -> Result {
    let mut sent = Vec::new();
    for _ in 0..7 {
        let answer = world.ask(&world.chat(json!({}))).await?;
        sent.push(answer.request_id()?.to_owned());
        // Within one millisecond the order is any.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world.until_records(7, |_| true).await?;
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..7 {
        let path = format!("/api/records?client={}&limit=3{cursor}", world.client.id);
        let page = world.admin("GET", &path).await?.json()?;
        let rows = page["data"].as_array().cloned().unwrap_or_default();
        assert!(rows.len() <= 3, "{page}");
        found.extend(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&before={next}"),
            None => break,
        }
    }
    found.reverse();
    assert_eq!(found, sent, "newest first, each once");
    Ok(())
}

/// A process that has just started, and one whose configuration has grown old, are asked by twenty clients at once.
async fn cold_at_once(world: &World) -> Result {
    const CLIENTS: usize = 20;
    let cold = world.untouched().await?;
    for (round, rest) in
        [Duration::ZERO, SNAPSHOT_STALE + Duration::from_secs(1)].into_iter().enumerate()
    {
        tokio::time::sleep(rest).await;
        let ask = cold.chat(json!({}));
        let began = Instant::now();
        let answers = futures_util::future::join_all((0..CLIENTS).map(|_| cold.ask(&ask))).await;
        for answer in answers {
            let answer = answer?;
            assert_eq!(answer.status, 200, "round {round}: {}", answer.text());
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(8), "round {round} took {took:?}");
        cold.until_records(CLIENTS * (round + 1), |_| true).await?;
    }
    Ok(())
}
