//! What can programs and the dashboard ask? JSON resources, one file each.

pub(crate) mod clients;
pub(crate) mod models;
mod policy;
pub(crate) mod prices;
pub(crate) mod providers;
pub(crate) mod records;
pub(crate) mod responses;
pub(crate) mod status;
pub(crate) mod teams;

use http::{HeaderValue, Response, StatusCode, Uri, header};
use serde::Serialize;

use crate::{
    dialect::Dialect,
    error::{Error, Kind, Result},
    http::{Body, json},
    limits::PAGE_ROWS_MAX,
    ports::Millis,
    router::Caller,
    store::Audit,
};

/// An error of a page or resource.
pub(crate) fn refuse(error: &Error, dialect: Dialect) -> Response<Body> {
    if !error.detail.is_empty() {
        tracing::warn!(kind = error.kind.name(), detail = error.detail, "request failed");
    }
    let (status, body) = dialect.write_error(error);
    let mut response = json(status, body);
    let retry_after = error.hints.as_ref().and_then(|hints| hints.retry_after.as_deref());
    if let Some(value) = retry_after.and_then(|value| HeaderValue::from_str(value).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A page of a list.
#[derive(Serialize)]
struct Page<T> {
    data: Vec<T>,
    /// Where the next page starts; absent on the last one.
    next: Option<String>,
}

fn write(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>> {
    Ok(json(status, serde_json::to_vec(body).map_err(Error::internal)?))
}

fn audit(at_ms: Millis, caller: &Caller, action: &str) -> Audit {
    Audit { at_ms, actor: caller.actor().to_owned(), action: action.to_owned() }
}

/// What a refused commit of something new means.
fn taken(error: Error, what: &str) -> Error {
    if error.kind == Kind::Conflict {
        let message = format!("There is a {what} of this name already, or it was just changed.");
        return Error::new(error.kind, message).because(error.detail);
    }
    error
}

/// The value of a query parameter. Values here are ids and numbers, which need no decoding.
fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn limit(uri: &Uri) -> Result<u32> {
    let Some(text) = query(uri, "limit") else { return Ok(100) };
    match text.parse() {
        Ok(limit @ 1..=PAGE_ROWS_MAX) => Ok(limit),
        _ => Err(Error::bad_request(format!("`limit` is a number from 1 to {PAGE_ROWS_MAX}."))
            .at("limit")),
    }
}
