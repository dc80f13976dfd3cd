//! What is promised of counters that have a place for each tree of teams? Here each place is a database in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use libtest_mimic::{Failed, Trial};
use tidegate_core::{
    Error, Result,
    ports::Millis,
    store::{
        Add, Admission, Counter, Counters, Reservation, Settlement,
        sql::{Shard, SqlStore},
    },
};
use tidegate_native::SystemClock;
use tidegate_stores::{Case, LEFT_OUT_BESIDE};
use tokio::{runtime::Runtime, sync::OnceCell};

use crate::counted::memory;

/// Nothing wakes a place here.
const ASLEEP: (&str, &str) = ("trees: what has ended goes by itself", "needs an alarm");

/// One place, and the way to all others.
struct Place {
    past: SqlStore,
    shard: OnceCell<Shard>,
    all: Arc<Mutex<HashMap<String, Arc<Place>>>>,
}

pub(crate) fn trials(runtime: &Arc<Runtime>) -> Vec<Trial> {
    let cases = tidegate_stores::counting().into_iter().chain(tidegate_stores::trees());
    cases
        .map(|case| {
            let name = format!("divided: {}", case.name);
            let mut left_out = LEFT_OUT_BESIDE.iter().chain([&ASLEEP]);
            if let Some((_, why)) = left_out.find(|(name, _)| *name == case.name) {
                let name = format!("{name} (left out: it {why})");
                return Trial::test(name, || Ok(())).with_ignored_flag(true);
            }
            let runtime = Arc::clone(runtime);
            Trial::test(name, move || runtime.block_on(run(&case)))
        })
        .collect()
}

async fn run(case: &Case) -> Result<(), Failed> {
    let open = |past: &SqlStore| Ok(Place::new(past.clone(), Arc::default()) as Arc<dyn Counters>);
    let outcome = case.run_beside(memory()?.database, Arc::new(SystemClock), &open).await;
    outcome.map_err(|failure| failure.to_string().into())
}

impl Place {
    fn new(past: SqlStore, all: Arc<Mutex<HashMap<String, Arc<Self>>>>) -> Arc<Self> {
        Arc::new(Self { past, shard: OnceCell::new(), all })
    }

    async fn shard(&self) -> Result<&Shard> {
        let begin = async || {
            let own = memory().map_err(|_| Error::store("there is no memory"))?;
            let shard = Shard::new(SqlStore::new(own.database), self.past.clone());
            shard.begin().await?;
            Ok(shard)
        };
        self.shard.get_or_try_init(begin).await
    }
}

#[async_trait]
impl Counters for Place {
    fn of_tree(&self, top: &str) -> Option<Arc<dyn Counters>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all
            .entry(top.to_owned())
            .or_insert_with(|| Self::new(self.past.clone(), Arc::clone(&self.all)));
        Some(Arc::clone(place) as Arc<dyn Counters>)
    }

    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.shard().await?.add(adds, now_ms).await
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        self.shard().await?.reserve(reservation, now_ms).await
    }

    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        self.shard().await?.settle(settlement, now_ms).await
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.shard().await?.read(names, now_ms).await
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.shard().await?.live(begin, limit, now_ms).await
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        self.shard().await?.expire(now_ms).await
    }
}
