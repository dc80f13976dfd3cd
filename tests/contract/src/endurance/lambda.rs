//! Does a Lambda environment finish its records behind the client's last byte, and before it is frozen?

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tidegate_emulator::{
    Emulator,
    timeline::{Moment, What},
};
use tidegate_provider::Provider;

use super::{
    STREAM, WHOLE,
    load::{chat, is_complete},
    play_all,
};
use crate::{
    Result,
    adapters::{Adapter, Instance},
    failed,
    setup::Setup,
    wire::{Ask, Connection, exchange},
    world::{Client, create_client, records_of},
};

/// How long the database is kept busy, so that a flush takes this long.
const BUSY: Duration = Duration::from_millis(300);
const FROZEN_WAIT: Duration = Duration::from_secs(10);
const BACK_TO_BACK: usize = 20;
const P50_MAX: Duration = Duration::from_millis(15);

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    slow_flushes: usize,
    p50: Duration,
}

/// A request whose flush is made slow.
#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Stream,
    /// A stream whose client leaves in the middle.
    Left,
}

/// Watches `loops` slow flushes of each kind, kills the environment frozen after each, and times twenty fast ones.
pub async fn run(provider: &Provider, loops: u32) -> Result<Outcome> {
    play_all(provider);
    let gateway = Adapter::Lambda.start(Setup::new(&provider.base_url())?).await?;
    let Some(emulator) = gateway.emulator() else { return failed("Lambda has an emulator") };
    let client = create_client(gateway.address, json!({ "name": "timeline" })).await?;
    let mut slow_flushes = 0;
    for _ in 0..loops {
        for kind in [Kind::Whole, Kind::Stream, Kind::Left] {
            slow_flush(&gateway, emulator, &client, kind).await?;
            slow_flushes += 1;
            if !emulator.kill_while_frozen(FROZEN_WAIT).await {
                return failed("the environment does not freeze");
            }
            let kept = records_of(gateway.address, &client.id).await?.len();
            if kept != slow_flushes {
                return failed(format!("{kept} records after {slow_flushes} requests and kills"));
            }
        }
    }
    let p50 = back_to_back(&gateway, &client).await?;
    Ok(Outcome { slow_flushes, p50 })
}

async fn slow_flush(
    gateway: &Instance,
    emulator: &Emulator,
    client: &Client,
    kind: Kind,
) -> Result {
    // The key is looked up and the schema seen before the database is busy.
    exchange(gateway.address, &Ask::new("GET", "/v1/models").bearer(&client.key)).await?;
    if !emulator.wait_frozen(FROZEN_WAIT).await {
        return failed("the environment does not freeze");
    }
    let before = emulator.timeline().len();
    let lock = hold(gateway).await?;
    match kind {
        Kind::Whole => complete(gateway, &chat(&client.key, WHOLE, false)).await?,
        Kind::Stream => complete(gateway, &chat(&client.key, STREAM, true)).await?,
        Kind::Left => {
            let mut connection = Connection::open(gateway.address).await?;
            connection.send(&chat(&client.key, STREAM, true)).await?;
            connection.read_until(|bytes| memchr::memmem::find(bytes, b"word").is_some()).await?;
            let _ = connection.close();
        }
    }
    tokio::time::sleep(BUSY).await;
    let released_us = now_us()?;
    drop(lock);
    if !emulator.wait_frozen(FROZEN_WAIT).await {
        return failed("the environment does not freeze after a slow flush");
    }
    in_order(&emulator.timeline()[before..], kind, released_us)
}

/// The client was finished with, then the flush ended, then the environment was frozen.
fn in_order(moments: &[Moment], kind: Kind, released_us: u64) -> Result {
    let at = |wanted: fn(&What) -> bool| {
        moments.iter().find(|moment| wanted(&moment.what)).map(|moment| moment.at_us)
    };
    let client_done = match kind {
        Kind::Whole | Kind::Stream => at(|what| matches!(what, What::LastByteOut { .. })),
        Kind::Left => at(|what| matches!(what, What::ClientGone { .. })),
    };
    let next = at(|what| *what == What::RuntimeNext);
    let freeze = at(|what| *what == What::Freeze);
    match (client_done, next, freeze) {
        // The flush could not end before the database was released.
        (Some(done), Some(next), Some(freeze))
            if done < released_us && released_us <= next && next <= freeze =>
        {
            Ok(())
        }
        times => failed(format!("{times:?}, released at {released_us}: {moments:#?}")),
    }
}

async fn complete(gateway: &Instance, ask: &Ask) -> Result {
    let answer = exchange(gateway.address, ask).await?;
    if is_complete(&answer) {
        Ok(())
    } else {
        failed(format!("{} {}", answer.status, answer.text()))
    }
}

/// Takes the database's write lock; dropping the connection gives it back.
async fn hold(gateway: &Instance) -> Result<libsql::Connection> {
    let held = async {
        let path = gateway.setup.path("tidegate.db");
        let connection = libsql::Builder::new_local(path).build().await?.connect()?;
        connection.execute("BEGIN IMMEDIATE", ()).await?;
        Ok(connection)
    };
    held.await.or_else(|error: libsql::Error| failed(error.to_string()))
}

fn now_us() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    match since.map(|since| u64::try_from(since.as_micros())) {
        Ok(Ok(us)) => Ok(us),
        _ => failed("the clock stands before 1970"),
    }
}

async fn back_to_back(gateway: &Instance, client: &Client) -> Result<Duration> {
    let ask = chat(&client.key, WHOLE, false);
    complete(gateway, &ask).await?;
    let mut took = Vec::with_capacity(BACK_TO_BACK);
    for _ in 0..BACK_TO_BACK {
        let began = Instant::now();
        complete(gateway, &ask).await?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let p50 = took[BACK_TO_BACK / 2];
    if p50 > P50_MAX { failed(format!("p50 of back-to-back requests: {p50:?}")) } else { Ok(p50) }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slow_flushes, p50 } = self;
        write!(
            f,
            "Lambda: {slow_flushes} flushes of {BUSY:?} ended behind the client's last byte and before the freeze, \
             0 records lost at SIGKILL while frozen, {BACK_TO_BACK} back-to-back requests p50 {p50:?}"
        )
    }
}
