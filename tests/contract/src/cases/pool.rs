//! Which of a provider's keys is used, which is left alone, and who answers instead?

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_provider::Script;

use super::{
    Case,
    sample::{COMPLETION, error, refused},
};
use crate::{
    Result, failed,
    setup::{POOL_KEYS, TWICE_MODEL, UPSTREAM_KEY},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "pool_keys_take_turns", run: |world| Box::pin(turns(world)) },
    Case { name: "pool_limited_key_rests", run: |world| Box::pin(limited(world)) },
    Case { name: "pool_limited_key_comes_back", run: |world| Box::pin(comes_back(world)) },
    Case { name: "pool_refused_key_is_benched", run: |world| Box::pin(benched(world)) },
    Case { name: "pool_all_rest", run: |world| Box::pin(all_rest(world)) },
    Case { name: "pool_own_mistakes_bench_nobody", run: |world| Box::pin(own_mistakes(world)) },
    Case { name: "pool_breakdown_falls_to_next_target", run: |world| Box::pin(next_target(world)) },
    Case { name: "pool_provider_rests", run: |world| Box::pin(provider_rests(world)) },
];

fn limit(seconds: &str) -> Script {
    let headers = [("content-type", "application/json"), ("retry-after", seconds)];
    Script::whole(429, &headers, error("slow down"))
}

/// Asks so many times, one after another; every answer must be a good one.
async fn served(world: &World, times: usize) -> Result {
    for _ in 0..times {
        let answer = world.ask(&world.chat(json!({}))).await?;
        if answer.status != 200 {
            return failed(format!("{} {}", answer.status, answer.text()));
        }
    }
    Ok(())
}

/// How often each key was shown.
fn counts(world: &World) -> [usize; 3] {
    let seen = world.seen();
    POOL_KEYS.map(|key| seen.iter().filter(|seen| seen.key() == Some(key)).count())
}

/// Each process begins at a key of its own.
fn sorted<const N: usize>(mut counts: [usize; N]) -> [usize; N] {
    counts.sort_unstable();
    counts
}

async fn turns(world: &World) -> Result {
    let world = world.pooled();
    world.play(Script::json(200, COMPLETION));
    served(&world, 10).await?;
    assert_eq!(sorted(counts(&world)), [3, 3, 4], "wherever they begin");
    Ok(())
}

async fn limited(world: &World) -> Result {
    let world = world.pooled();
    world.play(Script::json(200, COMPLETION));
    world.play_for(POOL_KEYS[0], limit("30"));
    served(&world, 7).await?;
    let [limited, others @ ..] = counts(&world);
    assert_eq!((limited, sorted(others)), (1, [3, 4]), "it is not asked before its time");
    let shown = resting(&world).await?;
    assert_eq!(shown["why"], "limited", "{shown}");
    Ok(())
}

async fn comes_back(world: &World) -> Result {
    let world = world.pooled();
    world.play(Script::json(200, COMPLETION));
    world.play_for(POOL_KEYS[0], limit("1"));
    served(&world, 3).await?;
    assert_eq!(counts(&world)[0], 1);
    world.play_for(POOL_KEYS[0], Script::json(200, COMPLETION));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    served(&world, 3).await?;
    assert_eq!(counts(&world)[0], 2);
    Ok(())
}

async fn benched(world: &World) -> Result {
    let world = world.pooled();
    world.play(Script::json(200, COMPLETION));
    world.play_for(POOL_KEYS[0], Script::json(401, error("Incorrect API key provided")));
    served(&world, 9).await?;
    let [refused, others @ ..] = counts(&world);
    assert_eq!(
        (refused, sorted(others)),
        (1, [4, 5]),
        "one is left alone, and the others serve on"
    );
    let shown = resting(&world).await?;
    assert_eq!(shown["why"], "refused", "{shown}");
    assert!(shown["until_ms"].is_i64(), "{shown}");
    Ok(())
}

/// Why the first key of this case's provider rests, as both of the API's places say.
async fn resting(world: &World) -> Result<Value> {
    let provider = world.asked_provider();
    let health = world.admin_at("/api/health").await?.json()?;
    let found = health["data"].as_array().into_iter().flatten();
    let Some(shown) = found.into_iter().find(|shown| shown["provider"] == provider) else {
        return failed(format!("{provider} is not in {health}"));
    };
    assert_eq!((&shown["keys"], &shown["ready"]), (&json!(3), &json!(2)), "{shown}");
    let id = format!("{provider}-1");
    assert_eq!(shown["resting"][0]["id"], id, "{shown}");
    let key = world.admin_at(&format!("/api/keys/{id}")).await?.json()?;
    assert_eq!(key["health"]["rest"], shown["resting"][0]["rest"], "{key}");
    Ok(shown["resting"][0]["rest"].clone())
}

async fn all_rest(world: &World) -> Result {
    let world = world.pooled();
    for (key, seconds) in POOL_KEYS.iter().zip(["40", "30", "50"]) {
        world.play_for(key, limit(seconds));
    }
    for _ in 0..3 {
        let answer = world.ask(&world.chat(json!({}))).await?;
        refused(&answer, 429)?;
        let after: u32 = answer.header("retry-after").unwrap_or_default().parse().unwrap_or(0);
        assert!((25..=30).contains(&after), "the first that comes back, not {after}");
    }
    assert_eq!(counts(&world), [1, 1, 1], "nobody is asked");
    let record = &world.until_records(3, |_| true).await?[0];
    assert_eq!((&record["attempts"], &record["error"]), (&json!(0), &json!("rate_limited")));
    Ok(())
}

async fn own_mistakes(world: &World) -> Result {
    let world = world.pooled();
    world.play(Script::json(400, error("no such voice")));
    for _ in 0..9 {
        refused(&world.ask(&world.chat(json!({}))).await?, 400)?;
    }
    world.play(Script::json(200, COMPLETION));
    served(&world, 3).await?;
    assert_eq!(counts(&world), [4, 4, 4]);
    Ok(())
}

async fn next_target(world: &World) -> Result {
    let world = world.asking(TWICE_MODEL.to_owned());
    world.play(Script::json(200, COMPLETION));
    world.play_for(POOL_KEYS[0], Script::json(503, error("busy")));
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!((answer.status, answer.text().as_str()), (200, COMPLETION));
    let seen: Vec<_> = world.seen().iter().map(|seen| seen.key().map(str::to_owned)).collect();
    assert_eq!(seen, [POOL_KEYS[0], UPSTREAM_KEY].map(|key| Some(key.to_owned())));
    let record = world.record(&answer).await?;
    assert_eq!((&record["provider"], &record["attempts"]), (&json!("second"), &json!(2)));
    Ok(())
}

async fn provider_rests(world: &World) -> Result {
    let world = world.apart();
    world.play(Script::json(500, error("broken")));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(world.ask(&world.chat(json!({}))).await?.status);
    }
    assert_eq!(statuses, [500, 500, 500, 500, 500, 503]);
    assert_eq!(world.seen().len(), 5);
    world.play(Script::json(200, COMPLETION));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    served(&world, 2).await
}
