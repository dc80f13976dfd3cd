//! Are the keys of a provider asked equally often, by one process and by several over one database?

use std::{fmt, net::SocketAddr};

use serde_json::json;
use tidegate_provider::{Provider, Script, tag};

use super::{WHOLE, crowd, race::shared_database};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    setup::{MODEL, Setup},
    wire::Ask,
    world::{CHAT, create_client},
};

const KEYS: usize = 7;
const REQUESTS: usize = 10_000;
const AT_ONCE: usize = 50;
/// Servers over one database.
const SERVERS: usize = 4;

/// How often each key was asked, and how far from even that is.
pub struct Outcome {
    servers: usize,
    counts: Vec<usize>,
    off: f64,
}

/// Asks one server, then several of them in turn.
pub async fn run(provider: &Provider) -> Result<Vec<Outcome>> {
    provider.play(WHOLE, Script::json(200, super::GOOD));
    let keys: Vec<String> = (1..=KEYS).map(|number| format!("sk-even-{number}")).collect();
    let tables = format!(
        "\n[[provider]]\nid = \"even\"\ndialect = \"openai_chat\"\nbase_url = \"{}\"\nkeys = {keys:?}\n",
        provider.base_url()
    );
    let one = Adapter::Server.start(Setup::new(&provider.base_url())?.adding(&tables)).await?;
    let alone = ask(provider, &keys, &[one.address], 1.0).await?;
    let (sqld, _folder) = shared_database().await?;
    let mut servers = Vec::with_capacity(SERVERS);
    for _ in 0..SERVERS {
        let setup = Setup::new(&provider.base_url())?.adding(&tables).storing(&sqld.url);
        servers.push(Adapter::Server.start(setup).await?);
    }
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    #[expect(clippy::cast_precision_loss, reason = "four of them")]
    let together = ask(provider, &keys, &addresses, SERVERS as f64).await?;
    Ok(vec![alone, together])
}

async fn ask(
    provider: &Provider,
    keys: &[String],
    servers: &[SocketAddr],
    most: f64,
) -> Result<Outcome> {
    let client = create_client(servers[0], json!({ "name": "even" })).await?;
    // Everybody has heard of the client.
    tokio::time::sleep(super::HEARD_WAIT).await;
    provider.forget(WHOLE);
    let messages = json!([{ "role": "user", "content": tag(WHOLE) }]);
    let body = json!({ "model": format!("even/{MODEL}"), "messages": messages }).to_string();
    let ask = Ask::post(CHAT, body).bearer(&client.key);
    let answers = crowd::ask(servers, AT_ONCE, REQUESTS, &ask).await;
    if let Some(bad) = answers.iter().find(|status| **status != 200) {
        return failed(format!("an answer with {bad}"));
    }
    let seen = provider.seen(WHOLE);
    let count = |key: &String| seen.iter().filter(|seen| seen.key() == Some(key)).count();
    let counts: Vec<usize> = keys.iter().map(count).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let off = counts
        .iter()
        .map(|count| (*count as f64 - REQUESTS as f64 / KEYS as f64).abs())
        .fold(0.0, f64::max);
    let outcome = Outcome { servers: servers.len(), counts, off };
    if off > most { failed(format!("not even: {outcome}")) } else { Ok(outcome) }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { servers, counts, off } = self;
        write!(
            f,
            "even: {REQUESTS} requests to {servers} server(s) over {KEYS} keys: {counts:?}, at most {off:.2} from even"
        )
    }
}
