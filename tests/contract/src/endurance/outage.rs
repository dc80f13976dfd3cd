//! Does a provider that fails get no more load than its clients make, and is it asked again as soon as it is well?

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tidegate_provider::{Provider, Script, Seen, tag};

use super::{
    GOOD, HEARD_WAIT, WHOLE,
    crowd::{Paced, paced},
};
use crate::{
    Result,
    adapters::{Adapter, Instance},
    failed,
    setup::{MODEL, Setup, TOTAL_WAIT_MS},
    wire::Ask,
    world::{CHAT, create_client, records_of},
};

const REQUESTS: usize = 1_000;
/// That many requests take 20 seconds; fifty of them are begun in the time that one may take to begin to fail.
const PACE: Duration = Duration::from_millis(20);
/// The keys of the provider that is asked first, and of the two that stand behind it.
const KEYS: [&str; 5] =
    ["sk-outage-1", "sk-outage-2", "sk-outage-3", "sk-outage-second", "sk-outage-third"];
/// What a provider that has reached a limit asks for.
const RETRY_AFTER: Duration = Duration::from_secs(4);
/// How soon a provider that is well again serves.
const HEAL_WAIT: Duration = Duration::from_secs(5);
/// Requests that are then looked at.
const HEALED: usize = 200;
/// Retries that are always allowed, of each of the three providers.
const FLOOR: usize = 3 * 3;
/// A refusal is on its way for a moment, and others may begin meanwhile.
const ON_THE_WAY: Duration = Duration::from_millis(150);
/// For requests that are held up by a busy machine.
const SLACK: Duration = Duration::from_secs(2);

/// What every provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    Limited,
    Busy,
    Gone,
}

/// What came of one of them.
#[derive(Debug)]
pub struct Outcome {
    ill: Ill,
    attempts: usize,
    slowest: Duration,
    healed: usize,
}

/// A provider of three keys and two behind it, all of which are limited, then busy, then gone.
pub async fn run() -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for ill in [Ill::Limited, Ill::Busy, Ill::Gone] {
        outcomes.push(outage(ill).await?);
    }
    Ok(outcomes)
}

async fn outage(ill: Ill) -> Result<Outcome> {
    let provider = Provider::start().await?;
    let address = provider.address();
    let gateway = start(&provider).await?;
    let client = create_client(gateway.address, json!({ "name": "outage" })).await?;
    tokio::time::sleep(HEARD_WAIT).await;
    let ask = chat(&client.key, WHOLE);
    let seconds = RETRY_AFTER.as_secs().to_string();
    let limit = [("content-type", "application/json"), ("retry-after", seconds.as_str())];
    let provider = match ill {
        Ill::Limited => {
            provider.play(WHOLE, Script::whole(429, &limit, "{}"));
            Some(provider)
        }
        Ill::Busy => {
            provider.play(WHOLE, Script::json(503, "{}"));
            Some(provider)
        }
        Ill::Gone => {
            drop(provider);
            None
        }
    };
    let answers = paced(gateway.address, PACE, vec![ask.clone(); REQUESTS]).await;
    let slowest = answers.iter().map(|answer| answer.took).max().unwrap_or_default();
    if answers.iter().any(|answer| answer.status == 0)
        || slowest > Duration::from_millis(TOTAL_WAIT_MS) + SLACK
    {
        return failed(format!("{ill:?}: a request was not answered in time: {slowest:.1?}"));
    }
    if ill == Ill::Limited {
        patient(&provider.as_ref().map(|it| it.seen(WHOLE)).unwrap_or_default())?;
    }
    let provider = match provider {
        Some(provider) => provider,
        None => Provider::start_at(address).await?,
    };
    provider.play(WHOLE, Script::json(200, GOOD));
    paced(gateway.address, PACE, vec![ask.clone(); steps(HEAL_WAIT, PACE)]).await;
    let answers = paced(gateway.address, PACE, vec![ask; HEALED]).await;
    let healed = answers.iter().filter(|answer| answer.status == 200).count();
    let attempts = attempts(gateway.address, &client.id).await?;
    let outcome = Outcome { ill, attempts, slowest, healed };
    let most = REQUESTS * 12 / 10 + FLOOR;
    if attempts > most || healed * 100 < HEALED * 99 {
        return failed(format!("more than {most} attempts, or not healed: {outcome}"));
    }
    Ok(outcome)
}

async fn start(provider: &Provider) -> Result<Instance> {
    let declared = [("first", &KEYS[..3]), ("second", &KEYS[3..4]), ("third", &KEYS[4..])];
    let url = provider.base_url();
    let table = |(id, keys): (&str, &[&str])| {
        format!(
            "\n[[provider]]\nid = \"outage-{id}\"\ndialect = \"openai_chat\"\nbase_url = \"{url}\"\n\
             keys = {keys:?}\nmodels = [\"outage\"]\n"
        )
    };
    let tables: String = declared.into_iter().map(table).collect();
    Adapter::Server.start(Setup::new(&url)?.adding(&tables)).await
}

fn chat(key: &str, script: &str) -> Ask {
    let messages = json!([{ "role": "user", "content": tag(script) }]);
    let body = json!({ "model": "outage", "messages": messages });
    Ask::post(CHAT, body.to_string()).bearer(key)
}

fn steps(time: Duration, pace: Duration) -> usize {
    usize::try_from(time.as_millis() / pace.as_millis()).unwrap_or(usize::MAX)
}

/// Nobody asks with a key before the time is over that its provider wanted.
fn patient(seen: &[Seen]) -> Result {
    for key in KEYS {
        let mine: Vec<&Seen> = seen.iter().filter(|seen| seen.key() == Some(key)).collect();
        if mine.is_empty() {
            return failed(format!("{key} was never asked"));
        }
        for (refused, next) in mine.iter().zip(mine.iter().skip(1)) {
            let Some(told) = refused.answered else { continue };
            let after = next.arrived.saturating_duration_since(told);
            if after > ON_THE_WAY && after < RETRY_AFTER {
                return failed(format!("{key} was asked {after:.3?} after it was refused"));
            }
        }
    }
    Ok(())
}

/// What the records of the outage say, those of the time after it left out.
async fn attempts(gateway: SocketAddr, client: &str) -> Result<usize> {
    let all = REQUESTS + steps(HEAL_WAIT, PACE) + HEALED;
    let deadline = Instant::now() + HEAL_WAIT;
    let mut records = records_of(gateway, client).await?;
    while records.len() < all && Instant::now() < deadline {
        tokio::time::sleep(HEARD_WAIT / 10).await;
        records = records_of(gateway, client).await?;
    }
    if records.len() != all {
        return failed(format!("{} records of {all}", records.len()));
    }
    let tries = |record: &serde_json::Value| record["attempts"].as_u64().unwrap_or(0);
    let sum: u64 = records.iter().skip(all - REQUESTS).map(tries).sum();
    Ok(usize::try_from(sum).unwrap_or(usize::MAX))
}

/// The script of requests that a provider fails.
const FAILING: &str = "failing";
/// How long errors grow more frequent, and how long there is nothing else.
const RISE: Duration = Duration::from_secs(30);
const FALLEN: Duration = Duration::from_secs(10);
/// A hundred requests a second.
const RISING_PACE: Duration = Duration::from_millis(10);
/// The most that may reach the provider of a hundred requests.
const LOAD_PERCENT: usize = 125;

/// What came of the rise.
#[derive(Debug)]
pub struct Rise {
    requests: usize,
    reached: usize,
    /// The worst second, in percent of its requests.
    worst: usize,
}

/// One provider of three keys, which fails every tenth request at first and all of them in the end.
pub async fn rise() -> Result<Rise> {
    let provider = Provider::start().await?;
    let gateway = start(&provider).await?;
    let client = create_client(gateway.address, json!({ "name": "rise" })).await?;
    tokio::time::sleep(HEARD_WAIT).await;
    provider.play(WHOLE, Script::json(200, GOOD));
    provider.play(FAILING, Script::json(500, "{}"));
    let count = steps(RISE + FALLEN, RISING_PACE);
    let mut due = 0;
    let ask = |number: usize| {
        // So many of a thousand fail by now.
        due += (100 + 900 * number / steps(RISE, RISING_PACE)).min(1_000);
        let failing = due >= 1_000;
        due -= if failing { 1_000 } else { 0 };
        let script = if failing { FAILING } else { WHOLE };
        let messages = json!([{ "role": "user", "content": tag(script) }]);
        let body = json!({ "model": format!("outage-first/{MODEL}"), "messages": messages });
        Ask::post(CHAT, body.to_string()).bearer(&client.key)
    };
    let asks = (0..count).map(ask).collect();
    let sent = paced(gateway.address, RISING_PACE, asks).await;
    let seen = [provider.seen(WHOLE), provider.seen(FAILING)].concat();
    let rise = loads(&sent, &seen);
    if rise.worst > LOAD_PERCENT { failed(format!("too much: {rise}")) } else { Ok(rise) }
}

/// What reached the provider in each second, beside what clients sent in it.
fn loads(sent: &[Paced], seen: &[Seen]) -> Rise {
    let Some(began) = sent.iter().map(|one| one.sent).min() else {
        return Rise { requests: 0, reached: 0, worst: 0 };
    };
    let second = |at: Instant| at.saturating_duration_since(began).as_secs();
    let of = |wanted: u64| {
        let asked = sent.iter().filter(|one| second(one.sent) == wanted).count();
        let reached = seen.iter().filter(|one| second(one.arrived) == wanted).count();
        (asked, reached)
    };
    let whole = 0..(RISE + FALLEN).as_secs();
    let percent = |(asked, reached): (usize, usize)| reached * 100 / asked.max(1);
    let worst = whole.map(of).map(percent).max().unwrap_or_default();
    Rise { requests: sent.len(), reached: seen.len(), worst }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ill, attempts, slowest, healed } = self;
        write!(
            f,
            "outage: {REQUESTS} requests while all providers are {ill:?}: {attempts} attempts, the slowest answer \
             {slowest:.1?}; {HEAL_WAIT:?} after they are well {healed} of {HEALED} are served"
        )
    }
}

impl fmt::Display for Rise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, reached, worst } = self;
        write!(
            f,
            "rise: {requests} requests with errors from 10 to 100 %: {reached} reached the provider, {worst} % in the \
             worst second"
        )
    }
}
