//! How do many instances count together, fast and exactly? In Redis, by one script that does each change in one go.
//!
//! What is here is hot, and the store remembers what was used all the same: every record takes it along. So a Redis that
//! has lost its memory is filled again from the store, and nothing has to be kept on its disk. While Redis is away the
//! store counts, see [`turn`].

mod channel;
mod held;
mod link;
mod recalled;
mod server;
mod turn;
mod words;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    error::Kind,
    ports::Millis,
    store::{Add, Admission, Counter, Counters, Reservation, Settlement, sql::SqlStore},
};
use tokio::sync::Mutex;

pub use channel::Channel;

use self::{
    held::{Held, Place},
    link::Link,
    recalled::Recalled,
    server::Server,
    words::{Answer, Call},
};

/// Counters in Redis that go on from what a store remembers.
pub(crate) struct Redis(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    past: SqlStore,
    /// What requests of this process hold.
    held: Held,
    /// How often somebody else than Redis has counted, as far as this process knows.
    turn: AtomicI64,
    /// Since when Redis is away; 0 while it counts.
    away_since_ms: AtomicI64,
    /// One at a time fills Redis, or says who counts.
    turning: Mutex<()>,
}

/// Reads the URL; the first connection is opened when something is asked. Counters and cache share it.
pub(crate) fn redis(url: &str, past: SqlStore) -> Result<(Redis, Recalled)> {
    let link = Arc::new(Link::new(Server::parse(url)?));
    let recalled = Recalled(Arc::clone(&link));
    let counters = Redis(Arc::new(Inner {
        link,
        past,
        held: Held::default(),
        turn: AtomicI64::new(0),
        away_since_ms: AtomicI64::new(0),
        turning: Mutex::default(),
    }));
    Ok((counters, recalled))
}

impl Redis {
    /// Asks Redis; `None` while the store counts in its place.
    async fn ask(&self, call: Call, now_ms: Millis) -> Result<Option<Answer>> {
        if self.0.is_away() {
            return Ok(None);
        }
        match self.0.ask(call, now_ms).await {
            Ok(answer) => Ok(Some(answer)),
            Err(cause) => {
                Inner::fall_back(&self.0, now_ms, cause).await?;
                Ok(None)
            }
        }
    }
}

#[async_trait]
impl Counters for Redis {
    async fn ready(&self) -> Result<()> {
        self.0.link.ping().await.map_err(|error| {
            let message = "Redis, where the limits are counted, does not answer; try again.";
            Error::new(Kind::Unavailable, message).retry_after("1").because(error.detail)
        })
    }

    fn replaced_since(&self) -> Option<Millis> {
        Some(self.0.away_since_ms.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }

    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        if adds.is_empty() {
            return Ok(Admission::Added(Vec::new()));
        }
        match self.ask(Call::add(adds, now_ms), now_ms).await? {
            Some(answer) => answer.admission(),
            None => self.0.past.add(adds, now_ms).await,
        }
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        if reservation.adds.is_empty() {
            return Ok(Admission::Added(Vec::new()));
        }
        let (admission, place) = match self.ask(Call::reserve(reservation, now_ms), now_ms).await? {
            Some(answer) => (answer.admission()?, Place::Redis),
            None => (self.0.past.reserve(reservation, now_ms).await?, Place::Store),
        };
        if matches!(admission, Admission::Added(_)) {
            self.0.held.note(reservation, place);
            // Who counts may have changed meanwhile.
            if self.0.counts() != place {
                self.0.tell_held(now_ms).await?;
            }
        }
        Ok(admission)
    }

    /// Never fails: the store hears of it with the record, and Redis is filled from there when it was away.
    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        let spent: Vec<Add> = settlement.adds.into_iter().filter(|add| add.by != 0).collect();
        let told = Settlement { adds: spent, ..settlement };
        if let Err(cause) = self.ask(Call::settle(&told, now_ms), now_ms).await {
            tracing::warn!(%cause, "neither Redis nor the database counts");
        }
        // Of what was never let in the database may know nonetheless, where its answer was lost.
        let unknown = settlement.holds && self.0.counts() == Place::Store;
        let holds = self.0.held.settle(&told.id).unwrap_or(unknown);
        let told = Settlement { holds, ..told };
        Ok((holds || !told.adds.is_empty()).then_some(told))
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        match self.ask(Call::read(names, now_ms), now_ms).await? {
            Some(answer) => answer.values(),
            None => self.0.past.read(names, now_ms).await,
        }
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        match self.ask(Call::live(begin, limit, now_ms), now_ms).await? {
            Some(answer) => answer.counters(),
            None => self.0.past.live(begin, limit, now_ms).await,
        }
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        self.0.held.expire(now_ms);
        let mut gone = 0;
        while let Some(answer) = self.ask(Call::expire(now_ms), now_ms).await? {
            let (some, more) = answer.expired()?;
            gone += some;
            if !more {
                break;
            }
        }
        Ok(gone + Counters::expire(&self.0.past, now_ms).await?)
    }
}
