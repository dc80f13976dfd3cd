//! What do headers tell of an answer, beside what it says? Who gave it, after how many tries, and what was changed.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{dialect::Dialect, money::decimal, ports::Millis, store::Record};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Who answered, or was asked last.
const PROVIDER: HeaderName = HeaderName::from_static("x-tidegate-provider");
/// The model there, which is another than the one asked for where a group has picked.
const MODEL: HeaderName = HeaderName::from_static("x-tidegate-model");
/// How often providers were asked, the last time included.
const ATTEMPTS: HeaderName = HeaderName::from_static("x-tidegate-attempts");
/// Dollars. Only a whole answer's is known when its head is sent.
const COST: HeaderName = HeaderName::from_static("x-tidegate-cost");
/// Tokens of the prompt that the provider had kept. Only a whole answer's are known when its head is sent.
const CACHED: HeaderName = HeaderName::from_static("x-tidegate-cached");
/// Names every field of the request that the provider was not told.
const DROPPED: HeaderName = HeaderName::from_static("x-tidegate-dropped");
/// Names what the provider was told that the client did not say.
const ADDED: HeaderName = HeaderName::from_static("x-tidegate-added");
/// Says that a number in the answer is the gateway's estimate.
const ESTIMATED: HeaderName = HeaderName::from_static("x-tidegate-estimated");

/// Says of an answer that may be given again whether it has been.
const CACHE: HeaderName = HeaderName::from_static("x-tidegate-cache");

/// What is known when an answer begins.
pub(super) fn begun(mut headers: HeaderMap, record: &Record) -> HeaderMap {
    if let Ok(id) = HeaderValue::from_str(&record.id) {
        // Every client may look for one name, and its own SDK reads the other.
        if record.dialect == Dialect::Anthropic.name() {
            headers.insert(ANTHROPIC_REQUEST_ID, id.clone());
        }
        headers.insert(REQUEST_ID, id);
    }
    if !record.provider.is_empty() {
        headers.insert(ATTEMPTS, HeaderValue::from(record.attempts));
    }
    let texts = [
        (PROVIDER, &record.provider),
        (MODEL, &record.model),
        (DROPPED, &record.dropped),
        (ADDED, &record.added),
    ];
    for (name, text) in texts {
        // A name that no header can hold is in the record.
        let value = HeaderValue::from_str(text).ok().filter(|value| !value.is_empty());
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers
}

/// What it costs, where there is a price, and what was cheaper because the provider had it.
pub(super) fn cost(headers: &mut HeaderMap, record: &Record) {
    if record.usage.cached > 0 {
        headers.insert(CACHED, HeaderValue::from(record.usage.cached));
    }
    let Ok(nano) = u64::try_from(record.cost_nano) else { return };
    if record.price_id.is_empty() {
        return;
    }
    if let Ok(dollars) = HeaderValue::try_from(decimal::write(nano)) {
        headers.insert(COST, dollars);
    }
}

/// A number in it is ours.
pub(super) fn estimated(headers: &mut HeaderMap) {
    headers.insert(ESTIMATED, HeaderValue::from_static("true"));
}

/// It was given before, so long ago.
pub(super) fn hit(headers: &mut HeaderMap, age_ms: Millis) {
    headers.insert(CACHE, HeaderValue::from_static("hit"));
    headers.insert(header::AGE, HeaderValue::from(age_ms / 1_000));
}

/// It is new, and is to be given again.
pub(super) fn miss(headers: &mut HeaderMap) {
    headers.insert(CACHE, HeaderValue::from_static("miss"));
}
