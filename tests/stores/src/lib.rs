//! What must hold on every database? One list of cases, each on a fresh schema, for whoever brings a [`Database`].

mod audit;
mod blobs;
mod check;
mod counters;
mod documents;
mod faults;
mod leases;
mod model;
mod moving;
mod records;
mod reservations;
mod rollups;
mod sample;
mod schema;
mod text;
mod trees;

use std::sync::Arc;

use tidegate_core::{
    Result,
    ports::Clock,
    store::{
        Counters,
        sql::{Database, SqlStore, Statement, migrate},
    },
};

pub use check::{Failure, Verdict};
pub use schema::{give_previous, is_whole};

/// One thing that must hold.
pub struct Case {
    /// What holds, in words.
    pub name: &'static str,
    run: Run,
}

type Run = for<'a> fn(&'a World) -> BoxFutureOf<'a>;
type BoxFutureOf<'a> = std::pin::Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// What a case stands on.
pub struct World {
    database: Arc<dyn Database>,
    store: SqlStore,
    counters: Arc<dyn Counters>,
    place: Place,
    clock: Arc<dyn Clock>,
}

/// Where a case's counters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the store.
    Store,
    /// In a place of their own.
    Beside,
}

/// Opens counters that go on from what a store remembers.
pub type OpenCounters<'o> = &'o (dyn Fn(&SqlStore) -> Result<Arc<dyn Counters>> + Sync);

/// All cases, in the order of the store's methods.
#[must_use]
pub fn cases() -> Vec<Case> {
    listed(&[
        documents::CASES,
        audit::CASES,
        records::CASES,
        rollups::CASES,
        counters::CASES,
        reservations::CASES,
        blobs::CASES,
        leases::CASES,
        text::CASES,
        model::COUNTING,
        model::CASES,
        moving::CASES,
        schema::CASES,
        faults::CASES,
    ])
}

/// The cases that are about counters, wherever they are.
#[must_use]
pub fn counting() -> Vec<Case> {
    listed(&[counters::CASES, reservations::CASES, model::COUNTING])
}

/// The cases that are about counters with a place for each tree of teams.
#[must_use]
pub fn trees() -> Vec<Case> {
    listed(&[trees::CASES])
}

/// Cases that are about a store's own counters, and why counters beside it have nothing to do with them.
pub const LEFT_OUT_BESIDE: [(&str, &str); 6] = [
    ("counters: all live ones are listed", "asks what a store remembers"),
    ("reservations: one whose answer was lost is taken once", "breaks the database"),
    ("reservations: a repeated flush settles once", "breaks the database"),
    ("reservations: memory goes on from what the store remembers", "is about memory"),
    (
        "reservations: what was counted ahead is not counted twice",
        "is asked for each request, and nothing is counted ahead",
    ),
    (
        "reservations: what was counted ahead and given up counts",
        "is asked for each request, and nothing is counted ahead",
    ),
];

fn listed(lists: &[&'static [(&'static str, Run)]]) -> Vec<Case> {
    lists.iter().copied().flatten().map(|(name, run)| Case { name, run: *run }).collect()
}

impl Case {
    /// Runs the case. Everything that was in `database` is gone afterwards, so cases of one database run one by one.
    pub async fn run(&self, database: Arc<dyn Database>, clock: Arc<dyn Clock>) -> Verdict {
        let store = fresh(&database, &*clock).await?;
        let counters: Arc<dyn Counters> = Arc::new(store.clone());
        let place = Place::Store;
        (self.run)(&World { database, store, counters, place, clock }).await
    }

    /// Runs the case with counters that are empty and lie beside the store.
    pub async fn run_beside(
        &self,
        database: Arc<dyn Database>,
        clock: Arc<dyn Clock>,
        open: OpenCounters<'_>,
    ) -> Verdict {
        let store = fresh(&database, &*clock).await?;
        let counters = open(&store)?;
        let place = Place::Beside;
        (self.run)(&World { database, store, counters, place, clock }).await
    }
}

async fn fresh(database: &Arc<dyn Database>, clock: &dyn Clock) -> Verdict<SqlStore> {
    wipe(&**database).await?;
    migrate(&**database, clock, "cases").await?;
    Ok(SqlStore::new(Arc::clone(database)))
}

/// Every table of every migration.
const TABLES: [&str; 15] = [
    "audit",
    "blobs",
    "counters",
    "documents",
    "flushes",
    "guard",
    "latency",
    "latency_daily",
    "leases",
    "marks",
    "migrations",
    "records",
    "reservations",
    "rollups",
    "rollups_daily",
];

async fn wipe(database: &dyn Database) -> Verdict {
    let drop = |table| Statement::new(format!("DROP TABLE IF EXISTS {table}"), Vec::new());
    database.write(TABLES.into_iter().map(drop).collect()).await?;
    Ok(())
}
