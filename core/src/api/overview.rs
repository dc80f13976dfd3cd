//! How does it stand at a glance? The first page of a dashboard in one answer.

use http::StatusCode;
use serde::Serialize;

use super::{
    Answer,
    stats::{Sum, sum},
    write,
};
use crate::{
    error::Result,
    gateway::Gateway,
    ports::Millis,
    router::Visit,
    store::{Bucket, GroupBy, StatsQuery},
};

const HOUR_MS: i64 = 3_600_000;

/// Sums over the last day and the last 30 days.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// When it was asked.
    at_ms: Millis,
    /// The last 24 hours, the present one included.
    day: Sum,
    /// The last 30 days.
    month: Sum,
    /// The last 24 hours, hour by hour; an hour without requests is left out.
    hours: Vec<Sum>,
    /// The last 24 hours by provider.
    providers: Vec<Sum>,
}

/// The overview.
pub(crate) fn get(gateway: &Gateway, _: Visit) -> Answer<'_> {
    Box::pin(async move {
        let now = gateway.ports.clock.now();
        let to_ms = now - now.rem_euclid(HOUR_MS) + HOUR_MS;
        let ask = async |hours: i64, bucket_ms: i64, group_by: GroupBy| -> Result<Vec<Bucket>> {
            let from_ms = to_ms - hours * HOUR_MS;
            let query = StatsQuery { from_ms, to_ms, bucket_ms, group_by };
            gateway.ports.store.stats(&query).await
        };
        let first = |buckets: Vec<Bucket>| sum(buckets.into_iter().next().unwrap_or_default());
        let all = |buckets: Vec<Bucket>| buckets.into_iter().map(sum).collect();
        let shown = Shown {
            at_ms: now,
            day: first(ask(24, 0, GroupBy::Nothing).await?),
            month: first(ask(30 * 24, 0, GroupBy::Nothing).await?),
            hours: all(ask(24, HOUR_MS, GroupBy::Nothing).await?),
            providers: all(ask(24, 0, GroupBy::Provider).await?),
        };
        write(StatusCode::OK, &shown)
    })
}
