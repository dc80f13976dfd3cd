//! How do isolates count together, without waiting for one row of the database? In Durable Objects, one for each tree of teams.
//!
//! All that one request takes of lies in one tree, so an admission is one call of one object, and an object does one thing at a
//! time. What belongs to no tree, as which keys rest, is in an object that all share.

mod object;
mod storage;
mod words;

use std::{pin::pin, sync::Arc};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use tidegate_core::{
    Error, Result,
    error::Kind,
    limits::DATABASE_WAIT,
    ports::{Clock, Millis},
    store::{
        Add, Admission, Counter, Counters, Reservation, Settlement,
        sql::{SqlStore, limits::SHARD_TRIES_MAX},
    },
};
use worker::{Env, Method, ObjectNamespace, RequestInit, send::SendFuture};

pub use object::{Object, OpenPast};

use crate::platform::{JsClock, Timer};
use words::{Answer, Ask, Call};

/// What `wrangler.toml` calls the objects.
const BINDING: &str = "COUNTERS";

/// The object that all trees share.
const SHARED: &str = "shared";

/// Counters in Durable Objects, which go on from what a store remembers.
#[derive(Clone)]
pub struct Objects {
    namespace: ObjectNamespace,
    name: String,
    past: SqlStore,
}

impl Objects {
    /// The objects, where they are bound.
    #[must_use]
    pub fn of(env: &Env, past: SqlStore) -> Option<Self> {
        let namespace = env.durable_object(BINDING).ok()?;
        Some(Self { namespace, name: SHARED.to_owned(), past })
    }

    /// Asks the object. Where an answer is lost it is asked once more, if that changes nothing.
    async fn ask(&self, ask: Ask, now_ms: Millis) -> Result<Answer> {
        let tries = if ask.repeats() { SHARD_TRIES_MAX } else { 1 };
        let text = Call { now_ms, ask }.write()?;
        let mut answer = Err(Error::store("the counters were not asked"));
        for _ in 0..tries {
            answer = SendFuture::new(self.once(&text)).await;
            if answer.is_ok() {
                break;
            }
        }
        answer
    }

    async fn once(&self, text: &str) -> Result<Answer> {
        let asked = pin!(self.told(text));
        let time_out = pin!(Timer::start(DATABASE_WAIT).wait());
        match select(asked, time_out).await {
            Either::Left((answer, _)) => Answer::read(&answer.map_err(Error::store)?),
            Either::Right(((), _)) => Err(Error::store("the counters do not answer")),
        }
    }

    /// A stub that has failed once fails for ever, so each call has its own.
    async fn told(&self, text: &str) -> worker::Result<String> {
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(text.into()));
        let request = worker::Request::new_with_init("https://counters/", &init)?;
        self.namespace.get_by_name(&self.name)?.fetch_with_request(request).await?.text().await
    }
}

#[async_trait]
impl Counters for Objects {
    async fn ready(&self) -> Result<()> {
        self.read(&[], JsClock.now()).await.map(drop).map_err(|error| {
            let message = "The objects in which the limits are counted do not answer; try again.";
            Error::new(Kind::Unavailable, message).retry_after("1").because(error.detail)
        })
    }

    fn of_tree(&self, top: &str) -> Option<Arc<dyn Counters>> {
        Some(Arc::new(Self { name: top.to_owned(), ..self.clone() }))
    }

    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.ask(Ask::add(adds), now_ms).await?.admission()
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        self.ask(Ask::reserve(reservation), now_ms).await?.admission()
    }

    /// Never fails: what the object does not hear it holds for used until the reservation counts as abandoned, and by then the
    /// store has told it what was.
    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        if let Err(error) = self.ask(Ask::settle(&settlement), now_ms).await {
            let (id, object) = (&settlement.id, &self.name);
            tracing::warn!(id, object, %error, "an object does not know what a request has used");
        }
        Ok(settlement.told())
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.ask(Ask::Read(names.to_vec()), now_ms).await?.values()
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.ask(Ask::Live(begin.to_owned(), limit), now_ms).await?.counters()
    }

    /// Objects of trees do it by themselves, woken by their alarms.
    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        let gone = self.ask(Ask::Expire, now_ms).await?.gone()?;
        Ok(gone + Counters::expire(&self.past, now_ms).await?)
    }
}
