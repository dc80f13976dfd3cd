//! Which columns has a record, and in which order?

use super::{
    super::{Ended, Record, Side, Tariff, Usage},
    database::Value,
    rows::Fields,
};
use crate::error::{Error, Result};

/// In the order of [`values`] and [`record`].
pub(super) const COLUMNS: [&str; 45] = [
    "id",
    "at_ms",
    "client",
    "team",
    "endpoint",
    "dialect",
    "requested_model",
    "provider",
    "model",
    "key_id",
    "status",
    "error",
    "stream",
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
    "estimated",
    "cost_nano",
    "price_id",
    "first_byte_ms",
    "total_ms",
    "attempts",
    "bytes_in",
    "bytes_out",
    "dropped",
    "added",
    "stale",
    "ended",
    "cached_audio",
    "images",
    "tariff",
    "grade",
    "side_model",
    "side_prompt",
    "side_completion",
    "side_nano",
    "tried",
];

/// One value for each column.
pub(super) fn values(record: &Record) -> Vec<Value> {
    let usage = &record.usage;
    vec![
        record.id.as_str().into(),
        record.at_ms.into(),
        record.client.as_str().into(),
        record.team.as_str().into(),
        record.endpoint.as_str().into(),
        record.dialect.as_str().into(),
        record.requested_model.as_str().into(),
        record.provider.as_str().into(),
        record.model.as_str().into(),
        record.key_id.as_str().into(),
        i64::from(record.status).into(),
        record.error.as_str().into(),
        record.stream.into(),
        usage.prompt.into(),
        usage.cached.into(),
        usage.cache_write_5m.into(),
        usage.cache_write_1h.into(),
        usage.completion.into(),
        usage.reasoning.into(),
        usage.audio_in.into(),
        usage.audio_out.into(),
        usage.image_in.into(),
        usage.image_out.into(),
        usage.calls.into(),
        record.estimated.into(),
        record.cost_nano.into(),
        record.price_id.as_str().into(),
        record.first_byte_ms.into(),
        record.total_ms.into(),
        i64::from(record.attempts).into(),
        i64::try_from(record.bytes_in).unwrap_or(i64::MAX).into(),
        i64::try_from(record.bytes_out).unwrap_or(i64::MAX).into(),
        record.dropped.as_str().into(),
        record.added.as_str().into(),
        doubts(record).into(),
        record.ended.name().into(),
        usage.cached_audio.into(),
        usage.images.into(),
        usage.tariff.name().into(),
        record.grade.as_str().into(),
        record.side.model.as_str().into(),
        record.side.prompt.into(),
        record.side.completion.into(),
        record.side.cost_nano.into(),
        record.tried.as_str().into(),
    ]
}

/// What was not known of a request, or not asked, shares a column, which was a 0 or 1 before and is still one for whoever
/// asks no more.
const STALE: i64 = 1;
const UNCHECKED: i64 = 2;
const RECALLED: i64 = 4;

fn doubts(record: &Record) -> i64 {
    let stale = if record.stale { STALE } else { 0 };
    let unchecked = if record.unchecked { UNCHECKED } else { 0 };
    stale | unchecked | if record.recalled { RECALLED } else { 0 }
}

/// The record of one row.
pub(super) fn record(mut fields: Fields) -> Result<Record> {
    let doubts;
    let mut record = Record {
        id: fields.text()?,
        at_ms: fields.int()?,
        client: fields.text()?,
        team: fields.text()?,
        endpoint: fields.text()?,
        dialect: fields.text()?,
        requested_model: fields.text()?,
        provider: fields.text()?,
        model: fields.text()?,
        key_id: fields.text()?,
        status: fields.count()?,
        error: fields.text()?,
        stream: fields.flag()?,
        usage: usage(&mut fields)?,
        estimated: fields.flag()?,
        cost_nano: fields.int()?,
        price_id: fields.text()?,
        first_byte_ms: fields.int()?,
        total_ms: fields.int()?,
        attempts: fields.count()?,
        bytes_in: fields.count()?,
        bytes_out: fields.count()?,
        dropped: fields.text()?,
        added: fields.text()?,
        stale: {
            doubts = fields.int()?;
            doubts & STALE != 0
        },
        unchecked: doubts & UNCHECKED != 0,
        recalled: doubts & RECALLED != 0,
        ended: ended(&fields.text()?)?,
        grade: String::new(),
        side: Side::default(),
        tried: String::new(),
        settlement: None,
    };
    record.usage.cached_audio = fields.int()?;
    record.usage.images = fields.int()?;
    record.usage.tariff = Tariff::told(&fields.text()?);
    record.grade = fields.text()?;
    record.side = Side {
        model: fields.text()?,
        prompt: fields.int()?,
        completion: fields.int()?,
        cost_nano: fields.int()?,
    };
    record.tried = fields.text()?;
    Ok(record)
}

/// The eleven counters that are added up, in the order of [`Usage`] itself.
pub(super) fn usage(fields: &mut Fields) -> Result<Usage> {
    Ok(Usage {
        prompt: fields.int()?,
        cached: fields.int()?,
        cache_write_5m: fields.int()?,
        cache_write_1h: fields.int()?,
        completion: fields.int()?,
        reasoning: fields.int()?,
        audio_in: fields.int()?,
        audio_out: fields.int()?,
        image_in: fields.int()?,
        image_out: fields.int()?,
        calls: fields.int()?,
        ..Usage::default()
    })
}

fn ended(name: &str) -> Result<Ended> {
    Ended::ALL
        .into_iter()
        .find(|ended| ended.name() == name)
        .ok_or_else(|| Error::internal(format!("unknown end of a request {name}")))
}
