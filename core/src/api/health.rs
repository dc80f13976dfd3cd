//! How are the providers? What their last requests say, and who is not asked just now.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;

use super::{Answer, write};
use crate::{
    gateway::Gateway,
    health::Out,
    limits::{HEALTH_RECORDS, HEALTH_SPAN},
    ports::Millis,
    router::Visit,
    store::{Ended, Record, RecordFilter},
};

/// All providers, and what stands behind generic proxies.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// Since when requests are looked at; not before the last five hundred of all.
    since_ms: Millis,
    /// In the order in which providers are looked through.
    data: Vec<Health>,
}

/// One provider.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Health {
    /// The provider; `proxy:` and the slug for a generic proxy.
    provider: String,
    /// Whether it is used at all.
    enabled: bool,
    /// How many keys it has that are switched on.
    keys: usize,
    /// How many of them this process would ask just now.
    ready: usize,
    /// `unknown` without requests, `down` when the last ones all failed or it is left alone, `shaky` when some failed,
    /// `up` otherwise.
    state: State,
    /// Why this process leaves the provider alone, where it does.
    rests: Option<Rest>,
    /// The keys that this process leaves alone.
    resting: Vec<RestingKey>,
    /// Requests that it was asked in the span.
    requests: u64,
    /// Those that failed by its fault.
    failed: u64,
    /// When it answered last.
    last_answer_ms: Option<Millis>,
    /// When it failed last.
    last_failure_ms: Option<Millis>,
    /// The status of its last request.
    last_status: Option<u16>,
    /// The kind of its last failure.
    last_error: Option<String>,
}

/// A time in which somebody is not asked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Rest {
    /// Of a provider `down` or `silent`. Of a key `limited` (the provider has said so), `exhausted` (nothing is left of
    /// a limit), `spent` (no credit), `refused`, or `down` and `silent` where the provider has named a time.
    #[cfg_attr(test, schemars(extend("enum" = crate::health::Why::TOLD.map(crate::health::Why::name))))]
    why: &'static str,
    /// When it is asked again: one request first, to see, and all when that goes well.
    until_ms: Option<Millis>,
}

impl From<Out> for Rest {
    fn from(out: Out) -> Self {
        Self { why: out.why.name(), until_ms: out.until }
    }
}

/// A key that is not asked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RestingKey {
    /// The key.
    id: String,
    /// Why, and until when.
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum State {
    Unknown,
    Up,
    Shaky,
    Down,
}

/// How many requests in a row must have failed for a provider to count as down.
const DOWN_AFTER: u64 = 3;

#[derive(Default)]
struct Seen {
    requests: u64,
    failed: u64,
    failed_in_a_row: u64,
    last_answer_ms: Option<Millis>,
    last_failure_ms: Option<Millis>,
    last_status: Option<u16>,
    last_error: Option<String>,
}

/// What is known of each provider.
pub(crate) fn get(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let view = gateway.view(&*visit.call.background).await;
        let span = Millis::try_from(HEALTH_SPAN.as_millis()).unwrap_or(Millis::MAX);
        let now = gateway.ports.clock.now();
        let since_ms = now.saturating_sub(span);
        let filter = RecordFilter {
            from_ms: Some(since_ms),
            limit: HEALTH_RECORDS,
            ..RecordFilter::default()
        };
        let records = gateway.ports.store.records(&filter).await?;
        let mut seen = seen(&records);
        let data = view.snapshot.pools().map(|provider| {
            let Seen { requests, failed, .. } = *seen.entry(&provider.id).or_default();
            let seen = seen.remove(provider.id.as_str()).unwrap_or_default();
            let known = gateway.state.health.view(provider, now);
            let keys = provider.keys.iter().zip(&known.keys);
            let resting: Vec<RestingKey> = keys
                .filter_map(|(key, view)| {
                    Some(RestingKey { id: key.id.clone(), rest: view.rests?.into() })
                })
                .collect();
            let down = known.rests.is_some();
            Health {
                provider: provider.id.clone(),
                enabled: provider.enabled,
                keys: provider.keys.len(),
                ready: if down { 0 } else { provider.keys.len() - resting.len() },
                state: if down { State::Down } else { seen.state() },
                rests: known.rests.map(Rest::from),
                resting,
                requests,
                failed,
                last_answer_ms: seen.last_answer_ms,
                last_failure_ms: seen.last_failure_ms,
                last_status: seen.last_status,
                last_error: seen.last_error,
            }
        });
        write(StatusCode::OK, &Shown { since_ms, data: data.collect() })
    })
}

/// By provider; the records come newest first.
fn seen(records: &[Record]) -> BTreeMap<&str, Seen> {
    let mut all: BTreeMap<&str, Seen> = BTreeMap::new();
    for record in records.iter().filter(|record| !record.provider.is_empty()) {
        let seen = all.entry(&record.provider).or_default();
        seen.last_status.get_or_insert(record.status);
        seen.requests += 1;
        if is_failure(record) {
            seen.failed += 1;
            if seen.last_answer_ms.is_none() {
                seen.failed_in_a_row += 1;
            }
            seen.last_failure_ms.get_or_insert(record.at_ms);
            seen.last_error.get_or_insert_with(|| record.error.clone());
        } else if record.ended == Ended::Done {
            seen.last_answer_ms.get_or_insert(record.at_ms);
        }
    }
    all
}

/// A client's own mistake says nothing of the provider.
fn is_failure(record: &Record) -> bool {
    let broke = record.ended == Ended::UpstreamBroke;
    let refused = record.ended == Ended::Refused && record.error.starts_with("upstream");
    broke || (refused && (record.status >= 500 || record.status == 429))
}

impl Seen {
    fn state(&self) -> State {
        if self.requests == 0 {
            State::Unknown
        } else if self.failed_in_a_row >= DOWN_AFTER {
            State::Down
        } else if self.failed > 0 {
            State::Shaky
        } else {
            State::Up
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(status: u16, error: &str, ended: Ended) -> Record {
        let (provider, error) = ("up".to_owned(), error.to_owned());
        Record { provider, status, error, ended, at_ms: 7, ..Record::default() }
    }

    #[test]
    fn the_last_requests_say_how_a_provider_is() {
        let good = || record(200, "", Ended::Done);
        let bad = || record(502, "upstream_unreachable", Ended::Refused);
        let check = |records: &[Record], state| {
            let seen = seen(records);
            assert_eq!(seen.get("up").map_or(State::Unknown, Seen::state), state);
        };
        check(&[], State::Unknown);
        check(&[good()], State::Up);
        check(&[good(), bad(), bad(), bad()], State::Shaky);
        check(&[bad(), bad(), bad(), good()], State::Down);
        // The client's mistake is not the provider's.
        check(&[record(400, "upstream_status", Ended::Refused)], State::Up);
    }
}
