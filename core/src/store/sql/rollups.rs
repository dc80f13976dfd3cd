//! How are records added up by the hour? Folded before they are written, summed when they are asked for.

use std::collections::{BTreeMap, HashMap};

use super::{
    super::{Bucket, GroupBy, LATENCY_BOUNDS_MS, LATENCY_BUCKETS, Record, StatsQuery, Usage},
    database::{Database, Outcome, Statement, Value},
    flavor::Flavor,
    records::usage,
    rows::rows,
};
use crate::{
    error::{Error, Result},
    limits::STATS_ROWS_MAX,
    ports::Millis,
};

const HOUR_MS: i64 = 3_600_000;
/// A bucket wider than any span, and exact as a float.
const ONE_BUCKET_MS: i64 = 1 << 52;

const KEY: [&str; 5] = ["hour_ms", "client", "team", "provider", "model"];
/// What is summed, in the order of [`Sums`].
const SUMS: [&str; 15] = [
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

#[derive(PartialEq, Eq, Hash)]
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

/// Adds to `batch` one upsert for each hour and key, and one for each latency bucket that was met.
pub(super) fn push_upserts(batch: &mut Vec<Statement>, flavor: Flavor, records: &[&Record]) {
    let rollup = addition(flavor, "rollups", &KEY, &SUMS);
    let latency = addition(flavor, "latency", &[&KEY[..], &["bucket"]].concat(), &["requests"]);
    for (key, sums) in folded(records) {
        batch.push(Statement::new(rollup.clone(), key.values().chain(sums.values()).collect()));
        for (bucket, requests) in (0_i64..).zip(sums.latency).filter(|(_, requests)| *requests > 0)
        {
            let args = key.values().chain([bucket.into(), requests.into()]).collect();
            batch.push(Statement::new(latency.clone(), args));
        }
    }
}

/// Sums over the hourly rollups and latency buckets.
pub(super) async fn stats(database: &dyn Database, query: &StatsQuery) -> Result<Vec<Bucket>> {
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
    let mut buckets = BTreeMap::new();
    add_sums(&mut buckets, outcomes.next().unwrap_or_default(), group)?;
    add_latency(&mut buckets, outcomes.next().unwrap_or_default(), group)?;
    let start_ms = |at_ms: Millis| if query.bucket_ms == 0 { query.from_ms } else { at_ms };
    Ok(buckets
        .into_values()
        .map(|bucket| Bucket { at_ms: start_ms(bucket.at_ms), ..bucket })
        .collect())
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
    database.write(batch).await?;
    Ok(())
}

fn folded<'a>(records: &[&'a Record]) -> HashMap<Key<'a>, Sums> {
    let mut folded: HashMap<Key<'a>, Sums> = HashMap::new();
    for record in records {
        let key = Key {
            hour_ms: record.at_ms - record.at_ms % HOUR_MS,
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

fn addition(flavor: Flavor, table: &str, key: &[&str], sums: &[&str]) -> String {
    let sets: Vec<(&str, String)> =
        sums.iter().map(|sum| (*sum, format!("{table}.{sum} + {}", flavor.offered(sum)))).collect();
    flavor.upsert(table, &[key, sums].concat(), key, &sets)
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

fn total(flavor: Flavor, column: &str) -> String {
    flavor.int(&format!("SUM({column})"))
}

type Buckets = BTreeMap<(Millis, String), Bucket>;

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

fn bounded(outcome: Outcome, columns: &[&str]) -> Result<Vec<super::rows::Fields>> {
    if i64::try_from(outcome.rows.len()).is_ok_and(|count| count > STATS_ROWS_MAX) {
        return Err(Error::bad_request(
            "Too many sums at once: ask for less time or wider buckets.",
        ));
    }
    rows(outcome, columns)
}

fn place(fields: &mut super::rows::Fields, group: &[&str]) -> Result<(Millis, String)> {
    let at_ms = fields.int()?;
    let names = group.iter().map(|_| fields.text()).collect::<Result<Vec<String>>>()?;
    Ok((at_ms, names.join("/")))
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
        // One row of sums, two requests; both fell into the bucket up to 8 ms.
        assert_eq!(values.len(), 2);
        assert_eq!((&values[0][0], &values[0][5]), (&Value::Int(7_200_000), &Value::Int(2)));
        assert_eq!(values[1][5], Value::Int(3));
    }
}
