//! How does a place count that counts for one tree of teams alone? In a small database of its own, from what the store
//! remembers of it.
//!
//! The store hears with every record what was used, and so knows the sum of all places. A place compares itself with that sum
//! before it counts, now and then and whenever it has begun anew, and goes on from whichever is more. So it may be lost, and a
//! tree may get another top: what was used is not forgotten.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    super::{Add, Admission, Counter, Counters, Reservation, Settlement},
    SqlStore, counters,
    database::{Database, Statement, Value},
    flavor::Flavor,
    limits::{SHARD_LOOK_EVERY, SHARD_LOOKS_MAX},
    reservations,
    rows::number,
};
use crate::{error::Result, ports::Millis};

const TABLES: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS guard (ok BIGINT NOT NULL CHECK (ok = 1))",
    "CREATE TABLE IF NOT EXISTS counters (name VARCHAR(255) NOT NULL PRIMARY KEY, value BIGINT NOT NULL, \
     expires_at_ms BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS reservations (id VARCHAR(64) NOT NULL, part BIGINT NOT NULL, \
     counter VARCHAR(255) NOT NULL, amount BIGINT NOT NULL, until_ms BIGINT NOT NULL, \
     PRIMARY KEY (id, part, counter))",
    "CREATE INDEX IF NOT EXISTS reservations_by_end ON reservations (until_ms, counter)",
];
const FORGET_ENDED: &str = "DELETE FROM counters WHERE name = ? AND expires_at_ms <= ?";
const REMEMBER: &str = "INSERT INTO counters (name, value, expires_at_ms) SELECT ?, ?, ? \
     WHERE NOT EXISTS (SELECT 1 AS there FROM counters WHERE name = ?)";
const ENDS: [&str; 2] = [
    "SELECT MIN(expires_at_ms) AS ends FROM counters",
    "SELECT MIN(until_ms) AS ends FROM reservations",
];

/// Counters of one tree, and what is reserved of them.
pub struct Shard {
    own: SqlStore,
    past: SqlStore,
    /// When each counter was last compared with what the store remembers. Lost with the process, and compared again.
    looked: Mutex<HashMap<String, Millis>>,
}

impl Shard {
    /// Counters in `own`, which nobody else writes to, that go on from what `past` remembers.
    #[must_use]
    pub fn new(own: SqlStore, past: SqlStore) -> Self {
        Self { own, past, looked: Mutex::default() }
    }

    /// Makes the tables that it needs of its own, unless they are there.
    pub async fn begin(&self) -> Result<()> {
        let tables = TABLES.map(|text| Statement::new(text, Vec::new())).to_vec();
        self.database().write(tables).await.map(drop)
    }

    /// When the first of its counters and reservations ends.
    pub async fn ends_next(&self) -> Result<Option<Millis>> {
        let asked = ENDS.map(|text| Statement::new(text, Vec::new())).to_vec();
        let ends = self.database().read(asked).await?.into_iter().map(|found| number(Some(found)));
        let ends = ends.collect::<Result<Vec<_>>>()?;
        Ok(ends.into_iter().flatten().min())
    }

    fn database(&self) -> &dyn Database {
        &*self.own.database
    }

    /// Compares counters that are added to with what the store remembers, where that was not done lately.
    async fn compare(&self, adds: &[Add], now_ms: Millis) -> Result<()> {
        // What has no cap is added to, whatever it holds.
        let mut due: Vec<&Add> = adds.iter().filter(|add| add.cap.is_some()).collect();
        self.leave_due(&mut due, now_ms);
        if due.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = due.iter().map(|add| add.name.as_str()).collect();
        match counters::named(&*self.past.database, &names, now_ms).await {
            Ok(found) => {
                // A counter that rolls is a time, which each place knows by itself.
                let sums =
                    |name: &str| due.iter().any(|add| add.name == name && add.floor.is_none());
                self.remember(&found, sums, now_ms).await?;
            }
            Err(error) => {
                // Whoever counts already can do without for a while.
                if counters::named(self.database(), &names, now_ms).await?.len() < names.len() {
                    return Err(error);
                }
                tracing::warn!(%error, "counters are not compared with the store");
            }
        }
        self.note(&names, now_ms);
        Ok(())
    }

    /// Takes over what the store remembers of counters that are not there.
    async fn fill(&self, names: &[String], now_ms: Millis) -> Result<()> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let there = counters::named(self.database(), &names, now_ms).await?;
        let missing = |name: &&str| !there.iter().any(|counter| counter.name == *name);
        let missing: Vec<&str> = names.into_iter().filter(missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = counters::named(&*self.past.database, &missing, now_ms).await?;
        self.remember(&found, |_| false, now_ms).await
    }

    /// Writes down what the store remembers: where there is nothing, and where there is less in a counter that sums.
    async fn remember(
        &self,
        found: &[Counter],
        sums: impl Fn(&str) -> bool,
        now_ms: Millis,
    ) -> Result<()> {
        let raise = raise(self.database().flavor());
        let mut batch = Vec::new();
        for Counter { name, value, expires_at_ms } in found {
            let text = || Value::from(name.as_str());
            let (value, ends) = (Value::from(*value), Value::from(*expires_at_ms));
            batch.push(Statement::new(FORGET_ENDED, vec![text(), now_ms.into()]));
            batch.push(Statement::new(REMEMBER, vec![text(), value.clone(), ends, text()]));
            if sums(name) {
                let args = vec![value.clone(), text(), text(), value, text()];
                batch.push(Statement::new(raise.clone(), args));
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.database().write(batch).await.map(drop)
    }

    /// Leaves those of which it is not known lately what the store remembers.
    fn leave_due(&self, adds: &mut Vec<&Add>, now_ms: Millis) {
        let looked = self.looked();
        let every = Millis::try_from(SHARD_LOOK_EVERY.as_millis()).unwrap_or(Millis::MAX);
        let fresh = |at: &Millis| now_ms.saturating_sub(*at) < every;
        adds.retain(|add| !looked.get(&add.name).is_some_and(fresh));
    }

    fn note(&self, names: &[&str], now_ms: Millis) {
        let mut looked = self.looked();
        if looked.len().saturating_add(names.len()) > SHARD_LOOKS_MAX {
            looked.clear();
        }
        looked.extend(names.iter().map(|name| ((*name).to_owned(), now_ms)));
    }

    fn looked(&self) -> MutexGuard<'_, HashMap<String, Millis>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is used counts at least as much as the store remembers, and what is reserved comes on top.
fn raise(flavor: Flavor) -> String {
    let sum = flavor.int("COALESCE(SUM(reservations.amount), 0)");
    let held = format!("(SELECT {sum} FROM reservations WHERE reservations.counter = ?)");
    format!("UPDATE counters SET value = ? + {held} WHERE name = ? AND value < ? + {held}")
}

#[async_trait]
impl Counters for Shard {
    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.compare(adds, now_ms).await?;
        self.own.add(adds, now_ms).await
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        self.compare(&reservation.adds, now_ms).await?;
        self.own.reserve(reservation, now_ms).await
    }

    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        let adds = settlement.adds.into_iter().filter(|add| add.by != 0).collect();
        let settlement = Settlement { id: settlement.id, adds, holds: true, ahead: None };
        reservations::settle(self.database(), &settlement, now_ms).await?;
        Ok(settlement.told())
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.fill(names, now_ms).await?;
        self.own.read(names, now_ms).await
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.own.live(begin, limit, now_ms).await
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        reservations::give_up(self.database(), now_ms).await?;
        counters::expire(self.database(), now_ms).await
    }
}
