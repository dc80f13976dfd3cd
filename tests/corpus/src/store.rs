//! What does a gateway find in a database that holds nothing?

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_core::{
    error::Result,
    ports::Millis,
    store::{
        Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Document, Kind,
        ListQuery, Record, RecordFilter, Schema, StatsQuery, Store,
    },
    testing::SilentStore,
};

/// Answers where a client may be waiting for it: there is no blob, and whatever is put is taken. Else it is silent.
pub(crate) struct EmptyStore;

#[async_trait]
impl Store for EmptyStore {
    async fn schema(&self) -> Result<Schema> {
        SilentStore.schema().await
    }
    async fn list(&self, kind: Kind, query: &ListQuery) -> Result<Vec<Document>> {
        SilentStore.list(kind, query).await
    }
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>> {
        SilentStore.get(kind, id).await
    }
    async fn find(&self, kind: Kind, key: &str) -> Result<Option<Document>> {
        SilentStore.find(kind, key).await
    }
    async fn revision(&self) -> Result<i64> {
        SilentStore.revision().await
    }
    async fn changed_since(&self, revision: i64, kinds: &[Kind]) -> Result<Changes> {
        SilentStore.changed_since(revision, kinds).await
    }
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        SilentStore.audit(query).await
    }
    async fn commit(&self, changes: Vec<Change>, audit: Audit) -> Result<i64> {
        SilentStore.commit(changes, audit).await
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
    async fn prune(&self, before: Millis, limit: u32) -> Result<u64> {
        SilentStore.prune(before, limit).await
    }
    async fn rebuild_rollups(&self, from: Millis, to: Millis) -> Result<()> {
        SilentStore.rebuild_rollups(from, to).await
    }
    async fn put_blob(&self, _: Blob) -> Result<()> {
        Ok(())
    }
    async fn get_blob(&self, _: &str, _: &str, _: &str, _: Millis) -> Result<Option<Bytes>> {
        Ok(None)
    }
    async fn expire_blobs(&self, now: Millis, limit: u32) -> Result<u64> {
        SilentStore.expire_blobs(now, limit).await
    }
    async fn lease(&self, name: &str, owner: &str, now: Millis, until: Millis) -> Result<bool> {
        SilentStore.lease(name, owner, now, until).await
    }
}
