//! How does a request take of counters before it is known what it will use? By rows that name it, so that each is given
//! back exactly once, with the record or when it is abandoned.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{Add, Admission, Ahead, Reservation, Settlement},
    counters,
    database::{Database, Statement, Value},
    flavor::Flavor,
    full::Full,
    limits::ABANDONED_MARK_KEEP,
    rows::{number, rows},
};
use crate::{
    error::{Kind, Result},
    limits::{COUNTER_TRIES_MAX, RELEASE_ROWS_MAX},
    ports::{Millis, millis},
};

const RESERVE: &str =
    "INSERT INTO reservations (id, part, counter, amount, until_ms) VALUES (?, ?, ?, ?, ?)";
const IS_THERE: &str = "SELECT COUNT(*) AS parts FROM reservations WHERE id = ? AND part = ?";
// What was counted ahead is taken off its reservation, and off the counter to which the same was just added.
const OFF_COUNTER: &str = "UPDATE counters SET value = value - ? WHERE name = ? AND EXISTS \
     (SELECT 1 FROM reservations WHERE id = ? AND part = 0 AND counter = ?)";
const OFF_LEASE: &str =
    "UPDATE reservations SET amount = amount - ? WHERE id = ? AND part = 0 AND counter = ?";
const OF_ABANDONED: &str = "name IN (SELECT counter FROM reservations WHERE until_ms <= ?)";
const FORGET_ABANDONED: &str = "DELETE FROM reservations WHERE until_ms <= ?";
const FORGET_MARKS: &str = "DELETE FROM reservations WHERE until_ms <= ? AND amount = 0";
const MARK_ABANDONED: &str = "UPDATE reservations SET amount = 0, until_ms = ? WHERE until_ms <= ?";
const IS_HELD: &str = "INSERT INTO guard (ok) SELECT 0 WHERE NOT EXISTS (SELECT 1 AS held FROM reservations WHERE id = ?)";

/// Takes all of a reservation or nothing.
pub(super) async fn reserve(
    database: &dyn Database,
    full: &Full,
    reservation: &Reservation,
    now_ms: Millis,
) -> Result<Admission> {
    let Reservation { id, part, adds, until_ms } = reservation;
    if adds.is_empty() {
        return Ok(Admission::Added(Vec::new()));
    }
    let place = |add: &Add| {
        let (id, name) = (id.as_str().into(), add.name.as_str().into());
        Statement::new(RESERVE, vec![id, (*part).into(), name, add.by.into(), (*until_ms).into()])
    };
    let look = async || {
        let mut asked = vec![Statement::new(IS_THERE, vec![id.as_str().into(), (*part).into()])];
        asked.extend(counters::values(adds.iter().map(|add| add.name.as_str()), now_ms));
        let mut found = database.read(asked).await?.into_iter();
        let is_there = number(found.next())?.unwrap_or(0) > 0;
        let values = found.map(|outcome| Ok(number(Some(outcome))?.unwrap_or(0)));
        let values = values.collect::<Result<Vec<i64>>>()?;
        if is_there {
            // Its answer was lost the first time.
            return Ok(Some(Admission::Added(values)));
        }
        Ok(full.refusal(adds, &values))
    };
    // Who comes to a full counter reads, and need not wait for those who write.
    if full.any_of(adds)
        && let Some(admission) = look().await?
    {
        return Ok(admission);
    }
    for _ in 0..COUNTER_TRIES_MAX {
        let mut batch: Vec<Statement> = adds.iter().map(place).collect();
        batch.extend(counters::batch(database.flavor(), adds, now_ms));
        match database.write(batch).await {
            Ok(outcomes) => {
                full.forget(adds);
                return counters::added(outcomes, adds.len());
            }
            Err(error) if error.kind == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
        if let Some(admission) = look().await? {
            return Ok(admission);
        }
    }
    Ok(counters::undecided(adds))
}

/// Adds to `batch` what requests used, one upsert for each counter, and takes back what they had reserved.
pub(super) fn push_settlements<'s>(
    batch: &mut Vec<Statement>,
    flavor: Flavor,
    settlements: impl Iterator<Item = &'s Settlement>,
    now_ms: Millis,
) {
    let mut spent: BTreeMap<&str, Add> = BTreeMap::new();
    let mut held: BTreeSet<&str> = BTreeSet::new();
    let mut holders: Vec<&str> = Vec::new();
    let mut ahead: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for settlement in settlements {
        if let Some(Ahead { id, taken }) = &settlement.ahead {
            for (counter, by) in taken {
                let sum = ahead.entry((counter, id)).or_default();
                *sum = sum.saturating_add(*by);
            }
        }
        if settlement.holds {
            holders.push(&settlement.id);
            held.extend(settlement.adds.iter().map(|add| add.name.as_str()));
        }
        for add in settlement.adds.iter().filter(|add| add.by != 0) {
            let sum = spent.entry(&add.name).or_insert_with(|| Add { by: 0, ..add.clone() });
            sum.by = sum.by.saturating_add(add.by);
            sum.floor = sum.floor.max(add.floor);
            sum.expires_at_ms = sum.expires_at_ms.max(add.expires_at_ms);
        }
    }
    holders.sort_unstable();
    let released = named(&holders);
    let leases: BTreeSet<&str> = ahead.keys().map(|(_, lease)| *lease).collect();
    let leases: Vec<&str> = leases.into_iter().collect();
    let values = |ids: &[&str]| ids.iter().map(|id| Value::from(*id)).collect::<Vec<Value>>();
    // What is given back is looked up, so nobody else may give it back meanwhile.
    for (of, ids) in released.iter().chain(&named(&leases)) {
        batch.extend(lock(flavor, of).map(|text| Statement::new(text, values(ids))));
    }
    held.extend(spent.keys());
    held.extend(ahead.keys().map(|(counter, _)| *counter));
    batch.extend(counters::lock(flavor, &held));
    let spent: Vec<&Add> = spent.values().collect();
    batch.extend(counters::additions(flavor, &spent, now_ms));
    for ((counter, lease), by) in ahead {
        let args = vec![by.into(), counter.into(), lease.into(), counter.into()];
        batch.push(Statement::new(OFF_COUNTER, args));
        batch.push(Statement::new(OFF_LEASE, vec![by.into(), lease.into(), counter.into()]));
    }
    for (of, ids) in released {
        batch.push(Statement::new(release(flavor, &of), [values(ids), values(ids)].concat()));
        let delete = format!("DELETE FROM reservations WHERE {of}");
        batch.push(Statement::new(delete, values(ids)));
    }
}

/// A condition for some reservations, as many to one as a statement takes.
fn named<'i>(ids: &'i [&'i str]) -> Vec<(String, &'i [&'i str])> {
    ids.chunks(RELEASE_ROWS_MAX)
        .map(|ids| (format!("id IN ({})", vec!["?"; ids.len()].join(", ")), ids))
        .collect()
}

/// Puts what a request used in the place of what it had reserved, at once. What holds nothing was settled before.
pub(super) async fn settle(
    database: &dyn Database,
    settlement: &Settlement,
    now_ms: Millis,
) -> Result<()> {
    let mut batch = vec![Statement::new(IS_HELD, vec![settlement.id.as_str().into()])];
    push_settlements(&mut batch, database.flavor(), std::iter::once(settlement), now_ms);
    match database.write(batch).await {
        Err(error) if error.kind != Kind::Conflict => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Gives back what abandoned reservations hold, and leaves a mark of each for a while: what is used all the same is counted
/// when it is settled.
pub(super) async fn give_up(database: &dyn Database, now_ms: Millis) -> Result<()> {
    let marked_until = now_ms.saturating_add(millis(ABANDONED_MARK_KEEP));
    let now = || Value::from(now_ms);
    let batch = vec![
        Statement::new(release(database.flavor(), "until_ms <= ?"), vec![now(), now()]),
        Statement::new(FORGET_MARKS, vec![now()]),
        Statement::new(MARK_ABANDONED, vec![marked_until.into(), now()]),
    ];
    database.write(batch).await?;
    Ok(())
}

/// What all reservations hold of each counter.
pub(super) async fn held(database: &dyn Database) -> Result<BTreeMap<String, i64>> {
    let sum = database.flavor().int("SUM(amount)");
    let text =
        format!("SELECT counter AS counter, {sum} AS held FROM reservations GROUP BY counter");
    let outcome = database.read(vec![Statement::new(text, Vec::new())]).await?.pop();
    let mut held = BTreeMap::new();
    for mut fields in rows(outcome.unwrap_or_default(), &["counter", "held"])? {
        held.insert(fields.text()?, fields.int()?);
    }
    Ok(held)
}

/// Gives back what abandoned reservations hold.
pub(super) async fn release_abandoned(database: &dyn Database, now_ms: Millis) -> Result<()> {
    let flavor = database.flavor();
    let rows = lock(flavor, "until_ms <= ?");
    let counters = flavor.lock("counters", "name", OF_ABANDONED);
    let release = release(flavor, "until_ms <= ?");
    let now = || Value::from(now_ms);
    let locks = rows.into_iter().chain(counters).map(|text| Statement::new(text, vec![now()]));
    let mut batch: Vec<Statement> = locks.collect();
    batch.push(Statement::new(release, vec![now(), now()]));
    batch.push(Statement::new(FORGET_ABANDONED, vec![now()]));
    database.write(batch).await?;
    Ok(())
}

/// Locks some reservations, where that is needed.
fn lock(flavor: Flavor, of: &str) -> Option<String> {
    flavor.lock("reservations", "id, part, counter", of)
}

/// Takes off each counter what some reservations hold of it. The condition stands there twice.
fn release(flavor: Flavor, of: &str) -> String {
    let sum = flavor.int("COALESCE(SUM(reservations.amount), 0)");
    format!(
        "UPDATE counters SET value = value - (SELECT {sum} FROM reservations \
         WHERE reservations.counter = counters.name AND {of}) \
         WHERE name IN (SELECT counter FROM reservations WHERE {of})"
    )
}
