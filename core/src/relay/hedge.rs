//! Is a second target asked because the first one is slow? Whoever answers first serves, and both are on the bill.

use std::{mem::swap, time::Duration};

use futures_util::future::{Either, select};
use http::HeaderMap;

use super::{
    admit::{self, cover},
    dispatch::{Attempted, attempt, name, note_latency, scrub},
    line::Line,
    resolve::{Question, Target},
    settle::Guard,
    trail::Ticket,
    tries::{Tried, Tries},
};
use crate::{
    error::Result,
    health::{Fault, Next},
    ports::Millis,
    route::Hedge,
    store::{Record, Side},
};

/// A target that was asked, and what came of it.
pub(super) struct Raced {
    pub(super) target: Target,
    pub(super) ticket: Ticket,
    pub(super) begun: Millis,
    pub(super) outcome: Result<Attempted>,
}

/// What a race goes by, and what it changes.
pub(super) struct Course<'c, 'g> {
    pub(super) tries: &'c mut Tries<'g>,
    pub(super) line: &'c mut Line,
    pub(super) guard: &'c mut Guard,
}

/// Asks the target, and the next one too when it has not answered in time. Both live in the request alone: whoever
/// drops it drops them.
pub(super) async fn race(
    question: &Question<'_>,
    headers: &HeaderMap,
    (target, ticket, hedge): (Target, Ticket, &Hedge),
    course: Course<'_, '_>,
) -> Raced {
    let Question { gateway, inbound, .. } = question;
    let Course { tries, line, guard } = course;
    let clock = &gateway.ports.clock;
    let (begun, attempts, side) = (clock.now(), guard.record.attempts, guard.record.side.clone());
    // In case the client leaves meanwhile.
    guard.record.attempts += 1;
    let (mut own, mut other) = (scratch(&guard.record), scratch(&guard.record));
    let first = |outcome| Raced { target: target.clone(), ticket, begun, outcome };
    let asked = Box::pin(attempt(question, headers, &target, (tries.wait(), &mut own)));
    let delay = Duration::from_millis(u64::from(hedge.after_ms));
    let (last, failed, is_first) = match select(asked, clock.sleep(delay)).await {
        Either::Left((outcome, _)) => (first(outcome), None, true),
        Either::Right(((), asked)) => {
            let course = Course { tries: &mut *tries, line, guard: &mut *guard };
            let second = follow(question, headers, (&target, hedge), (course, &mut other));
            match select(asked, Box::pin(second)).await {
                Either::Left((Err(error), second)) if Fault::of(&error).next() != Next::Nobody => {
                    match second.await {
                        Some(last) => (last, Some(first(Err(error))), false),
                        None => (first(Err(error)), None, true),
                    }
                }
                Either::Left((outcome, _)) => (first(outcome), None, true),
                Either::Right((Some(raced), _)) if raced.outcome.is_ok() => (raced, None, false),
                Either::Right((failed, asked)) => (first(asked.await), failed, true),
            }
        }
    };
    guard.record.attempts = attempts + own.attempts + other.attempts;
    let told = if is_first { own } else { other };
    (guard.record.dropped, guard.record.added) = (told.dropped, told.added);
    if is_first && guard.beside.is_some() {
        swap(&mut guard.using, &mut guard.beside);
    }
    // From here on the key in use is the last one's, and the one beside it that of whoever failed or was dropped.
    if let Some(Raced { target, ticket, outcome: Err(error), .. }) = failed {
        guard.record.side = side;
        swap(&mut guard.using, &mut guard.beside);
        name(&mut guard.record, &target);
        guard.trail.end(ticket, Err(&error), clock.now());
        // Whoever is asked next is under way already.
        let _ = tries.failed(scrub(error, &target), guard);
        guard.using = guard.beside.take();
    } else if guard.beside.is_some() {
        if !is_first {
            note_latency(gateway, inbound, &target, (begun, None));
            guard.record.side = with(side, question, &target);
        }
        guard.leave_beside();
    }
    name(&mut guard.record, &last.target);
    last
}

/// Asks the next target beside the first one, if that is not too dear. While both are asked, the key in use is this
/// one's.
async fn follow(
    question: &Question<'_>,
    headers: &HeaderMap,
    (first, hedge): (&Target, &Hedge),
    (course, record): (Course<'_, '_>, &mut Record),
) -> Option<Raced> {
    let Question { gateway, inbound, .. } = question;
    let Course { tries, line, guard } = course;
    let next = line.peek()?;
    let (size, prices) = (inbound.size(), gateway.state.prices());
    let cost = prices.quote(&next.provider.id, &next.model, size.input, size.answer());
    if let Some(most) = hedge.cost_nano_max
        && cost.and_then(|nano| u64::try_from(nano).ok()).is_none_or(|nano| nano > most)
    {
        return None;
    }
    let most = |target: &Target| {
        admit::estimate(gateway, inbound, (&target.provider, target.model.as_str()))
    };
    cover(gateway, &mut guard.hold, || most(first).plus(most(next))).await.ok()?;
    guard.beside = guard.using.take();
    let Some(target) = tries.choose(inbound, next, &mut Tried::default(), guard).await else {
        guard.using = guard.beside.take();
        return None;
    };
    line.skip();
    guard.record.attempts += 1;
    guard.record.side = with(guard.record.side.clone(), question, &target);
    let begun = gateway.ports.clock.now();
    let ticket = guard.trail.begin(&target, begun);
    let outcome = attempt(question, headers, &target, (tries.wait(), record)).await;
    Some(Raced { target, ticket, begun, outcome })
}

/// What an attempt writes into, so that two do not write into the same.
fn scratch(record: &Record) -> Record {
    Record { client: record.client.clone(), ..Record::default() }
}

/// What was asked beside the answer, with a target that was dropped: it has read the prompt, and what it had thought of
/// by then nobody knows.
fn with(side: Side, question: &Question<'_>, target: &Target) -> Side {
    let (id, model) = (&target.provider.id, &target.model);
    let prompt = question.inbound.size().input;
    let cost = question.gateway.state.prices().quote(id, model, prompt, 0).unwrap_or(0);
    let told = if side.model.is_empty() { format!("{id}/{model}") } else { side.model };
    Side {
        model: told,
        prompt: side.prompt.saturating_add(prompt),
        cost_nano: side.cost_nano.saturating_add(cost),
        ..side
    }
}
