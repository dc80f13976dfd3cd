//! How are a provider and its keys just now, for those who look?

use std::sync::Arc;

use super::{
    Health,
    breaker::Look,
    pool::{Out, Pool, Wanted},
};
use crate::{ports::Millis, provider::Provider};

/// What is known of a provider.
pub(crate) struct View {
    /// Why it rests, when it does.
    pub(crate) rests: Option<Out>,
    /// In the order of its keys; one for a provider without.
    pub(crate) keys: Vec<KeyView>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyView {
    /// Why it rests, when it does.
    pub(crate) rests: Option<Out>,
    /// Requests that use it.
    pub(crate) in_flight: u32,
}

/// Why a provider and its keys are not asked.
pub(crate) struct Outs {
    /// Why nobody there is.
    pub(crate) provider: Option<Out>,
    /// In the order of its keys.
    pub(crate) keys: Vec<Option<Out>>,
}

impl Pool {
    fn rests(&self, now: Millis) -> Option<Out> {
        match self.breaker.look(now) {
            Look::Free(_) => None,
            Look::Rests(until) => Some(Out { why: self.down, until: Some(until) }),
        }
    }
}

impl Health {
    /// What is known of a provider.
    pub(crate) fn view(&self, provider: &Arc<Provider>, now: Millis) -> View {
        let mut pools = self.pools();
        let pool = self.of(&mut pools, provider);
        let rests = pool.rests(now);
        let key = |slot: &super::pool::Slot| KeyView {
            rests: slot.resting(now),
            in_flight: slot.in_flight,
        };
        View { rests, keys: pool.slots.iter().map(key).collect() }
    }

    /// Why a provider and its keys would not be asked for this, where they would not.
    pub(crate) fn outs(&self, provider: &Arc<Provider>, wanted: &Wanted<'_>) -> Outs {
        let mut pools = self.pools();
        let pool = self.of(&mut pools, provider);
        let keys = (0..pool.slots.len()).map(|at| pool.turn(at, wanted).err()).collect();
        Outs { provider: pool.rests(wanted.now), keys }
    }

    /// What is known of one of its keys.
    pub(crate) fn view_key(
        &self,
        provider: &Arc<Provider>,
        id: &str,
        now: Millis,
    ) -> Option<KeyView> {
        let at = provider.keys.iter().position(|key| key.id == id)?;
        self.view(provider, now).keys.get(at).copied()
    }
}
