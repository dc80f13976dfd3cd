//! How does a request for another API go through? By the same stages as one for a model, but nothing of it is read.

use std::{net::IpAddr, sync::Arc};

use futures_util::future::{Either, select};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request,
    response::Parts,
};

use super::{
    admit::{Permit, admit_call},
    authenticate::{known, presented_beside},
    enter,
    judge::silent,
    meter::Meter,
    opaque::Opaque,
    settle::{self, Guard},
    tap::Watch,
    trail::{Came, OK, Who},
    tries::pause,
};
use crate::{
    api,
    error::{Error, Kind, Result},
    gateway::Gateway,
    health::{self, Fault, Outcome, Refusal, Wanted},
    http::Body,
    limits::ATTEMPTS_MAX,
    ports::{Background, BoxFuture, Call, Millis, within},
    provider::Provider,
    proxy::{Entry, headers, path, upload::Upload},
    router::Visit,
    store::Ended,
};

/// What records call every such path.
const PATH: &str = "/proxy/{slug}";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_KEY: &str =
    "No client key was given. Send it as `x-tidegate-key`; `Authorization` is the API's own.";

/// Answers a request for another API. Its record is settled once, as any other.
pub(crate) async fn proxy(gateway: &Gateway, visit: Visit) -> Response<Body> {
    let Visit { request, call, .. } = visit;
    let Call { background, mut gone, peer, transport: _ } = call;
    let mut guard = settle::begin(gateway, (PATH, ""), &*background);
    let stages = Box::pin(run(gateway, (request, peer), &*background, &mut guard));
    let outcome = match select(stages, &mut gone).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Err(Error::new(Kind::ClientGone, "The client has left.")),
    };
    match outcome {
        Ok((answer, permit)) => reply(gateway, answer, (guard, permit, gone)),
        Err(error) => refuse(&error, guard),
    }
}

async fn run(
    gateway: &Gateway,
    (request, peer): (Request<Body>, Option<IpAddr>),
    background: &dyn Background,
    guard: &mut Guard,
) -> Result<(Response<Body>, Permit)> {
    let (head, body) = request.into_parts();
    let view = gateway.view(background).await;
    guard.record.stale = view.stale;
    let key = presented_beside(&head.headers);
    let caller = known(gateway, key.ok_or(NO_KEY)).await?;
    let key = key.unwrap_or_default();
    gateway.rehash_beside(&caller, key, background);
    guard.record.client.clone_from(&caller.id);
    guard.record.team.clone_from(&caller.team);
    let way = enter(gateway, &view.snapshot, caller, peer).await?;
    let (slug, rest) = path::split(head.uri.path())?;
    let Some(entry) = view.snapshot.proxy_at(slug) else {
        return Err(Error::not_found(format!("There is no proxy `{slug}` here.")));
    };
    guard.record.provider.clone_from(&entry.pool.id);
    if !way.allows_provider(&entry.pool.id) {
        let message = format!("The proxy `{slug}` may not be used with this key.");
        return Err(Error::new(Kind::Forbidden, message));
    }
    entry.proxy.admit(&head.method, rest)?;
    let permit = admit_call(gateway, &way, guard).await?;
    let url = entry.url(rest, head.uri.query());
    let upload = Upload::take(body, &head.headers).await?;
    let mut errand =
        Errand { gateway, entry, url, passing: headers::up(&head.headers, key), upload };
    let answer = errand.run(&head, background, guard).await;
    guard.record.bytes_in = errand.upload.bytes();
    Ok((answer?, permit))
}

/// A request on its way to an API, as often as it may be made.
struct Errand<'a> {
    gateway: &'a Gateway,
    entry: &'a Entry,
    url: String,
    passing: HeaderMap,
    upload: Upload,
}

impl Errand<'_> {
    /// Asks with one key after another. What no other key can better is the client's answer, in the API's own words.
    async fn run(
        &mut self,
        head: &request::Parts,
        background: &dyn Background,
        guard: &mut Guard,
    ) -> Result<Response<Body>> {
        let (pool, health) = (&self.entry.pool, &self.gateway.state.health);
        let attempts = if self.upload.is_kept() { ATTEMPTS_MAX as usize } else { 1 };
        let attempts = attempts.min(pool.keys.len().max(1));
        let (mut tried, mut last) = (Vec::new(), None);
        loop {
            let now = self.gateway.ports.clock.now();
            let wanted = Wanted { model: "", tokens: 0, tried: &tried, now };
            let used = match health.choose(pool, &wanted) {
                Ok(used) => used,
                Err(refusal) => return self.nobody(last, refusal),
            };
            if tried.is_empty() {
                health.request(pool, now);
            }
            let at = used.at;
            tried.push(at);
            let key = pool.keys.get(at);
            guard.record.key_id = key.map(|key| key.id.clone()).unwrap_or_default();
            guard.record.attempts += 1;
            guard.using = Some(used);
            let who = Who { to: pool.id.clone(), key: guard.record.key_id.clone() };
            let ticket = guard.trail.begin(who, now);
            let answer = self.send(head, at).await;
            guard.trail.end(ticket, came(&answer), self.gateway.ports.clock.now());
            let fault = self.note(&answer, background, guard);
            let told = (fault, &head.method);
            let broke = u32::try_from(tried.len()).unwrap_or(u32::MAX);
            if tried.len() >= attempts || !may_repeat(self.gateway, pool, told, broke).await {
                return answer;
            }
            guard.release();
            last = Some(answer);
        }
    }

    /// No other key may be asked. The first one that comes back is the one to wait for, whichever was asked last.
    fn nobody(
        &self,
        last: Option<Result<Response<Body>>>,
        refusal: Refusal,
    ) -> Result<Response<Body>> {
        let now = self.gateway.ports.clock.now();
        let Some(last) = last else { return Err(refusal.error(&self.entry.slug, now)) };
        let mut answer = last?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS && refusal.until.is_some() {
            answer.headers_mut().insert(header::RETRY_AFTER, refusal.seconds(now).into());
        }
        Ok(answer)
    }

    /// One attempt.
    async fn send(&mut self, head: &request::Parts, at: usize) -> Result<Response<Body>> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = self.url.parse().map_err(|_| unreadable())?;
        request.headers_mut().clone_from(&self.passing);
        let key = self.entry.pool.keys.get(at);
        if let Some(key) = key {
            self.entry.place(key, &mut request)?;
        }
        *request.body_mut() = self.upload.next(request.headers_mut());
        let waits = self.gateway.state.config.waits;
        // A body that flows may take as long as an answer may.
        let wait = if self.upload.is_kept() { waits.first_byte } else { waits.total };
        let sent = self.gateway.ports.upstream.send(request);
        let sent = within(&*self.gateway.ports.clock, wait, sent).await;
        let answer = sent.unwrap_or_else(|| Err(silent()));
        let secret = key.map(|key| key.secret.expose());
        match answer {
            Ok(answer) if answer.status().is_informational() => Err(unreadable_answer()),
            Ok(mut answer) => {
                *answer.headers_mut() = headers::down(answer.headers(), secret);
                Ok(answer)
            }
            Err(error) => Err(self.upload.failed().unwrap_or_else(|| scrub(error, secret))),
        }
    }

    /// Takes in how the API answered.
    fn note(
        &self,
        answer: &Result<Response<Body>>,
        background: &dyn Background,
        guard: &mut Guard,
    ) -> Option<Fault> {
        let now = self.gateway.ports.clock.now();
        let dialect = self.entry.pool.dialect;
        let (fault, until) = match answer {
            Err(error) => (Some(Fault::of(error)), None),
            Ok(answer) => {
                let told = answer.headers();
                let until = health::asked(told, None, now);
                let limited = until.or_else(|| health::limited(dialect, told, now));
                match fault(answer.status(), limited) {
                    None => (None, health::spent(dialect, told, now)),
                    Some(Fault::Limited | Fault::Spent) => {
                        (fault(answer.status(), limited), limited)
                    }
                    fault => (fault, until),
                }
            }
        };
        let outcome = match fault {
            None => Outcome::Good { spent_until: until },
            Some(fault) => Outcome::Failed { fault, until },
        };
        if let Some(used) = guard.using.as_mut()
            && let Some(resting) = self.gateway.state.health.note(used, outcome, now)
        {
            self.gateway.tell(&resting, background);
        }
        fault
    }
}

/// What came of an attempt, for the record.
fn came(answer: &Result<Response<Body>>) -> Came<'_> {
    answer.as_ref().map(|answer| match answer.status() {
        status if status.is_client_error() || status.is_server_error() => {
            (Kind::Upstream(status).name(), status)
        }
        status => (OK, status),
    })
}

/// Whether another key may do better. What may have been done already is not done again.
async fn may_repeat(
    gateway: &Gateway,
    pool: &Arc<Provider>,
    (fault, method): (Option<Fault>, &Method),
    broke: u32,
) -> bool {
    match fault {
        Some(Fault::Limited | Fault::Spent | Fault::Refused | Fault::Absent) => true,
        Some(Fault::Down) if method.is_idempotent() => {
            let clock = &gateway.ports.clock;
            let allowed = gateway.state.health.retry(pool, clock.now());
            if allowed {
                clock.sleep(pause(gateway, broke)).await;
            }
            allowed
        }
        Some(
            Fault::Request
            | Fault::TooLong
            | Fault::Filtered
            | Fault::Passing
            | Fault::Down
            | Fault::Broke
            | Fault::Silent
            | Fault::Ours,
        )
        | None => false,
    }
}

/// Whose failure a status tells of. What an API says of a thing is its answer, and no failure of a key: who may not see
/// one thing may see others, so 403 lets another key try and benches none, unless it is a limit in other words.
fn fault(status: StatusCode, limited: Option<Millis>) -> Option<Fault> {
    match status.as_u16() {
        ..=399 => None,
        401 => Some(Fault::Refused),
        402 => Some(Fault::Spent),
        403 if limited.is_some() => Some(Fault::Limited),
        403 => Some(Fault::Absent),
        429 => Some(Fault::Limited),
        501 | 505 => Some(Fault::Request),
        500..=599 => Some(Fault::Down),
        _ => Some(Fault::Request),
    }
}

fn unreadable() -> Error {
    Error::bad_request("The path and the query make no URL.")
}

/// Another protocol was never asked for.
fn unreadable_answer() -> Error {
    Error::new(Kind::UpstreamBroken, "The API does not answer in HTTP.")
}

/// The log must not learn a key from an URL.
fn scrub(mut error: Error, secret: Option<&str>) -> Error {
    if let Some(secret) = secret {
        error.detail = error.detail.replace(secret, "…");
    }
    error
}

/// The API's own answer, whatever it is.
fn reply(
    gateway: &Gateway,
    answer: Response<Body>,
    (mut guard, permit, gone): (Guard, Permit, BoxFuture<()>),
) -> Response<Body> {
    let (Parts { status, mut headers, .. }, body) = answer.into_parts();
    guard.record.status = status.as_u16();
    if status.is_client_error() || status.is_server_error() {
        Kind::Upstream(status).name().clone_into(&mut guard.record.error);
        guard.ended = Some(Ended::Refused);
    }
    identify(&mut headers, &guard);
    // Whoever stands between must not give it to somebody without a key.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let body = if http_body::Body::is_end_stream(&body) {
        guard.first_byte();
        guard.ended.get_or_insert(Ended::Done);
        body
    } else {
        let watch = Watch::start(gateway.ports.clock.clone(), gateway.state.config.waits);
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length = length.and_then(|length| length.parse().ok());
        let unread = (body, Meter::new(&HeaderMap::new()));
        Body::new(Opaque::new(unread, guard, permit, gone, watch).of_length(length))
    };
    // Nothing else of the other connection, such as its version, is of use on this one.
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

/// An error of ours, in no dialect.
fn refuse(error: &Error, mut guard: Guard) -> Response<Body> {
    let mut response = api::problem(error);
    guard.record.status = response.status().as_u16();
    error.kind.name().clone_into(&mut guard.record.error);
    guard.record.bytes_out = http_body::Body::size_hint(response.body()).exact().unwrap_or(0);
    let gone = error.kind == Kind::ClientGone;
    guard.ended = Some(if gone { Ended::ClientGone } else { Ended::Refused });
    guard.first_byte();
    identify(response.headers_mut(), &guard);
    response
}

fn identify(headers: &mut HeaderMap, guard: &Guard) {
    if let Ok(id) = HeaderValue::from_str(&guard.record.id) {
        headers.insert(REQUEST_ID, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_may_say_no_without_blame() {
        let check = |status, limited, expected| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(fault(status, limited), expected, "{status}");
        };
        for status in [200, 204, 302, 304] {
            check(status, None, None);
        }
        for status in [400, 404, 409, 422, 501] {
            check(status, None, Some(Fault::Request));
        }
        check(401, None, Some(Fault::Refused));
        check(402, None, Some(Fault::Spent));
        check(403, None, Some(Fault::Absent));
        check(403, Some(7), Some(Fault::Limited));
        check(429, None, Some(Fault::Limited));
        check(503, None, Some(Fault::Down));
    }
}
