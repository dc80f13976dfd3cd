//! Which target answers? Each is prepared, asked and judged in turn, until one's answer may go to the client.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use http_body_util::BodyExt;

use super::{admit::Permit, observe::Observer, receive::Inbound, resolve::Target};
use crate::{
    dialect::Dialect,
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    limits::{ERROR_BODY_BYTES_MAX, REPLY_BYTES_MAX},
    ports::within,
    provider::{Host, echo},
    store::Record,
};

/// What the client may get, and the permit that lasts as long.
pub(super) struct Answer {
    pub(super) served: Served,
    pub(super) permit: Permit,
}

/// An answer that was judged good. From here on nothing is tried again.
pub(super) enum Served {
    /// Complete.
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        /// What it says, for the record.
        read: crate::dialect::Read,
    },
    /// Its first event is there.
    Stream {
        headers: HeaderMap,
        /// What was read so far and may be sent.
        begun: Vec<Bytes>,
        observer: Box<Observer>,
        rest: Body,
    },
}

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));

/// What a client may tell the provider beside the body.
const PASSED_UP: [HeaderName; 1] = [HeaderName::from_static("openai-beta")];

/// What a provider may tell the client beside the body. Nothing here names the gateway's account.
const PASSED_DOWN: [HeaderName; 9] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn dispatch(
    gateway: &Gateway,
    inbound: &Inbound,
    headers: &HeaderMap,
    targets: Vec<Target>,
    record: &mut Record,
) -> Result<Served> {
    let mut failed = Error::internal("no target was tried");
    for target in &targets {
        record.attempts += 1;
        record.provider.clone_from(&target.provider.id);
        record.model.clone_from(&target.model);
        record.key_id = target.key().map(|key| key.id.clone()).unwrap_or_default();
        match attempt(gateway, inbound, headers, target).await {
            Ok(served) => return Ok(served),
            Err(error) if may_try_another(error.kind) => failed = scrub(error, target),
            Err(error) => return Err(scrub(error, target)),
        }
    }
    Err(failed)
}

async fn attempt(
    gateway: &Gateway,
    inbound: &Inbound,
    headers: &HeaderMap,
    target: &Target,
) -> Result<Served> {
    let clock = &*gateway.ports.clock;
    let first_byte = gateway.state.config.waits.first_byte;
    let body = inbound.dialect.patch_request(&inbound.raw, &inbound.ask, &target.model)?;
    let response = match &target.provider.host {
        Host::Echo => echo::answer(&body)?,
        Host::Url(base) => {
            let request = prepare(base, inbound, headers, target, body)?;
            within(clock, first_byte, gateway.ports.upstream.send(request))
                .await
                .unwrap_or_else(|| Err(silent()))?
        }
    };
    judge(gateway, inbound, response).await
}

/// Builds the upstream request from nothing, so that only what is listed can pass.
fn prepare(
    base: &str,
    inbound: &Inbound,
    headers: &HeaderMap,
    target: &Target,
    body: Bytes,
) -> Result<Request<Body>> {
    let uri: Uri = format!("{base}{}", target.provider.dialect.path(&inbound.ask, &target.model))
        .parse()
        .map_err(|error| Error::internal(format!("provider {}: {error}", target.provider.id)))?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let accept = if inbound.ask.stream { "text/event-stream" } else { "application/json" };
    let out = request.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(header::ACCEPT, HeaderValue::from_static(accept));
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    out.insert(header::USER_AGENT, USER_AGENT);
    for name in PASSED_UP {
        if let Some(value) = headers.get(&name) {
            out.insert(name, value.clone());
        }
    }
    if let Some(key) = target.key() {
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.secret.expose()))
            .map_err(|_| Error::internal(format!("key {} is no header value", key.id)))?;
        value.set_sensitive(true);
        out.insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}

async fn judge(gateway: &Gateway, inbound: &Inbound, response: Response<Body>) -> Result<Served> {
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        return Err(read_failure(gateway, inbound.dialect, head, body).await);
    }
    let headers = passed_down(&head.headers);
    if inbound.ask.stream && is_event_stream(&head.headers) {
        let first_byte = gateway.state.config.waits.first_byte;
        let begin = begin(inbound, headers, body);
        return within(&*gateway.ports.clock, first_byte, Box::pin(begin))
            .await
            .unwrap_or_else(|| Err(silent()));
    }
    let body = read_whole(gateway, body, REPLY_BYTES_MAX).await?;
    let Some(mut read) = inbound.dialect.glance(&body) else {
        return Err(Error::new(Kind::UpstreamBroken, "The provider's answer is not JSON."));
    };
    if let Some(error) = read.failure.take() {
        return Err(error);
    }
    Ok(Served::Whole { status: head.status, headers, body, read })
}

/// Waits for the first event: an error that comes first is a failure in spite of the status, and comments are none.
async fn begin(inbound: &Inbound, headers: HeaderMap, mut rest: Body) -> Result<Served> {
    let mut observer = Box::new(Observer::new(inbound.dialect, inbound.ask.usage_wanted));
    let mut begun = Vec::new();
    loop {
        match rest.frame().await {
            Some(Ok(frame)) => {
                let Ok(piece) = frame.into_data() else { continue };
                observer.push(piece, &mut begun)?;
            }
            Some(Err(error)) => return Err(broken(&error)),
            None => observer.end(&mut begun)?,
        }
        if observer.has_begun() {
            return match observer.take_first_failure() {
                Some(error) => Err(error),
                None => Ok(Served::Stream { headers, begun, observer, rest }),
            };
        }
    }
}

async fn read_whole(gateway: &Gateway, mut body: Body, max: usize) -> Result<Bytes> {
    let waits = gateway.state.config.waits;
    let clock = &*gateway.ports.clock;
    let ends = clock.now() + i64::try_from(waits.total.as_millis()).unwrap_or(i64::MAX / 2);
    let mut all = Vec::new();
    let mut only = Bytes::new();
    loop {
        let frame = within(clock, waits.idle, body.frame()).await.ok_or_else(silent)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        if all.len() + only.len() + data.len() > max {
            return Err(Error::new(Kind::UpstreamBroken, "The provider's answer is too large."));
        }
        if clock.now() > ends {
            return Err(silent());
        }
        if only.is_empty() && all.is_empty() {
            only = data;
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut only));
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { only } else { all.into() })
}

async fn read_failure(
    gateway: &Gateway,
    dialect: Dialect,
    head: http::response::Parts,
    body: Body,
) -> Error {
    let body = read_whole(gateway, body, ERROR_BODY_BYTES_MAX).await.unwrap_or_default();
    let mut error = dialect.read_error(head.status, &body);
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    if let Some(value) = retry_after {
        error = error.retry_after(value);
    }
    error
}

/// A provider that repeats our key in its error must not tell it to a client.
fn scrub(mut error: Error, target: &Target) -> Error {
    for key in &target.provider.keys {
        let secret = key.secret.expose();
        if error.message.contains(secret) {
            error.message = error.message.replace(secret, "…").into();
        }
    }
    error
}

/// Nothing has been answered, so another target may: unless the fault is the request's own.
fn may_try_another(kind: Kind) -> bool {
    match kind {
        Kind::Upstream(status) => matches!(
            status.as_u16(),
            401 | 402 | 403 | 404 | 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 | 529
        ),
        Kind::UpstreamUnreachable => true,
        // A provider that went silent or broke off may have done the work, and be paid for it.
        Kind::UpstreamBroken
        | Kind::UpstreamTimeout
        | Kind::BadRequest
        | Kind::Unauthorized
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::ClientTimeout
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::RateLimited
        | Kind::Overloaded
        | Kind::Unavailable
        | Kind::ClientGone
        | Kind::Internal => false,
    }
}

fn passed_down(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(PASSED_DOWN.len() + 4);
    for name in PASSED_DOWN {
        if let Some(value) = headers.get(&name) {
            out.insert(name, value.clone());
        }
    }
    out
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    value.get(..17).is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"))
}

pub(super) fn silent() -> Error {
    Error::new(Kind::UpstreamTimeout, "The provider took too long.")
}

pub(super) fn broken(cause: &axum_core::Error) -> Error {
    Error::new(Kind::UpstreamBroken, "The provider broke off its answer.").because(cause)
}
