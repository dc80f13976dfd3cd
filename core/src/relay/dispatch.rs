//! Which target answers? Each is prepared, asked and judged in turn, until one's answer may go to the client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{
    admit::{self, Permit, cover},
    exchange::exchange,
    hedge::{Course, Raced, race},
    held::Held,
    judge::{judge, silent},
    line::Line,
    observe::Observer,
    prepare::{Outgoing, prepare},
    receive::Inbound,
    remember::Keeping,
    resolve::{Question, Target},
    settle::Guard,
    trail::{HELD_BACK, OK},
    tries::{Then, Tried, Tries},
};
use crate::{
    budget::Path,
    error::{Error, Result},
    gateway::Gateway,
    health::{self, Fault},
    http::Body,
    limits::LATENCY_OF_FAILURE,
    memory::Leaving,
    operation::Way,
    ports::{Background, Millis, millis, within},
    provider::echo,
    route::{Instead, Sample},
    store::{Record, Usage},
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
        /// Whether a filter has left nothing of it, where somebody wants to know.
        held_back: bool,
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
    fn status(&self) -> StatusCode {
        match self {
            Self::Whole { status, .. } | Self::Opaque { status, .. } => *status,
            Self::Stream { .. } => StatusCode::OK,
        }
    }

    /// Whether a filter has left nothing of it.
    fn is_held_back(&self) -> bool {
        match self {
            Self::Whole { held_back, .. } => *held_back,
            Self::Stream { observer, .. } => observer.is_held_back(),
            Self::Opaque { .. } => false,
        }
    }

    /// What it has used, as far as that was told.
    pub(super) fn usage(&self) -> Option<Usage> {
        match self {
            Self::Whole { read, .. } => read.usage,
            Self::Stream { observer, .. } => observer.seen.usage,
            Self::Opaque { .. } => None,
        }
    }

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
    question: &Question<'_>,
    path: &Path,
    headers: &HeaderMap,
    targets: Vec<Target>,
    (guard, background): (&mut Guard, &dyn Background),
) -> Result<Served> {
    let mut tries = Tries::new(question.gateway, background);
    let mut line = Line::new(targets);
    let mut held: Option<Held> = None;
    while let Some(target) = line.take() {
        if guard.record.provider.is_empty() {
            // Whoever would have been asked, in case nobody is.
            guard.record.provider.clone_from(&target.provider.id);
            guard.record.model.clone_from(&target.model);
            guard.trail.picked(&target);
        }
        let course = Course { tries: &mut tries, line: &mut line, guard: &mut *guard };
        let named = match ask(question, headers, &target, course).await {
            Ok(Said::Served(served)) => {
                if let Some(held) = held {
                    held.pay(question, &mut guard.record);
                }
                return Ok(served);
            }
            Ok(Said::Nothing) => None,
            Ok(Said::Refused(reason, by)) => Some((reason, question.instead(path, &by, reason))),
            Ok(Said::Held(more)) => {
                let named = question.instead(path, &more.by, Instead::Filtered);
                match &held {
                    Some(_) => more.pay(question, &mut guard.record),
                    None => held = Some(more),
                }
                Some((Instead::Filtered, named))
            }
            Err(_) if held.is_some() => break,
            Err(error) => return Err(error),
        };
        line.leave(target);
        if let Some((reason, named)) = named {
            line.turn_to(reason, named);
        }
    }
    match held {
        Some(held) => Ok(held.serve(&mut guard.record)),
        None => Err(tries.end(&question.inbound.ask.model)),
    }
}

/// What came of a target.
enum Said {
    /// An answer.
    Served(Served),
    /// It has none, or is not asked.
    Nothing,
    /// This one does not take the request, which another one may take.
    Refused(Instead, Target),
    /// An answer with nothing in it, where another one may have more to say.
    Held(Held),
}

/// Asks a target with one of its keys after another, as long as that makes sense.
async fn ask(
    question: &Question<'_>,
    headers: &HeaderMap,
    target: &Target,
    course: Course<'_, '_>,
) -> Result<Said> {
    let Question { gateway, inbound, .. } = question;
    let Course { tries, line, guard } = course;
    let mut keys = Tried::default();
    while let Some(target) = tries.choose(inbound, target, &mut keys, guard).await {
        name(&mut guard.record, &target);
        let most = || admit::estimate(gateway, inbound, (&target.provider, &target.model));
        cover(gateway, &mut guard.hold, most).await?;
        let begun = gateway.ports.clock.now();
        let ticket = guard.trail.begin(&target, begun);
        let Raced { target, ticket, begun, outcome } = if let Some(hedge) = question.hedge(&target)
        {
            let course = Course { tries: &mut *tries, line: &mut *line, guard: &mut *guard };
            Box::pin(race(question, headers, (target, ticket, hedge), course)).await
        } else {
            let waiting = (tries.wait(), &mut guard.record);
            let outcome = attempt(question, headers, &target, waiting).await;
            Raced { target, ticket, begun, outcome }
        };
        let held = outcome.as_ref().is_ok_and(|(served, _)| served.is_held_back())
            && question.names(&target, Instead::Filtered);
        let word = if held { HELD_BACK } else { OK };
        let came = outcome.as_ref().map(|(served, _)| (word, served.status()));
        guard.trail.last(ticket, came, gateway.ports.clock.now());
        if !held {
            note_latency(gateway, inbound, &target, (begun, outcome.as_ref().err()));
        }
        match outcome {
            Ok((served, spent_until)) => {
                tries.good(spent_until, guard);
                if held {
                    guard.release();
                    return Ok(Said::Held(Held::back(served, target, &guard.record)));
                }
                return Ok(Said::Served(served));
            }
            Err(error) => match tries.failed(scrub(error, &target), guard)? {
                Then::Key => {}
                Then::Target => break,
                Then::Named(reason) => return Ok(Said::Refused(reason, target)),
            },
        }
    }
    Ok(Said::Nothing)
}

/// Whoever is asked now, for the record.
pub(super) fn name(record: &mut Record, target: &Target) {
    record.provider.clone_from(&target.provider.id);
    record.model.clone_from(&target.model);
    record.key_id = target.key().map(|key| key.id.clone()).unwrap_or_default();
}

/// A good answer, and until when nothing is left of a limit where the provider has said so.
pub(super) type Attempted = (Served, Option<Millis>);

/// One request to one target.
pub(super) async fn attempt(
    question: &Question<'_>,
    headers: &HeaderMap,
    target: &Target,
    (wait, record): (Duration, &mut Record),
) -> Result<Attempted> {
    let Question { gateway, inbound, .. } = question;
    // Another target may have been tried before this one.
    record.dropped.clear();
    record.added.clear();
    if target.way == Way::Errand {
        let served = exchange(gateway, inbound, headers, target, (wait, record)).await?;
        return Ok((served, None));
    }
    let (outgoing, passage) = prepare(gateway, inbound, headers, target, record).await?;
    record.attempts += 1;
    let response = match outgoing {
        Outgoing::Echo(body) => echo::answer(&body)?,
        Outgoing::Upstream(request) => {
            within(&*gateway.ports.clock, wait, gateway.ports.upstream.send(*request))
                .await
                .unwrap_or_else(|| Err(silent()))?
        }
    };
    let now = gateway.ports.clock.now();
    let spent_until = health::spent(target.provider.dialect, response.headers(), now);
    Ok((judge(question, target, passage, response).await?, spent_until))
}

/// What groups go by that pick the fastest. A fault of the request itself says nothing of its target.
pub(super) fn note_latency(
    gateway: &Gateway,
    inbound: &Inbound,
    target: &Target,
    (begun, error): (Millis, Option<&Error>),
) {
    let now = gateway.ports.clock.now();
    let took = match error.map(Fault::of) {
        None => now - begun,
        Some(Fault::Request | Fault::TooLong | Fault::Filtered | Fault::Ours) => return,
        Some(
            Fault::Absent
            | Fault::Passing
            | Fault::Limited
            | Fault::Spent
            | Fault::Refused
            | Fault::Down
            | Fault::Broke
            | Fault::Silent,
        ) => (now - begun).max(millis(LATENCY_OF_FAILURE)),
    };
    let (provider, model) = (target.provider.id.clone(), target.model.clone());
    let sample = Sample { provider, model, streams: inbound.ask.stream };
    gateway.state.latencies.note(sample, took, now);
}

/// A provider that repeats our key in its error must not tell it to a client.
pub(super) fn scrub(mut error: Error, target: &Target) -> Error {
    for key in &target.provider.keys {
        let secret = key.secret.expose();
        if error.message.contains(secret) {
            error.message = error.message.replace(secret, "…").into();
        }
    }
    error
}
