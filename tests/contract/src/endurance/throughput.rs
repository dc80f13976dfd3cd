//! How many requests a second pass through four servers that share a database and a Redis, beside one over its own file?

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tidegate_provider::Provider;
use tidegate_stores_runner::servers::Engine;

use super::{
    HEARD_WAIT, WHOLE, crowd,
    load::chat,
    place::{Place, Shared, addresses},
    play_all,
};
use crate::{Result, failed, world::create_client};

const SERVERS: usize = 4;
const AT_ONCE: usize = 32;
/// Until connections, keys and counters are warm.
const WARM: usize = 2_000;
const REQUESTS: usize = 20_000;
/// A budget that is counted and never used up.
const BUDGET: u64 = 1_000_000_000;

/// How long both took.
pub struct Outcome {
    alone: Duration,
    together: Duration,
}

/// Asks the one, then the four.
pub async fn run(provider: &Provider) -> Result<Outcome> {
    play_all(provider);
    let one = Shared::start(Place::Own, false).await?.servers(provider, "", 1).await?;
    let alone = ask(provider, &addresses(&one)).await?;
    drop(one);
    let shared = Shared::start(Place::Served(Engine::Postgres), true).await?;
    let servers = shared.servers(provider, "", SERVERS).await?;
    let together = ask(provider, &addresses(&servers)).await?;
    Ok(Outcome { alone, together })
}

async fn ask(provider: &Provider, servers: &[SocketAddr]) -> Result<Duration> {
    let limits = json!([{ "requests": BUDGET, "per": "month" }]);
    let client = create_client(servers[0], json!({ "name": "many", "limits": limits })).await?;
    tokio::time::sleep(HEARD_WAIT).await;
    let ask = chat(&client.key, WHOLE, false);
    crowd::ask(servers, AT_ONCE, WARM, &ask).await;
    provider.forget(WHOLE);
    let began = Instant::now();
    let answers = crowd::ask(servers, AT_ONCE, REQUESTS, &ask).await;
    let took = began.elapsed();
    match answers.iter().find(|status| **status != 200) {
        Some(bad) => failed(format!("an answer with {bad}")),
        None => Ok(took),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alone, together } = self;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let pace = |took: &Duration| REQUESTS as f64 / took.as_secs_f64();
        write!(
            f,
            "throughput: {REQUESTS} requests of a client with a budget, {AT_ONCE} at once: one server over its file {:.0} a \
             second, {SERVERS} servers over one PostgreSQL and one Redis {:.0} a second",
            pace(alone),
            pace(together)
        )
    }
}
