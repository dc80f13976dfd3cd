//! What is promised of the sums: they are those of the records, by the hour, and percentiles add up.

use std::collections::BTreeMap;

use tidegate_core::{
    error::Kind as Refusal,
    store::{
        Bucket, Ended, GroupBy, LATENCY_BOUNDS_MS, LATENCY_BUCKETS, Record, StatsQuery, Store,
        Usage,
    },
};

use crate::{
    Run, World,
    check::{Verdict, equal, refused, some},
    sample::{HOUR, HOUR_MS, pick, record},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("rollups: no records, no sums", |w| Box::pin(nothing(w))),
    ("rollups: every sum is that of the records", |w| Box::pin(equal_to_records(w))),
    ("rollups: by client, team, provider, model", |w| Box::pin(by_each(w))),
    ("rollups: by hour and by day", |w| Box::pin(by_width(w))),
    ("rollups: a span takes whole hours", |w| Box::pin(spans(w))),
    ("rollups: sums are exact beyond 2^52", |w| Box::pin(large_sums(w))),
    ("rollups: a bucket of half an hour is refused", |w| Box::pin(half_an_hour(w))),
    ("rollups: latency falls into its bucket", |w| Box::pin(latency(w))),
    ("rollups: latency adds up over hours", |w| Box::pin(latency_adds_up(w))),
    ("rollups: rebuilt sums are the same", |w| Box::pin(rebuilt_same(w))),
    ("rollups: rebuilding repairs", |w| Box::pin(rebuilding_repairs(w))),
    ("rollups: rebuilding keeps other hours", |w| Box::pin(rebuilding_keeps_others(w))),
    ("rollups: rebuilding keeps what was pruned", |w| Box::pin(rebuilding_keeps_pruned(w))),
    ("rollups: days and the hours around them add up", |w| Box::pin(days_and_hours(w))),
    ("rollups: days are computed again with their hours", |w| Box::pin(days_again(w))),
];

fn query(bucket_ms: i64, group_by: GroupBy) -> StatsQuery {
    StatsQuery { from_ms: HOUR, to_ms: HOUR + 100 * HOUR_MS, bucket_ms, group_by }
}

const EVERY_GROUP: [GroupBy; 5] =
    [GroupBy::Nothing, GroupBy::Client, GroupBy::Team, GroupBy::Provider, GroupBy::Model];

/// Records of three hours, spread over clients, teams, providers, models, ends and times.
fn spread(count: i64) -> Vec<Record> {
    let seed = &mut 7;
    (0..count)
        .map(|number| Record {
            client: format!("client-{}", pick(seed, 3)),
            team: format!("team-{}", pick(seed, 2)),
            provider: format!("provider-{}", pick(seed, 2)),
            model: format!("model-{}", pick(seed, 3)),
            ended: Ended::ALL[usize::try_from(pick(seed, 4)).unwrap_or_default()],
            usage: usage(seed),
            cost_nano: some_number(seed, 1_000_000),
            total_ms: some_number(seed, 200_000),
            ..record(&format!("r{number:04}"), HOUR + some_number(seed, 3 * 3_600_000))
        })
        .collect()
}

fn some_number(seed: &mut u64, below: u64) -> i64 {
    i64::try_from(pick(seed, below)).unwrap_or_default()
}

fn usage(seed: &mut u64) -> Usage {
    let mut next = || some_number(seed, 10_000);
    Usage {
        prompt: next(),
        cached: next(),
        cache_write_5m: next(),
        cache_write_1h: next(),
        completion: next(),
        reasoning: next(),
        audio_in: next(),
        audio_out: next(),
        image_in: next(),
        image_out: next(),
        calls: next(),
        // The rest is in the record only.
        ..Usage::default()
    }
}

/// The sums as a reader of the records would make them.
fn sums(records: &[Record], query: &StatsQuery) -> Vec<Bucket> {
    let mut buckets: BTreeMap<(i64, String), Bucket> = BTreeMap::new();
    for record in records {
        let at_ms = match query.bucket_ms {
            0 => query.from_ms,
            width => record.at_ms - record.at_ms % width,
        };
        let group = match query.group_by {
            GroupBy::Nothing => String::new(),
            GroupBy::Client => record.client.clone(),
            GroupBy::Team => record.team.clone(),
            GroupBy::Provider => record.provider.clone(),
            GroupBy::Model => format!("{}/{}", record.provider, record.model),
        };
        let bucket = buckets.entry((at_ms, group.clone())).or_default();
        bucket.at_ms = at_ms;
        bucket.group = group;
        bucket.requests += 1;
        bucket.failed += i64::from(record.ended != Ended::Done);
        bucket.usage = bucket.usage.plus(&record.usage);
        bucket.cost_nano += record.cost_nano;
        bucket.total_ms += record.total_ms;
        let place = LATENCY_BOUNDS_MS.iter().position(|bound| record.total_ms <= *bound);
        bucket.latency[place.unwrap_or_default()] += 1;
    }
    buckets.into_values().collect()
}

async fn nothing(w: &World) -> Verdict {
    equal(w.store.stats(&query(0, GroupBy::Nothing)).await?, [])
}

async fn equal_to_records(w: &World) -> Verdict {
    let records = spread(200);
    for (number, part) in records.chunks(31).enumerate() {
        w.store.flush(&format!("f{number}"), part).await?;
    }
    for group_by in EVERY_GROUP {
        for bucket_ms in [0, HOUR_MS, 24 * HOUR_MS] {
            let query = query(bucket_ms, group_by);
            equal(w.store.stats(&query).await?, sums(&records, &query))?;
        }
    }
    Ok(())
}

async fn by_each(w: &World) -> Verdict {
    let other = Record {
        client: "bob".to_owned(),
        team: "it".to_owned(),
        provider: "other".to_owned(),
        model: "a/b".to_owned(),
        ..record("b", HOUR)
    };
    w.store.flush("f1", &[record("a", HOUR), other]).await?;
    for (group_by, wanted) in [
        (GroupBy::Client, ["alice", "bob"]),
        (GroupBy::Team, ["it", "sales"]),
        (GroupBy::Provider, ["other", "up"]),
        (GroupBy::Model, ["other/a/b", "up/mock-1"]),
    ] {
        let found = w.store.stats(&query(0, group_by)).await?;
        equal(found.into_iter().map(|bucket| bucket.group).collect::<Vec<_>>(), wanted)?;
    }
    Ok(())
}

async fn by_width(w: &World) -> Verdict {
    const DAY_MS: i64 = 24 * HOUR_MS;
    let day = HOUR - HOUR % DAY_MS + DAY_MS;
    let times = [day, day + HOUR_MS - 1, day + HOUR_MS, day + DAY_MS];
    let records: Vec<Record> =
        times.iter().map(|at_ms| record(&format!("r{at_ms}"), *at_ms)).collect();
    w.store.flush("f1", &records).await?;
    let found = async |width| -> Verdict<Vec<(i64, i64)>> {
        let buckets = w.store.stats(&query(width, GroupBy::Nothing)).await?;
        Ok(buckets.into_iter().map(|bucket| (bucket.at_ms, bucket.requests)).collect())
    };
    equal(found(HOUR_MS).await?, [(day, 2), (day + HOUR_MS, 1), (day + DAY_MS, 1)])?;
    equal(found(DAY_MS).await?, [(day, 3), (day + DAY_MS, 1)])?;
    equal(found(0).await?, [(HOUR, 4)])
}

async fn spans(w: &World) -> Verdict {
    let records: Vec<Record> =
        (0..4).map(|hour| record(&format!("r{hour}"), HOUR + hour * HOUR_MS)).collect();
    w.store.flush("f1", &records).await?;
    let query = StatsQuery {
        from_ms: HOUR + HOUR_MS,
        to_ms: HOUR + 3 * HOUR_MS,
        bucket_ms: 0,
        group_by: GroupBy::Nothing,
    };
    let found = some(w.store.stats(&query).await?.pop())?;
    equal((found.at_ms, found.requests), (HOUR + HOUR_MS, 2))
}

async fn large_sums(w: &World) -> Verdict {
    const HALF: i64 = (1 << 52) - 1;
    let given = |id: &str, cost_nano| Record { cost_nano, ..record(id, HOUR) };
    w.store.flush("f1", &[given("a", HALF)]).await?;
    w.store.flush("f2", &[given("b", HALF - 1)]).await?;
    let found = some(w.store.stats(&query(0, GroupBy::Nothing)).await?.pop())?;
    equal(found.cost_nano, 2 * HALF - 1)
}

async fn half_an_hour(w: &World) -> Verdict {
    for bucket_ms in [HOUR_MS / 2, HOUR_MS + 1, -HOUR_MS] {
        refused(w.store.stats(&query(bucket_ms, GroupBy::Nothing)).await, Refusal::BadRequest)?;
    }
    Ok(())
}

async fn latency(w: &World) -> Verdict {
    let times = [0, 1, 2, 100, 101, 180_000, 180_001, 1 << 40];
    let records: Vec<Record> = times
        .iter()
        .map(|total_ms| Record { total_ms: *total_ms, ..record(&format!("r{total_ms}"), HOUR) })
        .collect();
    w.store.flush("f1", &records).await?;
    let mut wanted = [0; LATENCY_BUCKETS];
    for (place, requests) in [(0, 2), (1, 1), (8, 1), (9, 1), (22, 1), (23, 2)] {
        wanted[place] = requests;
    }
    equal(some(w.store.stats(&query(0, GroupBy::Nothing)).await?.pop())?.latency, wanted)
}

async fn latency_adds_up(w: &World) -> Verdict {
    let records = spread(100);
    w.store.flush("f1", &records).await?;
    let hours = w.store.stats(&query(HOUR_MS, GroupBy::Client)).await?;
    let all = some(w.store.stats(&query(0, GroupBy::Nothing)).await?.pop())?;
    for place in 0..LATENCY_BUCKETS {
        equal(hours.iter().map(|hour| hour.latency[place]).sum::<i64>(), all.latency[place])?;
    }
    equal(all.latency.iter().sum::<i64>(), 100)
}

/// All sums there are, as finely as they are kept.
async fn every_sum(w: &World) -> Verdict<Vec<Bucket>> {
    let mut found = Vec::new();
    for group_by in EVERY_GROUP {
        found.extend(w.store.stats(&query(HOUR_MS, group_by)).await?);
    }
    Ok(found)
}

async fn rebuilt_same(w: &World) -> Verdict {
    w.store.flush("f1", &spread(200)).await?;
    let before = every_sum(w).await?;
    w.store.rebuild_rollups(HOUR, HOUR + 3 * HOUR_MS).await?;
    equal(every_sum(w).await?, before)
}

async fn rebuilding_repairs(w: &World) -> Verdict {
    w.store.flush("f1", &spread(50)).await?;
    let before = every_sum(w).await?;
    w.write(&["UPDATE rollups SET requests = 99, prompt = 0", "DELETE FROM latency"]).await?;
    w.store.rebuild_rollups(HOUR, HOUR + 3 * HOUR_MS).await?;
    equal(every_sum(w).await?, before)
}

async fn rebuilding_keeps_others(w: &World) -> Verdict {
    let records = [record("a", HOUR), record("b", HOUR + HOUR_MS), record("c", HOUR + 2 * HOUR_MS)];
    w.store.flush("f1", &records).await?;
    w.write(&["UPDATE rollups SET requests = 99"]).await?;
    // Only the middle hour lies in the span as a whole.
    w.store.rebuild_rollups(HOUR + HOUR_MS, HOUR + 2 * HOUR_MS + 5).await?;
    let found = w.store.stats(&query(HOUR_MS, GroupBy::Nothing)).await?;
    equal(found.into_iter().map(|bucket| bucket.requests).collect::<Vec<_>>(), [99, 1, 99])
}

async fn rebuilding_keeps_pruned(w: &World) -> Verdict {
    let records: Vec<Record> =
        (0..6).map(|part| record(&format!("r{part}"), HOUR + part * HOUR_MS / 2)).collect();
    w.store.flush("f1", &records).await?;
    w.store.prune(HOUR + HOUR_MS + 1, 100).await?;
    w.store.rebuild_rollups(HOUR, HOUR + 3 * HOUR_MS).await?;
    let found = w.store.stats(&query(HOUR_MS, GroupBy::Nothing)).await?;
    equal(found.into_iter().map(|bucket| bucket.requests).collect::<Vec<_>>(), [2, 2, 2])
}

/// Three whole days with an hour before and two after: one request in the first minute of each hour.
async fn hour_by_hour(w: &World) -> Verdict<(i64, i64)> {
    let day = HOUR - HOUR % (24 * HOUR_MS);
    let (from_ms, to_ms) = (day - HOUR_MS, day + (3 * 24 + 2) * HOUR_MS);
    let hours = (to_ms - from_ms) / HOUR_MS;
    let given: Vec<Record> = (0..hours)
        .map(|hour| record(&format!("r{hour:03}"), from_ms + hour * HOUR_MS + 59_000))
        .collect();
    w.store.flush("f1", &given).await?;
    Ok((from_ms, to_ms))
}

async fn days_and_hours(w: &World) -> Verdict {
    let (from_ms, to_ms) = hour_by_hour(w).await?;
    let ask = |bucket_ms| StatsQuery { from_ms, to_ms, bucket_ms, group_by: GroupBy::Model };
    let hourly = w.store.stats(&ask(HOUR_MS)).await?;
    equal(hourly.len(), 75)?;
    let all = w.store.stats(&ask(0)).await?;
    equal((all.len(), all[0].requests, all[0].cost_nano), (1, 75, 75 * 1_500))?;
    equal(all[0].latency.iter().sum::<i64>(), 75)?;
    let daily = w.store.stats(&ask(24 * HOUR_MS)).await?;
    let requests: Vec<i64> = daily.iter().map(|sum| sum.requests).collect();
    equal(requests, [1, 24, 24, 24, 2])
}

async fn days_again(w: &World) -> Verdict {
    let (from_ms, to_ms) = hour_by_hour(w).await?;
    w.write(&["UPDATE records SET cost_nano = 7"]).await?;
    w.store.rebuild_rollups(from_ms, to_ms).await?;
    let query = StatsQuery { from_ms, to_ms, bucket_ms: 0, group_by: GroupBy::Nothing };
    let all = w.store.stats(&query).await?;
    equal((all.len(), all[0].requests, all[0].cost_nano), (1, 75, 75 * 7))
}
