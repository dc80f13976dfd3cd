//! Does `kill -9` under load lose an acknowledged record that is older than a flush?

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;
use tidegate_provider::Provider;

use super::{
    STREAM, WHOLE, check_integrity,
    load::{Acknowledged, Load},
    play_all, start_ready,
};
use crate::{
    Result, failed,
    setup::Setup,
    world::{create_client, records_of},
};

/// What the log promises, waiting and writing together: only what is younger at the kill may be lost.
const FLUSH_WAIT: Duration = Duration::from_millis(100);

const WHOLE_CLIENTS: usize = 32;
const STREAM_CLIENTS: usize = 16;

/// What came of all loops.
#[derive(Debug, Default)]
pub struct Outcome {
    loops: u32,
    acknowledged: usize,
    lost: usize,
    young: usize,
    oldest: Duration,
    ready: Duration,
}

/// Kills a server under load, starts it again over the same data, and compares, `loops` times.
pub async fn run(provider: &Provider, loops: u32) -> Result<Outcome> {
    play_all(provider);
    let setup = Setup::new(&provider.base_url())?;
    let mut outcome = Outcome { loops, ..Outcome::default() };
    for turn in 0..loops {
        kill_once(provider, &setup, turn, &mut outcome).await?;
    }
    if outcome.lost == 0 { Ok(outcome) } else { failed(outcome.to_string()) }
}

async fn kill_once(provider: &Provider, setup: &Setup, turn: u32, outcome: &mut Outcome) -> Result {
    let (mut server, ready) = start_ready(setup).await?;
    let client = create_client(server.address, json!({ "name": format!("kill {turn}") })).await?;
    let load = Load::start(server.address, &client.key, WHOLE_CLIENTS, STREAM_CLIENTS);
    // Somewhere else in the rhythm of flushes and checkpoints each time.
    tokio::time::sleep(Duration::from_millis(300 + u64::from(turn) * 397 % 1700)).await;
    let killed = Instant::now();
    server.signal(Signal::KILL)?;
    server.ended(Duration::from_secs(5)).await?;
    let acknowledged = load.stop().await;
    for script in [WHOLE, STREAM] {
        provider.forget(script);
    }
    check_integrity(setup).await?;

    let (mut server, restarted) = start_ready(setup).await?;
    let records = records_of(server.address, &client.id).await?;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for record in &records {
        *counts.entry(record["id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    if let Some((id, count)) = counts.iter().find(|(_, count)| **count > 1) {
        return failed(format!("record {id} is there {count} times"));
    }
    server.signal(Signal::TERM)?;
    server.ended(Duration::from_secs(40)).await?;
    check_integrity(setup).await?;

    outcome.ready = outcome.ready.max(ready).max(restarted);
    outcome.acknowledged += acknowledged.len();
    let lost = acknowledged.iter().filter(|one| !counts.contains_key(one.id.as_str()));
    for Acknowledged { at, .. } in lost {
        let age = killed.saturating_duration_since(*at);
        *(if age > FLUSH_WAIT { &mut outcome.lost } else { &mut outcome.young }) += 1;
        outcome.oldest = outcome.oldest.max(age);
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loops, acknowledged, lost, young, oldest, ready } = self;
        write!(
            f,
            "kill -9: {loops} loops, {acknowledged} acknowledged, {lost} lost that were older than \
             {FLUSH_WAIT:?} ({young} younger ones, the oldest {oldest:?}), 0 doubled, ready after at \
             most {ready:?}, integrity ok"
        )
    }
}
