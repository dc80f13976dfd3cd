//! How are hot numbers added to, several at once or none? By one guarded batch.

use std::collections::BTreeSet;

use super::{
    super::{Add, Admission, Counter},
    database::{Database, Outcome, Statement, Value},
    flavor::Flavor,
    rows::{number, rows},
};
use crate::{
    error::{Kind, Result},
    limits::{COUNTER_TRIES_MAX, COUNTERS_PAGE_ROWS, PRUNE_ROWS_MAX},
    ports::Millis,
};

const GUARD: &str = "INSERT INTO guard (ok) SELECT 0 FROM counters WHERE name = ? AND value > ?";
const VALUE: &str = "SELECT value AS value FROM counters WHERE name = ?";
const LIVE_VALUE: &str = "SELECT value AS value FROM counters WHERE name = ? AND expires_at_ms > ?";
const LIVE: &str = "SELECT name AS name, value AS value, expires_at_ms AS expires_at_ms FROM counters \
     WHERE expires_at_ms > ? AND name > ? ORDER BY name LIMIT ?";
const LIVE_FROM: &str = "SELECT name AS name, value AS value, expires_at_ms AS expires_at_ms FROM counters \
     WHERE name >= ? AND name < ? AND expires_at_ms > ? ORDER BY name LIMIT ?";
const NAMED: &str = "SELECT name AS name, value AS value, expires_at_ms AS expires_at_ms FROM counters \
     WHERE name = ? AND expires_at_ms > ?";
// Asked twice: between the look and the deletion another connection may have begun to count anew.
const EXPIRE: &str = "DELETE FROM counters WHERE expires_at_ms <= ? AND name IN \
     (SELECT name FROM (SELECT name FROM counters WHERE expires_at_ms <= ? \
     ORDER BY expires_at_ms, name LIMIT ?) AS old)";
/// Lower than any value, and exact on D1.
const NO_FLOOR: i64 = -(1 << 53);

/// Adds to all counters or to none.
///
/// The batch adds without asking, and a violated guard takes everything back. Which counter refused is read
/// afterwards; when by then there is room again, the addition is tried once more.
pub(super) async fn add(
    database: &dyn Database,
    adds: &[Add],
    now_ms: Millis,
) -> Result<Admission> {
    if adds.is_empty() {
        return Ok(Admission::Added(Vec::new()));
    }
    for _ in 0..COUNTER_TRIES_MAX {
        match database.write(batch(database.flavor(), adds, now_ms)).await {
            Ok(outcomes) => return added(outcomes, adds.len()),
            Err(error) if error.kind == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
        let names: Vec<String> = adds.iter().map(|add| add.name.clone()).collect();
        let values = read(database, &names, now_ms).await?;
        if let Some(refusal) = refusal(adds, &values) {
            return Ok(refusal);
        }
    }
    Ok(undecided(adds))
}

/// The new values, which stand at the end of a batch.
pub(super) fn added(mut outcomes: Vec<Outcome>, count: usize) -> Result<Admission> {
    let values = outcomes.split_off(outcomes.len().saturating_sub(count));
    let values = values.into_iter().map(|outcome| Ok(number(Some(outcome))?.unwrap_or(0)));
    values.collect::<Result<_>>().map(Admission::Added)
}

/// Room came and went at every look; the caller may ask again.
pub(super) fn undecided(adds: &[Add]) -> Admission {
    let capped = adds.iter().find(|add| add.cap.is_some()).or(adds.first());
    let counter = capped.map(|add| add.name.clone()).unwrap_or_default();
    Admission::Refused { counter, value: capped.and_then(|add| add.cap).unwrap_or(0) }
}

/// Current values in the order asked; a missing or expired counter is 0.
pub(super) async fn read(
    database: &dyn Database,
    names: &[String],
    now_ms: Millis,
) -> Result<Vec<i64>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let asked = values(names.iter().map(String::as_str), now_ms).collect();
    let outcomes = database.read(asked).await?;
    outcomes.into_iter().map(|outcome| Ok(number(Some(outcome))?.unwrap_or(0))).collect()
}

/// Asks for current values.
pub(super) fn values<'n>(
    names: impl Iterator<Item = &'n str>,
    now_ms: Millis,
) -> impl Iterator<Item = Statement> {
    names.map(move |name| Statement::new(LIVE_VALUE, vec![name.into(), now_ms.into()]))
}

/// Every counter that has not expired.
pub(super) async fn live(database: &dyn Database, now_ms: Millis) -> Result<Vec<Counter>> {
    let mut all: Vec<Counter> = Vec::new();
    loop {
        let after = all.last().map(|counter| counter.name.clone()).unwrap_or_default();
        let limit = i64::from(COUNTERS_PAGE_ROWS);
        let page = Statement::new(LIVE, vec![now_ms.into(), after.into(), limit.into()]);
        let found = listed(database, page).await?;
        let count = found.len();
        all.extend(found);
        if count < COUNTERS_PAGE_ROWS as usize {
            return Ok(all);
        }
    }
}

/// Counters whose name begins so and that have not expired.
pub(super) async fn live_from(
    database: &dyn Database,
    begin: &str,
    limit: u32,
    now_ms: Millis,
) -> Result<Vec<Counter>> {
    // Names are ASCII, so nothing that begins so comes after this.
    let end = format!("{begin}\u{7f}");
    let args = vec![begin.into(), end.into(), now_ms.into(), i64::from(limit).into()];
    listed(database, Statement::new(LIVE_FROM, args)).await
}

async fn listed(database: &dyn Database, asked: Statement) -> Result<Vec<Counter>> {
    counted(database.read(vec![asked]).await?.pop().unwrap_or_default())
}

fn counted(outcome: Outcome) -> Result<Vec<Counter>> {
    let mut counters = Vec::new();
    for mut fields in rows(outcome, &["name", "value", "expires_at_ms"])? {
        let (name, value) = (fields.text()?, fields.int()?);
        counters.push(Counter { name, value, expires_at_ms: fields.int()? });
    }
    Ok(counters)
}

/// Those of the named counters that are there and have not expired.
pub(super) async fn named(
    database: &dyn Database,
    names: &[&str],
    now_ms: Millis,
) -> Result<Vec<Counter>> {
    let one = |name: &&str| Statement::new(NAMED, vec![(*name).into(), now_ms.into()]);
    let mut counters = Vec::new();
    for outcome in database.read(names.iter().map(one).collect()).await? {
        counters.extend(counted(outcome)?);
    }
    Ok(counters)
}

/// Forgets expired counters, a bounded number at a time; returns how many went.
pub(super) async fn expire(database: &dyn Database, now_ms: Millis) -> Result<u64> {
    let args = vec![now_ms.into(), now_ms.into(), i64::from(PRUNE_ROWS_MAX).into()];
    let outcomes = database.write(vec![Statement::new(EXPIRE, args)]).await?;
    Ok(outcomes.first().map_or(0, |outcome| outcome.changed))
}

/// The additions sorted by name, so that no two batches wait for each other's rows; then the guards; then the values
/// in the order asked.
pub(super) fn batch(flavor: Flavor, adds: &[Add], now_ms: Millis) -> Vec<Statement> {
    let mut sorted: Vec<&Add> = adds.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut batch = additions(flavor, &sorted, now_ms);
    batch.extend(sorted.iter().filter_map(|add| {
        Some(Statement::new(GUARD, vec![add.name.as_str().into(), add.cap?.into()]))
    }));
    batch.extend(adds.iter().map(|add| Statement::new(VALUE, vec![add.name.as_str().into()])));
    batch
}

/// Locks the counters with these names, where that is needed, in the order in which a [`batch`] does.
pub(super) fn lock(flavor: Flavor, names: &BTreeSet<&str>) -> Option<Statement> {
    let marks = vec!["?"; names.len()].join(", ");
    let lock = flavor.lock("counters", "name", &format!("name IN ({marks})"))?;
    let args = names.iter().map(|name| Value::from(*name)).collect();
    (!names.is_empty()).then(|| Statement::new(lock, args))
}

/// Additions without their guards.
pub(super) fn additions(flavor: Flavor, adds: &[&Add], now_ms: Millis) -> Vec<Statement> {
    let text = addition(flavor);
    let one = |add: &&Add| {
        let floor = add.floor.unwrap_or(NO_FLOOR);
        let args = vec![
            add.name.as_str().into(),
            (add.floor.unwrap_or(0) + add.by).into(),
            add.expires_at_ms.into(),
            now_ms.into(),
            floor.into(),
            floor.into(),
            add.by.into(),
            now_ms.into(),
        ];
        Statement::new(text.clone(), args)
    };
    adds.iter().map(one).collect()
}

/// An expired counter starts again. `value` reads the old expiry, so it is set first.
fn addition(flavor: Flavor) -> String {
    let (value, expiry) = (flavor.offered("value"), flavor.offered("expires_at_ms"));
    flavor.upsert(
        "counters",
        &["name", "value", "expires_at_ms"],
        &["name"],
        &[
            (
                "value",
                format!(
                    "CASE WHEN counters.expires_at_ms <= ? THEN {value} ELSE \
                     (CASE WHEN counters.value < ? THEN ? ELSE counters.value END) + ? END"
                ),
            ),
            (
                "expires_at_ms",
                format!(
                    "CASE WHEN counters.expires_at_ms <= ? OR counters.expires_at_ms < {expiry} \
                     THEN {expiry} ELSE counters.expires_at_ms END"
                ),
            ),
        ],
    )
}

/// The first addition for which there is no room beside these values, all additions to one name taken together.
pub(super) fn refusal(adds: &[Add], values: &[i64]) -> Option<Admission> {
    let refused = adds.iter().zip(values).find(|(add, value)| {
        let same_name = adds.iter().filter(|other| other.name == add.name);
        let from = (**value).max(add.floor.unwrap_or(NO_FLOOR));
        let wanted = same_name.fold(from, |sum, other| sum.saturating_add(other.by));
        add.cap.is_some_and(|cap| wanted > cap)
    });
    refused.map(|(add, value)| Admission::Refused { counter: add.name.clone(), value: *value })
}
