//! Which key of a provider serves next? They take turns; those that rest, are full or are for other models are passed over.

use std::sync::Arc;

use super::{
    breaker::{Breaker, Look, Turn},
    pace::Pace,
    retries::Retries,
};
use crate::{
    limits::FIRST_TURNS_MAX,
    ports::Millis,
    provider::{Key, Provider, Rotation, Terms},
};

/// A provider without keys is asked as if it had one without terms.
static KEYLESS: Terms = Terms::NONE;

/// What this process knows of a provider.
pub(super) struct Pool {
    /// As it was when it was last asked for.
    provider: Arc<Provider>,
    pub(super) breaker: Breaker,
    /// Why it rests, when it does.
    pub(super) down: Why,
    pub(super) retries: Retries,
    /// One for each key, in their order; one for a provider without.
    pub(super) slots: Vec<Slot>,
    /// Where the next turn begins.
    position: usize,
    /// When it last said anything; 0 when nobody has asked.
    pub(super) seen_at: Millis,
    /// When its list of models last said nothing of it; long ago when it never did.
    pub(super) told_nothing_at: Millis,
}

/// What this process knows of a key.
#[derive(Clone, Default)]
pub(super) struct Slot {
    /// Refusals of the key itself.
    pub(super) bench: Breaker,
    /// What the provider has asked for, or what was learned.
    pub(super) rest: Option<Rest>,
    /// Limits reached in a row of which the provider did not say how long they hold.
    pub(super) unsaid: u32,
    pub(super) in_flight: u32,
    requests: Pace,
    tokens: Pace,
    /// How far its turn is due, among weights.
    due: i64,
}

/// A time in which a key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) until: Millis,
    pub(crate) why: Why,
}

impl Rest {
    /// Whether it is not over. Its last millisecond belongs to it: the moment that it was counted from was cut to one,
    /// and a provider that asked for four seconds sees more of them than we do.
    pub(super) fn holds(self, now: Millis) -> bool {
        self.until >= now
    }
}

/// Why somebody is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Why {
    /// The provider broke down again and again.
    #[default]
    Down,
    /// The provider was silent again and again.
    Silent,
    /// The key has reached a limit, and the provider has said so.
    Limited,
    /// Nothing is left of a limit, by the headers of an answer.
    Exhausted,
    /// The key has no credit.
    Spent,
    /// The key is refused.
    Refused,
    /// It takes no more requests at a time.
    Busy,
    /// It takes no more requests in this minute.
    Requests,
    /// It takes no more tokens in this minute.
    Tokens,
    /// It is for other models.
    OtherModels,
    /// It has been tried for this request.
    Tried,
}

impl Why {
    /// Those that instances tell each other.
    pub(crate) const TOLD: [Self; 6] =
        [Self::Down, Self::Silent, Self::Limited, Self::Exhausted, Self::Spent, Self::Refused];

    /// The word in the API and between instances.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Silent => "silent",
            Self::Limited => "limited",
            Self::Exhausted => "exhausted",
            Self::Spent => "spent",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::OtherModels => "other_models",
            Self::Tried => "tried",
        }
    }
}

/// Why a key cannot be used, and until when, where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) why: Why,
    pub(crate) until: Option<Millis>,
}

/// For what a key is wanted.
pub(crate) struct Wanted<'a> {
    /// The model, as the provider calls it.
    pub(crate) model: &'a str,
    /// Tokens it may use, as far as anybody can tell.
    pub(crate) tokens: u32,
    /// Keys that were tried for the same request.
    pub(crate) tried: &'a [usize],
    pub(crate) now: Millis,
}

impl Pool {
    /// Nothing is known yet. The turns begin at a place that is drawn.
    pub(super) fn new(provider: &Arc<Provider>, lot: u64) -> Self {
        let count = provider.keys.len().max(1);
        let mut pool = Self {
            provider: provider.clone(),
            breaker: Breaker::default(),
            down: Why::default(),
            retries: Retries::default(),
            slots: vec![Slot::default(); count],
            position: 0,
            seen_at: 0,
            told_nothing_at: Millis::MIN / 2,
        };
        if provider.rotation != Rotation::Weighted {
            pool.position = usize::try_from(lot % count as u64).unwrap_or_default();
            return pool;
        }
        // As after so many turns, so that what follows is as even as it would be then.
        let sum: u64 = (0..count).map(|at| u64::from(pool.terms(at).weight)).sum();
        for _ in 0..lot % sum.clamp(1, FIRST_TURNS_MAX) {
            let in_turn = (pool.position..count).chain(0..pool.position);
            let all: Vec<_> = in_turn.map(|at| (at, Turn::Plain)).collect();
            pool.position = pool.heaviest(&all).map_or(0, |(at, _)| (at + 1) % count);
        }
        pool
    }

    /// Follows a change of the configuration: a key that is the same as before keeps what is known of it.
    pub(super) fn follow(&mut self, provider: &Arc<Provider>) {
        if Arc::ptr_eq(&self.provider, provider) {
            return;
        }
        let same = |key: &Key, other: &Key| key.id == other.id && key.version == other.version;
        let before = std::mem::replace(&mut self.provider, provider.clone());
        let kept = |(at, key): (usize, &Key)| {
            // Mostly nothing has changed, so its place is looked at first.
            let here = before.keys.get(at).is_some_and(|other| same(key, other)).then_some(at);
            let at = here.or_else(|| before.keys.iter().position(|other| same(key, other)));
            at.and_then(|at| self.slots.get(at)).cloned().unwrap_or_default()
        };
        let slots: Vec<Slot> = match (provider.keys.as_slice(), before.keys.as_slice()) {
            ([], []) => return,
            ([], _) => vec![Slot::default()],
            (keys, _) => keys.iter().enumerate().map(kept).collect(),
        };
        self.slots = slots;
    }

    /// Where a key stands now, if it is still there and still the same.
    pub(super) fn place(&self, at: usize, (id, version): (&str, i64)) -> Option<usize> {
        let keys = &self.provider.keys;
        if keys.is_empty() && id.is_empty() {
            return Some(0);
        }
        let same = |key: &Key| key.id == id && key.version == version;
        let here = keys.get(at).is_some_and(same).then_some(at);
        here.or_else(|| keys.iter().position(same))
    }

    pub(super) fn terms(&self, at: usize) -> &Terms {
        self.provider.keys.get(at).map_or(&KEYLESS, |key| &key.terms)
    }

    /// The key whose turn it is, and how it is asked.
    pub(super) fn choose(&mut self, wanted: &Wanted<'_>) -> Result<(usize, Turn), Vec<Out>> {
        let count = self.slots.len();
        let first = self.position % count;
        let in_turn = (first..count).chain(0..first);
        let mut usable = in_turn.filter_map(|at| Some((at, self.turn(at, wanted).ok()?)));
        let chosen = match self.provider.rotation {
            Rotation::RoundRobin => usable.next(),
            Rotation::LeastUsed => usable.min_by_key(|(at, _)| self.slots[*at].in_flight),
            Rotation::Weighted => {
                let usable: Vec<_> = usable.collect();
                self.heaviest(&usable)
            }
        };
        let Some((at, turn)) = chosen else {
            return Err((0..count).filter_map(|at| self.turn(at, wanted).err()).collect());
        };
        self.position = (at + 1) % count;
        let (rpm, tpm) = (self.terms(at).rpm, self.terms(at).tpm);
        let slot = &mut self.slots[at];
        slot.bench.take(turn, wanted.now);
        slot.in_flight += 1;
        if let Some(rpm) = rpm {
            slot.requests.take(1, rpm, wanted.now);
        }
        if let Some(tpm) = tpm {
            slot.tokens.take(wanted.tokens, tpm, wanted.now);
        }
        Ok((at, turn))
    }

    /// Smooth weighted turns: all usable keys come nearer by their weight, and the one that is due goes back by the sum.
    fn heaviest(&mut self, usable: &[(usize, Turn)]) -> Option<(usize, Turn)> {
        let mut sum = 0;
        let mut best: Option<(usize, Turn)> = None;
        for (at, turn) in usable {
            let weight = i64::from(self.terms(*at).weight);
            sum += weight;
            self.slots[*at].due += weight;
            if best.is_none_or(|(best, _)| self.slots[*at].due > self.slots[best].due) {
                best = Some((*at, *turn));
            }
        }
        if let Some((at, _)) = best {
            self.slots[at].due -= sum;
        }
        best
    }

    /// How a key would be asked, or else why it cannot be.
    pub(super) fn turn(&self, at: usize, wanted: &Wanted<'_>) -> Result<Turn, Out> {
        let (terms, slot, now) = (self.terms(at), &self.slots[at], wanted.now);
        if !terms.models.is_empty() && !terms.models.iter().any(|model| model == wanted.model) {
            return Err(Out { why: Why::OtherModels, until: None });
        }
        if let Some(out) = slot.resting(now) {
            return Err(out);
        }
        if wanted.tried.contains(&at) {
            return Err(Out { why: Why::Tried, until: None });
        }
        if terms.concurrency.is_some_and(|most| slot.in_flight >= most) {
            return Err(Out { why: Why::Busy, until: None });
        }
        let paces = [
            (Why::Requests, terms.rpm, slot.requests, 1),
            (Why::Tokens, terms.tpm, slot.tokens, wanted.tokens),
        ];
        for (why, per_minute, pace, amount) in paces {
            let full = per_minute.and_then(|per_minute| pace.full_until(amount, per_minute, now));
            if full.is_some() {
                return Err(Out { why, until: full });
            }
        }
        match slot.bench.look(now) {
            Look::Free(turn) => Ok(turn),
            Look::Rests(until) => Err(Out { why: Why::Refused, until: Some(until) }),
        }
    }

    /// A request that used a key is over. It used so many more tokens than were taken for it.
    pub(super) fn release(&mut self, at: usize, more_tokens: i64) {
        let tpm = self.terms(at).tpm;
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.in_flight = slot.in_flight.saturating_sub(1);
        if let Some(tpm) = tpm {
            slot.tokens.correct(more_tokens, tpm);
        }
    }
}

impl Slot {
    /// Why it rests, when it does.
    pub(super) fn resting(&self, now: Millis) -> Option<Out> {
        if let Look::Rests(until) = self.bench.look(now) {
            return Some(Out { why: Why::Refused, until: Some(until) });
        }
        let rest = self.rest.filter(|rest| rest.holds(now))?;
        Some(Out { why: rest.why, until: Some(rest.until) })
    }

    /// Makes it rest, unless it rests longer already. Says whether that is news.
    pub(super) fn rest_until(&mut self, until: Millis, why: Why, now: Millis) -> bool {
        /// Requests that fail together end together, give or take.
        const TOGETHER_MS: Millis = 1_000;
        let before = self.rest.map_or(Millis::MIN, |rest| rest.until);
        if before < until {
            self.rest = Some(Rest { until, why });
        }
        before <= now || before.saturating_add(TOGETHER_MS) < until
    }
}

#[cfg(test)]
mod tests;
