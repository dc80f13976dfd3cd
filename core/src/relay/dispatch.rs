//! Which target answers? Each is prepared, asked and judged in turn, until one's answer may go to the client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{
    admit::{self, Permit, cover},
    exchange::exchange,
    judge::{judge, silent},
    observe::Observer,
    prepare::{Outgoing, prepare},
    receive::Inbound,
    remember::Keeping,
    resolve::Target,
    settle::Guard,
};
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    limits::LATENCY_OF_FAILURE,
    memory::Leaving,
    operation::Way,
    ports::{Millis, within},
    provider::echo,
    route::Sample,
    store::Record,
};

/// What the client may get, and the permit that lasts as long.
pub(super) struct Answer {
    pub(super) served: Served,
    pub(super) permit: Permit,
    /// Keeps the turn when a stream ends.
    pub(super) keeping: Option<Box<Keeping>>,
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
        /// Whether a number in it is an estimate.
        estimated: bool,
        /// What other instances should know of it.
        leaving: Option<Box<Leaving>>,
    },
    /// Of no dialect: it goes on unread.
    Opaque { status: StatusCode, headers: HeaderMap, body: Body },
    /// Its first event is there.
    Stream {
        headers: HeaderMap,
        /// What was read so far and may be sent.
        begun: Vec<Bytes>,
        observer: Box<Observer>,
        rest: Body,
    },
}

impl Served {
    /// The tokens of the prompt, in case nobody tells them; 0 where they were told.
    pub(super) fn estimate(&self, inbound: &Inbound) -> i64 {
        match self {
            Self::Whole { read, .. } if read.usage.is_some() => 0,
            Self::Whole { .. } | Self::Opaque { .. } | Self::Stream { .. } => inbound.size().input,
        }
    }
}

#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn dispatch(
    gateway: &Gateway,
    inbound: &Inbound,
    headers: &HeaderMap,
    targets: Vec<Target>,
    guard: &mut Guard,
) -> Result<Served> {
    let mut failed = Error::internal("no target was tried");
    for target in &targets {
        let record = &mut guard.record;
        record.provider.clone_from(&target.provider.id);
        record.model.clone_from(&target.model);
        record.key_id = target.key().map(|key| key.id.clone()).unwrap_or_default();
        let asked = (&*target.provider, target.model.as_str());
        cover(gateway, &mut guard.hold, || admit::estimate(gateway, inbound, asked)).await?;
        let begun = gateway.ports.clock.now();
        let outcome = attempt(gateway, inbound, headers, target, record).await;
        note_latency(gateway, inbound, target, (begun, outcome.as_ref().err()));
        match outcome {
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
    record: &mut Record,
) -> Result<Served> {
    // Another target may have been tried before this one.
    record.dropped.clear();
    record.added.clear();
    if target.way == Way::Errand {
        return exchange(gateway, inbound, headers, target, record).await;
    }
    let (outgoing, passage) = prepare(gateway, inbound, headers, target, record).await?;
    record.attempts += 1;
    let response = match outgoing {
        Outgoing::Echo(body) => echo::answer(&body)?,
        Outgoing::Upstream(request) => {
            let first_byte = gateway.state.config.waits.first_byte;
            within(&*gateway.ports.clock, first_byte, gateway.ports.upstream.send(*request))
                .await
                .unwrap_or_else(|| Err(silent()))?
        }
    };
    judge(gateway, inbound, passage, response).await
}

/// What groups go by that pick the fastest. A fault of the request itself says nothing of its target.
fn note_latency(
    gateway: &Gateway,
    inbound: &Inbound,
    target: &Target,
    (begun, error): (Millis, Option<&Error>),
) {
    let now = gateway.ports.clock.now();
    let took = match error {
        None => now - begun,
        Some(error) if may_try_another(error.kind) || error.kind == Kind::UpstreamTimeout => {
            (now - begun).max(millis(LATENCY_OF_FAILURE))
        }
        Some(_) => return,
    };
    let (provider, model) = (target.provider.id.clone(), target.model.clone());
    let sample = Sample { provider, model, streams: inbound.ask.stream };
    gateway.state.latencies.note(sample, took, now);
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX / 2)
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
        | Kind::PreconditionFailed
        | Kind::PreconditionRequired
        | Kind::UnsupportedMedia
        | Kind::TooLarge
        | Kind::RateLimited
        | Kind::Overloaded
        | Kind::Unavailable
        | Kind::ClientGone
        | Kind::Internal => false,
    }
}
