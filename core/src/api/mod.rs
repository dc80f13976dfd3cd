//! What can programs and the dashboard ask? JSON resources, one file each.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bodies;
pub(crate) mod clients;
pub(crate) mod document;
mod edit;
pub(crate) mod export;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod import;
mod inbound;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod openapi;
pub(crate) mod overrides;
pub(crate) mod overview;
mod parts;
mod policy;
pub(crate) mod prices;
mod problem;
pub(crate) mod providers;
pub(crate) mod proxies;
pub(crate) mod records;
pub(crate) mod responses;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod simulate;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod system;
pub(crate) mod teams;
pub(crate) mod users;

use std::pin::Pin;

pub(crate) use problem::problem;

use http::{HeaderValue, Response, StatusCode, Uri, header};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    http::{Body, json},
    identity::Secret,
    limits::{PAGE_ROWS, PAGE_ROWS_MAX},
};

/// What a resource answers.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send + 'a>>;

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
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Page<T> {
    /// The rows.
    data: Vec<T>,
    /// Where the next page starts; null on the last one.
    next: Option<String>,
}

pub(crate) fn write(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>> {
    Ok(json(status, serde_json::to_vec(body).map_err(Error::internal)?))
}

/// The value of a query parameter. Values here are ids and numbers, which need no decoding.
fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Which page of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Paging {
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page.
    #[serde(default = "rows")]
    #[cfg_attr(test, schemars(range(min = 1, max = 500)))]
    limit: u32,
}

fn rows() -> u32 {
    PAGE_ROWS
}

/// A number of rows that a page may have.
fn bounded(limit: u32) -> Result<u32> {
    match limit {
        1..=PAGE_ROWS_MAX => Ok(limit),
        _ => Err(Error::bad_request(format!("`limit` is a number from 1 to {PAGE_ROWS_MAX}."))
            .at("limit")),
    }
}

fn limit(uri: &Uri) -> Result<u32> {
    let Some(text) = query(uri, "limit") else { return Ok(PAGE_ROWS) };
    match text.parse() {
        Ok(limit @ 1..=PAGE_ROWS_MAX) => Ok(limit),
        _ => Err(Error::bad_request(format!("`limit` is a number from 1 to {PAGE_ROWS_MAX}."))
            .at("limit")),
    }
}

/// Reads a text that must not be shown.
fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
