//! Are the keys of a provider asked equally often, by one process and by several?

use std::{fmt, net::SocketAddr};

use serde_json::json;
use tidegate_provider::{Provider, Script, tag};

use super::{WHOLE, crowd};
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
/// How often each key was asked, and how far from even that is.
pub struct Outcome {
    servers: usize,
    counts: Vec<usize>,
    off: f64,
}

/// Asks one server.
pub async fn run(provider: &Provider) -> Result<Outcome> {
    let setup = Setup::new(&provider.base_url())?.adding(&declared(provider));
    let one = Adapter::Server.start(setup).await?;
    ask(provider, &[one.address]).await
}

/// The provider with the keys.
pub(super) fn declared(provider: &Provider) -> String {
    format!(
        "\n[[provider]]\nid = \"even\"\ndialect = \"openai_chat\"\nbase_url = \"{}\"\nkeys = {:?}\n",
        provider.base_url(),
        keys()
    )
}

fn keys() -> Vec<String> {
    (1..=KEYS).map(|number| format!("sk-even-{number}")).collect()
}

/// Asks servers that declare it, in turn. Each takes the keys in turn by itself, so each may be one off.
pub(super) async fn ask(provider: &Provider, servers: &[SocketAddr]) -> Result<Outcome> {
    provider.play(WHOLE, Script::json(200, super::GOOD));
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
    let count = |key: String| seen.iter().filter(|seen| seen.key() == Some(&*key)).count();
    let counts: Vec<usize> = keys().into_iter().map(count).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let off = counts
        .iter()
        .map(|count| (*count as f64 - REQUESTS as f64 / KEYS as f64).abs())
        .fold(0.0, f64::max);
    let outcome = Outcome { servers: servers.len(), counts, off };
    #[expect(clippy::cast_precision_loss, reason = "a few of them")]
    let most = servers.len() as f64;
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
