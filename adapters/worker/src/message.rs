//! How do the runtime's requests, responses and headers become the core's, and back?

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, uri::Scheme};
use http_body::Body as _;
use http_body_util::BodyExt;
use tidegate_core::{
    Body, Error, Result,
    ports::{BoxFuture, Transport},
};
use worker::{ResponseBuilder, WebSocket, web_sys};

use crate::pipe;

/// The request as the core reads it; its body streams, and dropping it cancels the upload.
pub fn incoming(request: &web_sys::Request) -> Result<Request<Body>> {
    let body = request.body().map_or_else(Body::empty, streamed);
    let mut ours = Request::builder()
        .method(request.method().as_bytes())
        .uri(request.url())
        .body(body)
        .map_err(|error| Error::bad_request("The request line cannot be read.").because(error))?;
    *ours.headers_mut() = header_map(request.headers());
    Ok(ours)
}

/// Who sent the request, as Cloudflare's edge saw it. The edge overwrites what a client claims.
#[must_use]
pub fn peer(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get("cf-connecting-ip")?.to_str().ok()?.parse().ok()
}

/// The edge takes TLS off, and leaves the URL as the client has it.
#[must_use]
pub fn transport(uri: &Uri) -> Transport {
    if uri.scheme() == Some(&Scheme::HTTP) { Transport::Plain } else { Transport::Https }
}

/// The response as the runtime sends it. A body that is known in full goes out with its length, every other one piece
/// by piece until it ends or `gone` completes; then it is dropped.
pub async fn outgoing(
    response: Response<Body>,
    gone: BoxFuture<()>,
) -> worker::Result<worker::Response> {
    let (mut head, body) = response.into_parts();
    let builder = ResponseBuilder::new()
        .with_status(head.status.as_u16())
        .with_headers(headers(&head.headers)?);
    if let Some(socket) = head.extensions.remove::<WebSocket>() {
        return Ok(builder.with_websocket(socket).empty());
    }
    if bodiless(head.status) || body.is_end_stream() {
        return Ok(builder.empty());
    }
    if body.size_hint().exact().is_some() {
        let whole = body.collect().await.map_err(broken)?;
        return Ok(builder.fixed(whole.to_bytes().into()));
    }
    Ok(builder.stream(pipe::readable(body, gone, None)?))
}

/// A stream of the runtime as a body of ours. Dropping it cancels the stream.
pub fn streamed(stream: web_sys::ReadableStream) -> Body {
    Body::new(worker::Body::new(stream))
}

/// The runtime's headers. A name or value that no header may have is left out; the runtime lets none through.
#[must_use]
pub fn header_map(headers: web_sys::Headers) -> HeaderMap {
    worker::Headers(headers)
        .entries()
        .filter_map(|(name, value)| {
            // Values outside ASCII are legal on the wire, and arrive here as Unicode.
            Some((
                name.parse::<HeaderName>().ok()?,
                HeaderValue::from_bytes(value.as_bytes()).ok()?,
            ))
        })
        .collect()
}

/// Headers as the runtime wants them.
pub fn headers(map: &HeaderMap) -> worker::Result<worker::Headers> {
    let headers = worker::Headers::new();
    for (name, value) in map {
        headers.append(name.as_str(), &text(value))?;
    }
    Ok(headers)
}

/// Header text that is not UTF-8 is Latin-1, as HTTP had it first.
fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// The runtime throws when a response of such a status has a body.
fn bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

fn broken(error: impl std::fmt::Display) -> worker::Error {
    worker::Error::RustError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_is_utf8_or_latin1() {
        let check = |bytes: &[u8], expected| {
            assert_eq!(text(&HeaderValue::from_bytes(bytes).unwrap()), expected);
        };
        check(b"plain", "plain");
        check("grün".as_bytes(), "grün");
        check(b"gr\xfcn", "grün");
    }

    #[test]
    fn the_peer_is_what_the_edge_saw() {
        let mut headers = HeaderMap::new();
        assert_eq!(peer(&headers), None);
        headers.insert("cf-connecting-ip", HeaderValue::from_static("2001:db8::1"));
        assert_eq!(peer(&headers), Some("2001:db8::1".parse().unwrap()));
    }
}
