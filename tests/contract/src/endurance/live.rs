//! Is a request that one instance answers told by another one, soon and once, also after Redis was away?

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tidegate_provider::Provider;
use tidegate_stores_runner::servers::Engine;
use tokio::time::timeout;

use super::{
    HEARD_WAIT, WHOLE,
    load::chat,
    place::{Place, Shared, addresses},
    play_all,
};
use crate::{
    Result, failed,
    setup::ADMIN_TOKEN,
    wire::{Ask, Socket, exchange},
    world::create_client,
};

const REQUESTS: usize = 20;
/// How soon everybody who watches must be told.
const TOLD_WAIT: Duration = Duration::from_secs(1);
/// Afterwards nothing may be told again.
const QUIET: Duration = Duration::from_millis(500);
/// How soon a Redis that is back must be found.
const RECOVERY: Duration = Duration::from_secs(10);

/// How long it took until a request was told.
pub struct Outcome {
    slowest: Duration,
    back: Duration,
}

/// Asks one of two servers, and watches both.
pub async fn run(provider: &Provider) -> Result<Outcome> {
    play_all(provider);
    let mut shared = Shared::start(Place::Served(Engine::Postgres), true).await?;
    let gateways = shared.servers(provider, "", 2).await?;
    let client = create_client(gateways[0].address, json!({ "name": "live" })).await?;
    tokio::time::sleep(HEARD_WAIT).await;
    let ask = chat(&client.key, WHOLE, false);
    let (slowest, mut sockets) = told(&addresses(&gateways), &ask).await?;
    let Some(redis) = &mut shared.redis else { return failed("there is no Redis") };
    redis.kill();
    let away = exchange(gateways[0].address, &ask).await?;
    if away.status != 200 {
        return failed(format!("without Redis: {} {}", away.status, away.text()));
    }
    let ready = exchange(gateways[0].address, &Ask::new("GET", "/ready")).await?;
    if ready.status != 200 || !ready.text().contains("degraded") {
        return failed("`/ready` does not say that Redis is away");
    }
    if let Err(error) = redis.begin().await {
        return failed(error);
    }
    let began = Instant::now();
    let _own = heard(&mut sockets[0]).await?;
    loop {
        let id = exchange(gateways[0].address, &ask).await?.request_id()?.to_owned();
        let told = timeout(TOLD_WAIT, heard(&mut sockets[1])).await;
        if matches!(told, Ok(Ok(told)) if told.contains_key(&id)) {
            return Ok(Outcome { slowest, back: began.elapsed() });
        }
        if began.elapsed() > RECOVERY {
            return failed("nothing is told any more after Redis was away");
        }
    }
}

/// Asks servers in turn and watches all of them: each tells each request once. Returns how long the last took to be
/// told, and the sockets.
pub(super) async fn told(servers: &[SocketAddr], ask: &Ask) -> Result<(Duration, Vec<Socket>)> {
    let mut sockets = Vec::with_capacity(servers.len());
    for server in servers {
        let watch = Ask::new("GET", "/api/live").bearer(ADMIN_TOKEN);
        sockets.push(Socket::open(*server, &watch).await?);
    }
    let mut slowest = Duration::ZERO;
    for turn in 0..REQUESTS {
        let answer = exchange(servers[turn % servers.len()], ask).await?;
        let (id, ended) = (answer.request_id()?.to_owned(), Instant::now());
        for socket in &mut sockets {
            let told = timeout(TOLD_WAIT, heard(socket)).await;
            let Ok(told) = told else {
                return failed(format!("{id} is not told in {TOLD_WAIT:?}"));
            };
            if told? != BTreeMap::from([(id.clone(), 1)]) {
                return failed(format!("something else is told than {id}, or more than once"));
            }
        }
        slowest = slowest.max(ended.elapsed());
    }
    quiet(&mut sockets).await?;
    Ok((slowest, sockets))
}

/// How often each request is told by the next message.
async fn heard(socket: &mut Socket) -> Result<BTreeMap<String, usize>> {
    let Some(message) = socket.next().await? else { return failed("the socket has ended") };
    let mut told = BTreeMap::new();
    for record in message["records"].as_array().into_iter().flatten() {
        *told.entry(record["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    Ok(told)
}

async fn quiet(sockets: &mut [Socket]) -> Result {
    for socket in sockets {
        if let Ok(again) = timeout(QUIET, heard(socket)).await {
            return failed(format!("told again: {:?}", again?));
        }
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slowest, back } = self;
        write!(
            f,
            "live: {REQUESTS} requests to two servers that share a Redis, each told once by both, the last after \
             {slowest:.1?}; told again {back:.1?} after Redis was back"
        )
    }
}
