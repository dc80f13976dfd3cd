//! What has been asked so far? The request log, newest first.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{Page, limit, query, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    ports::Millis,
    router::Visit,
    store::{Record, RecordFilter},
};

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    at_ms: Millis,
    client: &'a str,
    team: &'a str,
    endpoint: &'a str,
    dialect: &'a str,
    requested_model: &'a str,
    provider: &'a str,
    model: &'a str,
    key_id: &'a str,
    status: u16,
    error: &'a str,
    stream: bool,
    usage: Counters,
    estimated: bool,
    cost_nano: i64,
    price_id: &'a str,
    first_byte_ms: i64,
    total_ms: i64,
    attempts: u32,
    bytes_in: u64,
    bytes_out: u64,
    dropped: &'a str,
    added: &'a str,
    stale: bool,
    ended: &'static str,
    service: &'static str,
    grade: &'a str,
}

#[derive(Serialize)]
struct Counters {
    prompt: i64,
    cached: i64,
    cache_write_5m: i64,
    cache_write_1h: i64,
    completion: i64,
    reasoning: i64,
    audio_in: i64,
    audio_out: i64,
    image_in: i64,
    image_out: i64,
    calls: i64,
    cached_audio: i64,
    images: i64,
}

/// A page of records. `client`, `provider`, `model`, `from_ms` and `to_ms` narrow it down; `before` is the `next` of
/// the page before.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let uri = visit.request.uri();
    let text = |name| query(uri, name).map(str::to_owned);
    let limit = limit(uri)?;
    let filter = RecordFilter {
        from_ms: time(query(uri, "from_ms"))?,
        to_ms: time(query(uri, "to_ms"))?,
        client: text("client"),
        provider: text("provider"),
        model: text("model"),
        failed: None,
        before: query(uri, "before").map(cursor).transpose()?,
        limit,
    };
    let records = gateway.ports.store.records(&filter).await?;
    let last = records.last().filter(|_| records.len() == limit as usize);
    let next = last.map(|record| format!("{}.{}", record.at_ms, record.id));
    write(StatusCode::OK, &Page { data: records.iter().map(show).collect(), next })
}

/// One record. Its id says when it was made, so one row is looked at.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = visit.param;
    let missing = || Error::not_found(format!("There is no record `{id}`."));
    let at_ms = crate::ids::time(&id).ok_or_else(missing)?;
    let filter = RecordFilter {
        from_ms: Some(at_ms),
        to_ms: Some(at_ms + 1),
        before: Some((at_ms, following(&id))),
        limit: 1,
        ..RecordFilter::default()
    };
    let records = gateway.ports.store.records(&filter).await?;
    let record = records.iter().find(|record| record.id == id).ok_or_else(missing)?;
    write(StatusCode::OK, &show(record))
}

/// The smallest text above an id.
fn following(id: &str) -> String {
    format!("{id}\0")
}

fn time(text: Option<&str>) -> Result<Option<Millis>> {
    text.map(|text| {
        text.parse().map_err(|_| Error::bad_request("A time is a number of milliseconds."))
    })
    .transpose()
}

pub(super) fn cursor(text: &str) -> Result<(Millis, String)> {
    let parsed = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    parsed.ok_or_else(|| Error::bad_request("`before` is the `next` of a page.").at("before"))
}

fn show(record: &Record) -> Shown<'_> {
    let usage = record.usage;
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
        usage: Counters {
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
        },
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
        ended: record.ended.name(),
        service: usage.service.name(),
        grade: &record.grade,
    }
}
