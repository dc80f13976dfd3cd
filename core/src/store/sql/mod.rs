//! How are the four shapes of data kept in SQL? One store over any [`Database`].

mod aside;
mod audit;
mod blobs;
mod columns;
mod counters;
mod database;
mod documents;
mod flavor;
mod full;
mod hrana;
mod leases;
pub mod limits;
mod migrate;
pub mod moving;
mod records;
mod reservations;
mod rollups;
mod rows;
mod script;
mod shard;
mod stats;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use aside::{read_aside, write_aside};
pub use database::{Database, Outcome, Statement, Value};
pub use flavor::Flavor;
pub use hrana::Hrana;
pub use migrate::migrate;
pub use script::script;
pub use shard::Shard;

use super::{
    Add, Admission, Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Counter,
    Counters, Document, Kind, ListQuery, Record, RecordFilter, Reservation, Schema, Settlement,
    StatsQuery, Store,
};
use crate::{error::Result, ports::Millis};

/// Documents, records, counters and blobs in a SQL database. Every question is in a file of its own; here they are
/// only brought together.
#[derive(Clone)]
pub struct SqlStore {
    database: Arc<dyn Database>,
    full: Arc<full::Full>,
}

impl SqlStore {
    /// A store over this database. It does not touch the schema: see [`migrate`].
    #[must_use]
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self { database, full: Arc::default() }
    }

    /// The same without what requests hold, for a place that counts on from here and is told by each process what its
    /// requests hold.
    pub async fn settled_counters(&self, now_ms: Millis) -> Result<Vec<Counter>> {
        let mut counters = counters::live(&*self.database, now_ms).await?;
        let held = reservations::held(&*self.database).await?;
        for counter in &mut counters {
            let held = held.get(&counter.name).copied().unwrap_or(0);
            counter.value = counter.value.saturating_sub(held);
        }
        Ok(counters)
    }

    /// Every counter that has not expired, for a process that counts on its own from here.
    pub async fn live_counters(&self, now_ms: Millis) -> Result<Vec<Counter>> {
        counters::live(&*self.database, now_ms).await
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn schema(&self) -> Result<Schema> {
        migrate::schema(&*self.database).await
    }

    async fn list(&self, kind: Kind, query: &ListQuery) -> Result<Vec<Document>> {
        documents::list(&*self.database, kind, query).await
    }

    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>> {
        documents::get(&*self.database, kind, id).await
    }

    async fn find(&self, kind: Kind, name: &str) -> Result<Option<Document>> {
        documents::find(&*self.database, kind, name).await
    }

    async fn revision(&self) -> Result<i64> {
        documents::revision(&*self.database).await
    }

    async fn changed_since(&self, revision: i64, kinds: &[Kind]) -> Result<Changes> {
        documents::changed_since(&*self.database, revision, kinds).await
    }

    async fn commit(&self, changes: Vec<Change>, audit: Audit) -> Result<i64> {
        documents::commit(&*self.database, changes, &audit).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        audit::page(&*self.database, query).await
    }

    async fn flush(&self, flush_id: &str, records: &[Record]) -> Result<()> {
        records::flush(&*self.database, flush_id, records).await
    }

    async fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        records::page(&*self.database, filter).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Vec<Bucket>> {
        stats::sum(&*self.database, query).await
    }

    async fn reprice(&self, costs: &[Costed]) -> Result<()> {
        records::reprice(&*self.database, costs).await
    }

    async fn prune(&self, before_ms: Millis, limit: u32) -> Result<u64> {
        records::prune(&*self.database, before_ms, limit).await
    }

    async fn rebuild_rollups(&self, from_ms: Millis, to_ms: Millis) -> Result<()> {
        rollups::rebuild(&*self.database, from_ms, to_ms).await
    }

    async fn put_blob(&self, blob: Blob) -> Result<()> {
        blobs::put(&*self.database, blob).await
    }

    async fn get_blob(
        &self,
        client: &str,
        id: &str,
        part: &str,
        now_ms: Millis,
    ) -> Result<Option<Bytes>> {
        blobs::get(&*self.database, [client, id, part], now_ms).await
    }

    async fn expire_blobs(&self, now_ms: Millis, limit: u32) -> Result<u64> {
        blobs::expire(&*self.database, now_ms, limit).await
    }

    async fn lease(
        &self,
        name: &str,
        holder: &str,
        now_ms: Millis,
        until_ms: Millis,
    ) -> Result<bool> {
        leases::take(&*self.database, name, holder, now_ms, until_ms).await
    }
}

#[async_trait]
impl Counters for SqlStore {
    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        counters::add(&*self.database, adds, now_ms).await
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        reservations::reserve(&*self.database, &self.full, reservation, now_ms).await
    }

    async fn settle(&self, settlement: Settlement, _: Millis) -> Result<Option<Settlement>> {
        // The flush does it, together with the record.
        Ok(Some(settlement))
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        counters::read(&*self.database, names, now_ms).await
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        counters::live_from(&*self.database, begin, limit, now_ms).await
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        reservations::release_abandoned(&*self.database, now_ms).await?;
        counters::expire(&*self.database, now_ms).await
    }
}
