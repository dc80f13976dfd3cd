//! Was everybody served as promised, and is everything written down once?

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::GIVEN_BACK_WAIT,
    Ill, Place,
    crowd::{Crowd, Got, Who},
};
use crate::{
    Result,
    adapters::Server,
    failed,
    setup::ADMIN_TOKEN,
    wire::{Ask, exchange},
    world::records_of,
};

/// By how much a known key may wait longer than in calm times, in all but one of a hundred requests.
const LATER: Duration = Duration::from_millis(50);
/// What has been settled and not yet been written when a Redis is filled is not known to it: a tenth of a second of a client
/// that asks forty times a second, twice.
const UNKNOWN_TO_REDIS: u64 = 8;
/// What had begun before the storage fell ill may wait for it.
const ON_THE_WAY: Duration = Duration::from_millis(500);

/// What was seen.
pub(super) struct Verdict {
    asked: usize,
    statuses: BTreeMap<(Who, u16), usize>,
    calm: Latency,
    ill: Latency,
    unchecked: usize,
    unwritten: usize,
    /// Of a budget that a Redis counts.
    missing: u64,
}

/// Of known keys.
#[derive(Clone, Copy)]
struct Latency {
    median: Duration,
    p99: Duration,
    most: Duration,
}

/// Judges all of it, and fails with what is not as promised.
pub(super) async fn judge(
    (server, crowd): (&Server, &Crowd),
    (place, ill_of): (Place, Ill),
    (began, ended): (Instant, Instant),
    answers: Vec<Got>,
) -> Result<Verdict> {
    let meanwhile = |got: &&Got| got.sent >= began && got.sent < ended;
    let known: Vec<&Got> = answers.iter().filter(|got| got.who == Who::Known).collect();
    let calm = latency(known.iter().filter(|got| got.sent < began));
    let ill = latency(known.iter().filter(|got| got.sent >= began && got.sent < ended));
    let mut statuses: BTreeMap<(Who, u16), usize> = BTreeMap::new();
    for got in answers.iter().filter(meanwhile) {
        *statuses.entry((got.who, got.status)).or_default() += 1;
    }
    let mut verdict = Verdict {
        asked: answers.len(),
        statuses,
        calm,
        ill,
        unchecked: 0,
        unwritten: 0,
        missing: 0,
    };
    for got in &answers {
        let refused = got.status == 503 && got.sent + ON_THE_WAY >= began;
        let fits = match got.who {
            // Where the end cannot be made safe, a strict one's stream ends with an error.
            Who::Known | Who::Soft | Who::Rated | Who::Strict => got.status == 200,
            Who::Hard | Who::Stranger => got.status == 200 || refused,
        };
        if !fits {
            let Got { who, status, took, .. } = got;
            return failed(format!("{who:?} got {status} after {took:?}; {verdict}"));
        }
    }
    if ill.p99 > calm.p99 + LATER {
        return failed(format!("known keys waited; {verdict}"));
    }
    for (who, client) in &crowd.regulars {
        let records = records_of(server.address, &client.id).await?;
        let mine: Vec<&Got> = answers.iter().filter(|got| got.who == *who).collect();
        written(*who, &mine, &records)?;
        verdict.unwritten += mine.iter().filter(|got| !got.whole).count();
        verdict.unchecked += records.iter().filter(|it| it["unchecked"] == true).count();
        if matches!(who, Who::Hard | Who::Soft) {
            let unknown = if ill_of == Ill::RedisGone { UNKNOWN_TO_REDIS } else { 0 };
            let missing = spent(server, &client.id, &records, unknown).await?;
            verdict.missing = verdict.missing.max(missing);
        }
    }
    let unsafe_ends = verdict.unwritten > 0 && ill_of != Ill::Full;
    if place == Place::File && (verdict.unchecked > 0 || unsafe_ends) {
        return failed(format!("a server that counts by itself needs nobody for that; {verdict}"));
    }
    Ok(verdict)
}

/// Every whole answer has its record, and none has two.
fn written(who: Who, answers: &[&Got], records: &[Value]) -> Result {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for record in records {
        *counts.entry(record["id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    if let Some((id, count)) = counts.iter().find(|(_, count)| **count > 1) {
        return failed(format!("{who:?}: record {id} is there {count} times"));
    }
    let ids = answers.iter().filter(|got| got.whole).filter_map(|got| got.id.as_deref());
    let lost = ids.filter(|id| !counts.contains_key(id)).count();
    if lost > 0 {
        return failed(format!("{who:?}: {lost} of {} records are lost", answers.len()));
    }
    Ok(())
}

/// What a budget has lost is what its records have used, once a server has given back what it took ahead.
/// Returns what is missing, of which there may be so much.
async fn spent(server: &Server, client: &str, records: &[Value], unknown: u64) -> Result<u64> {
    let asked =
        records.iter().filter(|record| record["attempts"].as_u64() > Some(0)).count() as u64;
    let ask = Ask::new("GET", format!("/api/clients/{client}/spending")).bearer(ADMIN_TOKEN);
    let deadline = Instant::now() + GIVEN_BACK_WAIT;
    loop {
        let told = exchange(server.address, &ask).await?.json()?;
        let used = told["limits"][0]["used"].as_u64().unwrap_or_default();
        if used <= asked && asked - used <= unknown {
            return Ok(asked - used);
        }
        if Instant::now() > deadline {
            return failed(format!("{used} used according to the budget, {asked} to the records"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn latency<'g>(answers: impl Iterator<Item = &'g &'g Got>) -> Latency {
    let mut times: Vec<Duration> = answers.map(|got| got.took).collect();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    Latency { median: at(50), p99: at(99), most: times.last().copied().unwrap_or_default() }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, p99, most } = self;
        write!(f, "{median:.1?} (p99 {p99:.1?}, at most {most:.1?})")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, statuses, calm, ill, unchecked, unwritten, missing } = self;
        let told: Vec<String> = statuses
            .iter()
            .map(|((who, status), count)| format!("{who:?} {count} x {status}"))
            .collect();
        write!(
            f,
            "{asked} asked, meanwhile {}; known keys take {ill}, in calm times {calm}; {unchecked} records marked, \
             {unwritten} answers ended without their record being safe, 0 lost, 0 doubled, {missing} missing in a budget",
            told.join(", ")
        )
    }
}
