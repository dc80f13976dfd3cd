//! How are the hourly sums asked for? By span, width and group, in two questions of one batch.

use std::collections::BTreeMap;

use super::{
    super::{Bucket, GroupBy, StatsQuery},
    columns::usage,
    database::{Database, Outcome, Statement, Value},
    flavor::Flavor,
    rollups::{DAILY, DAY_MS, HOUR_MS, HOURLY, Level, SUMS, total},
    rows::{Fields, rows},
};
use crate::{
    error::{Error, Result},
    limits::STATS_ROWS_MAX,
    ports::Millis,
};

/// A bucket wider than any span, and exact as a float.
const ONE_BUCKET_MS: i64 = 1 << 52;

type Buckets = BTreeMap<(Millis, String), Bucket>;

/// Sums over the hourly rollups and latency buckets.
pub(super) async fn sum(database: &dyn Database, query: &StatsQuery) -> Result<Vec<Bucket>> {
    let flavor = database.flavor();
    let width_ms = if query.bucket_ms == 0 { ONE_BUCKET_MS } else { query.bucket_ms };
    if width_ms < HOUR_MS || (query.bucket_ms != 0 && width_ms % HOUR_MS != 0) {
        return Err(Error::bad_request("A bucket is a whole number of hours wide."));
    }
    let group = columns(query.group_by);
    let parts = parts(query);
    let mut batch = Vec::new();
    for Part { level, from_ms, to_ms } in &parts {
        let args: Vec<Value> =
            vec![width_ms.into(), (*from_ms).into(), (*to_ms).into(), (STATS_ROWS_MAX + 1).into()];
        batch.push(Statement::new(sums_text(flavor, level, group), args.clone()));
        batch.push(Statement::new(latency_text(flavor, level, group), args));
    }
    let mut outcomes = database.read(batch).await?.into_iter();
    let mut buckets = Buckets::new();
    for _ in parts {
        add_sums(&mut buckets, outcomes.next().unwrap_or_default(), group)?;
        add_latency(&mut buckets, outcomes.next().unwrap_or_default(), group)?;
    }
    if i64::try_from(buckets.len()).is_ok_and(|count| count > STATS_ROWS_MAX) {
        return Err(too_many());
    }
    let start_ms = |at_ms: Millis| if query.bucket_ms == 0 { query.from_ms } else { at_ms };
    Ok(buckets
        .into_values()
        .map(|bucket| Bucket { at_ms: start_ms(bucket.at_ms), ..bucket })
        .collect())
}

/// A part of the span, and where its sums are read.
struct Part {
    level: Level,
    from_ms: Millis,
    to_ms: Millis,
}

/// Whole days come from the daily sums, of which there are few; what is left at both ends comes from the hours.
fn parts(query: &StatsQuery) -> Vec<Part> {
    let StatsQuery { from_ms, to_ms, bucket_ms, .. } = *query;
    let hours = |from_ms, to_ms| Part { level: HOURLY, from_ms, to_ms };
    let first = from_ms.saturating_add((DAY_MS - from_ms.rem_euclid(DAY_MS)) % DAY_MS);
    let last = to_ms - to_ms.rem_euclid(DAY_MS);
    if first >= last || bucket_ms % DAY_MS != 0 {
        return vec![hours(from_ms, to_ms)];
    }
    let days = Part { level: DAILY, from_ms: first, to_ms: last };
    let all = [hours(from_ms, first), days, hours(last, to_ms)];
    all.into_iter().filter(|part| part.from_ms < part.to_ms).collect()
}

fn columns(group_by: GroupBy) -> &'static [&'static str] {
    match group_by {
        GroupBy::Nothing => &[],
        GroupBy::Client => &["client"],
        GroupBy::Team => &["team"],
        GroupBy::Provider => &["provider"],
        GroupBy::Model => &["provider", "model"],
    }
}

fn sums_text(flavor: Flavor, level: &Level, group: &[&str]) -> String {
    let sums: Vec<String> =
        SUMS.iter().map(|sum| format!("{} AS sum_{sum}", total(flavor, sum))).collect();
    grouped(level.rollups, group, &sums.join(", "), &group_list(group, "at_ms"))
}

fn latency_text(flavor: Flavor, level: &Level, group: &[&str]) -> String {
    let sum = format!("bucket AS bucket, {} AS sum_requests", total(flavor, "requests"));
    grouped(level.latency, group, &sum, &format!("{}, bucket", group_list(group, "at_ms")))
}

fn grouped(table: &str, group: &[&str], sums: &str, by: &str) -> String {
    let names: Vec<String> = group.iter().map(|column| format!("{column} AS {column}, ")).collect();
    let names = names.concat();
    format!(
        "SELECT hour_ms - hour_ms % ? AS at_ms, {names}{sums} FROM {table} \
         WHERE hour_ms >= ? AND hour_ms < ? GROUP BY {by} ORDER BY {by} LIMIT ?"
    )
}

fn group_list(group: &[&str], first: &str) -> String {
    [&[first], group].concat().join(", ")
}

fn add_sums(buckets: &mut Buckets, outcome: Outcome, group: &[&str]) -> Result<()> {
    let sums: Vec<String> = SUMS.iter().map(|sum| format!("sum_{sum}")).collect();
    let mut columns = vec!["at_ms"];
    columns.extend_from_slice(group);
    columns.extend(sums.iter().map(String::as_str));
    for mut fields in bounded(outcome, &columns)? {
        let (at_ms, group) = place(&mut fields, group)?;
        let place = (at_ms, group.clone());
        let bucket =
            buckets.entry(place).or_insert_with(|| Bucket { at_ms, group, ..Bucket::default() });
        bucket.requests += fields.int()?;
        bucket.failed += fields.int()?;
        bucket.usage = bucket.usage.plus(&usage(&mut fields)?);
        bucket.cost_nano = bucket.cost_nano.saturating_add(fields.int()?);
        bucket.total_ms = bucket.total_ms.saturating_add(fields.int()?);
    }
    Ok(())
}

fn add_latency(buckets: &mut Buckets, outcome: Outcome, group: &[&str]) -> Result<()> {
    let columns = [&["at_ms"], group, &["bucket", "sum_requests"]].concat();
    for mut fields in bounded(outcome, &columns)? {
        let place = place(&mut fields, group)?;
        let number: usize = fields.count()?;
        let requests = fields.int()?;
        let slot = buckets.get_mut(&place).and_then(|bucket| bucket.latency.get_mut(number));
        if let Some(slot) = slot {
            *slot += requests;
        }
    }
    Ok(())
}

fn bounded(outcome: Outcome, columns: &[&str]) -> Result<Vec<Fields>> {
    if i64::try_from(outcome.rows.len()).is_ok_and(|count| count > STATS_ROWS_MAX) {
        return Err(too_many());
    }
    rows(outcome, columns)
}

fn too_many() -> Error {
    Error::bad_request("Too many sums at once: ask for less time or wider buckets.")
}

fn place(fields: &mut Fields, group: &[&str]) -> Result<(Millis, String)> {
    let at_ms = fields.int()?;
    let names = group.iter().map(|_| fields.text()).collect::<Result<Vec<String>>>()?;
    Ok((at_ms, names.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_read_from_the_daily_sums() {
        let read = |from_ms, to_ms, bucket_ms| {
            let query = StatsQuery { from_ms, to_ms, bucket_ms, group_by: GroupBy::Nothing };
            let parts = parts(&query).into_iter();
            parts.map(|part| (part.level.rollups, part.from_ms, part.to_ms)).collect::<Vec<_>>()
        };
        let from_ms = DAY_MS - HOUR_MS;
        let wanted = [
            ("rollups", from_ms, DAY_MS),
            ("rollups_daily", DAY_MS, 3 * DAY_MS),
            ("rollups", 3 * DAY_MS, 3 * DAY_MS + HOUR_MS),
        ];
        assert_eq!(read(from_ms, 3 * DAY_MS + HOUR_MS, 0), wanted);
        assert_eq!(read(0, DAY_MS, 2 * DAY_MS), [("rollups_daily", 0, DAY_MS)]);
        assert_eq!(read(0, DAY_MS, HOUR_MS), [("rollups", 0, DAY_MS)]);
        assert_eq!(read(HOUR_MS, DAY_MS, 0), [("rollups", HOUR_MS, DAY_MS)]);
    }
}
