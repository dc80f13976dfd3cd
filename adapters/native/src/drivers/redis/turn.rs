//! Who counts: Redis, or the store while Redis is away? Whoever begins is told what requests hold, and Redis is filled before
//! it counts again.
//!
//! Each time that Redis is filled it gets a number from the store, its turn. An instance that comes back takes one, too, so
//! that what lies in Redis is too old for it and is filled anew; and who is of an earlier turn learns that it was filled,
//! and tells it what its own requests hold.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_core::{
    Error, Result,
    ports::{Millis, Random},
    store::{Add, Admission, Counters},
};
use tokio::time::{Instant, sleep};

use super::{
    super::limits::{
        REDIS_BACK_LOOK, REDIS_HELD_AT_ONCE, REDIS_LOAD_LOOK, REDIS_LOAD_LOOKS_MAX, REDIS_LOAD_PAGE,
    },
    Inner, Place,
    words::{Answer, Call},
};
use crate::OsRandom;

/// The counter in the store that numbers turns.
const TURN: &str = "redis/turn";
/// It outlives everything: the last moment that a float holds exactly.
const NEVER_MS: Millis = (1 << 53) - 1;

/// Who has filled Redis.
#[derive(PartialEq, Eq)]
enum Filled {
    Here,
    Elsewhere,
}

impl Inner {
    pub(super) fn is_away(&self) -> bool {
        self.away_since_ms.load(Ordering::Acquire) != 0
    }

    pub(super) fn counts(&self) -> Place {
        if self.is_away() { Place::Store } else { Place::Redis }
    }

    /// Asks until Redis knows what was used before, and what requests of this process hold.
    pub(super) async fn ask(&self, call: Call, now_ms: Millis) -> Result<Answer> {
        for _ in 0..REDIS_LOAD_LOOKS_MAX {
            match self.link.ask(&call.clone().of(self.turn())).await? {
                Answer::Begin => {
                    let _alone = self.turning.lock().await;
                    if self.fill(now_ms).await? == Filled::Here {
                        self.tell_redis(now_ms).await?;
                    }
                }
                Answer::Turned(turn) => {
                    let _alone = self.turning.lock().await;
                    if self.turn.fetch_max(turn, Ordering::AcqRel) < turn {
                        self.held.forget_redis();
                        self.tell_redis(now_ms).await?;
                    }
                }
                answer => return Ok(answer),
            }
        }
        Err(Error::store("Redis is being filled, and not yet done"))
    }

    /// From here on the store counts, with what requests of this process hold. It is the store, too, that may be away.
    pub(super) async fn fall_back(inner: &Arc<Self>, now_ms: Millis, cause: Error) -> Result<()> {
        let _alone = inner.turning.lock().await;
        if inner.is_away() {
            return Ok(());
        }
        inner.tell_store(now_ms).await.map_err(|also| {
            Error::store(format!("{}; and the store: {}", cause.detail, also.detail))
        })?;
        inner.away_since_ms.store(now_ms.max(1), Ordering::Release);
        tracing::warn!(cause = cause.detail, "Redis is away, and the database counts");
        let (inner, began) = (Arc::clone(inner), Instant::now());
        tokio::spawn(async move {
            loop {
                sleep(REDIS_BACK_LOOK).await;
                let passed = Millis::try_from(began.elapsed().as_millis()).unwrap_or(Millis::MAX);
                if inner.link.ping().await.is_ok() && inner.come_back(now_ms + passed).await.is_ok()
                {
                    return;
                }
            }
        });
        Ok(())
    }

    /// From here on Redis counts, with what was used according to the store, and what requests of this process hold.
    async fn come_back(&self, now_ms: Millis) -> Result<()> {
        let _alone = self.turning.lock().await;
        self.next_turn(now_ms).await?;
        self.fill(now_ms).await?;
        // Whoever has filled it, of what this process holds it knows nothing.
        self.held.forget_redis();
        self.tell_redis(now_ms).await?;
        self.away_since_ms.store(0, Ordering::Release);
        tracing::info!("Redis counts again");
        // What was let in between by the store.
        self.tell_redis(now_ms).await
    }

    /// Tells whoever counts what requests of this process hold.
    pub(super) async fn tell_held(&self, now_ms: Millis) -> Result<()> {
        match self.counts() {
            Place::Redis => self.tell_redis(now_ms).await,
            Place::Store => self.tell_store(now_ms).await,
        }
    }

    async fn tell_redis(&self, now_ms: Millis) -> Result<()> {
        let told = stream::iter(self.held.unknown_to(Place::Redis)).map(|held| async move {
            let call = Call::reserve(&held, now_ms).of(self.turn());
            match self.link.ask(&call).await? {
                Answer::Added(_) => {
                    self.held.told(&held, Place::Redis);
                    Ok(())
                }
                other => Err(other.strange()),
            }
        });
        told.buffer_unordered(REDIS_HELD_AT_ONCE).try_collect().await
    }

    async fn tell_store(&self, now_ms: Millis) -> Result<()> {
        let told = stream::iter(self.held.unknown_to(Place::Store)).map(|held| async move {
            self.past.reserve(&held, now_ms).await?;
            self.held.told(&held, Place::Store);
            Ok(())
        });
        told.buffer_unordered(REDIS_HELD_AT_ONCE).try_collect().await
    }

    /// Fills a Redis that knows nothing, or nothing new, unless somebody else is doing that.
    async fn fill(&self, now_ms: Millis) -> Result<Filled> {
        let mut token = [0; 8];
        OsRandom.fill(&mut token);
        let token = format!("{:016x}", u64::from_be_bytes(token));
        let load = |step| Call::load(&token, step, now_ms).of(self.turn());
        for _ in 0..REDIS_LOAD_LOOKS_MAX {
            match self.link.ask(&load("first")).await? {
                Answer::More => {}
                Answer::Loaded => return Ok(Filled::Elsewhere),
                Answer::Busy => {
                    pause(REDIS_LOAD_LOOK).await;
                    continue;
                }
                other => return Err(other.strange()),
            }
            self.held.forget_redis();
            self.next_turn(now_ms).await?;
            let mut counters = self.past.settled_counters(now_ms).await?;
            // It numbers the fills, and is of the store alone.
            counters.retain(|counter| counter.name != TURN);
            for page in counters.chunks(REDIS_LOAD_PAGE) {
                self.link.ask(&load("next").counters(page)).await?;
            }
            match self.link.ask(&load("last")).await? {
                Answer::Loaded => {
                    tracing::info!(counters = counters.len(), "Redis has what was used before");
                    return Ok(Filled::Here);
                }
                // It took so long that somebody else has begun.
                Answer::Busy => pause(REDIS_LOAD_LOOK).await,
                other => return Err(other.strange()),
            }
        }
        Err(Error::store("Redis is being filled, and not yet done"))
    }

    /// Takes a number that nobody had before.
    async fn next_turn(&self, now_ms: Millis) -> Result<()> {
        let name = TURN.to_owned();
        let next = Add { name, by: 1, floor: None, cap: None, expires_at_ms: NEVER_MS };
        if let Admission::Added(turns) = self.past.add(&[next], now_ms).await? {
            self.turn.fetch_max(turns.into_iter().max().unwrap_or(0), Ordering::AcqRel);
        }
        Ok(())
    }

    fn turn(&self) -> i64 {
        self.turn.load(Ordering::Acquire)
    }
}

async fn pause(time: Duration) {
    sleep(time).await;
}
