//! How does a request take of counters before it is known what it will use? By rows that name it, so that each is given
//! back exactly once, with the record or when it is abandoned.

use std::collections::BTreeMap;

use super::{
    super::{Add, Admission, Reservation, Settlement},
    counters,
    database::{Database, Statement, Value},
    flavor::Flavor,
    full::Full,
    rows::number,
};
use crate::{
    error::{Kind, Result},
    limits::{COUNTER_TRIES_MAX, RELEASE_ROWS_MAX},
    ports::Millis,
};

const RESERVE: &str =
    "INSERT INTO reservations (id, part, counter, amount, until_ms) VALUES (?, ?, ?, ?, ?)";
const IS_THERE: &str = "SELECT COUNT(*) AS parts FROM reservations WHERE id = ? AND part = ?";
const FORGET_ABANDONED: &str = "DELETE FROM reservations WHERE until_ms <= ?";

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
    let mut holders: Vec<&str> = Vec::new();
    for settlement in settlements {
        holders.extend(settlement.holds.then_some(settlement.id.as_str()));
        for add in settlement.adds.iter().filter(|add| add.by != 0) {
            let sum = spent.entry(&add.name).or_insert_with(|| Add { by: 0, ..add.clone() });
            sum.by = sum.by.saturating_add(add.by);
            sum.floor = sum.floor.max(add.floor);
            sum.expires_at_ms = sum.expires_at_ms.max(add.expires_at_ms);
        }
    }
    let spent: Vec<&Add> = spent.values().collect();
    batch.extend(counters::additions(flavor, &spent, now_ms));
    for ids in holders.chunks(RELEASE_ROWS_MAX) {
        let of = format!("id IN ({})", vec!["?"; ids.len()].join(", "));
        let args = || ids.iter().map(|id| Value::from(*id));
        batch.push(Statement::new(release(flavor, &of), args().chain(args()).collect()));
        let delete = format!("DELETE FROM reservations WHERE {of}");
        batch.push(Statement::new(delete, args().collect()));
    }
}

/// Gives back what abandoned reservations hold.
pub(super) async fn release_abandoned(database: &dyn Database, now_ms: Millis) -> Result<()> {
    let release = release(database.flavor(), "until_ms <= ?");
    let batch = vec![
        Statement::new(release, vec![now_ms.into(), now_ms.into()]),
        Statement::new(FORGET_ABANDONED, vec![now_ms.into()]),
    ];
    database.write(batch).await?;
    Ok(())
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
