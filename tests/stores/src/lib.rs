//! What must hold on every database? One list of cases, each on a fresh schema, for whoever brings a [`Database`].

mod audit;
mod blobs;
mod check;
mod counters;
mod documents;
mod faults;
mod leases;
mod model;
mod records;
mod reservations;
mod rollups;
mod sample;
mod schema;
mod text;

use std::sync::Arc;

use tidegate_core::{
    ports::Clock,
    store::sql::{Database, SqlStore, Statement, migrate},
};

pub use check::{Failure, Verdict};

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
    clock: Arc<dyn Clock>,
}

/// All cases, in the order of the store's methods.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        documents::CASES,
        audit::CASES,
        records::CASES,
        rollups::CASES,
        counters::CASES,
        reservations::CASES,
        blobs::CASES,
        leases::CASES,
        text::CASES,
        model::CASES,
        schema::CASES,
        faults::CASES,
    ]
    .into_iter()
    .flatten()
    .map(|(name, run)| Case { name, run: *run })
    .collect()
}

impl Case {
    /// Runs the case. Everything that was in `database` is gone afterwards, so cases of one database run one by one.
    pub async fn run(&self, database: Arc<dyn Database>, clock: Arc<dyn Clock>) -> Verdict {
        wipe(&*database).await?;
        migrate(&*database, &*clock, "cases").await?;
        let store = SqlStore::new(Arc::clone(&database));
        (self.run)(&World { database, store, clock }).await
    }
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
