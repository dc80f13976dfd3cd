//! How much was asked, used and paid, by whom? Sums over the hourly rollups, never over the records themselves.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Answer, inbound, records::Counters, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    limits::{STATS_SPAN_HOURS, STATS_SPAN_HOURS_MAX},
    ports::Millis,
    router::Visit,
    store::{Bucket, GroupBy, LATENCY_BOUNDS_MS, StatsQuery},
};

const HOUR_MS: i64 = 3_600_000;

/// Which sums.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// Not before, in milliseconds since 1970; the hour it lies in counts whole. A week ago unless said.
    from_ms: Option<Millis>,
    /// Before, in milliseconds since 1970; the hour it lies in counts whole. Now unless said.
    to_ms: Option<Millis>,
    /// The width of a bucket in hours; without it there is one over all.
    #[cfg_attr(test, schemars(range(min = 1, max = 8_784)))]
    bucket_hours: Option<u32>,
    /// What is kept apart.
    #[serde(default)]
    group_by: By,
}

/// What sums are kept apart by.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum By {
    #[default]
    Nothing,
    Client,
    Team,
    Provider,
    Model,
}

/// Sums over a span.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// Where the span begins: a whole hour.
    from_ms: Millis,
    /// Where it ends.
    to_ms: Millis,
    /// By time, and within the same time by group.
    data: Vec<Sum>,
}

/// One sum.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Sum {
    /// Where its bucket begins.
    at_ms: Millis,
    /// What it was kept apart by; a model stands behind its provider and a slash.
    group: String,
    /// Requests.
    requests: i64,
    /// Those that did not get a whole answer.
    failed: i64,
    /// What was used.
    usage: Counters,
    /// Nano-dollars.
    cost_nano: i64,
    /// How long requests took.
    latency: Latency,
}

/// How long requests took, from arrival to the end. A percentile is the upper bound of the bucket it lies in.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_field_names, reason = "units stand last")]
struct Latency {
    mean_ms: i64,
    p50_ms: Option<i64>,
    p90_ms: Option<i64>,
    p95_ms: Option<i64>,
    p99_ms: Option<i64>,
}

/// The sums that were asked for.
pub(crate) fn get(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let wanted: Wanted = inbound::query(visit.request.uri())?;
        answer(gateway, wanted).await
    })
}

async fn answer(gateway: &Gateway, wanted: Wanted) -> Result<Response<Body>> {
    let query = wanted.query(gateway.ports.clock.now())?;
    let buckets = gateway.ports.store.stats(&query).await?;
    let data = buckets.into_iter().map(sum).collect();
    write(StatusCode::OK, &Shown { from_ms: query.from_ms, to_ms: query.to_ms, data })
}

impl Wanted {
    fn query(&self, now: Millis) -> Result<StatsQuery> {
        let to_ms = hour_above(self.to_ms.unwrap_or(now));
        let usual = to_ms.saturating_sub(STATS_SPAN_HOURS * HOUR_MS);
        let from_ms = self.from_ms.unwrap_or(usual);
        let from_ms = from_ms.saturating_sub(from_ms.rem_euclid(HOUR_MS));
        let hours = to_ms.saturating_sub(from_ms) / HOUR_MS;
        if from_ms < 0 || !(0..=STATS_SPAN_HOURS_MAX).contains(&hours) {
            let message = format!(
                "A span begins before it ends and has at most {STATS_SPAN_HOURS_MAX} hours."
            );
            return Err(Error::bad_request(message).at("from_ms"));
        }
        let width = self.bucket_hours.map_or(0, i64::from);
        if self.bucket_hours.is_some() && !(1..=8_784).contains(&width) {
            let message = "A bucket is from 1 to 8784 hours wide.";
            return Err(Error::bad_request(message).at("bucket_hours"));
        }
        let group_by = match self.group_by {
            By::Nothing => GroupBy::Nothing,
            By::Client => GroupBy::Client,
            By::Team => GroupBy::Team,
            By::Provider => GroupBy::Provider,
            By::Model => GroupBy::Model,
        };
        Ok(StatsQuery { from_ms, to_ms, bucket_ms: width * HOUR_MS, group_by })
    }
}

fn hour_above(at_ms: Millis) -> Millis {
    at_ms.saturating_add((HOUR_MS - at_ms.rem_euclid(HOUR_MS)) % HOUR_MS)
}

/// A sum, as it is shown.
pub(super) fn sum(bucket: Bucket) -> Sum {
    let percentile = |percent| percentile(&bucket.latency, percent);
    let latency = Latency {
        mean_ms: bucket.total_ms.checked_div(bucket.requests).unwrap_or(0),
        p50_ms: percentile(50),
        p90_ms: percentile(90),
        p95_ms: percentile(95),
        p99_ms: percentile(99),
    };
    Sum {
        at_ms: bucket.at_ms,
        group: bucket.group,
        requests: bucket.requests,
        failed: bucket.failed,
        usage: (&bucket.usage).into(),
        cost_nano: bucket.cost_nano,
        latency,
    }
}

/// The upper bound of the bucket in which so many percent of the requests are complete.
fn percentile(counts: &[i64], percent: i64) -> Option<i64> {
    let all: i64 = counts.iter().sum();
    let wanted = all.saturating_mul(percent).div_euclid(100).max(1);
    let mut seen = 0;
    for (count, bound) in counts.iter().zip(LATENCY_BOUNDS_MS) {
        seen += count;
        if seen >= wanted && all > 0 {
            // The last bucket has no end: what is known is where it begins.
            let last = LATENCY_BOUNDS_MS[LATENCY_BOUNDS_MS.len() - 2];
            return Some(bound.min(last));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_bound_that_so_many_stay_below() {
        let mut counts = [0; LATENCY_BOUNDS_MS.len()];
        assert_eq!(percentile(&counts, 50), None);
        counts[3] = 98; // up to 8 ms
        counts[8] = 1; // up to 100 ms
        counts[23] = 1; // above 180 s
        assert_eq!(percentile(&counts, 50), Some(8));
        assert_eq!(percentile(&counts, 98), Some(8));
        assert_eq!(percentile(&counts, 99), Some(100));
        assert_eq!(percentile(&counts, 100), Some(180_000));
    }

    #[test]
    fn a_span_has_whole_hours() {
        let wanted = Wanted {
            from_ms: Some(HOUR_MS + 1),
            to_ms: Some(2 * HOUR_MS + 1),
            bucket_hours: None,
            group_by: By::Nothing,
        };
        let query = wanted.query(0).unwrap();
        assert_eq!((query.from_ms, query.to_ms, query.bucket_ms), (HOUR_MS, 3 * HOUR_MS, 0));
        let backwards = Wanted { from_ms: Some(9 * HOUR_MS), ..wanted };
        assert!(backwards.query(0).is_err());
        let ever = Wanted { from_ms: Some(0), to_ms: Some(Millis::MAX), ..backwards };
        assert!(ever.query(0).is_err());
    }
}
