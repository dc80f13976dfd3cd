//! How do many instances count together, fast and exactly? In Redis, by one script that does each change in one go.
//!
//! What is here is hot, and the store remembers what was used all the same: every record takes it along. So a Redis that
//! has lost its memory is filled again from the store, and nothing has to be kept on its disk.

mod channel;
mod link;
mod owed;
mod server;
mod words;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    error::Kind,
    ports::{Millis, Random},
    store::{Add, Admission, Counter, Counters, Reservation, Settlement, sql::SqlStore},
};
use tokio::{sync::Mutex, time::sleep};

pub use channel::Channel;

use self::{
    link::Link,
    owed::Owed,
    server::Server,
    words::{Answer, Call},
};
use super::limits::{REDIS_LOAD_LOOK, REDIS_LOAD_LOOKS_MAX, REDIS_LOAD_PAGE};
use crate::OsRandom;

/// Counters in Redis that go on from what a store remembers.
pub(crate) struct Redis {
    link: Arc<Link>,
    past: SqlStore,
    owed: Arc<Owed>,
    loading: Mutex<()>,
}

/// Reads the URL; the first connection is opened when something is asked.
pub(crate) fn redis(url: &str, past: SqlStore) -> Result<Redis> {
    let link = Arc::new(Link::new(Server::parse(url)?));
    Ok(Redis { link, past, owed: Arc::default(), loading: Mutex::default() })
}

impl Redis {
    /// Asks until Redis knows what was spent before.
    async fn ask(&self, call: Call, now_ms: Millis) -> Result<Answer> {
        for _ in 0..REDIS_LOAD_LOOKS_MAX {
            match self.link.ask(&call).await? {
                Answer::Begin => self.load(now_ms).await?,
                answer => return Ok(answer),
            }
        }
        Err(Error::store("Redis is being filled, and not yet done"))
    }

    /// Fills an empty Redis, unless somebody else is doing that.
    async fn load(&self, now_ms: Millis) -> Result<()> {
        let _alone = self.loading.lock().await;
        let mut token = [0; 8];
        OsRandom.fill(&mut token);
        let token = format!("{:016x}", u64::from_be_bytes(token));
        match self.link.ask(&Call::load(&token, "first", now_ms)).await? {
            Answer::More => {}
            Answer::Loaded => return Ok(()),
            Answer::Busy => return pause(REDIS_LOAD_LOOK).await,
            other => return Err(other.strange()),
        }
        let counters = self.past.live_counters(now_ms).await?;
        for page in counters.chunks(REDIS_LOAD_PAGE) {
            self.link.ask(&Call::load(&token, "next", now_ms).counters(page)).await?;
        }
        match self.link.ask(&Call::load(&token, "last", now_ms)).await? {
            Answer::Loaded => {
                tracing::info!(counters = counters.len(), "Redis has what was spent before");
                Ok(())
            }
            // It took so long that somebody else has begun.
            Answer::Busy => pause(REDIS_LOAD_LOOK).await,
            other => Err(other.strange()),
        }
    }
}

async fn pause(time: Duration) -> Result<()> {
    sleep(time).await;
    Ok(())
}

#[async_trait]
impl Counters for Redis {
    async fn ready(&self) -> Result<()> {
        self.link.ping().await.map_err(|error| {
            let message = "Redis, where the limits are counted, does not answer; try again.";
            Error::new(Kind::Unavailable, message).retry_after("1").because(error.detail)
        })
    }

    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        if adds.is_empty() {
            return Ok(Admission::Added(Vec::new()));
        }
        self.ask(Call::add(adds, now_ms), now_ms).await?.admission()
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        if reservation.adds.is_empty() {
            return Ok(Admission::Added(Vec::new()));
        }
        self.ask(Call::reserve(reservation, now_ms), now_ms).await?.admission()
    }

    /// Never fails: what Redis does not take now is told to it later, and the store hears of it with the record.
    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        let spent: Vec<Add> = settlement.adds.into_iter().filter(|add| add.by != 0).collect();
        let settlement = Settlement { id: settlement.id, adds: spent, holds: false };
        let call = Call::settle(&settlement, now_ms);
        if let Err(error) = self.link.ask(&call).await {
            Owed::push(&self.owed, &self.link, call, &error);
        }
        Ok((!settlement.adds.is_empty()).then_some(settlement))
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(Call::read(names, now_ms), now_ms).await?.values()
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.ask(Call::live(begin, limit, now_ms), now_ms).await?.counters()
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        let mut gone = 0;
        loop {
            let (some, more) = self.ask(Call::expire(now_ms), now_ms).await?.expired()?;
            gone += some;
            if !more {
                break;
            }
        }
        Ok(gone + Counters::expire(&self.past, now_ms).await?)
    }
}
