//! Do four servers that share a database act as one? Keys in turn, what rests, what an admin changes, what Live tells.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tidegate_provider::Provider;
use tidegate_stores_runner::servers::Engine;

use super::{
    HEARD_WAIT, WHOLE, even, live,
    load::chat,
    place::{Place, Shared, addresses},
    play_all, rests,
};
use crate::{
    Result, failed,
    setup::ADMIN_TOKEN,
    wire::{Ask, exchange},
    world::create_client,
};

const SERVERS: usize = 4;
const CHANGES: usize = 10;
/// How soon all must go by a change that one was told.
const CHANGED_WAIT: Duration = Duration::from_secs(3);
/// Between two looks at a server.
const LOOK: Duration = Duration::from_millis(20);

/// What was seen of them.
pub struct Outcome {
    place: Place,
    redis: bool,
    even: even::Outcome,
    rests: rests::Outcome,
    changed: Duration,
    /// How long a request took to be told by all, where they share a Redis.
    told: Option<Duration>,
}

/// Four servers over one sqld.
pub const SQLD: (Place, bool) = (Place::Sqld, false);
/// Over one `PostgreSQL`.
pub const POSTGRES: (Place, bool) = (Place::Served(Engine::Postgres), false);
/// Over one `MariaDB`.
pub const MARIADB: (Place, bool) = (Place::Served(Engine::Mariadb), false);
/// Over one `PostgreSQL`, with a Redis beside it.
pub const REDIS: (Place, bool) = (Place::Served(Engine::Postgres), true);

/// Starts them and looks at one thing after the other.
pub async fn run(provider: &Provider, (place, with_redis): (Place, bool)) -> Result<Outcome> {
    let shared = Shared::start(place, with_redis).await?;
    let gateways = shared.servers(provider, &even::declared(provider), SERVERS).await?;
    let servers = addresses(&gateways);
    let even = even::ask(provider, &servers).await?;
    let rests = rests::run(provider, &servers).await?;
    let mut changed = Duration::ZERO;
    for number in 0..CHANGES {
        changed = changed.max(change(provider, &servers, number).await?);
    }
    let told = if with_redis { Some(watch(provider, &servers).await?) } else { None };
    Ok(Outcome { place, redis: with_redis, even, rests, changed, told })
}

/// Tells one server of a provider, and waits until all offer its model.
async fn change(provider: &Provider, servers: &[SocketAddr], number: usize) -> Result<Duration> {
    let client = create_client(servers[0], json!({ "name": format!("change {number}") })).await?;
    let model = format!("changed-{number}");
    let provider = json!({
        "dialect": "openai_chat", "base_url": provider.base_url(), "models": [model],
    });
    let mut ask =
        Ask::post(format!("/api/providers/{model}"), provider.to_string()).bearer(ADMIN_TOKEN);
    ask.method = "PUT";
    let made = exchange(servers[number % servers.len()], &ask).await?;
    if made.status != 201 {
        return failed(format!("no provider was made: {}", made.text()));
    }
    let began = Instant::now();
    let models = Ask::new("GET", "/v1/models").bearer(&client.key);
    for server in servers {
        while !exchange(*server, &models).await?.text().contains(&model) {
            if began.elapsed() > CHANGED_WAIT {
                return failed(format!("{model} is not offered by all after {CHANGED_WAIT:?}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(began.elapsed())
}

async fn watch(provider: &Provider, servers: &[SocketAddr]) -> Result<Duration> {
    play_all(provider);
    let client = create_client(servers[0], json!({ "name": "watched" })).await?;
    tokio::time::sleep(HEARD_WAIT).await;
    let (told, _sockets) = live::told(servers, &chat(&client.key, WHOLE, false)).await?;
    Ok(told)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, redis, even, rests, changed, told } = self;
        let beside = if *redis { " and a Redis" } else { "" };
        write!(
            f,
            "{SERVERS} servers over {place:?}{beside}: {even}; {rests}; each of {CHANGES} changes offered by all after \
             {changed:.1?} at most"
        )?;
        match told {
            Some(told) => write!(f, "; each request told once by all after {told:.1?} at most"),
            None => Ok(()),
        }
    }
}
