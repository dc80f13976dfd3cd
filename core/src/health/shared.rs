//! How do instances know which keys others have seen refused? Each tells it beside its work, and asks beside its work.

use std::sync::atomic::Ordering;

use super::{Health, pool::Why};

use crate::{
    error::Result,
    gateway::Gateway,
    limits::{RESTS_MAX, RESTS_POLL, RESTS_WAIT},
    ports::{Background, BoxFuture, Millis, within},
    snapshot::Snapshot,
    store::{Add, Counter},
};

/// How the names of such counters begin; what follows is the reason, which version of a key it is about, the provider, and the
/// key.
const BEGIN: &str = "rest/";

/// Somebody who is not asked for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) provider: String,
    /// The key; the provider itself when it is empty.
    pub(crate) key: String,
    pub(crate) version: i64,
    pub(crate) why: Why,
    pub(crate) until: Millis,
}

impl Resting {
    /// A counter that holds the end of the rest and goes with it.
    fn counter(&self) -> Add {
        let Self { provider, key, version, why, .. } = self;
        let name = format!("{BEGIN}{}/{version}/{provider}/{key}", why.name());
        Add { name, by: 0, floor: Some(self.until), cap: None, expires_at_ms: self.until }
    }

    /// `None` when another version of Tidegate knew more reasons.
    fn read(counter: &Counter) -> Option<Self> {
        let mut parts = counter.name.strip_prefix(BEGIN)?.splitn(4, '/');
        let (why, version) = (parts.next()?, parts.next()?.parse().ok()?);
        let (provider, key) = (parts.next()?, parts.next()?);
        let why = Why::TOLD.into_iter().find(|known| known.name() == why)?;
        let (provider, key) = (provider.to_owned(), key.to_owned());
        Some(Self { provider, key, version, why, until: counter.value })
    }
}

impl Health {
    /// Takes over what others have seen.
    fn adopt(&self, resting: &Resting, snapshot: &Snapshot, now: Millis) {
        let Resting { provider, key, version, why, until } = resting;
        let Some(provider) = snapshot.pools().find(|known| known.id == *provider) else { return };
        if *until <= now {
            return;
        }
        let mut pools = self.pools();
        let pool = self.of(&mut pools, provider);
        if key.is_empty() && matches!(why, Why::Down | Why::Silent) {
            pool.breaker.rest_until(*until);
            pool.down = *why;
            return;
        }
        let Some(at) = pool.place(usize::MAX, (key, *version)) else { return };
        match why {
            Why::Refused => pool.slots[at].bench.rest_until(*until),
            _ => {
                pool.slots[at].rest_until(*until, *why, now);
            }
        }
    }
}

impl Gateway {
    /// Tells other instances who rests, beside the request.
    pub(crate) fn tell(&self, resting: &Resting, background: &dyn Background) {
        if let Some(telling) = self.telling(resting) {
            background.run(telling);
        }
    }

    /// What tells other instances who rests. A rest that is over before they ask is not worth it.
    pub(crate) fn telling(&self, resting: &Resting) -> Option<BoxFuture<()>> {
        let now = self.ports.clock.now();
        let left = resting.until.saturating_sub(now);
        let Resting { provider, key, why, .. } = resting;
        tracing::warn!(provider, key, why = why.name(), for_ms = left, "not asked for a while");
        if left <= Millis::try_from(RESTS_POLL.as_millis()).unwrap_or(Millis::MAX) {
            return None;
        }
        let (gateway, add) = (self.clone(), resting.counter());
        Some(Box::pin(async move {
            let adds = [add];
            let told = gateway.ports.counters.add(&adds, now);
            match within(&*gateway.ports.clock, RESTS_WAIT, told).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => tracing::warn!(%error, "other instances are not told"),
                None => tracing::warn!("other instances are not told in time"),
            }
        }))
    }

    /// The same, beside a request, where it was not done lately: where nothing goes on between requests.
    pub(crate) fn learn_beside(&self, background: &dyn Background) {
        let now = self.ports.clock.now();
        let (asked_at, pause) = (&self.state.rests_asked_at, RESTS_POLL.saturating_mul(2));
        let before = asked_at.load(Ordering::Relaxed);
        let due = now.saturating_sub(before)
            >= Millis::try_from(pause.as_millis()).unwrap_or(Millis::MAX);
        // Whoever puts the time there is the one who asks.
        let (set, see) = (Ordering::Relaxed, Ordering::Relaxed);
        if due && asked_at.compare_exchange(before, now, set, see).is_ok() {
            let gateway = self.clone();
            background.run(Box::pin(async move {
                if let Err(error) = gateway.learn_rests().await {
                    tracing::warn!(%error, "it is not known which keys rest elsewhere");
                }
            }));
        }
    }

    /// Asks what other instances have told. A server calls it every [`RESTS_POLL`]; nobody waits for it.
    pub async fn learn_rests(&self) -> Result<()> {
        let now = self.ports.clock.now();
        self.state.rests_asked_at.store(now, Ordering::Relaxed);
        let asked = self.ports.counters.live(BEGIN, RESTS_MAX, now);
        let Some(found) = within(&*self.ports.clock, RESTS_WAIT, asked).await else {
            return Err(crate::Error::store("the counters are silent"));
        };
        let snapshot = self.state.snapshot();
        for resting in found?.iter().filter_map(Resting::read) {
            self.state.health.adopt(&resting, &snapshot, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_read_as_it_was_told() {
        let check = |key: &str, why| {
            let (provider, key) = ("up".to_owned(), key.to_owned());
            let resting = Resting { provider, key, version: 3, why, until: 77 };
            let Add { name, floor, expires_at_ms, .. } = resting.counter();
            let counter = Counter { name, value: floor.unwrap(), expires_at_ms };
            assert_eq!(Resting::read(&counter), Some(resting));
        };
        check("up-1", Why::Limited);
        check("team/a", Why::Refused);
        check("", Why::Down);
        let unknown =
            Counter { name: "rest/tired/0/up/up-1".to_owned(), value: 1, expires_at_ms: 1 };
        assert_eq!(Resting::read(&unknown), None);
    }
}
