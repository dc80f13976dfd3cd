//! How is an error of `/api` told? As RFC 9457 has it: one shape for people, programs and the dashboard.

use http::{HeaderValue, Response, header};
use serde::Serialize;

use super::write;
use crate::{
    error::{Error, Kind},
    http::Body,
};

/// What is wrong with a request.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Problem<'a> {
    /// Always `about:blank`: `status` and `code` say what it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, for people.
    detail: &'a str,
    /// What is wrong, for programs.
    code: &'a str,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// The answer that tells an error.
pub(crate) fn problem(error: &Error) -> Response<Body> {
    let (kind, detail) = (error.kind.name(), &error.detail);
    match error.kind {
        _ if detail.is_empty() => {}
        Kind::Internal | Kind::Unavailable | Kind::Full => {
            tracing::warn!(kind, detail, "request failed");
        }
        _ => tracing::debug!(kind, detail, "request refused"),
    }
    let hints = error.hints.as_deref();
    let status = error.kind.status();
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: &error.message,
        code: hints.and_then(|hints| hints.code.as_deref()).unwrap_or(error.kind.name()),
        field: hints.and_then(|hints| hints.param.as_deref()),
    };
    let mut response = write(status, &problem).expect("a problem holds nothing but text");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if error.kind == Kind::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let retry_after = hints.and_then(|hints| hints.retry_after.as_deref());
    if let Some(value) = retry_after.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(header::RETRY_AFTER, value);
    }
    response
}
