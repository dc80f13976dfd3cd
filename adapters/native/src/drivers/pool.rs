//! Which connections to a database server are kept? So many at most, as long as they are used; and while the server is
//! not there, it is asked for a new one less and less often.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::{Error, Result, limits::DATABASE_QUEUE_MAX, ports::Random};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Duration, Instant, timeout},
};

use super::limits::{DATABASE_IDLE_WAIT, DATABASE_REST, DATABASE_REST_MAX};
use crate::OsRandom;

/// Connections, and the right to have one.
pub(super) struct Pool<C> {
    /// Whoever has a connection and whoever waits for one.
    crowd: Semaphore,
    /// Whoever may have a connection.
    places: Semaphore,
    kept: Mutex<Kept<C>>,
}

struct Kept<C> {
    /// The one that was used last is at the end.
    idle: Vec<(C, Instant)>,
    outage: Option<Outage>,
}

/// A server that takes no connection.
struct Outage {
    cause: String,
    rest: Duration,
    until: Instant,
}

/// The right to one connection, and to wait for it.
pub(super) type Place<'p> = (SemaphorePermit<'p>, SemaphorePermit<'p>);

impl<C> Pool<C> {
    /// An empty pool for so many connections.
    pub(super) fn new(connections: usize) -> Self {
        let kept = Kept { idle: Vec::new(), outage: None };
        Self {
            crowd: Semaphore::new(connections + DATABASE_QUEUE_MAX),
            places: Semaphore::new(connections),
            kept: Mutex::new(kept),
        }
    }

    /// Waits for its turn.
    pub(super) async fn place(&self, wait: Duration) -> Result<Place<'_>> {
        let Ok(queued) = self.crowd.try_acquire() else {
            return Err(Error::store("too many batches wait for the database"));
        };
        match timeout(wait, self.places.acquire()).await {
            Ok(Ok(place)) => Ok((place, queued)),
            Ok(Err(_)) | Err(_) => Err(Error::store("no connection became free in time")),
        }
    }

    /// The connection that was used last, if there is one that is young enough.
    pub(super) fn take(&self) -> Option<C> {
        let mut kept = self.kept();
        kept.idle.retain(|(_, since)| since.elapsed() < DATABASE_IDLE_WAIT);
        kept.idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection for whoever comes next.
    pub(super) fn give_back(&self, connection: C) {
        self.kept().idle.push((connection, Instant::now()));
    }

    /// Forgets connections that are likely to be as dead as one that was just used.
    pub(super) fn clear(&self) {
        self.kept().idle.clear();
    }

    /// Whether the server may be asked for a connection; otherwise why not.
    pub(super) fn may_connect(&self) -> Result<()> {
        match &self.kept().outage {
            Some(Outage { cause, until, .. }) if Instant::now() < *until => {
                Err(Error::store(cause))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Notes whether the server took a connection.
    pub(super) fn connected<T>(&self, connecting: &Result<T>) {
        let mut kept = self.kept();
        let Err(error) = connecting else {
            kept.outage = None;
            return;
        };
        let rest = kept.outage.as_ref().map_or(DATABASE_REST, |before| {
            // Several may have failed at once: that is one failure.
            let over = Instant::now() >= before.until;
            if over { DATABASE_REST_MAX.min(before.rest * 2) } else { before.rest }
        });
        let until = Instant::now() + shortened(rest);
        kept.outage = Some(Outage { cause: error.detail.clone(), rest, until });
    }

    fn kept(&self) -> MutexGuard<'_, Kept<C>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At least half of a wait: whoever failed together does not come back together.
pub(super) fn shortened(wait: Duration) -> Duration {
    let mut dice = [0; 2];
    OsRandom.fill(&mut dice);
    wait / 2 + wait * u32::from(u16::from_be_bytes(dice)) / u32::from(u16::MAX) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn there_are_so_many_places_and_no_more() {
        let pool: Pool<u32> = Pool::new(2);
        let first = pool.place(WAIT).await.unwrap();
        let _second = pool.place(WAIT).await.unwrap();
        let error = pool.place(WAIT).await.err().unwrap();
        assert_eq!(error.detail, "no connection became free in time");
        drop(first);
        let _third = pool.place(WAIT).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_connection_is_used_first_and_old_ones_go() {
        let pool = Pool::new(2);
        pool.give_back(1);
        tokio::time::advance(DATABASE_IDLE_WAIT / 2).await;
        pool.give_back(2);
        tokio::time::advance(DATABASE_IDLE_WAIT / 2).await;
        assert_eq!((pool.take(), pool.take()), (Some(2), None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_rests_longer_and_longer() {
        let pool: Pool<u32> = Pool::new(1);
        let gone: Result<()> = Err(Error::store("connection refused"));
        let mut rests = Vec::new();
        for _ in 0..8 {
            pool.connected(&gone);
            let began = Instant::now();
            while pool.may_connect().is_err() {
                tokio::time::advance(Duration::from_millis(1)).await;
            }
            rests.push(began.elapsed());
        }
        assert!(rests[0] <= DATABASE_REST && rests[0] >= DATABASE_REST / 2, "{rests:?}");
        assert!(rests[7] <= DATABASE_REST_MAX + WAIT / 100 && rests[7] > WAIT / 2, "{rests:?}");
        pool.connected(&Ok(()));
        pool.may_connect().unwrap();
    }
}
