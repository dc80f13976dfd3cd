//! When does a store get the groups that everybody begins with? Once, however many begin, and what becomes of them stays.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use crate::common::World;
use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;
use futures_util::future::join3;
use tidegate_core::{
    Error, Result,
    config::Config,
    error::Kind as Refusal,
    ports::Millis,
    store::{
        Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Document, Kind,
        ListQuery, Record, RecordFilter, Schema, StatsQuery, Store,
    },
    testing::SilentStore,
};

const FIRST: [&str; 7] = [
    "deepseek-auto",
    "dispatcher",
    "fast-flow",
    "gemini-auto",
    "heavy-logic",
    "openai-auto",
    "standard-pro",
];

/// Keeps documents, and nothing else.
#[derive(Default)]
struct Papers {
    documents: Mutex<Vec<Document>>,
    /// Whether commits fail.
    locked: AtomicBool,
}

impl Papers {
    fn groups(&self) -> Vec<String> {
        let documents = self.documents.lock().expect("no test panics in here");
        let live = documents.iter().filter(|it| it.kind == Kind::Group && !it.deleted);
        let mut ids: Vec<String> = live.map(|document| document.id.clone()).collect();
        ids.sort();
        ids
    }

    fn apply(&self, changes: Vec<Change>) -> Result<i64> {
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
        SilentStore.get(kind, id).await
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

fn document(kind: Kind, id: &str, body: &str) -> Change {
    let (id, body) = (id.to_owned(), body.to_owned());
    let (name, parent) = (id.clone(), String::new());
    let (version, revision, deleted, shape) = (0, 0, false, 1);
    Change::Put(Document { kind, id, parent, name, version, revision, deleted, shape, body })
}

fn refresh(world: &World) {
    block_on(world.gateway.refresh()).expect("the papers can be read");
}

#[test]
fn many_begin_at_once_and_the_groups_are_given_once() {
    let papers = Arc::new(Papers::default());
    let worlds = [0; 3].map(|_| World::over(papers.clone(), |_| {}));
    let [one, two, three] = worlds.each_ref().map(|world| world.gateway.refresh());
    let (one, two, three) = block_on(join3(one, two, three));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(papers.groups(), FIRST);
    let revisions = papers.documents.lock().expect("no panic").iter().map(|it| it.revision).max();
    assert_eq!(revisions, Some(1), "one commit of one of them");
    for world in &worlds {
        refresh(world);
    }
    assert_eq!(papers.documents.lock().expect("no panic").len(), FIRST.len() + 1);
}

#[test]
fn what_is_deleted_does_not_come_back() {
    let papers = Arc::new(Papers::default());
    refresh(&World::over(papers.clone(), |_| {}));
    let deletions =
        FIRST.map(|id| Change::Delete { kind: Kind::Group, id: id.to_owned(), version: 1 });
    papers.apply(deletions.into()).expect("they are there");
    // A process that goes on, and one that begins.
    let later = World::over(papers.clone(), |_| {});
    refresh(&later);
    refresh(&later);
    assert!(papers.groups().is_empty());
}

#[test]
fn an_id_that_is_in_use_is_left_alone() {
    let papers = Arc::new(Papers::default());
    let own = r#"{"strategy":"priority","targets":[{"name":"mock"}]}"#;
    papers.apply(vec![document(Kind::Group, "dispatcher", own)]).expect("it is free");
    let declared = "[[group]]\nid = \"fast-flow\"\ntargets = [\"mock\"]\n";
    let declared = Config::read(Some(declared), &|_| None).expect("a test writes it well").groups;
    refresh(&World::over(papers.clone(), |config| config.groups = declared));
    let without: Vec<&str> = FIRST.into_iter().filter(|id| *id != "fast-flow").collect();
    assert_eq!(papers.groups(), without);
    let documents = papers.documents.lock().expect("no panic");
    assert!(documents.iter().any(|it| it.id == "dispatcher" && it.body == own));
}

#[test]
fn a_store_that_takes_nothing_is_no_reason_not_to_serve() {
    let papers = Arc::new(Papers::default());
    papers.locked.store(true, Ordering::Relaxed);
    let world = World::over(papers.clone(), |_| {});
    refresh(&world);
    assert!(papers.groups().is_empty());
    papers.locked.store(false, Ordering::Relaxed);
    refresh(&world);
    assert_eq!(papers.groups(), FIRST);
    let _ = World::new();
}
