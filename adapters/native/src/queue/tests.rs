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
use crate::{OsRandom, SystemClock, scratch::Folder};

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
        Queue::start(store, None, Arc::new(SystemClock), Arc::new(OsRandom))
    }

    /// A queue that keeps aside in this folder what the shelf does not take.
    fn queue_beside(self: &Arc<Self>, folder: &Folder, promise: Promise) -> Queue {
        let store: Arc<dyn Store> = self.clone();
        let aside = Aside::open(&folder.path().join("aside"), promise).unwrap();
        Queue::start(store, Some(aside), Arc::new(SystemClock), Arc::new(OsRandom))
    }

    /// The ids of all records that it has taken, in order.
    fn taken(&self) -> Vec<String> {
        let flushes = self.flushes.lock().unwrap();
        flushes.iter().flat_map(|(_, records)| records).map(|record| record.id.clone()).collect()
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
    sleep(FLUSH_WAIT / 2).await;
    assert_eq!(shelf.sizes(), [0; 0]);
    sleep(FLUSH_WAIT / 2 + Duration::from_millis(5)).await;
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
    sleep(FLUSH_WAIT * 2).await;

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
    sleep(LONG).await;
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
    sleep(FLUSH_WAIT * 2).await;
    append(&queue, 3).await;
    queue.drain(Duration::from_millis(50)).await;
    assert_eq!(queue.dropped(), 8);
    append(&queue, 1).await;
    assert_eq!(queue.dropped(), 9);
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("r{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_store_does_not_take_is_kept_aside_and_told_in_order() {
    let (gate, open) = watch::channel(false);
    let (shelf, folder) = (Shelf::behind(open), Folder::new());
    let queue = shelf.queue_beside(&folder, Promise::Hoped);
    let count = QUEUE_RECORDS_MAX + 3 * FLUSH_ROWS_MAX + 5;
    for some in numbered(count).chunks(1_000) {
        for id in some {
            queue.append(Record { id: id.clone(), ..Record::default() }).await;
        }
        sleep(Duration::from_secs(2)).await;
    }
    let backlog = queue.backlog().unwrap();
    assert_eq!((backlog.waiting, backlog.aside, backlog.dropped), (0, count as u64, 0));
    assert_eq!(backlog.trouble.map(|trouble| trouble.lack), Some(Lack::Answer));

    gate.send(true).unwrap();
    sleep(LONG).await;
    assert_eq!(shelf.taken(), numbered(count));
    let backlog = queue.backlog().unwrap();
    assert_eq!((backlog.aside, backlog.trouble), (0, None));
    // From here on nothing takes the long way.
    queue.append(Record { id: "last".to_owned(), ..Record::default() }).await;
    sleep(FLUSH_WAIT * 2).await;
    assert_eq!(shelf.sizes().last(), Some(&1));
    assert_eq!(queue.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_queue_holds_is_kept_aside_at_once() {
    let (gate, open) = watch::channel(false);
    let (shelf, folder) = (Shelf::behind(open), Folder::new());
    let queue = shelf.queue_beside(&folder, Promise::Hoped);
    let count = 3 * QUEUE_RECORDS_MAX;
    let from = Instant::now();
    for some in numbered(count).chunks(1_000) {
        for id in some {
            queue.append(Record { id: id.clone(), ..Record::default() }).await;
        }
        sleep(FLUSH_WAIT / 4).await;
    }
    assert!(from.elapsed() < FLUSH_PATIENCE, "the store has not been given up");
    let backlog = queue.backlog().unwrap();
    assert_eq!((backlog.dropped, backlog.trouble), (0, None));
    gate.send(true).unwrap();
    queue.drain(LONG).await;
    assert_eq!((shelf.taken(), queue.dropped()), (numbered(count), 0));
}

#[tokio::test(start_paused = true)]
async fn an_end_beside_a_silent_store_loses_nothing() {
    let folder = Folder::new();
    let (_gate, open) = watch::channel(false);
    let silent = Shelf::behind(open);
    let queue = silent.queue_beside(&folder, Promise::Hoped);
    append(&queue, 5).await;
    sleep(FLUSH_WAIT * 2).await;
    queue.append(Record { id: "r5".to_owned(), ..Record::default() }).await;
    queue.drain(Duration::from_millis(50)).await;
    assert_eq!((queue.dropped(), silent.sizes().len()), (0, 0));

    let shelf = Shelf::open();
    let queue = shelf.queue_beside(&folder, Promise::Hoped);
    queue.drain(LONG).await;
    assert_eq!(shelf.taken(), numbered(6));
}

#[tokio::test(start_paused = true)]
async fn counters_hear_when_all_of_before_is_in_the_store() {
    let folder = Folder::new();
    let place = folder.path().join("aside");
    let mut spill = crate::spill::Spill::open(&place).unwrap();
    let record = Record { id: "r0".to_owned(), ..Record::default() };
    spill.append(&[record], Keep::Written).unwrap();
    drop(spill);
    let (gate, open) = watch::channel(false);
    let shelf: Arc<dyn Store> = Shelf::behind(open);
    let aside = Aside::open(&place, Promise::Kept).unwrap();
    let complete = aside.complete();
    let _queue = Queue::start(shelf, Some(aside), Arc::new(SystemClock), Arc::new(OsRandom));
    sleep(LONG).await;
    assert!(!complete.load(Ordering::Acquire));
    gate.send(true).unwrap();
    sleep(LONG).await;
    assert!(complete.load(Ordering::Acquire));
}

#[tokio::test(start_paused = true)]
async fn a_record_is_kept_for_sure_only_where_that_is_promised() {
    let (_gate, open) = watch::channel(false);
    let shelf = Shelf::behind(open);
    for (promise, kept) in [(Promise::Kept, true), (Promise::Hoped, false)] {
        let folder = Folder::new();
        let queue = shelf.queue_beside(&folder, promise);
        let record = Record { id: "r0".to_owned(), ..Record::default() };
        assert_eq!(queue.keep(&record).await.is_ok(), kept);
        assert_eq!(queue.backlog().unwrap().aside, u64::from(kept));
    }
    assert!(shelf.queue().keep(&Record::default()).await.is_err());
}
