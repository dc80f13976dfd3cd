//! How are the hourly sums asked for? By span, width and group, in two questions of one batch.

use std::collections::BTreeMap;

use super::{
    super::{Bucket, GroupBy, LATENCY_BUCKETS, StatsQuery},
    columns::usage,
    database::{Database, Outcome, Statement, Value},
    flavor::Flavor,
    rollups::{HOUR_MS, SUMS, total},
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
    let args: Vec<Value> = vec![
        width_ms.into(),
        query.from_ms.into(),
        query.to_ms.into(),
        (STATS_ROWS_MAX + 1).into(),
    ];
    let batch = vec![
        Statement::new(sums_text(flavor, group), args.clone()),
        Statement::new(latency_text(flavor, group), args),
    ];
    let mut outcomes = database.read(batch).await?.into_iter();
    let mut buckets = Buckets::new();
    add_sums(&mut buckets, outcomes.next().unwrap_or_default(), group)?;
    add_latency(&mut buckets, outcomes.next().unwrap_or_default(), group)?;
    let start_ms = |at_ms: Millis| if query.bucket_ms == 0 { query.from_ms } else { at_ms };
    Ok(buckets
        .into_values()
        .map(|bucket| Bucket { at_ms: start_ms(bucket.at_ms), ..bucket })
        .collect())
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

fn sums_text(flavor: Flavor, group: &[&str]) -> String {
    let sums: Vec<String> =
        SUMS.iter().map(|sum| format!("{} AS sum_{sum}", total(flavor, sum))).collect();
    grouped("rollups", group, &sums.join(", "), &group_list(group, "at_ms"))
}

fn latency_text(flavor: Flavor, group: &[&str]) -> String {
    let sum = format!("bucket AS bucket, {} AS sum_requests", total(flavor, "requests"));
    grouped("latency", group, &sum, &format!("{}, bucket", group_list(group, "at_ms")))
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
        let bucket = Bucket {
            at_ms,
            group: group.clone(),
            requests: fields.int()?,
            failed: fields.int()?,
            usage: usage(&mut fields)?,
            cost_nano: fields.int()?,
            total_ms: fields.int()?,
            latency: [0; LATENCY_BUCKETS],
        };
        buckets.insert((at_ms, group), bucket);
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
            *slot = requests;
        }
    }
    Ok(())
}

fn bounded(outcome: Outcome, columns: &[&str]) -> Result<Vec<Fields>> {
    if i64::try_from(outcome.rows.len()).is_ok_and(|count| count > STATS_ROWS_MAX) {
        return Err(Error::bad_request(
            "Too many sums at once: ask for less time or wider buckets.",
        ));
    }
    rows(outcome, columns)
}

fn place(fields: &mut Fields, group: &[&str]) -> Result<(Millis, String)> {
    let at_ms = fields.int()?;
    let names = group.iter().map(|_| fields.text()).collect::<Result<Vec<String>>>()?;
    Ok((at_ms, names.join("/")))
}
