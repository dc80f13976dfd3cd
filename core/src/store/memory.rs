//! How does one server count? In memory, from what its store remembers; every record tells the store what to remember.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use super::{Add, Admission, Ahead, Counter, Counters, Reservation, Settlement, sql::SqlStore};
use crate::{
    error::{Error, Result},
    ports::Millis,
};

/// Counters of a process that is alone with its store. What is reserved lives and dies with the process; what was used
/// goes into the store with the records, in their transaction, and is read from there when the process starts.
#[derive(Default)]
pub struct MemoryCounters {
    books: Mutex<Books>,
    past: Option<SqlStore>,
    /// Whether all that was kept aside before the start is in the store.
    complete: Option<Arc<AtomicBool>>,
}

#[derive(Default)]
struct Books {
    /// Whether what the store remembers is in here.
    loaded: bool,
    values: HashMap<String, Held>,
    reservations: HashMap<String, Vec<Reservation>>,
}

#[derive(Clone, Copy)]
struct Held {
    value: i64,
    expires_at_ms: Millis,
}

impl MemoryCounters {
    /// Counters that go on from what this store remembers.
    #[must_use]
    pub fn over(past: SqlStore) -> Self {
        Self { past: Some(past), ..Self::default() }
    }

    /// Counters that begin only when the store knows all of what was used before.
    #[must_use]
    pub fn when(self, complete: Arc<AtomicBool>) -> Self {
        Self { complete: Some(complete), ..self }
    }

    /// Reads what the store remembers, unless that was done. Nothing is counted before.
    pub async fn load(&self, now_ms: Millis) -> Result<()> {
        if self.books().loaded {
            return Ok(());
        }
        if self.complete.as_ref().is_some_and(|complete| !complete.load(Ordering::Acquire)) {
            return Err(Error::store("records of before the start are not yet in the database"));
        }
        let remembered = match &self.past {
            Some(store) => store.live_counters(now_ms).await?,
            None => Vec::new(),
        };
        let mut books = self.books();
        if !books.loaded {
            books.loaded = true;
            books.values.extend(remembered.into_iter().map(|counter| {
                let Counter { name, value, expires_at_ms } = counter;
                (name, Held { value, expires_at_ms })
            }));
        }
        Ok(())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Every change is made in one go after all that could fail.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn value(&self, name: &str, now_ms: Millis) -> i64 {
        let held = self.values.get(name).filter(|held| held.expires_at_ms > now_ms);
        held.map_or(0, |held| held.value)
    }

    /// What the counters would hold after some additions, or the first that refuses.
    fn added(&self, adds: &[Add], now_ms: Millis) -> Admission {
        let mut values: Vec<i64> = Vec::with_capacity(adds.len());
        for (at, add) in adds.iter().enumerate() {
            let before = adds[..at].iter().rposition(|other| other.name == add.name);
            let before = before.map_or_else(|| self.value(&add.name, now_ms), |at| values[at]);
            values.push(add.floor.map_or(before, |floor| floor.max(before)).saturating_add(add.by));
        }
        let last = |add: &Add| adds.iter().rposition(|other| other.name == add.name);
        for add in adds {
            let end = last(add).map_or(0, |at| values[at]);
            if add.cap.is_some_and(|cap| end > cap) {
                let (counter, value) = (add.name.clone(), self.value(&add.name, now_ms));
                return Admission::Refused { counter, value };
            }
        }
        Admission::Added(adds.iter().map(|add| last(add).map_or(0, |at| values[at])).collect())
    }

    fn add(&mut self, adds: &[Add], now_ms: Millis) -> Admission {
        let admission = self.added(adds, now_ms);
        if let Admission::Added(values) = &admission {
            for (add, value) in adds.iter().zip(values) {
                let expires_at_ms = self.expiry(add, now_ms);
                self.values.insert(add.name.clone(), Held { value: *value, expires_at_ms });
            }
        }
        admission
    }

    /// A later end holds, an earlier one does not.
    fn expiry(&self, add: &Add, now_ms: Millis) -> Millis {
        let live = self.values.get(&add.name).filter(|held| held.expires_at_ms > now_ms);
        live.map_or(add.expires_at_ms, |held| held.expires_at_ms.max(add.expires_at_ms))
    }

    /// Takes what was counted ahead off its reservation, if that is still there.
    fn draw(&mut self, ahead: &Ahead) {
        let Some(parts) = self.reservations.get_mut(&ahead.id) else { return };
        for (name, taken) in &ahead.taken {
            let held = parts.iter_mut().flat_map(|part| &mut part.adds);
            if let Some(add) = held.into_iter().find(|add| add.name == *name) {
                add.by -= taken;
                if let Some(held) = self.values.get_mut(name) {
                    held.value = held.value.saturating_sub(*taken);
                }
            }
        }
    }

    /// Takes off what a request had reserved.
    fn release(&mut self, id: &str) {
        for add in self.reservations.remove(id).into_iter().flatten().flat_map(|held| held.adds) {
            if let Some(held) = self.values.get_mut(&add.name) {
                held.value = held.value.saturating_sub(add.by);
            }
        }
    }
}

#[async_trait]
impl Counters for MemoryCounters {
    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.load(now_ms).await?;
        Ok(self.books().add(adds, now_ms))
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        self.load(now_ms).await?;
        let mut books = self.books();
        let Reservation { id, part, adds, .. } = reservation;
        let known =
            books.reservations.get(id).is_some_and(|all| all.iter().any(|it| it.part == *part));
        if known {
            return Ok(Admission::Added(
                adds.iter().map(|add| books.value(&add.name, now_ms)).collect(),
            ));
        }
        let admission = books.add(adds, now_ms);
        if matches!(admission, Admission::Added(_)) && !adds.is_empty() {
            let parts = books.reservations.entry(id.clone()).or_default();
            parts.push(reservation.clone());
        }
        Ok(admission)
    }

    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        let mut books = self.books();
        let spent: Vec<Add> = settlement.adds.iter().filter(|add| add.by != 0).cloned().collect();
        // A second time nothing is reserved any more, and the store knows the record.
        let held = books.reservations.contains_key(&settlement.id) || settlement.ahead.is_some();
        for add in spent.iter().filter(|_| held) {
            // Uncapped, one by one: what was used was used.
            books.add(&[Add { cap: None, ..add.clone() }], now_ms);
        }
        books.release(&settlement.id);
        if let Some(ahead) = &settlement.ahead {
            books.draw(ahead);
        }
        let told = self.past.is_some() && !spent.is_empty();
        Ok(told.then_some(Settlement { adds: spent, holds: false, ahead: None, ..settlement }))
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.load(now_ms).await?;
        let books = self.books();
        Ok(names.iter().map(|name| books.value(name, now_ms)).collect())
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.load(now_ms).await?;
        let books = self.books();
        let live = books.values.iter().filter(|(_, held)| held.expires_at_ms > now_ms);
        let wanted = live.filter(|(name, _)| name.starts_with(begin));
        let mut found: Vec<Counter> = wanted
            .map(|(name, held)| {
                let Held { value, expires_at_ms } = *held;
                Counter { name: name.clone(), value, expires_at_ms }
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        let gone = {
            let mut books = self.books();
            let late = |parts: &[Reservation]| parts.iter().all(|part| part.until_ms <= now_ms);
            let abandoned = books.reservations.iter().filter(|(_, parts)| late(parts));
            let abandoned: Vec<String> = abandoned.map(|(id, _)| id.clone()).collect();
            for id in &abandoned {
                books.release(id);
            }
            let before = books.values.len();
            books.values.retain(|_, held| held.expires_at_ms > now_ms);
            (before - books.values.len()) as u64
        };
        match &self.past {
            Some(store) => Ok(gone + Counters::expire(store, now_ms).await?),
            None => Ok(gone),
        }
    }
}
