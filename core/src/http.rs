//! Small HTTP vocabulary that every module shares: the body type, JSON answers, bounded reads.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;

use crate::error::{Error, Kind, Result};

/// The one body type. All three adapters take it as it is.
pub type Body = axum_core::body::Body;

/// An answer with a JSON body.
#[must_use]
pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// What a page may load, and who may show it: this host alone. The dashboard's own files are served with the same.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What pages and `/api` say to browsers about themselves.
pub fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Reads a whole body of at most `max` bytes. A body that is longer is refused as soon as that is known.
///
/// An adapter may put an [`Error`] into the body (too slow, too much in flight); it arrives here unchanged.
pub async fn read(mut body: Body, max: usize) -> Result<Bytes> {
    if http_body::Body::size_hint(&body).lower() > max as u64 {
        return Err(too_large(max));
    }
    // Most bodies come in one piece, and that piece is kept as it is.
    let first = next_piece(&mut body).await?.unwrap_or_default();
    let Some(second) = next_piece(&mut body).await? else { return bounded(first, max) };
    let mut all = Vec::with_capacity(first.len() + second.len());
    all.extend_from_slice(&first);
    let mut piece = second;
    loop {
        if all.len() + piece.len() > max {
            return Err(too_large(max));
        }
        all.extend_from_slice(&piece);
        match next_piece(&mut body).await? {
            Some(next) => piece = next,
            None => return Ok(all.into()),
        }
    }
}

async fn next_piece(body: &mut Body) -> Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(body_error)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn bounded(bytes: Bytes, max: usize) -> Result<Bytes> {
    if bytes.len() > max { Err(too_large(max)) } else { Ok(bytes) }
}

fn too_large(max: usize) -> Error {
    Error::new(Kind::TooLarge, format!("The body is larger than {} MiB.", max >> 20))
}

/// The error of a body that breaks off: our own where an adapter has put one there.
pub(crate) fn body_error(error: axum_core::Error) -> Error {
    match error.into_inner().downcast::<Error>() {
        Ok(ours) => *ours,
        Err(other) => Error::bad_request("The body broke off.").because(other),
    }
}
