//! How does a record reach the store without holding up a request? Through a bounded queue with one writer.

use std::{
    fmt::Write as _,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tidegate_core::{
    error::Kind,
    limits::{
        FLUSH_RETRY_WAIT_MAX, FLUSH_ROWS_MAX, FLUSH_TRIES_MAX, FLUSH_WAIT, QUEUE_RECORDS_MAX,
    },
    ports::{Backlog, Clock, Journal, Random, Store},
    store::Record,
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tracing::{error, warn};

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
    clock: Arc<dyn Clock>,
}

struct Writer {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    random: Arc<dyn Random>,
}

impl Queue {
    /// A queue whose writer runs on the current runtime until [`drain`](Self::drain).
    #[must_use]
    pub fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            complained_at_ms: AtomicI64::new(0),
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

    /// Writes everything that waits, at most for `wait`; what is left then counts as dropped. Nothing can be appended
    /// afterwards.
    pub async fn drain(&self, wait: Duration) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut writer) = writer else { return };
        if timeout(wait, &mut writer).await.is_err() {
            writer.abort();
            // The writer's last batch counts itself when it is dropped.
            let _ = writer.await;
        }
        let left = mem::take(&mut *self.shared.waiting());
        self.shared.drop_records(left.len());
    }
}

#[async_trait]
impl Journal for Queue {
    fn backlog(&self) -> Option<Backlog> {
        Some(Backlog { waiting: self.shared.waiting().len(), dropped: self.dropped() })
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
            // The writer sleeps until there is something, and then until there is enough: nobody else needs to wake it.
            1 | FLUSH_ROWS_MAX => self.shared.wake.notify_one(),
            _ => {}
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<Record>> {
        // A panic elsewhere leaves the list whole: it is only pushed to and taken from.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn take_batch(&self) -> Vec<Record> {
        let mut waiting = self.waiting();
        if waiting.len() <= FLUSH_ROWS_MAX {
            return mem::take(&mut *waiting);
        }
        let rest = waiting.split_off(FLUSH_ROWS_MAX);
        mem::replace(&mut *waiting, rest)
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

/// Records on their way to the store. Dropped before they are there, they count as lost.
struct Batch {
    records: Vec<Record>,
    shared: Arc<Shared>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.shared.drop_records(self.records.len());
    }
}

impl Writer {
    async fn run(self) {
        loop {
            self.gather().await;
            // Asked before the batch is taken: what is appended after an empty one then finds the queue closed.
            let closed = self.shared.closed();
            let records = self.shared.take_batch();
            if !records.is_empty() {
                self.write(Batch { records, shared: Arc::clone(&self.shared) }).await;
            } else if closed {
                return;
            }
        }
    }

    /// Returns when a batch is full, or when its first record has waited [`FLUSH_WAIT`].
    async fn gather(&self) {
        while self.shared.waiting().is_empty() && !self.shared.closed() {
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

    /// Tries until the records are stored or refused. All tries carry one id, so a commit whose answer was lost is
    /// not made twice.
    async fn write(&self, mut batch: Batch) {
        let flush_id = self.flush_id();
        let mut pause = FLUSH_WAIT;
        let mut refusals = 0;
        loop {
            let Err(cause) = self.store.flush(&flush_id, &batch.records).await else {
                batch.records.clear();
                return;
            };
            if cause.kind != Kind::Unavailable {
                refusals += 1;
            }
            if refusals >= FLUSH_TRIES_MAX {
                error!(%cause, records = batch.records.len(), "the store refuses records");
                return;
            }
            warn!(%cause, records = batch.records.len(), "records wait for the store");
            tokio::time::sleep(pause).await;
            pause = FLUSH_RETRY_WAIT_MAX.min(pause * 2);
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

#[cfg(test)]
mod tests;
