//! What does the client get? The answer in its own dialect, or the error in its own dialect.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};

use super::{
    admit::Permit,
    dispatch::{Answer, Served},
    meter::Meter,
    opaque::Opaque,
    quota,
    settle::Guard,
    tap::{Tap, Watch},
    told,
};
use crate::{
    budget::Ledger,
    dialect::Dialect,
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    money::estimate::Text,
    ports::BoxFuture,
    store::{Ended, Record, Usage},
};

const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The answer that was judged good.
pub(super) fn reply(
    gateway: &Gateway,
    answer: Answer,
    mut guard: Guard,
    gone: BoxFuture<()>,
) -> Response<Body> {
    let Answer { served, permit, keeping } = answer;
    match served {
        Served::Whole { status, headers, body, read, estimated, held_back: _, leaving } => {
            guard.leaving = leaving.map(|leaving| *leaving);
            note_usage(&mut guard.record, read.usage, Text::of_bytes(read.text_bytes));
            guard.record.estimated |= estimated;
            guard.record.status = status.as_u16();
            let mut headers = told::begun(headers, &guard.record);
            told::cost(&mut headers, guard.priced());
            if estimated {
                told::estimated(&mut headers);
            }
            let whole = Whole { bytes: Some(body), guard, _permit: permit };
            with_headers(status, headers, Body::new(whole))
        }
        Served::Opaque { status, headers, body } => {
            guard.record.status = status.as_u16();
            let headers = told::begun(headers, &guard.record);
            let watch = Watch::start(gateway.ports.clock.clone(), gateway.state.config.waits);
            let meter = Meter::new(&headers);
            let opaque = Opaque::new((body, meter), guard, permit, gone, watch);
            with_headers(status, headers, Body::new(opaque))
        }
        Served::Stream { headers, begun, observer, rest } => {
            guard.record.status = StatusCode::OK.as_u16();
            let watch = Watch::start(gateway.ports.clock.clone(), gateway.state.config.waits);
            let headers = told::begun(headers, &guard.record);
            let tap = Tap::new((begun, observer, rest, keeping), guard, permit, gone, watch);
            let mut response = with_headers(StatusCode::OK, headers, Body::new(tap));
            response.headers_mut().insert(NO_BUFFERING, HeaderValue::from_static("no"));
            response
        }
    }
}

/// Makes the record of a whole answer safe before anything of it is sent, where that is wanted. A stream's is when it
/// ends.
pub(super) async fn secure(answer: Answer, guard: &mut Guard) -> Result<Answer> {
    let Served::Whole { status, body, read, estimated, .. } = &answer.served else {
        return Ok(answer);
    };
    if guard.ledger == Ledger::Async {
        return Ok(answer);
    }
    note_usage(&mut guard.record, read.usage, Text::of_bytes(read.text_bytes));
    guard.record.estimated |= estimated;
    guard.record.status = status.as_u16();
    guard.record.bytes_out = body.len() as u64;
    guard.ended = Some(Ended::Done);
    guard.first_byte();
    let secured = guard.secure().await;
    // They are counted when they are given.
    guard.record.bytes_out = 0;
    secured.map(|()| answer)
}

/// An error of any stage, in the client's dialect.
pub(super) fn refuse(dialect: Dialect, error: &Error, mut guard: Guard) -> Response<Body> {
    let (status, body) = dialect.write_error(error);
    let record = &mut guard.record;
    record.status = status.as_u16();
    error.kind.name().clone_into(&mut record.error);
    describe(error, record);
    guard.gave(&body);
    let record = &guard.record;
    let mut headers = told::begun(HeaderMap::new(), record);
    let gone = error.kind == Kind::ClientGone;
    guard.ended = Some(if gone { Ended::ClientGone } else { Ended::Refused });
    guard.first_byte();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let retry_after = error.hints.as_ref().and_then(|hints| hints.retry_after.as_deref());
    if let Some(value) = retry_after.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(header::RETRY_AFTER, value);
    }
    if let Some(limit) = error.hints.as_ref().and_then(|hints| hints.quota) {
        quota::tell(&mut headers, dialect, limit, guard.now());
    }
    with_headers(status, headers, Body::from(body))
}

/// Says once, in the log, what went wrong with a request.
pub(super) fn describe(error: &Error, record: &Record) {
    let (id, kind, provider) = (&record.id, error.kind.name(), &record.provider);
    match error.kind {
        Kind::Internal => {
            tracing::error!(id, kind, provider, detail = error.detail, "request failed");
        }
        Kind::Unavailable
        | Kind::Full
        | Kind::Overloaded
        | Kind::Upstream(_)
        | Kind::UpstreamUnreachable
        | Kind::UpstreamBroken
        | Kind::UpstreamTimeout => {
            tracing::warn!(id, kind, provider, detail = error.detail, "request failed");
        }
        Kind::BadRequest
        | Kind::Unauthorized
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::ClientTimeout
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::PreconditionRequired
        | Kind::UnsupportedMedia
        | Kind::TooLarge
        | Kind::RateLimited
        | Kind::ClientGone => tracing::debug!(id, kind, detail = error.detail, "request refused"),
    }
}

/// Writes the usage down, or what it must have been: the prompt as it was estimated, and the text that came.
pub(super) fn note_usage(record: &mut Record, told: Option<Usage>, text: Text) {
    record.estimated = told.is_none();
    record.usage = told.unwrap_or_else(|| Usage {
        prompt: record.usage.prompt,
        completion: text.tokens(),
        ..Usage::default()
    });
}

fn with_headers(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    response
}

/// A complete answer. It is done when it has been taken, and left behind when it is dropped before.
struct Whole {
    bytes: Option<Bytes>,
    guard: Guard,
    _permit: Permit,
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        self.guard.first_byte();
        self.guard.gave(&bytes);
        self.guard.ended = Some(Ended::Done);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
