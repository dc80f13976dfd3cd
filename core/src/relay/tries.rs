//! Who is asked next? A key of the target at hand, then of the next one; never a key that rests, and never without end.

use std::time::Duration;

use super::{admit, receive::Inbound, resolve::Target, settle::Guard};
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    health::{Fault, Next, Out, Outcome, Refusal, Wanted, Why},
    limits::{ATTEMPTS_MAX, BACKOFF, BACKOFF_MAX},
    ports::{Background, Millis, millis},
    route::Instead,
};

/// What a request has tried so far.
pub(super) struct Tries<'g> {
    gateway: &'g Gateway,
    background: &'g dyn Background,
    /// When nothing more is begun.
    ends_at: Millis,
    attempts: u32,
    /// The providers that were asked, and how often each has broken down.
    asked: Vec<(String, u32)>,
    /// Why targets were passed over.
    refusal: Option<Refusal>,
    failed: Option<Error>,
}

/// Who may be asked after a failure.
pub(super) enum Then {
    /// Another key of the same target.
    Key,
    /// The next target.
    Target,
    /// Whoever the target's group names for this.
    Named(Instead),
}

/// What a target was tried with.
#[derive(Default)]
pub(super) struct Tried(Vec<usize>);

impl<'g> Tries<'g> {
    /// Nothing was tried.
    pub(super) fn new(gateway: &'g Gateway, background: &'g dyn Background) -> Self {
        let total = gateway.state.config.waits.total;
        let ends_at = gateway.ports.clock.now().saturating_add(millis(total));
        Self {
            gateway,
            background,
            ends_at,
            attempts: 0,
            asked: Vec::new(),
            refusal: None,
            failed: None,
        }
    }

    /// How long the next answer may take to begin.
    pub(super) fn wait(&self) -> Duration {
        let left = self.ends_at.saturating_sub(self.gateway.ports.clock.now());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        left.min(self.gateway.state.config.waits.first_byte)
    }

    /// The target with the key that is asked next; `None` when it is passed over.
    pub(super) async fn choose(
        &mut self,
        inbound: &Inbound,
        target: &Target,
        tried: &mut Tried,
        guard: &mut Guard,
    ) -> Option<Target> {
        let (provider, health) = (&target.provider, &self.gateway.state.health);
        let before = self.asked.iter().find(|(id, _)| *id == provider.id).map(|(_, broke)| *broke);
        let all_tried = tried.0.len() >= provider.keys.len().max(1);
        if all_tried || self.attempts >= ATTEMPTS_MAX || self.wait().is_zero() {
            return None;
        }
        if let Some(broke) = before.filter(|broke| *broke > 0) {
            if !health.retry(provider, self.gateway.ports.clock.now()) {
                return None;
            }
            self.back_off(broke).await;
        }
        let counted = provider.keys.iter().any(|key| key.terms.tpm.is_some());
        let asked = (&**provider, target.model.as_str());
        let most = || admit::estimate(self.gateway, inbound, asked).tokens;
        let tokens = if counted { u32::try_from(most()).unwrap_or(u32::MAX) } else { 0 };
        let now = self.gateway.ports.clock.now();
        let wanted = Wanted { model: &target.model, tokens, tried: &tried.0, now };
        let used = match health.choose(provider, &wanted) {
            Ok(used) => used,
            Err(refusal) => {
                self.refuse(refusal);
                return None;
            }
        };
        if before.is_none() {
            health.request(provider, now);
            self.asked.push((provider.id.clone(), 0));
        }
        self.attempts += 1;
        tried.0.push(used.at);
        let target = target.with(used.at);
        guard.using = Some(used);
        Some(target)
    }

    async fn back_off(&self, broke: u32) {
        let pause = pause(self.gateway, broke).min(self.wait());
        self.gateway.ports.clock.sleep(pause).await;
    }

    /// The target has begun to answer.
    pub(super) fn good(&self, spent_until: Option<Millis>, guard: &mut Guard) {
        self.note(Outcome::Good { spent_until }, guard);
    }

    /// The target has failed. Says who may be asked instead; an error when nobody may.
    pub(super) fn failed(&mut self, error: Error, guard: &mut Guard) -> Result<Then> {
        let fault = Fault::of(&error);
        let until = error.hints.as_ref().and_then(|hints| hints.rests_until_ms);
        let rests = self.note(Outcome::Failed { fault, until }, guard);
        guard.release();
        if fault == Fault::Limited {
            self.refuse(Refusal::of(&[Out { why: Why::Limited, until: rests.or(until) }]));
        }
        let then = match fault.next() {
            Next::Nobody => return Err(error),
            Next::Key => Then::Key,
            Next::KeyLater => {
                self.asked
                    .iter_mut()
                    .filter(|(id, _)| *id == guard.record.provider)
                    .for_each(|(_, broke)| *broke += 1);
                Then::Key
            }
            Next::Target => Then::Target,
            Next::Named if fault == Fault::TooLong => Then::Named(Instead::TooLong),
            Next::Named => Then::Named(Instead::Filtered),
        };
        self.failed = Some(error);
        Ok(then)
    }

    /// Takes in how an answer began. Says until when somebody rests if that begins now.
    fn note(&self, outcome: Outcome, guard: &mut Guard) -> Option<Millis> {
        let used = guard.using.as_mut()?;
        let now = self.gateway.ports.clock.now();
        let resting = self.gateway.state.health.note(used, outcome, now)?;
        self.gateway.tell(&resting, self.background);
        Some(resting.until)
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(self.refusal.map_or(refusal, |found| found.or(refusal)));
    }

    /// Nobody has answered.
    pub(super) fn end(self, model: &str) -> Error {
        let now = self.gateway.ports.clock.now();
        match (self.failed, self.refusal) {
            // The first key that comes back is the one to wait for, whichever was asked last.
            (Some(error), Some(refusal))
                if refusal.until.is_some() && Fault::of(&error) == Fault::Limited =>
            {
                error.retry_after(&refusal.seconds(now).to_string())
            }
            (Some(error), _) => error,
            (None, Some(refusal)) => refusal.error(model, now),
            (None, None) => Error::new(Kind::Internal, "No target was tried."),
        }
    }
}

/// How long somebody is left alone who has broken down so often: a part of the longest pause by lot, so that those who
/// failed together do not come back together.
pub(super) fn pause(gateway: &Gateway, broke: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(broke.saturating_sub(1));
    let longest = BACKOFF.saturating_mul(doubled).min(BACKOFF_MAX);
    let mut lot = [0; 8];
    gateway.ports.random.fill(&mut lot);
    let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(u64::from_le_bytes(lot) % longest.saturating_add(1))
}
