//! Does the store answer? Every call of the core goes through here, which notes what came of it, and bounds how long people
//! and requests wait for small things.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{Either, select};

use super::{
    Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Document, Kind, ListQuery,
    Record, RecordFilter, Schema, StatsQuery, Store,
};
use crate::{
    error::{Error, Result},
    outage::{
        Standing, is_outage,
        limits::{STORE_SILENT_AFTER, STORE_WAIT},
    },
    ports::{Clock, Millis, within},
};

/// A store whose answers are noted.
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    standing: Arc<Standing>,
}

/// What a call is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    /// It changes nothing.
    Read,
    /// It changes something, for which there has to be room.
    Write,
}

impl Watched {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        standing: Arc<Standing>,
    ) -> Self {
        Self { store, clock, standing }
    }

    /// Something small, which is there at once or not at all.
    async fn quick<T: Send>(
        &self,
        call: Call,
        asked: std::pin::Pin<Box<dyn Future<Output = Result<T>> + Send + '_>>,
    ) -> Result<T> {
        let asked = match select(asked, self.clock.sleep(STORE_SILENT_AFTER)).await {
            Either::Left((done, _)) => return self.noted(call, done),
            Either::Right(((), asked)) => asked,
        };
        if call == Call::Read {
            self.standing.store.failed(STORE, self.clock.now(), "silence");
        }
        let left: Duration = STORE_WAIT.saturating_sub(STORE_SILENT_AFTER);
        match within(&*self.clock, left, asked).await {
            Some(done) => self.noted(call, done),
            None => Err(Error::store("silence")),
        }
    }

    fn noted<T>(&self, call: Call, done: Result<T>) -> Result<T> {
        let Standing { store, room, counters: _ } = &*self.standing;
        match &done {
            Err(error) if error.kind == crate::error::Kind::Full => {
                room.failed(ROOM, self.clock.now(), &error.detail);
            }
            // A lock on writing keeps nobody from reading, which is what requests wait for.
            Err(error) if is_outage(error) => {
                if call == Call::Read {
                    store.failed(STORE, self.clock.now(), &error.detail);
                }
            }
            Ok(_) | Err(_) => {
                store.answered(STORE);
                if call == Call::Write {
                    room.answered(ROOM);
                }
            }
        }
        done
    }
}

const STORE: &str = "database";
const ROOM: &str = "room in the database";

#[async_trait]
impl Store for Watched {
    async fn schema(&self) -> Result<Schema> {
        self.quick(Call::Read, self.store.schema()).await
    }

    async fn list(&self, kind: Kind, query: &ListQuery) -> Result<Vec<Document>> {
        self.quick(Call::Read, self.store.list(kind, query)).await
    }

    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>> {
        self.quick(Call::Read, self.store.get(kind, id)).await
    }

    async fn find(&self, kind: Kind, name: &str) -> Result<Option<Document>> {
        self.quick(Call::Read, self.store.find(kind, name)).await
    }

    async fn revision(&self) -> Result<i64> {
        self.quick(Call::Read, self.store.revision()).await
    }

    async fn changed_since(&self, revision: i64, kinds: &[Kind]) -> Result<Changes> {
        let asked = self.store.changed_since(revision, kinds);
        if revision == 0 {
            // All there is, which may be much.
            return self.noted(Call::Read, asked.await);
        }
        self.quick(Call::Read, asked).await
    }

    async fn commit(&self, changes: Vec<Change>, audit: Audit) -> Result<i64> {
        self.quick(Call::Write, self.store.commit(changes, audit)).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        self.noted(Call::Read, self.store.audit(query).await)
    }

    async fn flush(&self, flush_id: &str, records: &[Record]) -> Result<()> {
        self.noted(Call::Write, self.store.flush(flush_id, records).await)
    }

    async fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        self.noted(Call::Read, self.store.records(filter).await)
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Vec<Bucket>> {
        self.noted(Call::Read, self.store.stats(query).await)
    }

    async fn reprice(&self, costs: &[Costed]) -> Result<()> {
        self.noted(Call::Write, self.store.reprice(costs).await)
    }

    async fn prune(&self, before_ms: Millis, limit: u32) -> Result<u64> {
        self.noted(Call::Write, self.store.prune(before_ms, limit).await)
    }

    async fn rebuild_rollups(&self, from_ms: Millis, to_ms: Millis) -> Result<()> {
        self.noted(Call::Write, self.store.rebuild_rollups(from_ms, to_ms).await)
    }

    async fn put_blob(&self, blob: Blob) -> Result<()> {
        self.noted(Call::Write, self.store.put_blob(blob).await)
    }

    async fn get_blob(
        &self,
        client: &str,
        id: &str,
        part: &str,
        now_ms: Millis,
    ) -> Result<Option<Bytes>> {
        self.noted(Call::Read, self.store.get_blob(client, id, part, now_ms).await)
    }

    async fn expire_blobs(&self, now_ms: Millis, limit: u32) -> Result<u64> {
        self.noted(Call::Write, self.store.expire_blobs(now_ms, limit).await)
    }

    async fn lease(
        &self,
        name: &str,
        holder: &str,
        now_ms: Millis,
        until_ms: Millis,
    ) -> Result<bool> {
        self.quick(Call::Write, self.store.lease(name, holder, now_ms, until_ms)).await
    }
}
