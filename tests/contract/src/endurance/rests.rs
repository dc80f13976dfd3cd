//! Is a key that one of several servers saw limited left alone by the others, in time and not for longer?

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tidegate_provider::{Provider, Script, tag};

use super::{GOOD, WHOLE};
use crate::{
    Result, failed,
    setup::{MODEL, POOL_KEYS},
    wire::{Ask, exchange},
    world::{CHAT, create_client},
};

/// How long others may take to hear of it.
const HEARD_WAIT: Duration = Duration::from_secs(2);
/// For how long the provider wants a key to be left alone.
const REST: Duration = Duration::from_secs(30);
/// How much later than that it may be used again: it is one of three.
const BACK_WAIT: Duration = Duration::from_secs(3);
/// Between two requests to one server.
const PACE: Duration = Duration::from_millis(50);

/// What was seen of the key.
pub(super) struct Outcome {
    requests: usize,
    /// Times after the first refusal that others still asked with it.
    late: Vec<Duration>,
    back: Duration,
}

/// Refuses one of three keys once, and asks all servers on and on.
pub(super) async fn run(provider: &Provider, servers: &[SocketAddr]) -> Result<Outcome> {
    let client = create_client(servers[0], json!({ "name": "rests" })).await?;
    let body = json!({
        "model": format!("pool-0/{MODEL}"), "messages": [{ "role": "user", "content": tag(WHOLE) }],
    });
    let ask = Ask::post(CHAT, body.to_string()).bearer(&client.key);
    // Everybody has heard of the client, and no key has been refused.
    provider.play(WHOLE, Script::json(200, GOOD));
    tokio::time::sleep(HEARD_WAIT + PACE).await;
    let limit = [("content-type", "application/json"), ("retry-after", "30")];
    provider.play_for(WHOLE, POOL_KEYS[0], Script::whole(429, &limit, "{}"));
    provider.forget(WHOLE);
    while used(provider).is_empty() {
        answered(servers[0], &ask).await?;
    }
    let refused_at = used(provider)[0];
    let mut requests = 0;
    while refused_at.elapsed() < REST + BACK_WAIT {
        if refused_at.elapsed() > HEARD_WAIT {
            provider.play_for(WHOLE, POOL_KEYS[0], Script::json(200, GOOD));
        }
        for server in servers {
            answered(*server, &ask).await?;
            requests += 1;
        }
        tokio::time::sleep(PACE).await;
    }
    let after = |at: &Instant| at.duration_since(refused_at);
    let times: Vec<Duration> = used(provider).iter().skip(1).map(after).collect();
    let (late, back): (Vec<_>, Vec<_>) = times.into_iter().partition(|time| *time < REST);
    if let Some(too_late) = late.iter().find(|time| **time > HEARD_WAIT) {
        return failed(format!("a server used the key {too_late:.1?} after it was refused"));
    }
    match back.first() {
        Some(back) => Ok(Outcome { requests, late, back: *back }),
        None => failed("the key has not come back"),
    }
}

async fn answered(address: SocketAddr, ask: &Ask) -> Result {
    let answer = exchange(address, ask).await?;
    if answer.status == 200 {
        Ok(())
    } else {
        failed(format!("{} {}", answer.status, answer.text()))
    }
}

/// When the first key was used.
fn used(provider: &Provider) -> Vec<Instant> {
    let seen = provider.seen(WHOLE);
    let first = seen.iter().filter(|seen| seen.key() == Some(POOL_KEYS[0]));
    first.map(|seen| seen.arrived).collect()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, late, back } = self;
        let last = late.last().copied().unwrap_or_default();
        write!(
            f,
            "{requests} requests: a key limited for {REST:?} was used {} times \
             more, last after {last:.1?}, and again after {back:.1?}",
            late.len()
        )
    }
}
