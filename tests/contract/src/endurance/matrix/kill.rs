//! Does `kill -9` while the storage is away, and again while it catches up, lose or double anything?

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;
use tidegate_provider::Provider;

use super::{
    super::{STREAM, check_integrity, load::Load, load::chat, play_all, start_ready},
    ground::hold,
};
use crate::{
    Result, failed,
    setup::Setup,
    wire::exchange,
    world::{create_client, records_of},
};

/// How long clients ask while somebody else holds the lock of the file.
const LOCKED: Duration = Duration::from_secs(4);
/// What a kill may cost who does not want more.
const YOUNG: Duration = Duration::from_millis(200);
const CLIENTS: usize = 8;
/// How long what was kept aside may take to be in the database.
const CAUGHT_UP: Duration = Duration::from_secs(10);

/// What came of all loops.
#[derive(Debug, Default)]
pub struct Outcome {
    loops: u32,
    strict: usize,
    others: usize,
    young: usize,
    slowest: Duration,
}

/// Kills a server whose file is locked, and its successor while it tells the file what was kept aside.
pub async fn run(provider: &Provider, loops: u32) -> Result<Outcome> {
    let mut outcome = Outcome { loops, ..Outcome::default() };
    for turn in 0..loops {
        kill_twice(provider, turn, &mut outcome).await?;
    }
    Ok(outcome)
}

async fn kill_twice(provider: &Provider, turn: u32, outcome: &mut Outcome) -> Result {
    play_all(provider);
    let setup = Setup::new(&provider.base_url())?;
    let (mut server, _) = start_ready(&setup).await?;
    let strict =
        create_client(server.address, json!({ "name": "strict", "ledger": "strict" })).await?;
    let other = create_client(server.address, json!({ "name": "other" })).await?;
    for client in [&strict, &other] {
        exchange(server.address, &chat(&client.key, STREAM, true)).await?;
    }
    let holding = hold(&setup.path("tidegate.db")).await?;
    let loads =
        [&strict, &other].map(|client| Load::start(server.address, &client.key, CLIENTS, 2));
    tokio::time::sleep(LOCKED).await;
    let killed = Instant::now();
    server.signal(Signal::KILL)?;
    server.ended(CAUGHT_UP).await?;
    let mut acknowledged = Vec::new();
    for load in loads {
        acknowledged.push(load.stop().await);
    }
    holding.execute("ROLLBACK", ()).await.or_else(|error| failed(error.to_string()))?;
    drop(holding);

    // Somewhere in the middle of it, each time elsewhere.
    let mut second = crate::adapters::Server::start(&setup).await?;
    tokio::time::sleep(Duration::from_millis(u64::from(turn) * 7 % 60)).await;
    second.signal(Signal::KILL)?;
    second.ended(CAUGHT_UP).await?;
    check_integrity(&setup).await?;

    let began = Instant::now();
    let (server, _) = start_ready(&setup).await?;
    let aside = setup.path("aside");
    while std::fs::read_dir(&aside).is_ok_and(|mut files| files.next().is_some()) {
        if began.elapsed() > CAUGHT_UP {
            return failed(format!("records are still aside: {}", server.log()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    outcome.slowest = outcome.slowest.max(began.elapsed());
    for (client, acknowledged) in [&strict, &other].into_iter().zip(acknowledged) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for record in records_of(server.address, &client.id).await? {
            *counts.entry(record["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        if let Some((id, count)) = counts.iter().find(|(_, count)| **count > 1) {
            return failed(format!("record {id} is there {count} times"));
        }
        let is_strict = client.id == strict.id;
        *(if is_strict { &mut outcome.strict } else { &mut outcome.others }) += acknowledged.len();
        for lost in acknowledged.iter().filter(|one| !counts.contains_key(&one.id)) {
            let age = killed.saturating_duration_since(lost.at);
            if is_strict || age > YOUNG {
                return failed(format!(
                    "a record of {age:?} before the kill is lost, strict: {is_strict}"
                ));
            }
            outcome.young += 1;
        }
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loops, strict, others, young, slowest } = self;
        write!(
            f,
            "matrix, kill -9 while the file is locked and while it catches up: {loops} loops, {strict} strict answers with 0 \
             lost, {others} others with {young} lost that were younger than {YOUNG:?}, 0 doubled, all written after at \
             most {slowest:.1?}"
        )
    }
}
