//! What do clients get while the storage is locked, stopped, killed or full, and is everything as it should be afterwards?

mod crowd;
mod ground;
mod kill;
mod verdict;

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidegate_provider::Provider;

use super::{HEARD_WAIT, play_all};
use crate::{
    Result,
    adapters::Server,
    failed,
    setup::ADMIN_TOKEN,
    wire::{Ask, exchange},
};

pub use ground::{Ill, Place};
pub use kill::run as kill;

use crowd::Crowd;
use ground::Ground;
use verdict::Verdict;

/// How soon everything must be as before.
const RECOVERY: Duration = Duration::from_secs(10);
/// How long clients ask before and after it.
const CALM: Duration = Duration::from_secs(5);
/// How soon who changes things must be told that it cannot be done.
const ADMIN_WAIT: Duration = Duration::from_secs(5);

/// What came of one of them.
pub struct Outcome {
    place: Place,
    ill: Ill,
    lasted: Duration,
    verdict: Verdict,
    /// What an admin is told meanwhile, and how soon.
    admin: (u16, Duration),
    /// What `/ready` says meanwhile.
    ready: String,
    recovery: Duration,
}

/// Everything that can happen to a place, one after the other. `lasting` is for how long, where it is not what the promise says.
pub async fn run(
    provider: &Provider,
    place: Place,
    lasting: Option<Duration>,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for ill in place.ills() {
        outcomes.push(suffer(provider, place, *ill, lasting).await?);
    }
    Ok(outcomes)
}

async fn suffer(
    provider: &Provider,
    place: Place,
    ill: Ill,
    lasting: Option<Duration>,
) -> Result<Outcome> {
    play_all(provider);
    let mut ground = Ground::start(provider, place, ill).await?;
    let server = ground.serve().await?;
    let crowd = Crowd::gather(server.address).await?;
    // By then the server has heard of the newest client.
    tokio::time::sleep(HEARD_WAIT).await;
    crowd.introduce().await?;
    let asking = crowd.ask();
    tokio::time::sleep(CALM).await;

    let began = Instant::now();
    let lasting = lasting.unwrap_or(ill.lasts());
    ground.fall(ill, lasting).await?;
    tokio::time::sleep(lasting / 2).await;
    let (admin, ready) = told(&server).await?;
    tokio::time::sleep(lasting.saturating_sub(began.elapsed())).await;
    ground.heal(ill).await?;
    let ended = Instant::now();
    let recovery = crowd.recovered(&server, ended).await;
    tokio::time::sleep(CALM).await;
    let answers = asking.stop().await;
    let verdict = verdict::judge((&server, &crowd), (place, ill), (began, ended), answers).await;
    let verdict =
        verdict.or_else(|error| failed(format!("{place:?} {ill:?}: {error}; {}", log(&server))))?;
    let outcome =
        Outcome { place, ill, lasted: ended - began, verdict, admin, ready, recovery: recovery? };
    if !outcome.holds() {
        return failed(format!("{outcome}; {}", log(&server)));
    }
    Ok(outcome)
}

/// What an admin and a load balancer are told.
async fn told(server: &Server) -> Result<((u16, Duration), String)> {
    let asked = Instant::now();
    let name = format!("meanwhile-{}", asked.elapsed().as_nanos());
    let change = Ask::post("/api/teams", json!({ "id": name }).to_string()).bearer(ADMIN_TOKEN);
    let status = exchange(server.address, &change).await?.status;
    let took = asked.elapsed();
    let ready = exchange(server.address, &Ask::new("GET", "/ready")).await?;
    let said = ready.json().unwrap_or_default();
    let parts = said["parts"].as_array().cloned().unwrap_or_default();
    let text = |part: &Value| format!("{} {}", part["part"], part["state"]).replace('"', "");
    let parts: Vec<String> = parts.iter().map(text).collect();
    let ready = format!("{} {} ({})", ready.status, said["status"], parts.join(", "));
    Ok(((status, took), ready.replace('"', "")))
}

fn log(server: &Server) -> String {
    let log = server.log();
    let lines: Vec<&str> = log.lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n    | ")
}

impl Outcome {
    fn holds(&self) -> bool {
        let told = match (self.place, self.ill) {
            (_, Ill::RedisGone) => self.admin.0 == 201,
            (Place::File, Ill::Full) => matches!(self.admin.0, 201 | 507),
            _ => self.admin.0 == 503,
        };
        told && self.admin.1 <= ADMIN_WAIT && self.recovery <= RECOVERY && !self.ready.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, ill, lasted, verdict, admin: (status, took), ready, recovery } = self;
        write!(
            f,
            "matrix, {place:?} {ill:?} for {lasted:.1?}: {verdict}; an admin's change {status} after {took:.2?}; \
             /ready says {ready}; all as before after {recovery:.1?}"
        )
    }
}
