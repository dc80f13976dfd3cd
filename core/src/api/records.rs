//! What has been asked so far? The request log, newest first.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Page, bounded, inbound, rows, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    ports::Millis,
    router::Visit,
    store::{Record, RecordFilter, Usage},
};

/// One request.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each says something else of a request")]
pub(crate) struct Shown<'a> {
    /// Sorts by time; the `x-request-id` of the answer.
    pub(super) id: &'a str,
    /// When it arrived.
    pub(super) at_ms: Millis,
    /// The public id of the client's key.
    pub(super) client: &'a str,
    /// The client's team.
    pub(super) team: &'a str,
    /// The pattern of its path.
    pub(super) endpoint: &'a str,
    /// What the client speaks.
    pub(super) dialect: &'a str,
    /// What was asked for.
    pub(super) requested_model: &'a str,
    /// Who answered, or was tried last.
    pub(super) provider: &'a str,
    /// Which model the provider was asked for.
    pub(super) model: &'a str,
    /// The id of the upstream key.
    pub(super) key_id: &'a str,
    /// What the client got.
    pub(super) status: u16,
    /// The kind of the error; empty when there was none.
    pub(super) error: &'a str,
    /// Whether the client asked for a stream.
    pub(super) stream: bool,
    /// What was used.
    pub(super) usage: Counters,
    /// Whether the usage is an estimate.
    pub(super) estimated: bool,
    /// Nano-dollars.
    pub(super) cost_nano: i64,
    /// Which prices the cost was computed with.
    pub(super) price_id: &'a str,
    /// From arrival to the first byte for the client; 0 when there was none.
    pub(super) first_byte_ms: i64,
    /// From arrival to the end.
    pub(super) total_ms: i64,
    /// Calls to providers.
    pub(super) attempts: u32,
    /// Bytes of the request's body.
    pub(super) bytes_in: u64,
    /// Bytes of the answer's body.
    pub(super) bytes_out: u64,
    /// What could not cross dialects, between commas.
    pub(super) dropped: &'a str,
    /// What the provider was told beyond the request, between commas.
    pub(super) added: &'a str,
    /// Whether the configuration was older than it should be.
    pub(super) stale: bool,
    /// Whether nobody could say what was left of its limits when it was let in.
    pub(super) unchecked: bool,
    /// Whether it was answered with what the client had been given before, and nobody was asked.
    pub(super) recalled: bool,
    /// `done`, `refused`, `client_gone` or `upstream_broke`.
    pub(super) ended: &'static str,
    /// With which tariff the provider answered.
    pub(super) tariff: &'static str,
    /// Quality and size of pictures that are paid by the piece.
    pub(super) grade: &'a str,
    /// Who was asked beside it where it goes, as `provider/model`; empty when nobody was.
    pub(super) side_model: &'a str,
    /// Tokens that they read.
    pub(super) side_prompt: i64,
    /// Tokens that they wrote.
    pub(super) side_completion: i64,
    /// Nano-dollars of that, which `cost_nano` holds too.
    pub(super) side_nano: i64,
    /// Who was asked, one after another, and why; empty where no group picked and only one was asked.
    #[cfg_attr(test, schemars(with = "Vec<crate::relay::trail::Told<'_>>"))]
    pub(super) tried: &'a RawValue,
}

/// Tokens by what they cost. `prompt` holds everything read, `completion` everything written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Counters {
    pub(super) prompt: i64,
    pub(super) cached: i64,
    pub(super) cache_write_5m: i64,
    pub(super) cache_write_1h: i64,
    pub(super) completion: i64,
    pub(super) reasoning: i64,
    pub(super) audio_in: i64,
    pub(super) audio_out: i64,
    pub(super) image_in: i64,
    pub(super) image_out: i64,
    pub(super) calls: i64,
    pub(super) cached_audio: i64,
    pub(super) images: i64,
}

impl From<&Usage> for Counters {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt: usage.prompt,
            cached: usage.cached,
            cache_write_5m: usage.cache_write_5m,
            cache_write_1h: usage.cache_write_1h,
            completion: usage.completion,
            reasoning: usage.reasoning,
            audio_in: usage.audio_in,
            audio_out: usage.audio_out,
            image_in: usage.image_in,
            image_out: usage.image_out,
            calls: usage.calls,
            cached_audio: usage.cached_audio,
            images: usage.images,
        }
    }
}

/// Which records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// Not before, in milliseconds since 1970.
    from_ms: Option<Millis>,
    /// Before, in milliseconds since 1970.
    to_ms: Option<Millis>,
    /// Of the client with this public id.
    client: Option<String>,
    /// Of this team.
    team: Option<String>,
    /// Answered by this provider.
    provider: Option<String>,
    /// Answered by this model.
    model: Option<String>,
    /// Answered with this status.
    #[cfg_attr(test, schemars(range(min = 100, max = 599)))]
    status: Option<u16>,
    /// Only what failed, or only what did not.
    failed: Option<bool>,
    /// Only streams, or only whole answers.
    stream: Option<bool>,
    /// The `next` of the page before.
    before: Option<String>,
    /// Rows of a page.
    #[serde(default = "rows")]
    #[cfg_attr(test, schemars(range(min = 1, max = 500)))]
    limit: u32,
}

impl Wanted {
    fn filter(self) -> Result<RecordFilter> {
        checked(RecordFilter {
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            client: self.client,
            team: self.team,
            provider: self.provider,
            model: self.model,
            status: self.status,
            failed: self.failed,
            stream: self.stream,
            before: self.before.as_deref().map(cursor).transpose()?,
            limit: bounded(self.limit)?,
        })
    }
}

/// A filter whose values can be met.
pub(super) fn checked(filter: RecordFilter) -> Result<RecordFilter> {
    if filter.status.is_some_and(|status| !(100..600).contains(&status)) {
        return Err(Error::bad_request("A status goes from 100 to 599.").at("status"));
    }
    Ok(filter)
}

/// A page of records.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let wanted: Wanted = inbound::query(visit.request.uri())?;
    let filter = wanted.filter()?;
    let records = gateway.ports.store.records(&filter).await?;
    let last = records.last().filter(|_| records.len() == filter.limit as usize);
    let next = last.map(|record| format!("{}.{}", record.at_ms, record.id));
    write(StatusCode::OK, &Page { data: records.iter().map(show).collect(), next })
}

/// One record. Its id says when it was made, so one row is looked at.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    write(StatusCode::OK, &show(&find(gateway, &visit.param).await?))
}

/// The record with this id.
pub(super) async fn find(gateway: &Gateway, id: &str) -> Result<Record> {
    let missing = || Error::not_found(format!("There is no record `{id}`."));
    let at_ms = crate::ids::time(id).ok_or_else(missing)?;
    let filter = RecordFilter {
        from_ms: Some(at_ms),
        to_ms: Some(at_ms + 1),
        before: Some((at_ms, following(id))),
        limit: 1,
        ..RecordFilter::default()
    };
    let records = gateway.ports.store.records(&filter).await?;
    records.into_iter().find(|record| record.id == id).ok_or_else(missing)
}

/// The smallest text above an id.
fn following(id: &str) -> String {
    format!("{id}\0")
}

pub(super) fn cursor(text: &str) -> Result<(Millis, String)> {
    let parsed = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    parsed.ok_or_else(|| Error::bad_request("`before` is the `next` of a page.").at("before"))
}

pub(crate) fn show(record: &Record) -> Shown<'_> {
    Shown {
        id: &record.id,
        at_ms: record.at_ms,
        client: &record.client,
        team: &record.team,
        endpoint: &record.endpoint,
        dialect: &record.dialect,
        requested_model: &record.requested_model,
        provider: &record.provider,
        model: &record.model,
        key_id: &record.key_id,
        status: record.status,
        error: &record.error,
        stream: record.stream,
        usage: (&record.usage).into(),
        estimated: record.estimated,
        cost_nano: record.cost_nano,
        price_id: &record.price_id,
        first_byte_ms: record.first_byte_ms,
        total_ms: record.total_ms,
        attempts: record.attempts,
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        dropped: &record.dropped,
        added: &record.added,
        stale: record.stale,
        unchecked: record.unchecked,
        recalled: record.recalled,
        ended: record.ended.name(),
        tariff: record.usage.tariff.name(),
        grade: &record.grade,
        side_model: &record.side.model,
        side_prompt: record.side.prompt,
        side_completion: record.side.completion,
        side_nano: record.side.cost_nano,
        tried: tried(&record.tried),
    }
}

/// It was written as JSON, or not at all.
fn tried(text: &str) -> &RawValue {
    let list = serde_json::from_str(text).or_else(|_| serde_json::from_str("[]"));
    list.expect("an empty list is JSON")
}
