//! Is somebody well again that rests, or was not asked for long? A list of models is asked for, beside all requests.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Request, StatusCode, header};

use super::{
    Health, Look, Resting, Rule, Turn,
    pool::{Pool, Why},
};
use crate::{
    gateway::Gateway,
    http::Body,
    limits::{PROBE_ANSWER_WAIT, PROBE_EVERY, PROBES_AT_ONCE_MAX},
    ports::{Millis, within},
    provider::{Host, Provider, address},
};

/// A question that costs nothing.
struct Probe {
    provider: Arc<Provider>,
    /// With which of its keys.
    at: usize,
    /// What there is to find out of the provider, and of the key.
    turns: (Turn, Turn),
}

/// What became of a question for the list of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It was answered with this status.
    Answered(StatusCode),
    /// The provider cannot be reached.
    Unreachable,
    /// The provider did not answer in time.
    Silent,
    /// It has no list to be asked for.
    Nothing,
}

/// What an answer to it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// All is well.
    Well,
    /// The provider is there, and says nothing of the key.
    There,
    /// The key is refused.
    Refused,
    /// The provider is down, cannot be reached, or is silent.
    Down(Why),
}

impl Gateway {
    /// Asks the providers that are to be tried, or that nobody has asked for long. A server calls it every
    /// [`PROBES_POLL`](crate::limits::PROBES_POLL), other platforms with their upkeep; no request waits for it.
    pub async fn probe(&self) {
        let now = self.ports.clock.now();
        // Nobody is asked because a server begins. Where processes come and go, the upkeep's schedule is the pause.
        let born = self.state.machine().map_or(0, |_| now - self.state.metrics.uptime_ms(now));
        let snapshot = self.state.snapshot();
        let probed =
            snapshot.providers.iter().filter(|provider| provider.enabled && provider.probe);
        let due = probed.filter_map(|provider| self.state.health.due(provider, (born, now)));
        let asks: Vec<_> = due.map(|probe| self.look_at(probe)).collect();
        stream::iter(asks).buffer_unordered(PROBES_AT_ONCE_MAX).collect::<()>().await;
    }

    async fn look_at(&self, probe: Probe) {
        let sign = match self.ask_for_list(&probe.provider, probe.at).await {
            Asked::Answered(status) => Sign::of(status),
            Asked::Unreachable => Sign::Down(Why::Down),
            Asked::Silent => Sign::Down(Why::Silent),
            Asked::Nothing => Sign::There,
        };
        tracing::debug!(provider = probe.provider.id, ?sign, "probed");
        let resting = self.state.health.probed(&probe, sign, self.ports.clock.now());
        if let Some(told) = resting.and_then(|resting| self.telling(&resting)) {
            told.await;
        }
    }

    /// Asks a provider for its list of models, with one of its keys. What is known of both stays as it is.
    pub(crate) async fn ask_for_list(&self, provider: &Provider, at: usize) -> Asked {
        let Some(request) = list_request(provider, at) else { return Asked::Nothing };
        let sent = self.ports.upstream.send(request);
        match within(&*self.ports.clock, PROBE_ANSWER_WAIT, sent).await {
            Some(Ok(response)) => Asked::Answered(response.status()),
            Some(Err(_)) => Asked::Unreachable,
            None => Asked::Silent,
        }
    }
}

impl Sign {
    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Well,
            401 | 403 => Self::Refused,
            // What stands before a host says so of all of it. Anything else may be said of the list alone.
            502..=504 => Self::Down(Why::Down),
            _ => Self::There,
        }
    }
}

/// Asks for the list of models. Where models stand in the URL, there is none to be had.
fn list_request(provider: &Provider, at: usize) -> Option<Request<Body>> {
    let Host::Url(base) = &provider.host else { return None };
    if base.contains(address::MODEL) {
        return None;
    }
    let uri = address::url(provider, base, provider.dialect.list_path(), "models").ok()?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri.parse().ok()?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    provider.sign(request.headers_mut(), provider.keys.get(at)).ok()?;
    Some(request)
}

impl Health {
    /// What there is to be asked of a provider now. Whoever is asked so is not tried by a request meanwhile.
    fn due(&self, provider: &Arc<Provider>, (born, now): (Millis, Millis)) -> Option<Probe> {
        if provider.host == Host::Echo {
            return None;
        }
        let mut pools = self.pools();
        let pool = self.of(&mut pools, provider);
        let Look::Free(turn) = pool.breaker.look(now) else { return None };
        let (at, key_turn) = pool.probed_key(turn, (born, now))?;
        pool.breaker.take(turn, now);
        pool.slots[at].bench.take(key_turn, now);
        pool.seen_at = now;
        Some(Probe { provider: provider.clone(), at, turns: (turn, key_turn) })
    }

    /// Takes in what was found, and says who begins to rest by that.
    fn probed(&self, probe: &Probe, sign: Sign, now: Millis) -> Option<Resting> {
        let Probe { provider, at, turns: (turn, key_turn) } = probe;
        let key = provider.keys.get(*at);
        let (id, version) = key.map(|key| (key.id.as_str(), key.version)).unwrap_or_default();
        let rests = |key: &str, why, until| {
            let (provider, key) = (provider.id.clone(), key.to_owned());
            let version = if key.is_empty() { 0 } else { version };
            Resting { provider, key, version, why, until }
        };
        let mut pools = self.pools();
        let pool = self.of(&mut pools, provider);
        let sign = match sign {
            // A key may be good for everything but lists.
            Sign::Refused if *key_turn == Turn::Plain => Sign::There,
            sign => sign,
        };
        let slot = pool.place(*at, (id, version)).map(|at| &mut pool.slots[at]);
        match sign {
            Sign::Down(why) => {
                if let Some(slot) = slot {
                    slot.bench.abandon(*key_turn, now);
                }
                let until = pool.breaker.fail(*turn, Rule::PROVIDER, now)?;
                pool.down = why;
                return Some(rests("", why, until));
            }
            Sign::Refused => {
                let until = slot.and_then(|slot| slot.bench.fail(*key_turn, Rule::KEY, now));
                pool.breaker.trust(*turn, Rule::PROVIDER, now);
                return Some(rests(id, Why::Refused, until?));
            }
            Sign::Well => {
                if let Some(slot) = slot {
                    slot.bench.succeed(*key_turn);
                }
            }
            Sign::There => {
                if let Some(slot) = slot {
                    slot.bench.abandon(*key_turn, now);
                }
                // Requests find out; the list would tell as little the next time.
                pool.told_nothing_at = now;
            }
        }
        pool.breaker.trust(*turn, Rule::PROVIDER, now);
        None
    }
}

impl Pool {
    /// The key to ask with: one that is to be tried, or else any that may be used, if the provider is to be tried or was
    /// not asked for long.
    fn probed_key(&self, turn: Turn, (born, now): (Millis, Millis)) -> Option<(usize, Turn)> {
        let every = Millis::try_from(PROBE_EVERY.as_millis()).unwrap_or(Millis::MAX);
        if now.saturating_sub(self.told_nothing_at) < every {
            return None;
        }
        let looks = |wanted| {
            let at = |(_, slot): &(usize, &super::pool::Slot)| {
                slot.bench.look(now) == Look::Free(wanted) && slot.resting(now).is_none()
            };
            self.slots.iter().enumerate().find(at).map(|(at, _)| (at, wanted))
        };
        let found = looks(Turn::Probe);
        if found.is_some() {
            return found;
        }
        let idle = now.saturating_sub(self.seen_at.max(born)) >= every;
        looks(Turn::Plain).filter(|_| turn == Turn::Probe || idle)
    }
}
