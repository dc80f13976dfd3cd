//! Which documents are there? A store that keeps them in memory, and nothing else.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_core::{
    Error, Result,
    error::Kind as Refusal,
    ports::Millis,
    store::{
        Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Document, Kind,
        ListQuery, Record, RecordFilter, Schema, StatsQuery, Store,
    },
    testing::SilentStore,
};

/// Keeps documents, and nothing else.
#[derive(Default)]
pub(crate) struct Papers {
    pub(crate) documents: Mutex<Vec<Document>>,
    /// Whether commits fail.
    pub(crate) locked: AtomicBool,
    /// Whether nothing is answered any more.
    pub(crate) silent: AtomicBool,
    /// How often something was asked while it was silent.
    pub(crate) asked: AtomicUsize,
}

impl Papers {
    /// Answers nothing where it is silent.
    fn open(&self) -> Result<()> {
        if !self.silent.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        Err(Error::store("silence"))
    }

    pub(crate) fn groups(&self) -> Vec<String> {
        let documents = self.documents.lock().expect("no test panics in here");
        let live = documents.iter().filter(|it| it.kind == Kind::Group && !it.deleted);
        let mut ids: Vec<String> = live.map(|document| document.id.clone()).collect();
        ids.sort();
        ids
    }

    pub(crate) fn apply(&self, changes: Vec<Change>) -> Result<i64> {
        let conflict = || Error::new(Refusal::Conflict, "Another change came first.");
        let mut documents = self.documents.lock().expect("no test panics in here");
        let revision = documents.iter().map(|it| it.revision).max().unwrap_or(0) + 1;
        let mut next = documents.clone();
        for change in changes {
            match change {
                Change::Put(new) => {
                    let there = next.iter().any(|it| it.kind == new.kind && it.id == new.id);
                    if there || new.version != 0 {
                        return Err(conflict());
                    }
                    next.push(Document { version: 1, revision, ..new });
                }
                Change::Delete { kind, id, .. } => {
                    let found = next.iter_mut().find(|it| it.kind == kind && it.id == id);
                    let found = found.ok_or_else(conflict)?;
                    (found.deleted, found.revision) = (true, revision);
                }
            }
        }
        *documents = next;
        Ok(revision)
    }
}

/// Lets others go first.
async fn step_back() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[async_trait]
impl Store for Papers {
    async fn changed_since(&self, revision: i64, _: &[Kind]) -> Result<Changes> {
        self.open()?;
        let all = self.documents.lock().expect("no test panics in here").clone();
        let newest = all.iter().map(|it| it.revision).max().unwrap_or(0);
        let documents = all.into_iter().filter(|it| it.revision > revision).collect();
        Ok(Changes { revision: newest, documents })
    }
    async fn commit(&self, changes: Vec<Change>, _: Audit) -> Result<i64> {
        step_back().await;
        if self.locked.load(Ordering::Relaxed) {
            return Err(Error::store("read only"));
        }
        self.apply(changes)
    }
    async fn schema(&self) -> Result<Schema> {
        SilentStore.schema().await
    }
    async fn list(&self, kind: Kind, query: &ListQuery) -> Result<Vec<Document>> {
        SilentStore.list(kind, query).await
    }
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>> {
        self.open()?;
        let documents = self.documents.lock().expect("no test panics in here");
        let mut live = documents.iter().filter(|it| !it.deleted);
        Ok(live.find(|it| it.kind == kind && it.id == id).cloned())
    }
    async fn find(&self, kind: Kind, name: &str) -> Result<Option<Document>> {
        SilentStore.find(kind, name).await
    }
    async fn revision(&self) -> Result<i64> {
        SilentStore.revision().await
    }
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        SilentStore.audit(query).await
    }
    async fn flush(&self, id: &str, records: &[Record]) -> Result<()> {
        SilentStore.flush(id, records).await
    }
    async fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        SilentStore.records(filter).await
    }
    async fn stats(&self, query: &StatsQuery) -> Result<Vec<Bucket>> {
        SilentStore.stats(query).await
    }
    async fn reprice(&self, costs: &[Costed]) -> Result<()> {
        SilentStore.reprice(costs).await
    }
    async fn prune(&self, before_ms: Millis, limit: u32) -> Result<u64> {
        SilentStore.prune(before_ms, limit).await
    }
    async fn rebuild_rollups(&self, from_ms: Millis, to_ms: Millis) -> Result<()> {
        SilentStore.rebuild_rollups(from_ms, to_ms).await
    }
    async fn put_blob(&self, blob: Blob) -> Result<()> {
        SilentStore.put_blob(blob).await
    }
    async fn get_blob(&self, c: &str, id: &str, p: &str, now: Millis) -> Result<Option<Bytes>> {
        SilentStore.get_blob(c, id, p, now).await
    }
    async fn expire_blobs(&self, now_ms: Millis, limit: u32) -> Result<u64> {
        SilentStore.expire_blobs(now_ms, limit).await
    }
    async fn lease(&self, n: &str, holder: &str, now: Millis, until: Millis) -> Result<bool> {
        SilentStore.lease(n, holder, now, until).await
    }
}

/// A document to be made.
pub(crate) fn document(kind: Kind, id: &str, body: &str) -> Change {
    let (id, body) = (id.to_owned(), body.to_owned());
    let (name, parent) = (id.clone(), String::new());
    let (version, revision, deleted, shape) = (0, 0, false, 1);
    Change::Put(Document { kind, id, parent, name, version, revision, deleted, shape, body })
}
