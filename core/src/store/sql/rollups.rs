//! How are records added up by the hour? Folded before they are written; the sums can be computed again.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    super::{LATENCY_BOUNDS_MS, LATENCY_BUCKETS, Record, Usage},
    database::{Database, Statement, Value},
    flavor::Flavor,
};
use crate::{error::Result, ports::Millis};

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// A width that sums are kept in, and their tables.
pub(super) struct Level {
    pub(super) rollups: &'static str,
    pub(super) latency: &'static str,
    width_ms: i64,
}

pub(super) const HOURLY: Level =
    Level { rollups: "rollups", latency: "latency", width_ms: HOUR_MS };
pub(super) const DAILY: Level =
    Level { rollups: "rollups_daily", latency: "latency_daily", width_ms: DAY_MS };

pub(super) const KEY: [&str; 5] = ["hour_ms", "client", "team", "provider", "model"];
/// What is summed, in the order of [`Sums`].
pub(super) const SUMS: [&str; 15] = [
    "requests",
    "failed",
    "prompt",
    "cached",
    "cache_write_5m",
    "cache_write_1h",
    "completion",
    "reasoning",
    "audio_in",
    "audio_out",
    "image_in",
    "image_out",
    "calls",
    "cost_nano",
    "total_ms",
];
/// All that a row of sums has: its key, and what is summed.
pub(super) const COLUMNS: [&str; KEY.len() + SUMS.len()] = {
    let mut all = [""; KEY.len() + SUMS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < KEY.len() { KEY[at] } else { SUMS[at - KEY.len()] };
        at += 1;
    }
    all
};

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    hour_ms: Millis,
    client: &'a str,
    team: &'a str,
    provider: &'a str,
    model: &'a str,
}

#[derive(Default)]
struct Sums {
    requests: i64,
    failed: i64,
    usage: Usage,
    cost_nano: i64,
    total_ms: i64,
    latency: [i64; LATENCY_BUCKETS],
}

/// Adds to `batch` one upsert for each hour or day and key, and one for each latency bucket that was met.
pub(super) fn push_upserts(batch: &mut Vec<Statement>, flavor: Flavor, records: &[&Record]) {
    for Additions { level, rollup, latency } in additions(flavor) {
        for (key, sums) in folded(records, level.width_ms) {
            let values = key.values().chain(sums.values()).collect();
            batch.push(Statement::new(rollup.as_str(), values));
            let met = (0_i64..).zip(sums.latency).filter(|(_, requests)| *requests > 0);
            for (bucket, requests) in met {
                let args = key.values().chain([bucket.into(), requests.into()]).collect();
                batch.push(Statement::new(latency.as_str(), args));
            }
        }
    }
}

/// Computes the rollups of whole hours again. Hours that lost records to pruning keep the sums they have: there is
/// nothing left to compute them from.
pub(super) async fn rebuild(database: &dyn Database, from_ms: Millis, to_ms: Millis) -> Result<()> {
    let flavor = database.flavor();
    let span: Vec<Value> = vec![
        (from_ms - from_ms.rem_euclid(HOUR_MS)).into(),
        (to_ms - to_ms.rem_euclid(HOUR_MS)).into(),
    ];
    let complete = "SELECT value FROM marks WHERE marks.name = 'pruned_before_ms'";
    let delete = |table| {
        format!(
            "DELETE FROM {table} WHERE hour_ms >= ? AND hour_ms < ? AND hour_ms >= ({complete})"
        )
    };
    let hour = format!("at_ms - at_ms % {HOUR_MS}");
    let source = format!("FROM records WHERE at_ms >= ? AND at_ms < ? AND {hour} >= ({complete})");
    let batch = vec![
        Statement::new(delete("rollups"), span.clone()),
        Statement::new(delete("latency"), span.clone()),
        Statement::new(rollups_from(flavor, &hour, &source), span.clone()),
        Statement::new(latency_from(flavor, &hour, &source), span),
    ];
    database.write(batch.into_iter().chain(days_again(flavor, from_ms, to_ms)).collect()).await?;
    Ok(())
}

/// The days of a span, from their hours.
fn days_again(flavor: Flavor, from_ms: Millis, to_ms: Millis) -> [Statement; 4] {
    let first = from_ms - from_ms.rem_euclid(DAY_MS);
    let end = to_ms + (DAY_MS - to_ms.rem_euclid(DAY_MS)) % DAY_MS;
    let day = format!("hour_ms - hour_ms % {DAY_MS}");
    let key = "client, team, provider, model";
    let sums: Vec<String> = SUMS.iter().map(|sum| total(flavor, sum)).collect();
    let rollups = format!(
        "INSERT INTO rollups_daily ({}, {}) SELECT {day}, {key}, {} FROM rollups \
         WHERE hour_ms >= ? AND hour_ms < ? GROUP BY {day}, {key}",
        KEY.join(", "),
        SUMS.join(", "),
        sums.join(", "),
    );
    let latency = format!(
        "INSERT INTO latency_daily ({}, bucket, requests) SELECT {day}, {key}, bucket, {} FROM latency \
         WHERE hour_ms >= ? AND hour_ms < ? GROUP BY {day}, {key}, bucket",
        KEY.join(", "),
        total(flavor, "requests"),
    );
    let delete = |table| format!("DELETE FROM {table} WHERE hour_ms >= ? AND hour_ms < ?");
    [delete(DAILY.rollups), delete(DAILY.latency), rollups, latency]
        .map(|text| Statement::new(text, vec![first.into(), end.into()]))
}

/// In order, so that no two flushes wait for each other's rows.
fn folded<'a>(records: &[&'a Record], width_ms: i64) -> BTreeMap<Key<'a>, Sums> {
    let mut folded: BTreeMap<Key<'a>, Sums> = BTreeMap::new();
    for record in records {
        let key = Key {
            hour_ms: record.at_ms - record.at_ms % width_ms,
            client: &record.client,
            team: &record.team,
            provider: &record.provider,
            model: &record.model,
        };
        folded.entry(key).or_default().add(record);
    }
    folded
}

impl Key<'_> {
    fn values(&self) -> impl Iterator<Item = Value> {
        [
            self.hour_ms.into(),
            self.client.into(),
            self.team.into(),
            self.provider.into(),
            self.model.into(),
        ]
        .into_iter()
    }
}

impl Sums {
    fn add(&mut self, record: &Record) {
        self.requests += 1;
        self.failed += i64::from(record.failed());
        self.usage = self.usage.plus(&record.usage);
        self.cost_nano = self.cost_nano.saturating_add(record.cost_nano);
        self.total_ms = self.total_ms.saturating_add(record.total_ms);
        self.latency[latency_bucket(record.total_ms)] += 1;
    }

    fn values(&self) -> impl Iterator<Item = Value> {
        let usage = &self.usage;
        [
            self.requests,
            self.failed,
            usage.prompt,
            usage.cached,
            usage.cache_write_5m,
            usage.cache_write_1h,
            usage.completion,
            usage.reasoning,
            usage.audio_in,
            usage.audio_out,
            usage.image_in,
            usage.image_out,
            usage.calls,
            self.cost_nano,
            self.total_ms,
        ]
        .into_iter()
        .map(Value::from)
    }
}

fn latency_bucket(total_ms: i64) -> usize {
    LATENCY_BOUNDS_MS.partition_point(|bound| *bound < total_ms).min(LATENCY_BUCKETS - 1)
}

/// The upserts of a flush into one level. Each flush needs them, and writing them costs as much as all that goes into
/// them.
struct Additions {
    level: Level,
    rollup: String,
    latency: String,
}

fn additions(flavor: Flavor) -> &'static [Additions; 2] {
    static SQLITE: LazyLock<[Additions; 2]> = LazyLock::new(|| both(Flavor::Sqlite));
    static POSTGRES: LazyLock<[Additions; 2]> = LazyLock::new(|| both(Flavor::Postgres));
    static MYSQL: LazyLock<[Additions; 2]> = LazyLock::new(|| both(Flavor::Mysql));
    match flavor {
        Flavor::Sqlite => &SQLITE,
        Flavor::Postgres => &POSTGRES,
        Flavor::Mysql => &MYSQL,
    }
}

fn both(flavor: Flavor) -> [Additions; 2] {
    [HOURLY, DAILY].map(|level| written(flavor, level))
}

fn written(flavor: Flavor, level: Level) -> Additions {
    let bucketed = [&KEY[..], &["bucket"]].concat();
    let rollup = addition(flavor, level.rollups, &KEY, &SUMS);
    let latency = addition(flavor, level.latency, &bucketed, &["requests"]);
    Additions { level, rollup, latency }
}

fn addition(flavor: Flavor, table: &str, key: &[&str], sums: &[&str]) -> String {
    let sets: Vec<(&str, String)> =
        sums.iter().map(|sum| (*sum, format!("{table}.{sum} + {}", flavor.offered(sum)))).collect();
    flavor.upsert(table, &[key, sums].concat(), key, &sets)
}

/// The sum of a column.
pub(super) fn total(flavor: Flavor, column: &str) -> String {
    flavor.int(&format!("SUM({column})"))
}

fn rollups_from(flavor: Flavor, hour: &str, source: &str) -> String {
    let sums: Vec<String> = SUMS
        .iter()
        .map(|sum| match *sum {
            "requests" => flavor.int("COUNT(*)"),
            "failed" => flavor.int("SUM(CASE WHEN ended <> 'done' THEN 1 ELSE 0 END)"),
            column => total(flavor, column),
        })
        .collect();
    format!(
        "INSERT INTO rollups ({}, {}) SELECT {hour}, client, team, provider, model, {} {source} \
         GROUP BY {hour}, client, team, provider, model",
        KEY.join(", "),
        SUMS.join(", "),
        sums.join(", "),
    )
}

fn latency_from(flavor: Flavor, hour: &str, source: &str) -> String {
    let bounds = LATENCY_BOUNDS_MS[..LATENCY_BUCKETS - 1].iter().enumerate();
    let cases: Vec<String> =
        bounds.map(|(bucket, bound)| format!("WHEN total_ms <= {bound} THEN {bucket} ")).collect();
    let cases = cases.concat();
    let bucket = format!("CASE {cases}ELSE {} END", LATENCY_BUCKETS - 1);
    format!(
        "INSERT INTO latency ({}, bucket, requests) SELECT {hour}, client, team, provider, model, \
         {bucket}, {} {source} GROUP BY {hour}, client, team, provider, model, {bucket}",
        KEY.join(", "),
        flavor.int("COUNT(*)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_sums_is_its_key_and_its_sums() {
        assert_eq!([&KEY[..], &SUMS].concat(), COLUMNS);
    }

    #[test]
    fn latency_buckets_hold_up_to_their_bound() {
        for (total_ms, bucket) in [(0, 0), (1, 0), (2, 1), (3, 2), (180_000, 22), (180_001, 23)] {
            assert_eq!(latency_bucket(total_ms), bucket, "{total_ms} ms");
        }
    }

    #[test]
    fn equal_keys_become_one_upsert() {
        let record = |id: &str, total_ms| Record {
            id: id.to_owned(),
            at_ms: 7_200_001,
            total_ms,
            ..Record::default()
        };
        let (a, b) = (record("a", 5), record("b", 6));
        let mut batch = Vec::new();
        push_upserts(&mut batch, Flavor::Sqlite, &[&a, &b]);
        let values: Vec<&[Value]> = batch.iter().map(|statement| &statement.args[..6]).collect();
        // One row of sums, two requests; both fell into the bucket up to 8 ms. The same once more for the day.
        assert_eq!(values.len(), 4);
        assert_eq!((&values[2][0], &values[2][5]), (&Value::Int(0), &Value::Int(2)));
        assert_eq!((&values[0][0], &values[0][5]), (&Value::Int(7_200_000), &Value::Int(2)));
        assert_eq!(values[1][5], Value::Int(3));
    }
}
