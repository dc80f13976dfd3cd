//! Who may be asked just now? What this process has seen of providers and their keys, and what others have told.
//!
//! Read in this order: [`fault`] (what a failure says, and of whom), [`breaker`] and [`cooling`] (who rests, and until
//! when), [`pool`] (which key serves next), [`refusal`] (what is said when none does), [`shared`] (between instances).

mod breaker;
mod cooling;
mod fault;
mod pace;
mod pool;
mod probe;
mod rates;
mod refusal;
mod retries;
#[cfg(test)]
mod sample;
mod shared;
mod view;

pub(crate) use cooling::{asked, limited, spent};
pub(crate) use fault::{Fault, Next};
pub(crate) use pool::{Out, Wanted, Why};
pub(crate) use probe::Asked;
pub(crate) use rates::Rate;
pub(crate) use refusal::Refusal;
pub(crate) use shared::Resting;
pub(crate) use view::KeyView;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use self::{
    breaker::{Look, Rule, Turn, after},
    pool::Pool,
};
use crate::{
    limits::{COOL_REST, COOL_REST_MAX, CREDIT_REST},
    ports::Millis,
    provider::Provider,
    snapshot::Snapshot,
};

/// What is known of providers, by their ids.
#[derive(Default)]
pub(crate) struct Health {
    /// There are no more than the configuration names.
    pools: Mutex<HashMap<String, Pool>>,
    /// Where this process begins with the keys of all of them.
    lot: OnceLock<u64>,
}

/// A key in use. It is given back when its request is over.
pub(crate) struct Used {
    provider: String,
    /// Its place among the provider's keys.
    pub(crate) at: usize,
    key: String,
    version: i64,
    /// How the provider is asked, and how the key.
    turns: (Turn, Turn),
    /// Tokens that were taken of its minute.
    tokens: u32,
    told: Told,
}

/// What is known of how the provider answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// It began well.
    Well,
    Badly,
}

/// How an answer began.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// Well. Perhaps nothing is left of a limit until then.
    Good { spent_until: Option<Millis> },
    /// Not at all. Perhaps the provider says how long to wait.
    Failed { fault: Fault, until: Option<Millis> },
}

impl Health {
    /// Draws where the turns begin, unless that is known. Processes that live for few requests would use the first key
    /// of each provider most if all of them began there.
    pub(crate) fn begin_at(&self, draw: impl FnOnce() -> u64) {
        self.lot.get_or_init(draw);
    }

    /// Takes a key that may be asked now.
    pub(crate) fn choose(
        &self,
        provider: &Arc<Provider>,
        wanted: &Wanted<'_>,
    ) -> Result<Used, Refusal> {
        let mut pools = self.pools();
        let pool = self.of(&mut pools, provider);
        let turn = match pool.breaker.look(wanted.now) {
            Look::Free(turn) => turn,
            Look::Rests(until) => {
                return Err(Refusal::of(&[Out { why: pool.down, until: Some(until) }]));
            }
        };
        let (at, key_turn) = pool.choose(wanted).map_err(|outs| Refusal::of(&outs))?;
        pool.breaker.take(turn, wanted.now);
        let key = provider.keys.get(at);
        let (key, version) = key.map(|key| (key.id.clone(), key.version)).unwrap_or_default();
        let (provider, tokens) = (provider.id.clone(), wanted.tokens);
        Ok(Used {
            provider,
            at,
            key,
            version,
            turns: (turn, key_turn),
            tokens,
            told: Told::Nothing,
        })
    }

    /// Counts a request that asks the provider for the first time.
    pub(crate) fn request(&self, provider: &Arc<Provider>, now: Millis) {
        self.of(&mut self.pools(), provider).retries.request(now);
    }

    /// Whether a provider that failed may be asked again for the same request. Takes of its budget if so.
    pub(crate) fn retry(&self, provider: &Arc<Provider>, now: Millis) -> bool {
        self.of(&mut self.pools(), provider).retries.take(now)
    }

    /// Takes in how an answer began, and says who begins to rest by that.
    pub(crate) fn note(&self, used: &mut Used, outcome: Outcome, now: Millis) -> Option<Resting> {
        used.told = match outcome {
            Outcome::Good { .. } => Told::Well,
            Outcome::Failed { .. } => Told::Badly,
        };
        let mut pools = self.pools();
        let pool = pools.get_mut(&used.provider)?;
        pool.seen_at = now;
        let (turn, key_turn) = used.turns;
        let fault = match outcome {
            Outcome::Failed { fault, .. } => Some(fault),
            Outcome::Good { .. } => None,
        };
        match fault {
            Some(Fault::Ours) => {
                pool.breaker.abandon(turn, now);
                pool.abandon(used, now);
                return None;
            }
            Some(fault @ (Fault::Down | Fault::Broke | Fault::Silent)) => {
                return pool.broke(used, fault, outcome, now);
            }
            // An answer that has begun well is a good one when it has ended well, too. A probe need not wait for that.
            None if turn == Turn::Plain => {}
            Some(_) | None => pool.breaker.succeed(turn),
        }
        let at = used.place(pool)?;
        let slot = &mut pool.slots[at];
        let (until, why) = match outcome {
            Outcome::Good { spent_until } => {
                slot.bench.succeed(key_turn);
                slot.unsaid = 0;
                (spent_until?, Why::Exhausted)
            }
            Outcome::Failed { fault: Fault::Refused, .. } => {
                (slot.bench.fail(key_turn, Rule::KEY, now)?, Why::Refused)
            }
            Outcome::Failed { fault, until } => {
                slot.bench.succeed(key_turn);
                match fault {
                    Fault::Limited => {
                        (until.unwrap_or_else(|| slot.unsaid_rest(now)), Why::Limited)
                    }
                    Fault::Spent => (until.unwrap_or(after(now, CREDIT_REST)), Why::Spent),
                    _ => return None,
                }
            }
        };
        let news = why == Why::Refused || slot.rest_until(until, why, now);
        news.then(|| used.resting(why, until))
    }

    /// The request that used a key is over.
    pub(crate) fn release(&self, used: &Used, ended: Ended, now: Millis) {
        let mut pools = self.pools();
        let Some(pool) = pools.get_mut(&used.provider) else { return };
        match used.told {
            Told::Nothing => {
                pool.breaker.abandon(used.turns.0, now);
                pool.abandon(used, now);
            }
            Told::Well if ended.broke => {
                if pool.breaker.fail(Turn::Plain, Rule::PROVIDER, now).is_some() {
                    pool.down = Why::Down;
                }
            }
            Told::Well => pool.breaker.succeed(Turn::Plain),
            Told::Badly => {}
        }
        if let Some(at) = used.place(pool) {
            pool.release(at, ended.tokens.saturating_sub(i64::from(used.tokens)));
        }
    }

    /// Forgets those that are gone.
    pub(crate) fn keep(&self, snapshot: &Snapshot) {
        self.pools().retain(|id, _| snapshot.pools().any(|known| known.id == *id));
    }

    /// A provider as it is configured now, with what is known of it.
    fn of<'p>(
        &self,
        pools: &'p mut HashMap<String, Pool>,
        provider: &Arc<Provider>,
    ) -> &'p mut Pool {
        if !pools.contains_key(&provider.id) {
            let lot = self.lot.get().copied().unwrap_or_default();
            pools.insert(provider.id.clone(), Pool::new(provider, lot));
        }
        let pool = pools.get_mut(&provider.id).expect("it was put there if it was missing");
        pool.follow(provider);
        pool
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<String, Pool>> {
        // Nothing in here panics half-way.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the use of a key ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// Whether the provider broke off an answer that had begun well.
    pub(crate) broke: bool,
    /// The tokens that were used.
    pub(crate) tokens: i64,
}

impl Used {
    fn resting(&self, why: Why, until: Millis) -> Resting {
        let (provider, key, version) = (self.provider.clone(), self.key.clone(), self.version);
        Resting { provider, key, version, why, until }
    }

    /// Where its key stands now.
    fn place(&self, pool: &Pool) -> Option<usize> {
        pool.place(self.at, (&self.key, self.version))
    }
}

impl Pool {
    /// The provider broke down, or was silent. That says nothing of the key, unless the provider wants to be left alone.
    fn broke(
        &mut self,
        used: &Used,
        fault: Fault,
        outcome: Outcome,
        now: Millis,
    ) -> Option<Resting> {
        self.abandon(used, now);
        let why = if fault == Fault::Silent { Why::Silent } else { Why::Down };
        if let Outcome::Failed { until: Some(until), .. } = outcome
            && let Some(at) = used.place(self)
            && self.slots[at].rest_until(until, why, now)
        {
            // The breaker opens without a word: others find out about that as soon as this one.
            self.fail(used, why, now);
            return Some(used.resting(why, until));
        }
        let rests = self.fail(used, why, now)?;
        Some(Resting { key: String::new(), version: 0, ..used.resting(why, rests) })
    }

    fn fail(&mut self, used: &Used, why: Why, now: Millis) -> Option<Millis> {
        let rests = self.breaker.fail(used.turns.0, Rule::PROVIDER, now)?;
        self.down = why;
        Some(rests)
    }

    /// Whatever a probe of the key was to show is still not known.
    fn abandon(&mut self, used: &Used, now: Millis) {
        if let Some(at) = used.place(self) {
            self.slots[at].bench.abandon(used.turns.1, now);
        }
    }
}

impl pool::Slot {
    /// How long it rests where nobody says: longer each time, and once for all that are refused at the same time.
    fn unsaid_rest(&mut self, now: Millis) -> Millis {
        if let Some(rest) = self.rest.filter(|rest| rest.holds(now)) {
            return rest.until;
        }
        let rest = COOL_REST.saturating_mul(2_u32.saturating_pow(self.unsaid)).min(COOL_REST_MAX);
        self.unsaid = self.unsaid.saturating_add(1);
        after(now, rest)
    }
}

#[cfg(test)]
mod tests;
