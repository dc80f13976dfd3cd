//! How does a server that shares its counters count without asking for each request? It takes some of the room ahead, and
//! gives back in time what nobody used.
//!
//! What is taken ahead is an ordinary reservation, so it counts for everybody from the start and no limit is passed. The
//! price is that others may be refused a little early: by [`LEASE_SHARE`](limits::LEASE_SHARE) of what was left, for
//! [`LEASE_IDLE`](limits::LEASE_IDLE).

mod lease;
pub mod limits;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use self::{
    lease::{Draw, Lease, Taken},
    limits::LEASES_MAX,
};
use super::{Add, Admission, Ahead, Counter, Counters, Reservation, Settlement, Spare};
use crate::{
    error::Result,
    ids,
    ports::{Millis, Random},
};

/// Counters that are asked for many requests at once.
pub struct Leased {
    inner: Arc<dyn Counters>,
    random: Arc<dyn Random>,
    books: Mutex<Books>,
}

/// Room is being asked for. Whoever waits for the answer may have no more time, or get none.
struct Asking<'l> {
    leased: &'l Leased,
    path: &'l str,
    ahead: Option<&'l Reservation>,
}

#[derive(Default)]
struct Books {
    /// By their paths: the counters that a request goes through, all of them.
    leases: HashMap<String, Lease>,
    /// They give no more; some requests that took of them are not settled yet.
    ending: Vec<Lease>,
    /// What requests took, by their ids.
    draws: HashMap<String, Draw>,
    /// What has to be given back.
    owed: Vec<Reservation>,
}

impl Asking<'_> {
    fn answered(mut self) {
        self.ahead = None;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(ahead) = self.ahead {
            self.leased.books().left_open(self.path, ahead);
        }
    }
}

impl Leased {
    /// Leases of these counters.
    #[must_use]
    pub fn over(inner: Arc<dyn Counters>, random: Arc<dyn Random>) -> Self {
        Self { inner, random, books: Mutex::default() }
    }

    /// Gives back what is owed, the oldest first. What cannot be given back now is owed on; each part counts once, however
    /// often it is told.
    async fn pay(&self, now_ms: Millis) -> Result<()> {
        loop {
            let Some(next) = self.books().owed.first().cloned() else { return Ok(()) };
            self.inner.reserve(&next, now_ms).await?;
            self.books().owed.retain(|owed| (&owed.id, owed.part) != (&next.id, next.part));
        }
    }

    /// Takes ahead, and gives the request its part of it.
    async fn stock(
        &self,
        path: &str,
        (ahead, asked): (&Reservation, &Reservation),
        now_ms: Millis,
    ) -> Result<Option<Admission>> {
        let asking = Asking { leased: self, path, ahead: Some(ahead) };
        let answer = self.inner.reserve(ahead, now_ms).await?;
        asking.answered();
        let mut books = self.books();
        match answer {
            Admission::Added(values) => {
                if let Some(lease) = books.leases.get_mut(path) {
                    lease.stocked(ahead, &values);
                }
                Ok(books.draw(path, asked, now_ms))
            }
            // There is less room than it seemed.
            Admission::Refused { .. } => {
                if let Some(lease) = books.leases.get_mut(path) {
                    lease.scarce();
                }
                Ok(None)
            }
        }
    }

    /// Asks again for what nobody knows whether it was taken: then it is, or it was refused.
    async fn ask_again(&self, now_ms: Millis) -> Result<()> {
        let unanswered = self.books().unanswered();
        for ahead in unanswered {
            let admission = self.inner.reserve(&ahead, now_ms).await?;
            self.books().answered(&ahead, &admission);
        }
        Ok(())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Every change is made in one go after all that could fail.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Counters for Leased {
    async fn ready(&self) -> Result<()> {
        self.inner.ready().await
    }

    fn replaced_since(&self) -> Option<Millis> {
        self.inner.replaced_since()
    }

    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.inner.add(adds, now_ms).await
    }

    fn at_hand(&self, reservation: &Reservation, now_ms: Millis) -> Option<Admission> {
        self.books().draw(&path(reservation)?, reservation, now_ms)
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        let path = path(reservation);
        if let Some(path) = &path {
            let ahead = {
                let mut books = self.books();
                if let Some(admission) = books.draw(path, reservation, now_ms) {
                    return Ok(admission);
                }
                books.wanting(path, reservation, now_ms)
            };
            if let Some(ahead) = ahead
                && let Some(done) = self.stock(path, (&ahead, reservation), now_ms).await?
            {
                return Ok(done);
            }
        }
        if let Some(draw) = self.books().draws.get_mut(&reservation.id) {
            draw.reserves_too = true;
        }
        let mut admission = self.inner.reserve(reservation, now_ms).await?;
        if let Admission::Refused { counter, .. } = &admission {
            // What is missing may be at hand here, for other requests.
            if self.books().owe_of(counter) && self.pay(now_ms).await.is_ok() {
                admission = self.inner.reserve(reservation, now_ms).await?;
            }
        }
        if let (Some(path), Admission::Added(values)) = (path, &admission) {
            let id = || ids::sortable(now_ms, &*self.random);
            self.books().saw(path, (reservation, values), now_ms, id);
        }
        Ok(admission)
    }

    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        let settlement = self.books().settled(settlement);
        self.inner.settle(settlement, now_ms).await
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.inner.read(names, now_ms).await
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.inner.live(begin, limit, now_ms).await
    }

    async fn give_back(&self, spare: Spare, now_ms: Millis) -> Result<()> {
        let asked = self.ask_again(now_ms).await;
        match spare {
            Spare::Idle => self.books().owe_idle(now_ms),
            Spare::All => self.books().owe_all(),
        }
        self.pay(now_ms).await.and(asked)
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        self.inner.expire(now_ms).await
    }
}

/// What a lease for such a request is kept under: the counters and, where they stay the same, the limits, so that a limit
/// that was changed is asked anew. Only the first thing that a request reserves can come from a lease.
fn path(reservation: &Reservation) -> Option<String> {
    let adds = &reservation.adds;
    let twice = |at: usize| adds[..at].iter().any(|other| other.name == adds[at].name);
    let odd = adds.iter().enumerate().any(|(at, add)| add.cap.is_none() || add.by < 1 || twice(at));
    if reservation.part != 0 || adds.is_empty() || odd {
        return None;
    }
    let one = |add: &Add| {
        let cap = add.cap.filter(|_| add.floor.is_none()).unwrap_or(0);
        format!("{} {cap}\n", add.name)
    };
    Some(adds.iter().map(one).collect())
}

impl Books {
    /// Gives a request what it asks for, if it is there.
    fn draw(&mut self, path: &str, asked: &Reservation, now_ms: Millis) -> Option<Admission> {
        let lease = self.leases.get_mut(path).filter(|lease| !lease.is_old(now_ms))?;
        let values = lease.draw(&asked.adds, now_ms)?;
        let taken = asked.adds.iter().map(|add| (add.name.clone(), add.by)).collect();
        let draw =
            Draw { path: path.to_owned(), lease: lease.id.clone(), taken, reserves_too: false };
        self.draws.insert(asked.id.clone(), draw);
        Some(Admission::Added(values))
    }

    /// What to take ahead first for a request that finds nothing at hand. `None`: it has to be asked by itself.
    fn wanting(&mut self, path: &str, asked: &Reservation, now_ms: Millis) -> Option<Reservation> {
        let lease = self.leases.get_mut(path)?;
        if lease.is_old(now_ms) && !lease.asking {
            self.retire(path);
            return None;
        }
        lease.wanting(asked)
    }

    /// Notes how much room there was.
    fn saw(
        &mut self,
        path: String,
        (asked, values): (&Reservation, &[i64]),
        now_ms: Millis,
        id: impl FnOnce() -> String,
    ) {
        // Those that end count too: while nothing can be given back there are no more of them.
        let all = self.leases.len() + self.ending.len() + self.owed.len();
        if all < LEASES_MAX || self.leases.contains_key(&path) {
            let lease = self.leases.entry(path).or_insert_with(|| Lease::new(id(), now_ms));
            lease.saw(&asked.adds, values, now_ms);
        }
    }

    /// Says what of a settlement was counted ahead.
    fn settled(&mut self, settlement: Settlement) -> Settlement {
        let Some(draw) = self.draws.remove(&settlement.id) else { return settlement };
        let used = |name: &str| {
            let of = settlement.adds.iter().filter(|add| add.name == name);
            of.fold(0_i64, |sum, add| sum.saturating_add(add.by)).max(0)
        };
        let taken: Taken =
            draw.taken.iter().map(|(name, by)| (name.clone(), used(name).min(*by))).collect();
        let lease = match self.leases.get_mut(&draw.path) {
            Some(lease) if lease.id == draw.lease => Some(lease),
            _ => self.ending.iter_mut().find(|lease| lease.id == draw.lease),
        };
        if let Some(lease) = lease {
            lease.over(&draw.taken, &taken);
        }
        let taken = taken.into_iter().filter(|(_, by)| *by != 0).collect();
        let holds = settlement.holds && draw.reserves_too;
        Settlement { holds, ahead: Some(Ahead { id: draw.lease, taken }), ..settlement }
    }

    /// This lease gives no more.
    fn retire(&mut self, path: &str) {
        self.ending.extend(self.leases.remove(path));
    }

    /// This lease gives no more before it is known whether that was taken for it.
    fn left_open(&mut self, path: &str, ahead: &Reservation) {
        if let Some(mut lease) = self.leases.remove(path) {
            lease.unanswered = Some(ahead.clone());
            self.ending.push(lease);
        }
    }

    fn unanswered(&self) -> Vec<Reservation> {
        self.ending.iter().filter_map(|lease| lease.unanswered.clone()).collect()
    }

    fn answered(&mut self, ahead: &Reservation, admission: &Admission) {
        let Some(lease) = self.ending.iter_mut().find(|lease| lease.id == ahead.id) else { return };
        lease.unanswered = None;
        if let Admission::Added(values) = admission {
            lease.stocked(ahead, values);
        }
    }

    /// What nobody asked for in a while.
    fn owe_idle(&mut self, now_ms: Millis) {
        let over = |lease: &Lease| (lease.is_idle(now_ms) || lease.is_old(now_ms)) && !lease.asking;
        self.ending.extend(self.leases.extract_if(|_, lease| over(lease)).map(|(_, lease)| lease));
        self.owed.extend(self.ending.iter_mut().filter_map(Lease::give_back));
        self.ending.retain(|lease| lease.draws > 0 || lease.unanswered.is_some());
    }

    fn owe_all(&mut self) {
        self.ending.extend(self.leases.drain().map(|(_, lease)| lease));
        self.owed.extend(self.ending.iter_mut().filter_map(Lease::give_back));
    }

    /// What is at hand of one counter; says whether there is any.
    fn owe_of(&mut self, counter: &str) -> bool {
        let all = self.leases.values_mut().chain(&mut self.ending);
        let back = all.filter(|lease| lease.has(counter)).filter_map(Lease::give_back);
        let before = self.owed.len();
        self.owed.extend(back);
        self.owed.len() > before
    }
}

#[cfg(test)]
mod tests;
