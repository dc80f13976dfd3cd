//! Does the queue keep, bound, retry and drain?

use bytes::Bytes;
use tidegate_core::{
    Error, Result,
    ports::Millis,
    store::{
        self, Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Document,
        ListQuery, RecordFilter, Schema, StatsQuery,
    },
};
use tokio::{sync::watch, time::Instant};

use super::*;
use crate::{OsRandom, SystemClock};

/// A store whose flushes can be held up or refused, and that keeps what came.
struct Shelf {
    refusals: Mutex<Vec<Error>>,
    open: watch::Receiver<bool>,
    flushes: Mutex<Vec<(String, Vec<Record>)>>,
}

impl Shelf {
    fn open() -> Arc<Self> {
        Self::behind(watch::channel(true).1)
    }

    fn behind(open: watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self { refusals: Mutex::default(), open, flushes: Mutex::default() })
    }

    fn refusing(kinds: &[Kind]) -> Arc<Self> {
        let shelf = Self::open();
        *shelf.refusals.lock().unwrap() =
            kinds.iter().map(|&kind| Error::new(kind, "not now")).collect();
        shelf
    }

    fn tries(&self) -> Vec<String> {
        self.flushes.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.flushes.lock().unwrap().iter().map(|(_, records)| records.len()).collect()
    }

    fn queue(self: &Arc<Self>) -> Queue {
        let store: Arc<dyn Store> = self.clone();
        Queue::start(store, Arc::new(SystemClock), Arc::new(OsRandom))
    }
}

#[async_trait]
impl Store for Shelf {
    async fn flush(&self, flush_id: &str, records: &[Record]) -> Result<()> {
        let mut open = self.open.clone();
        open.wait_for(|open| *open).await.map_err(Error::store)?;
        self.flushes.lock().unwrap().push((flush_id.to_owned(), records.to_vec()));
        self.refusals.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    async fn schema(&self) -> Result<Schema> {
        Ok(Schema::Current)
    }
    async fn list(&self, _: store::Kind, _: &ListQuery) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }
    async fn get(&self, _: store::Kind, _: &str) -> Result<Option<Document>> {
        Ok(None)
    }
    async fn find(&self, _: store::Kind, _: &str) -> Result<Option<Document>> {
        Ok(None)
    }
    async fn revision(&self) -> Result<i64> {
        Ok(0)
    }
    async fn changed_since(&self, _: i64, _: &[store::Kind]) -> Result<Changes> {
        Ok(Changes::default())
    }
    async fn audit(&self, _: &AuditQuery) -> Result<Vec<AuditRow>> {
        Ok(Vec::new())
    }
    async fn commit(&self, _: Vec<Change>, _: Audit) -> Result<i64> {
        Ok(0)
    }
    async fn records(&self, _: &RecordFilter) -> Result<Vec<Record>> {
        Ok(Vec::new())
    }
    async fn stats(&self, _: &StatsQuery) -> Result<Vec<Bucket>> {
        Ok(Vec::new())
    }
    async fn reprice(&self, _: &[Costed]) -> Result<()> {
        Ok(())
    }
    async fn prune(&self, _: Millis, _: u32) -> Result<u64> {
        Ok(0)
    }
    async fn rebuild_rollups(&self, _: Millis, _: Millis) -> Result<()> {
        Ok(())
    }
    async fn put_blob(&self, _: Blob) -> Result<()> {
        Ok(())
    }
    async fn get_blob(&self, _: &str, _: &str, _: &str, _: Millis) -> Result<Option<Bytes>> {
        Ok(None)
    }
    async fn expire_blobs(&self, _: Millis, _: u32) -> Result<u64> {
        Ok(0)
    }
    async fn lease(&self, _: &str, _: &str, _: Millis, _: Millis) -> Result<bool> {
        Ok(true)
    }
}

async fn append(queue: &Queue, count: usize) {
    for number in 0..count {
        queue.append(Record { id: format!("r{number}"), ..Record::default() }).await;
    }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_record_waits_no_longer_than_the_flush_interval() {
    let shelf = Shelf::open();
    let queue = shelf.queue();
    append(&queue, 3).await;
    tokio::time::sleep(FLUSH_WAIT / 2).await;
    assert_eq!(shelf.sizes(), [0; 0]);
    tokio::time::sleep(FLUSH_WAIT / 2 + Duration::from_millis(5)).await;
    assert_eq!(shelf.sizes(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let shelf = Shelf::open();
    let queue = shelf.queue();
    append(&queue, FLUSH_ROWS_MAX + 1).await;
    let from = Instant::now();
    while shelf.sizes().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(from.elapsed(), Duration::ZERO);
    queue.drain(LONG).await;
    assert_eq!(shelf.sizes(), [FLUSH_ROWS_MAX, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_counts_and_does_not_block() {
    let (gate, open) = watch::channel(false);
    let shelf = Shelf::behind(open);
    let queue = shelf.queue();
    append(&queue, 1).await;
    tokio::time::sleep(FLUSH_WAIT * 2).await;

    let from = Instant::now();
    append(&queue, QUEUE_RECORDS_MAX + 7).await;
    assert_eq!(from.elapsed(), Duration::ZERO);
    assert_eq!(queue.dropped(), 7);

    gate.send(true).unwrap();
    queue.drain(LONG).await;
    assert_eq!(shelf.sizes().iter().sum::<usize>(), QUEUE_RECORDS_MAX + 1);
    assert_eq!(queue.dropped(), 7);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_flush_is_tried_on_under_one_id() {
    let shelf = Shelf::refusing(&[Kind::Unavailable; 2 * FLUSH_TRIES_MAX as usize]);
    let queue = shelf.queue();
    append(&queue, 2).await;
    queue.drain(LONG).await;
    let tries = shelf.tries();
    assert_eq!(tries.len(), 2 * FLUSH_TRIES_MAX as usize + 1);
    assert!(tries.iter().all(|id| *id == tries[0]), "{tries:?}");
    assert_eq!(queue.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_flush_is_given_up_and_the_next_one_goes_on() {
    let shelf = Shelf::refusing(&[Kind::Internal; FLUSH_TRIES_MAX as usize]);
    let queue = shelf.queue();
    append(&queue, 2).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(queue.dropped(), 2);
    append(&queue, 1).await;
    queue.drain(LONG).await;
    assert_eq!(queue.dropped(), 2);
    let tries = shelf.tries();
    assert_eq!(tries.len(), FLUSH_TRIES_MAX as usize + 1);
    assert_ne!(tries[0], *tries.last().unwrap());
}

#[tokio::test(start_paused = true)]
async fn drain_is_bounded_and_counts_what_is_left() {
    let (_gate, open) = watch::channel(false);
    let shelf = Shelf::behind(open);
    let queue = shelf.queue();
    append(&queue, 5).await;
    tokio::time::sleep(FLUSH_WAIT * 2).await;
    append(&queue, 3).await;
    queue.drain(Duration::from_millis(50)).await;
    assert_eq!(queue.dropped(), 8);
    append(&queue, 1).await;
    assert_eq!(queue.dropped(), 9);
}
