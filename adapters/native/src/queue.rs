//! How does a record reach the store without holding up a request? Through a bounded queue with one writer.
//!
//! While the store takes nothing, the writer keeps records aside in files, and tells the oldest of them again and again until
//! it does. Records have ids, so whatever is told twice is there once.

mod aside;

use std::{
    fmt::Write as _,
    mem,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use tidegate_core::{
    Error, Result,
    error::Kind,
    limits::{
        DATABASE_WAIT, FLUSH_PATIENCE, FLUSH_RETRY_WAIT_MAX, FLUSH_ROWS_MAX, FLUSH_TRIES_MAX,
        FLUSH_WAIT, QUEUE_RECORDS_MAX,
    },
    outage::limits::SPILL_CROWD,
    ports::{Backlog, Clock, Journal, Lack, Random, Store, Trouble},
    store::Record,
};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::{error, info, warn};

pub use aside::{Aside, Promise};

use crate::spill::Keep;

/// The server's journal. Appending never waits; a full queue drops the record and counts it.
pub struct Queue {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    waiting: Mutex<Vec<Record>>,
    wake: Notify,
    closing: AtomicBool,
    dropped: AtomicU64,
    complained_at_ms: AtomicI64,
    trouble: Mutex<Option<Trouble>>,
    aside: Option<Arc<Aside>>,
    clock: Arc<dyn Clock>,
}

struct Writer {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    random: Arc<dyn Random>,
}

impl Queue {
    /// A queue whose writer runs on the current runtime until [`drain`](Self::drain). Without files the queue is all that
    /// holds records while the store takes none.
    #[must_use]
    pub fn start(
        store: Arc<dyn Store>,
        aside: Option<Arc<Aside>>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            complained_at_ms: AtomicI64::new(0),
            trouble: Mutex::default(),
            aside,
            clock,
        });
        let writer = Writer { shared: Arc::clone(&shared), store, random };
        Self { shared, writer: Mutex::new(Some(tokio::spawn(writer.run()))) }
    }

    /// How many records were lost since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Writes everything that waits, at most for `wait`; what is left then is kept aside, and what cannot be counts as
    /// dropped. Nothing can be appended afterwards.
    pub async fn drain(&self, wait: Duration) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut writer) = writer else { return };
        if timeout(wait, &mut writer).await.is_err() {
            writer.abort();
            // The writer's last batch goes back to those that wait when it is dropped.
            let _ = writer.await;
        }
        if let Err(left) = self.shared.set_aside().await {
            self.shared.drop_records(left.len());
        }
    }
}

#[async_trait]
impl Journal for Queue {
    async fn keep(&self, record: &Record) -> Result<()> {
        let Some(aside) = &self.shared.aside else {
            return Err(Error::store("there are no files to keep a record in"));
        };
        aside.keep(record.clone()).await?;
        // It has to be told to the store from there.
        self.shared.wake.notify_one();
        Ok(())
    }

    fn backlog(&self) -> Option<Backlog> {
        Some(Backlog {
            waiting: self.shared.waiting().len(),
            dropped: self.dropped(),
            aside: self.shared.aside.as_ref().map_or(0, |aside| aside.records()),
            trouble: *self.shared.trouble(),
        })
    }

    async fn append(&self, record: Record) {
        let length = {
            let mut waiting = self.shared.waiting();
            if waiting.len() < QUEUE_RECORDS_MAX && !self.shared.closed() {
                waiting.push(record);
                waiting.len()
            } else {
                0
            }
        };
        match length {
            0 => self.shared.drop_records(1),
            // The writer sleeps until there is something, until there is enough, or until a flush has to be left for what
            // comes meanwhile: nobody else needs to wake it.
            1 | FLUSH_ROWS_MAX | SPILL_CROWD => self.shared.wake.notify_one(),
            _ => {}
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<Record>> {
        // A panic elsewhere leaves the list whole: it is only pushed to and taken from.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn holds_aside(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| !aside.is_empty())
    }

    fn take_batch(&self) -> Vec<Record> {
        let mut waiting = self.waiting();
        if waiting.len() <= FLUSH_ROWS_MAX {
            return mem::take(&mut *waiting);
        }
        let rest = waiting.split_off(FLUSH_ROWS_MAX);
        mem::replace(&mut *waiting, rest)
    }

    /// Puts records back before all others; what has no room any more is the youngest.
    fn put_back(&self, records: Vec<Record>) {
        let mut waiting = self.waiting();
        waiting.splice(0..0, records);
        let excess = waiting.len().saturating_sub(QUEUE_RECORDS_MAX);
        waiting.truncate(QUEUE_RECORDS_MAX);
        drop(waiting);
        self.drop_records(excess);
    }

    /// Keeps aside all that waits; returns it where that is not possible.
    async fn set_aside(&self) -> Result<(), Vec<Record>> {
        let records = mem::take(&mut *self.waiting());
        self.keep_aside(records).await
    }

    async fn keep_aside(&self, records: Vec<Record>) -> Result<(), Vec<Record>> {
        match &self.aside {
            _ if records.is_empty() => Ok(()),
            Some(aside) => aside.append(records, Keep::Written).await,
            None => Err(records),
        }
    }

    /// The store has taken records, or says why not.
    fn note<T>(&self, done: &Result<T>) {
        let mut trouble = self.trouble();
        match done {
            Ok(_) => {
                if trouble.take().is_some() {
                    info!("the store takes records again");
                }
            }
            Err(error) => {
                let lack = if error.kind == Kind::Full { Lack::Room } else { Lack::Answer };
                let since_ms = trouble.map_or_else(|| self.clock.now(), |before| before.since_ms);
                *trouble = Some(Trouble { since_ms, lack });
            }
        }
    }

    /// Counts lost records, and says so at most once a second.
    fn drop_records(&self, count: usize) {
        if count == 0 {
            return;
        }
        let lost = self.dropped.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        let now = self.clock.now();
        let before = self.complained_at_ms.load(Ordering::Relaxed);
        let due = now - before >= 1000;
        if due && self.complained_at_ms.swap(now, Ordering::Relaxed) == before {
            warn!(log_dropped_total = lost, "request records are lost");
        }
    }
}

/// Records on their way to the store. Dropped before they are there, they wait again, or count as lost where nothing else
/// would be done with them.
struct Batch {
    records: Vec<Record>,
    shared: Arc<Shared>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        let records = mem::take(&mut self.records);
        if self.shared.aside.is_some() {
            self.shared.put_back(records);
        } else {
            self.shared.drop_records(records.len());
        }
    }
}

/// Whether there is more for the writer to do.
#[derive(PartialEq, Eq)]
enum Next {
    More,
    End,
}

impl Writer {
    async fn run(self) {
        loop {
            if self.shared.holds_aside() {
                if self.catch_up().await == Next::End {
                    return;
                }
                continue;
            }
            self.gather().await;
            // Asked before the batch is taken: what is appended after an empty one then finds the queue closed.
            let closed = self.shared.closed();
            if self.shared.holds_aside() {
                continue;
            }
            let records = self.shared.take_batch();
            if !records.is_empty() {
                self.write(Batch { records, shared: Arc::clone(&self.shared) }).await;
            } else if closed {
                return;
            }
        }
    }

    /// Returns when a batch is full, when its first record has waited [`FLUSH_WAIT`], or when something lies aside.
    async fn gather(&self) {
        let idle = || self.shared.waiting().is_empty() && !self.shared.holds_aside();
        while idle() && !self.shared.closed() {
            self.shared.wake.notified().await;
        }
        // A wake-up may be the one that told of the first record, so it is the length that decides.
        let full = async {
            while self.shared.waiting().len() < FLUSH_ROWS_MAX && !self.shared.closed() {
                self.shared.wake.notified().await;
            }
        };
        // Out of time is as good as full.
        let _ = timeout(FLUSH_WAIT, full).await;
    }

    /// Tries until the records are stored, refused, or kept aside. All tries carry one id, so a commit whose answer was
    /// lost is not made twice.
    async fn write(&self, mut batch: Batch) {
        let flush_id = self.flush_id();
        let began = Instant::now();
        let mut pause = FLUSH_WAIT;
        let mut refusals = 0;
        loop {
            let done = self.flush(&flush_id, &batch.records).await;
            self.shared.note(&done);
            let Err(cause) = done else {
                batch.records.clear();
                return;
            };
            if is_refusal(&cause) {
                refusals += 1;
            }
            if refusals >= FLUSH_TRIES_MAX {
                error!(%cause, records = batch.records.len(), "the store refuses records");
                self.shared.drop_records(mem::take(&mut batch.records).len());
                return;
            }
            warn!(%cause, records = batch.records.len(), "records wait for the store");
            if began.elapsed() >= FLUSH_PATIENCE || self.shared.closed() {
                match self.shared.keep_aside(mem::take(&mut batch.records)).await {
                    Ok(()) => return,
                    Err(records) => batch.records = records,
                }
            }
            sleep(pause).await;
            pause = FLUSH_RETRY_WAIT_MAX.min(pause * 2);
        }
    }

    /// Where records can be kept aside, nobody waits long for a store that does not answer, and the queue does not fill up
    /// meanwhile.
    async fn flush(&self, flush_id: &str, records: &[Record]) -> Result<()> {
        let flush = self.store.flush(flush_id, records);
        if self.shared.aside.is_none() {
            return flush.await;
        }
        let mut flush = pin!(timeout(FLUSH_PATIENCE, flush));
        let done = loop {
            if let Either::Left((done, _)) = select(&mut flush, pin!(self.crowded())).await {
                break done;
            }
            if let Err(records) = self.shared.set_aside().await {
                self.shared.put_back(records);
                break flush.await;
            }
        };
        done.unwrap_or_else(|_| Err(Error::store("the store takes too long")))
    }

    /// Returns when so many wait that there is soon no more room.
    async fn crowded(&self) {
        while self.shared.waiting().len() < SPILL_CROWD {
            self.shared.wake.notified().await;
        }
    }

    /// Tells the store what lies aside, the oldest first, and keeps aside what comes meanwhile, until nothing does.
    async fn catch_up(&self) -> Next {
        let Some(aside) = &self.shared.aside else { return Next::More };
        let mut pause = FLUSH_WAIT;
        let mut refusals = 0;
        while let Some(oldest) = self.beside(aside.oldest()).await {
            let records = oldest.records.as_slice();
            let done = if records.is_empty() {
                Ok(())
            } else {
                // Never by the id of a try before, which may have been made and was of fewer records: those that are there
                // are known by their own ids.
                let flush_id = self.flush_id();
                let flush = timeout(DATABASE_WAIT, self.store.flush(&flush_id, records));
                let done = self.beside(flush).await;
                done.unwrap_or_else(|_| Err(Error::store("the store takes too long")))
            };
            self.shared.note(&done);
            refusals = match &done {
                Err(cause) if is_refusal(cause) => refusals + 1,
                Ok(()) | Err(_) => 0,
            };
            let lost = refusals >= FLUSH_TRIES_MAX;
            if let (true, Err(cause)) = (lost, &done) {
                error!(%cause, records = records.len(), "the store refuses records");
                self.shared.drop_records(records.len());
            }
            if done.is_ok() || lost {
                aside.done(oldest).await;
                (refusals, pause) = (0, FLUSH_WAIT);
                continue;
            }
            if self.shared.closed() {
                return Next::End;
            }
            self.beside(sleep(pause)).await;
            pause = FLUSH_RETRY_WAIT_MAX.min(pause * 2);
        }
        Next::More
    }

    /// Waits for something, and keeps aside what comes meanwhile.
    async fn beside<T>(&self, something: impl Future<Output = T>) -> T {
        let mut something = pin!(something);
        let mut look = FLUSH_WAIT;
        loop {
            if let Ok(done) = timeout(look, &mut something).await {
                return done;
            }
            look = FLUSH_WAIT;
            if let Err(records) = self.shared.set_aside().await {
                self.shared.put_back(records);
                look = FLUSH_RETRY_WAIT_MAX;
            }
        }
    }

    fn flush_id(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes.iter().fold(String::with_capacity(32), |mut id, byte| {
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
            id
        })
    }
}

/// Whether the store has answered that it does not want these records.
fn is_refusal(cause: &Error) -> bool {
    !matches!(cause.kind, Kind::Unavailable | Kind::Full)
}

#[cfg(test)]
mod tests;
