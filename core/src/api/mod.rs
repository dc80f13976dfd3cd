//! What can programs and the dashboard ask? JSON resources, one file each.

pub(crate) mod clients;
pub(crate) mod models;
pub(crate) mod providers;
pub(crate) mod records;
pub(crate) mod responses;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod users;

use http::{HeaderValue, Response, StatusCode, Uri, header};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    http::{Body, json, read},
    identity::Secret,
    limits::{CONTROL_BODY_BYTES_MAX, PAGE_ROWS_MAX},
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

/// The body as what is wanted; `form` says how that looks. What was sent instead is not repeated: it may be a secret.
async fn wanted<T: DeserializeOwned>(body: Body, form: &str) -> Result<T> {
    let body = read(body, CONTROL_BODY_BYTES_MAX).await?;
    serde_json::from_slice(&body)
        .map_err(|_| Error::bad_request(format!("The body is `{form}`, and nothing else.")))
}

/// The same where everything may be left out, the body too.
async fn wanted_or_nothing<T: DeserializeOwned + Default>(body: Body, form: &str) -> Result<T> {
    let body = read(body, CONTROL_BODY_BYTES_MAX).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    wanted(Body::from(body), form).await
}

/// Reads a text that must not be shown.
fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
