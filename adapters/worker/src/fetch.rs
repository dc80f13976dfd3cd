//! How does a request reach a provider from a Worker? By `fetch`, and dropping it cancels the call.

use async_trait::async_trait;
use http::{HeaderMap, Request, Response, StatusCode, header, request::Parts};
use http_body::Body as _;
use http_body_util::BodyExt;
use tidegate_core::{Body, Error, Result, error::Kind, ports::Upstream};
use wasm_bindgen::{JsCast, JsValue};
use worker::{
    js_sys::{self, Uint8Array},
    send::SendFuture,
    wasm_bindgen_futures::JsFuture,
    web_sys::{self, AbortController, RequestInit, RequestRedirect, WorkerGlobalScope},
};

use crate::{message, pipe};

/// The runtime's `fetch`. It bounds the time to connect by itself, and a call holds one of the Worker's six
/// simultaneous connections until the body is read or dropped.
pub struct Fetch;

#[async_trait]
impl Upstream for Fetch {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let (head, body) = request.into_parts();
        SendFuture::new(fetch(head, body)).await
    }
}

async fn fetch(head: Parts, body: Body) -> Result<Response<Body>> {
    let cancel = Cancel(Some(AbortController::new().map_err(internal)?));
    let init = RequestInit::new();
    init.set_method(head.method.as_str());
    init.set_headers(&message::headers(&head.headers).map_err(Error::internal)?.0);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(cancel.0.as_ref().map(AbortController::signal).as_ref());
    if body.size_hint().exact().is_some() {
        // Whole, so that it goes out with its length: some providers refuse a chunked request.
        let body = body.collect().await.map_err(Error::internal)?.to_bytes();
        if !body.is_empty() {
            init.set_body(&Uint8Array::from(&body[..]));
        }
    } else {
        let length = head.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let never = Box::pin(std::future::pending());
        let flowing = pipe::readable(body, never, length).map_err(Error::internal)?;
        init.set_body(&flowing);
    }
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let promise = scope.fetch_with_str_and_init(&head.uri.to_string(), &init);
    let answer = JsFuture::from(promise).await.map_err(unreachable)?;
    cancel.settled();
    answered(&answer.unchecked_into())
}

/// Aborts the call when it is dropped before the response's head is there. From then on the body does it.
struct Cancel(Option<AbortController>);

impl Cancel {
    fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// What a call of the runtime was answered.
pub(crate) fn answered(answer: &web_sys::Response) -> Result<Response<Body>> {
    let status = StatusCode::from_u16(answer.status())
        .map_err(|error| Error::new(Kind::UpstreamBroken, UNREADABLE).because(error))?;
    let mut response = Response::new(answer.body().map_or_else(Body::empty, message::streamed));
    *response.status_mut() = status;
    *response.headers_mut() = message::header_map(answer.headers());
    forget_encoding(response.headers_mut());
    Ok(response)
}

/// The runtime hands over the body decoded, so these headers speak of other bytes.
fn forget_encoding(headers: &mut HeaderMap) {
    let encoding = headers.get(header::CONTENT_ENCODING).map(header::HeaderValue::as_bytes);
    if matches!(encoding, Some(b"gzip" | b"br")) {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
    }
}

const UNREADABLE: &str = "The provider's answer cannot be read.";

fn unreachable(cause: JsValue) -> Error {
    Error::new(Kind::UpstreamUnreachable, "The provider cannot be reached.")
        .because(worker::Error::from(cause))
}

fn internal(cause: JsValue) -> Error {
    Error::internal(worker::Error::from(cause))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_the_runtime_decodes_loses_its_encoding() {
        let check = |encoding: &'static str, kept| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
            forget_encoding(&mut headers);
            assert_eq!(headers.len(), kept, "{encoding}");
        };
        check("gzip", 0);
        check("br", 0);
        check("zstd", 2);
        check("identity", 2);
    }
}
