//! What does one object do? It counts for its tree, and wakes by itself to forget what has ended.

use std::{
    cell::{Cell, OnceCell},
    sync::Arc,
};

use tidegate_core::{
    Error, Result,
    ports::{Clock, Millis, millis},
    store::{
        Add, Counters, Reservation, Settlement,
        sql::{
            Shard, SqlStore,
            limits::{SHARD_SLEEP_MAX, SHARD_SLEEP_MIN},
        },
    },
};
use worker::{Request, Response, State};

use super::{
    storage::OwnSql,
    words::{Answer, Ask, Call, additions},
};
use crate::platform::JsClock;

/// Opens the store from which an object goes on.
pub type OpenPast = Box<dyn Fn() -> worker::Result<SqlStore>>;

/// The counters of one tree, in an object.
pub struct Object {
    state: State,
    past: OpenPast,
    shard: OnceCell<Shard>,
    /// How far the clock of whoever asked last is ahead of this one. Times come from those who ask.
    ahead_ms: Cell<Millis>,
    /// When it will wake, by its own clock, as far as that is known.
    wakes_at: Cell<Option<Millis>>,
}

impl Object {
    /// The object with this state, which goes on from what a store remembers.
    #[must_use]
    pub fn new(state: State, past: OpenPast) -> Self {
        Self {
            state,
            past,
            shard: OnceCell::new(),
            ahead_ms: Cell::default(),
            wakes_at: Cell::default(),
        }
    }

    /// Answers an isolate.
    pub async fn answer(&self, mut request: Request) -> worker::Result<Response> {
        let answered = match Call::read(&request.text().await?) {
            Ok(Call { now_ms, ask }) => self.tell(ask, now_ms).await,
            Err(error) => Err(error),
        };
        let answer = answered.unwrap_or_else(|error| Answer::Failed(error.to_string()));
        Response::ok(answer.write().map_err(broken)?)
    }

    /// Forgets what has ended, and sees to it that it wakes when something else has.
    pub async fn wake(&self) -> worker::Result<Response> {
        self.wakes_at.set(None);
        self.forget().await.map_err(broken)?;
        Response::empty()
    }

    async fn forget(&self) -> Result<()> {
        let shard = self.shard().await?;
        let now_ms = JsClock.now().saturating_add(self.ahead_ms.get());
        shard.expire(now_ms).await?;
        match shard.ends_next().await? {
            Some(ends) => self.wake_at(ends, now_ms).await,
            None => Ok(()),
        }
    }

    async fn tell(&self, ask: Ask, now_ms: Millis) -> Result<Answer> {
        let shard = self.shard().await?;
        self.ahead_ms.set(now_ms.saturating_sub(JsClock.now()));
        match ask {
            Ask::Add(adds) => {
                let adds = additions(adds);
                let admission = shard.add(&adds, now_ms).await?;
                self.wake_after(&adds, None, now_ms).await?;
                Ok(admission.into())
            }
            Ask::Reserve { id, part, until_ms, adds } => {
                let reservation = Reservation { id, part, adds: additions(adds), until_ms };
                let admission = shard.reserve(&reservation, now_ms).await?;
                self.wake_after(&reservation.adds, Some(until_ms), now_ms).await?;
                Ok(admission.into())
            }
            Ask::Settle { id, adds } => {
                let settlement = Settlement { id, adds: additions(adds), holds: true, ahead: None };
                shard.settle(settlement, now_ms).await.map(|_| Answer::Settled)
            }
            Ask::Read(names) => shard.read(&names, now_ms).await.map(Answer::Values),
            Ask::Live(begin, limit) => shard.live(&begin, limit, now_ms).await.map(Answer::live),
            Ask::Expire => shard.expire(now_ms).await.map(Answer::Gone),
        }
    }

    /// What counts, once its tables are there.
    async fn shard(&self) -> Result<&Shard> {
        if let Some(shard) = self.shard.get() {
            return Ok(shard);
        }
        let own = SqlStore::new(Arc::new(OwnSql::new(self.state.storage())));
        let shard = Shard::new(own, (self.past)().map_err(Error::store)?);
        shard.begin().await?;
        Ok(self.shard.get_or_init(|| shard))
    }

    /// Sees to it that it wakes when the first of these ends.
    async fn wake_after(
        &self,
        adds: &[Add],
        until_ms: Option<Millis>,
        now_ms: Millis,
    ) -> Result<()> {
        let ends = adds.iter().map(|add| add.expires_at_ms).chain(until_ms).min();
        match ends {
            Some(ends) => self.wake_at(ends, now_ms).await,
            None => Ok(()),
        }
    }

    async fn wake_at(&self, ends_ms: Millis, now_ms: Millis) -> Result<()> {
        let (least, most) = (millis(SHARD_SLEEP_MIN), millis(SHARD_SLEEP_MAX));
        let sleep = ends_ms.saturating_sub(now_ms).clamp(least, most);
        let wanted = JsClock.now().saturating_add(sleep);
        let storage = self.state.storage();
        if self.wakes_at.get().is_none() {
            self.wakes_at.set(storage.get_alarm().await.map_err(Error::store)?);
        }
        if self.wakes_at.get().is_none_or(|at| wanted < at) {
            storage.set_alarm(sleep).await.map_err(Error::store)?;
            self.wakes_at.set(Some(wanted));
        }
        Ok(())
    }
}

fn broken(error: impl std::fmt::Display) -> worker::Error {
    worker::Error::RustError(error.to_string())
}
