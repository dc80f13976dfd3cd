//! May an answer go to the client? A failure may not, even one that came with a good status; everything else begins.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header, response::Parts};
use http_body_util::BodyExt;

use super::{
    dispatch::Served,
    observe::{Observer, too_many_parts},
    prepare::Passage,
    rates,
    receive::Inbound,
    remember::with_parent,
    resolve::{Question, Target},
};
use crate::{
    dialect::{Carrier, Dialect, Framing, Read, Stamp, unfold},
    error::{Error, Kind, Result},
    gateway::Gateway,
    health::{self, Fault},
    http::Body,
    limits::{ERROR_BODY_BYTES_MAX, PARTS_MAX, REPLY_BYTES_MAX},
    memory::Leaving,
    operation::{Operation, Writer, plain},
    ports::within,
    route::Instead,
};

/// What a provider may tell the client beside the body. Nothing here names the gateway's account.
const PASSED_DOWN: [HeaderName; 3] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
];

/// Judges the answer of a target, and turns it into the client's dialect where that is another one.
pub(super) async fn judge(
    question: &Question<'_>,
    target: &Target,
    passage: Passage,
    response: Response<Body>,
) -> Result<Served> {
    let Question { gateway, inbound, .. } = question;
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        return Err(read_failure(gateway, passage.from, head, body).await);
    }
    if inbound.operation != Operation::Chat && !passage.crosses() {
        return judge_plain(gateway, inbound, head, body).await;
    }
    let streams = inbound.ask.stream && is_stream(&head.headers, passage.framing);
    let headers = if passage.crosses() {
        let mut out = crossed(inbound);
        let now = gateway.ports.clock.now();
        rates::translate((passage.from, &head.headers), (inbound.answers, &mut out), now);
        out
    } else {
        passed_down(&head.headers)
    };
    if streams {
        let (from, shadow) = (passage.from, shadow(gateway, inbound, &passage));
        let observer = Box::new(Observer::new(inbound, passage, shadow));
        let begun = Beginning { observer, begun: Vec::new(), rest: body };
        return Box::pin(begin(question, target, begun))
            .await
            .map(|Beginning { observer, begun, rest }| Served::Stream {
                headers,
                begun,
                observer,
                rest,
            })
            .map_err(|error| resting(gateway, from, &head.headers, error));
    }
    let body = read_whole(gateway, body, REPLY_BYTES_MAX).await?;
    // `null` can be read as an answer of which everything is missing.
    let read = passage.from.glance(&body);
    let Some(mut read) = read.filter(|_| body.trim_ascii_start().starts_with(b"{")) else {
        return Err(Error::new(Kind::UpstreamBroken, "The provider's answer is not JSON."));
    };
    if let Some(error) = read.failure.take() {
        return Err(resting(gateway, passage.from, &head.headers, error));
    }
    let wanted = !passage.crosses() && question.names(target, Instead::Filtered);
    let told = || passage.from.read_reply(&body).is_ok_and(|reply| reply.is_held_back());
    let held_back = wanted && told();
    let Converted { body, read, leaving, held_back } =
        convert(inbound, passage, Converted { body, read, leaving: None, held_back })?;
    let (status, estimated) = (head.status, false);
    Ok(Served::Whole { status, headers, body, read, estimated, held_back, leaving })
}

/// JSON is read for its usage; anything else goes on unread.
async fn judge_plain(
    gateway: &Gateway,
    inbound: &Inbound,
    head: Parts,
    body: Body,
) -> Result<Served> {
    let headers = passed_down(&head.headers);
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !kind.starts_with(b"application/json") {
        return Ok(Served::Opaque { status: head.status, headers, body });
    }
    let body = read_whole(gateway, body, REPLY_BYTES_MAX).await?;
    let read = plain::glance(&body);
    let body = inbound.operation.as_asked(&inbound.raw, body);
    let (status, leaving) = (head.status, None);
    let (estimated, held_back) = (false, false);
    Ok(Served::Whole { status, headers, body, read, estimated, held_back, leaving })
}

/// A whole answer, and what is known of it.
struct Converted {
    body: Bytes,
    read: Read,
    leaving: Option<Box<Leaving>>,
    /// Whether a filter has left nothing of it.
    held_back: bool,
}

/// A whole answer in the client's dialect. A client that asked for a stream gets one, at once.
fn convert(inbound: &Inbound, passage: Passage, whole: Converted) -> Result<Converted> {
    let Converted { body, read, .. } = whole;
    let Some(mut crossing) = passage.crossing else {
        let body = with_parent(body, inbound.parent.as_deref());
        return Ok(Converted { body, read, ..whole });
    };
    let reply = passage.from.read_reply(&body)?;
    if reply.parts.len() > PARTS_MAX {
        return Err(too_many_parts());
    }
    let held_back = reply.is_held_back();
    crossing.memo.whole(&reply.parts);
    let leaving = crossing.memo.leaving().map(Box::new);
    let reply = if crossing.reshape.is_idle() { reply } else { crossing.reshape.whole(reply) };
    let read = Read { usage: reply.usage, ..read };
    if !inbound.ask.stream {
        let written = inbound.operation.write(inbound.answers, &reply, &crossing.stamp);
        return Ok(Converted { body: written.into(), read, leaving, held_back });
    }
    let mut writer = inbound.operation.writer(inbound.answers, crossing.stamp);
    let mut out = Vec::new();
    for event in unfold(reply) {
        writer.push(event, &mut out);
    }
    Ok(Converted { body: out.into(), read, leaving, held_back })
}

/// Writes a stream that passes once more, to nobody, where it may have to be ended before its provider ends it.
fn shadow(gateway: &Gateway, inbound: &Inbound, passage: &Passage) -> Option<Writer> {
    let id = inbound.cut.get().cloned().filter(|_| !passage.crosses())?;
    let stamp = Stamp {
        id,
        at_s: gateway.ports.clock.now().div_euclid(1000),
        model: inbound.ask.model.clone(),
        usage_wanted: inbound.ask.usage_wanted,
        framing: inbound.framing,
        carrier: Carrier::new(gateway.state.vault.clone(), "").into(),
        echo: inbound.dialect.echo(&inbound.raw),
    };
    Some(inbound.operation.writer(inbound.answers, stamp))
}

/// A stream of which nothing was sent yet.
struct Beginning {
    observer: Box<Observer>,
    /// What may be sent of it.
    begun: Vec<Bytes>,
    rest: Body,
}

/// Waits for the first event: an error that comes first is a failure in spite of the status, and comments are none.
/// Where others are named for what a filter takes, it waits for the first word too, but not for ever: hidden thoughts
/// may take their time.
async fn begin(
    question: &Question<'_>,
    target: &Target,
    mut stream: Beginning,
) -> Result<Beginning> {
    let (clock, state) = (&*question.gateway.ports.clock, &question.gateway.state);
    let first_byte = state.config.waits.first_byte;
    let begun = Box::pin(stream.read_until(Observer::has_begun));
    within(clock, first_byte, begun).await.unwrap_or_else(|| Err(silent()))?;
    if question.names(target, Instead::Filtered) {
        let shown = Box::pin(stream.read_until(Observer::has_shown));
        within(clock, first_byte, shown).await.unwrap_or(Ok(()))?;
    }
    Ok(stream)
}

impl Beginning {
    async fn read_until(&mut self, enough: fn(&Observer) -> bool) -> Result<()> {
        while !enough(&self.observer) {
            match self.rest.frame().await {
                Some(Ok(frame)) => {
                    let Ok(piece) = frame.into_data() else { continue };
                    self.observer.push(piece, &mut self.begun)?;
                }
                Some(Err(error)) => return Err(broken(&error)),
                None => self.observer.end(&mut self.begun)?,
            }
        }
        self.observer.take_first_failure().map_or(Ok(()), Err)
    }
}

pub(super) async fn read_whole(gateway: &Gateway, mut body: Body, max: usize) -> Result<Bytes> {
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

pub(super) async fn read_failure(
    gateway: &Gateway,
    dialect: Dialect,
    head: Parts,
    body: Body,
) -> Error {
    let body = read_whole(gateway, body, ERROR_BODY_BYTES_MAX).await.unwrap_or_default();
    let mut error = dialect.read_error(head.status, &body);
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    if let Some(value) = retry_after {
        error = error.retry_after(value);
    }
    resting(gateway, dialect, &head.headers, error)
}

/// A failure, with the time until which the provider wants to be left alone.
fn resting(gateway: &Gateway, dialect: Dialect, headers: &HeaderMap, mut error: Error) -> Error {
    let now = gateway.ports.clock.now();
    let told = error.hints.as_ref().and_then(|hints| hints.retry_after.as_deref());
    let asked = health::asked(headers, told, now);
    let until = match Fault::of(&error) {
        Fault::Limited | Fault::Spent => asked.or_else(|| health::limited(dialect, headers, now)),
        _ => asked,
    };
    if until.is_some() {
        error.hints.get_or_insert_default().rests_until_ms = until;
    }
    error
}

fn passed_down(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(PASSED_DOWN.len() + 4);
    for name in PASSED_DOWN {
        if let Some(value) = headers.get(&name) {
            out.insert(name, value.clone());
        }
    }
    rates::pass(headers, &mut out);
    out
}

/// What is said of an answer that was written here.
fn crossed(inbound: &Inbound) -> HeaderMap {
    let kind = match (inbound.ask.stream, inbound.framing) {
        (true, Framing::Events) => "text/event-stream; charset=utf-8",
        (true, Framing::Lines) => "application/x-ndjson",
        (true, Framing::Array) | (false, _) => "application/json",
    };
    let mut out = HeaderMap::with_capacity(5);
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    out
}

/// Whether an answer to a request for a stream is one. Some hosts answer whole.
fn is_stream(headers: &HeaderMap, framing: Framing) -> bool {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is = |kind: &[u8]| value.get(..kind.len()).is_some_and(|it| it.eq_ignore_ascii_case(kind));
    match framing {
        Framing::Events => is(b"text/event-stream"),
        // Lines and arrays come under many names, and a page of a proxy under one.
        Framing::Lines | Framing::Array => !is(b"text/html"),
    }
}

pub(super) fn silent() -> Error {
    Error::new(Kind::UpstreamTimeout, "The provider took too long.")
}

pub(super) fn broken(cause: &axum_core::Error) -> Error {
    Error::new(Kind::UpstreamBroken, "The provider broke off its answer.").because(cause)
}
