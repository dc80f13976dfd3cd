//! How much room is at hand for requests through the same counters, and how much more should be?

use super::{
    super::{Add, Reservation},
    limits::{
        LEASE_ENDS_LATER, LEASE_IDLE, LEASE_LIFE, LEASE_REQUESTS_MAX, LEASE_REQUESTS_MIN,
        LEASE_SHARE,
    },
};
use crate::ports::{Millis, millis};

/// Names of counters, and how much of each.
pub(super) type Taken = Vec<(String, i64)>;

/// What a request took.
pub(super) struct Draw {
    /// Under which path the lease is kept.
    pub(super) path: String,
    /// Of which lease.
    pub(super) lease: String,
    pub(super) taken: Taken,
    /// Whether it reserved by itself later.
    pub(super) reserves_too: bool,
}

/// Room that was taken ahead.
pub(super) struct Lease {
    pub(super) id: String,
    since_ms: Millis,
    used_ms: Millis,
    /// Requests that took of it and are not settled.
    pub(super) draws: usize,
    /// Whether more is being taken.
    pub(super) asking: bool,
    /// What was asked for and nobody knows whether it was taken. It is a lease that ends then.
    pub(super) unanswered: Option<Reservation>,
    parts: i64,
    until_ms: Millis,
    pools: Vec<Pool>,
}

/// One counter of it.
struct Pool {
    name: String,
    /// At hand.
    left: i64,
    /// In the counter, at the last look.
    room: i64,
    value: i64,
}

impl Lease {
    /// Nothing yet.
    pub(super) fn new(id: String, now_ms: Millis) -> Self {
        Self {
            id,
            since_ms: now_ms,
            used_ms: now_ms,
            draws: 0,
            asking: false,
            unanswered: None,
            parts: 0,
            until_ms: 0,
            pools: Vec::new(),
        }
    }

    /// Whether it was kept for so long that a new one should begin.
    pub(super) fn is_old(&self, now_ms: Millis) -> bool {
        now_ms - self.since_ms >= millis(LEASE_LIFE)
    }

    /// Whether nobody has asked for it in a while.
    pub(super) fn is_idle(&self, now_ms: Millis) -> bool {
        now_ms - self.used_ms >= millis(LEASE_IDLE)
    }

    /// Takes of what is at hand for a request, all of it or nothing. Returns what the counters held at the last look.
    pub(super) fn draw(&mut self, adds: &[Add], now_ms: Millis) -> Option<Vec<i64>> {
        let fits = |(pool, add): (&Pool, &Add)| pool.name == add.name && pool.left >= add.by;
        if self.pools.len() != adds.len() || !self.pools.iter().zip(adds).all(fits) {
            return None;
        }
        for (pool, add) in self.pools.iter_mut().zip(adds) {
            pool.left -= add.by;
        }
        self.draws += 1;
        self.used_ms = now_ms;
        Some(self.pools.iter().map(|pool| pool.value).collect())
    }

    /// Notes what a request that asked by itself has seen.
    pub(super) fn saw(&mut self, adds: &[Add], values: &[i64], now_ms: Millis) {
        self.used_ms = now_ms;
        if self.pools.is_empty() {
            let pool = |add: &Add| Pool { name: add.name.clone(), left: 0, room: 0, value: 0 };
            self.pools = adds.iter().map(pool).collect();
        }
        for ((pool, add), value) in self.pools.iter_mut().zip(adds).zip(values) {
            pool.value = *value;
            pool.room = add.cap.unwrap_or(*value).saturating_sub(*value);
        }
    }

    /// What to take ahead before a request that finds nothing at hand; `None` where there is too little room for that, or
    /// somebody does it already.
    pub(super) fn wanting(&mut self, asked: &Reservation) -> Option<Reservation> {
        if self.asking || self.pools.len() != asked.adds.len() {
            return None;
        }
        let adds = asked.adds.iter().zip(&self.pools);
        let more = adds.map(|(add, pool)| {
            let most = add.by.saturating_mul(LEASE_REQUESTS_MAX);
            let more = most.min(pool.room / LEASE_SHARE);
            let expires_at_ms = add.expires_at_ms.saturating_add(LEASE_ENDS_LATER);
            (more >= add.by.saturating_mul(LEASE_REQUESTS_MIN)).then(|| Add {
                by: add.by.saturating_add(more),
                expires_at_ms,
                ..add.clone()
            })
        });
        let adds: Vec<Add> = more.collect::<Option<_>>()?;
        self.asking = true;
        let until_ms = asked.until_ms.saturating_add(LEASE_ENDS_LATER);
        self.until_ms = self.until_ms.max(until_ms);
        Some(self.part(adds))
    }

    /// What was wanted is there.
    pub(super) fn stocked(&mut self, ahead: &Reservation, values: &[i64]) {
        self.asking = false;
        for ((pool, add), value) in self.pools.iter_mut().zip(&ahead.adds).zip(values) {
            pool.left = pool.left.saturating_add(add.by);
            pool.value = *value;
            pool.room = add.cap.unwrap_or(*value).saturating_sub(*value);
        }
    }

    /// There was no room for it.
    pub(super) fn scarce(&mut self) {
        self.asking = false;
        for pool in &mut self.pools {
            pool.room = 0;
        }
    }

    /// A request is over: what it did not use is at hand again.
    pub(super) fn over(&mut self, drawn: &Taken, used: &Taken) {
        self.draws = self.draws.saturating_sub(1);
        for ((name, drawn), (_, used)) in drawn.iter().zip(used) {
            if let Some(pool) = self.pools.iter_mut().find(|pool| pool.name == *name) {
                pool.left = pool.left.saturating_add(drawn - used);
            }
        }
    }

    /// Takes what is at hand out of it; `None` when there is nothing.
    pub(super) fn give_back(&mut self) -> Option<Reservation> {
        let left = self.pools.iter_mut().filter(|pool| pool.left > 0);
        let adds: Vec<Add> = left
            .map(|pool| {
                let by = -std::mem::take(&mut pool.left);
                Add { name: pool.name.clone(), by, floor: None, cap: None, expires_at_ms: 0 }
            })
            .collect();
        (!adds.is_empty()).then(|| self.part(adds))
    }

    /// Whether some of this counter is at hand.
    pub(super) fn has(&self, counter: &str) -> bool {
        self.pools.iter().any(|pool| pool.name == counter && pool.left > 0)
    }

    fn part(&mut self, adds: Vec<Add>) -> Reservation {
        let part = self.parts;
        self.parts += 1;
        Reservation { id: self.id.clone(), part, adds, until_ms: self.until_ms }
    }
}
