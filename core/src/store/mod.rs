//! What does the gateway keep, and what may be asked of it? Four shapes of data and the two traits over them.

pub mod leased;
pub mod memory;
pub mod sql;

mod record;
mod watched;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub(crate) use watched::Watched;

pub use record::{
    Bucket, Ended, GroupBy, LATENCY_BOUNDS_MS, LATENCY_BUCKETS, Record, RecordFilter, Side,
    StatsQuery, Tariff, Usage,
};

use crate::{error::Result, ports::Millis};

/// The kinds of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A host that answers.
    Provider,
    /// An upstream credential; its parent is a provider.
    Key,
    /// What is known of a model beyond the catalogue.
    Model,
    /// A routed model name.
    Group,
    /// Who may call us; its id is the public id of the client key.
    Client,
    /// A node of the budget tree.
    Team,
    /// Who may use the dashboard.
    User,
    /// A generic key-rotating route.
    Proxy,
    /// The gateway's own settings.
    Setting,
    /// Who may change things: one document.
    Roster,
}

impl Kind {
    /// All kinds, in a fixed order.
    pub const ALL: [Self; 10] = [
        Self::Provider,
        Self::Key,
        Self::Model,
        Self::Group,
        Self::Client,
        Self::Team,
        Self::User,
        Self::Proxy,
        Self::Setting,
        Self::Roster,
    ];

    /// The kinds a snapshot holds. Clients and users are looked up one by one instead: there may be many.
    pub const IN_SNAPSHOT: [Self; 8] = [
        Self::Provider,
        Self::Key,
        Self::Model,
        Self::Group,
        Self::Team,
        Self::Proxy,
        Self::Setting,
        Self::Roster,
    ];

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Key => "key",
            Self::Model => "model",
            Self::Group => "group",
            Self::Client => "client",
            Self::Team => "team",
            Self::User => "user",
            Self::Proxy => "proxy",
            Self::Setting => "setting",
            Self::Roster => "roster",
        }
    }
}

/// A small thing that people edit. The body is JSON of the shape that `shape` numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Unique within the kind.
    pub id: String,
    /// The document it belongs to; empty when to none.
    pub parent: String,
    /// Unique within the kind, whatever the case of its letters.
    pub name: String,
    /// Counts its changes, from 1.
    pub version: i64,
    /// The store's revision that brought this version.
    pub revision: i64,
    /// A deleted document is kept as a mark, so that snapshots hear of it.
    pub deleted: bool,
    /// Which shape the body has; old shapes are upgraded on read.
    pub shape: i64,
    /// JSON.
    pub body: String,
}

/// One change of a commit.
#[derive(Clone, Debug)]
pub enum Change {
    /// Creates the document (`version` 0) or replaces exactly the version it was read at. `revision` is ignored.
    Put(Document),
    /// Marks exactly this version as deleted, and frees its name.
    Delete {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
        /// The version that was read.
        version: i64,
    },
}

/// Who changed what, kept beside the change.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// When.
    pub at_ms: Millis,
    /// A user's name, or `cli`.
    pub actor: String,
    /// A verb, such as `create`.
    pub action: String,
    /// What the changed documents said before and say now, for those that have something to tell.
    pub trail: Vec<Trail>,
}

/// What one document said before a change and says after it, its secrets replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// What the document is.
    pub kind: Kind,
    /// The document's id.
    pub id: String,
    /// JSON; empty when there was none.
    pub before: String,
    /// JSON; empty when there is none any more.
    pub after: String,
}

/// Which rows of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Not before.
    pub from_ms: Option<Millis>,
    /// Before.
    pub to_ms: Option<Millis>,
    /// By this one.
    pub actor: Option<String>,
    /// Of documents of this kind.
    pub kind: Option<Kind>,
    /// Of the document with this id.
    pub document: Option<String>,
    /// Older than this row: revision and place of the last row of the page before.
    pub before: Option<(i64, i64)>,
    /// At most so many; bounded by [`PAGE_ROWS_MAX`](crate::limits::PAGE_ROWS_MAX).
    pub limit: u32,
}

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// The revision that the change made.
    pub revision: i64,
    /// Its place in the commit.
    pub place: i64,
    /// When.
    pub at_ms: Millis,
    /// Who.
    pub actor: String,
    /// A verb, such as `create`.
    pub action: String,
    /// Which document it was, what it said before and says now.
    pub trail: Trail,
}

/// Everything that changed after a revision.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The revision these changes lead to.
    pub revision: i64,
    /// The documents in their newest version, deleted ones included.
    pub documents: Vec<Document>,
}

/// Where a page of a list starts.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Only documents of this parent.
    pub parent: Option<String>,
    /// Only ids after this one.
    pub after: Option<String>,
    /// At most so many; bounded by [`PAGE_ROWS_MAX`](crate::limits::PAGE_ROWS_MAX).
    pub limit: u32,
}

/// Whether the database's schema is the one this code was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is.
    Current,
    /// Migrations are missing: `found` of `wanted` are there.
    Older {
        /// Newest migration applied.
        found: i64,
        /// Newest migration of this code.
        wanted: i64,
    },
    /// A newer version of Tidegate has migrated it.
    Newer {
        /// Newest migration applied.
        found: i64,
        /// Newest migration of this code.
        wanted: i64,
    },
}

/// A private, short-lived piece of data. The payload is sealed before it comes here.
#[derive(Clone, Debug)]
pub struct Blob {
    /// The client it belongs to; nobody else can read it.
    pub client: String,
    /// What it belongs to, a record's id for instance.
    pub id: String,
    /// Which part of it.
    pub part: String,
    /// When it may be forgotten.
    pub expires_at_ms: Millis,
    /// Sealed bytes.
    pub sealed: Bytes,
}

/// What a record costs by other prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costed {
    /// The record.
    pub id: String,
    /// Nano-dollars.
    pub cost_nano: i64,
    /// The prices.
    pub price_id: String,
}

/// Documents, records and blobs.
#[async_trait]
pub trait Store: Send + Sync {
    /// Answers when the database does; says whether the schema fits.
    async fn schema(&self) -> Result<Schema>;

    /// Live documents of one kind by ascending id.
    async fn list(&self, kind: Kind, query: &ListQuery) -> Result<Vec<Document>>;
    /// A live document by id. A missing one is no error.
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>>;
    /// A live document by name, whatever the case of its letters.
    async fn find(&self, kind: Kind, name: &str) -> Result<Option<Document>>;
    /// The newest revision; 0 in an empty store.
    async fn revision(&self) -> Result<i64>;
    /// What changed after `revision` among `kinds`, read as one transaction. From 0: everything that lives.
    async fn changed_since(&self, revision: i64, kinds: &[Kind]) -> Result<Changes>;
    /// Applies all changes or none, and returns the new revision. A version that has moved on, or a name that is
    /// taken, is [`Conflict`](crate::error::Kind::Conflict).
    async fn commit(&self, changes: Vec<Change>, audit: Audit) -> Result<i64>;

    /// Rows of the audit log that fit the query, newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>>;

    /// Writes records with their rollups and latency buckets as one transaction. The same `flush_id` a second
    /// time changes nothing and succeeds.
    async fn flush(&self, flush_id: &str, records: &[Record]) -> Result<()>;
    /// Records that fit the filter, newest first.
    async fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>>;
    /// Sums over the hourly rollups.
    async fn stats(&self, query: &StatsQuery) -> Result<Vec<Bucket>>;
    /// Writes what records cost by other prices; rollups are left as they are. A record that is gone is no error.
    async fn reprice(&self, costs: &[Costed]) -> Result<()>;
    /// Deletes records, flush marks and audit rows before `before_ms`, at most `limit` records; returns how many
    /// records went. Rollups stay.
    async fn prune(&self, before_ms: Millis, limit: u32) -> Result<u64>;
    /// Computes the rollups of whole hours in `[from_ms, to_ms)` again from the records.
    async fn rebuild_rollups(&self, from_ms: Millis, to_ms: Millis) -> Result<()>;

    /// Keeps a blob; the same `(client, id, part)` is replaced.
    async fn put_blob(&self, blob: Blob) -> Result<()>;
    /// Reads a blob of this client that has not expired at `now_ms`.
    async fn get_blob(
        &self,
        client: &str,
        id: &str,
        part: &str,
        now_ms: Millis,
    ) -> Result<Option<Bytes>>;
    /// Forgets what has expired; returns how many went.
    async fn expire_blobs(&self, now_ms: Millis, limit: u32) -> Result<u64>;

    /// Takes or renews the named lease for `holder` until `until_ms`, unless somebody else holds it at `now_ms`.
    async fn lease(
        &self,
        name: &str,
        holder: &str,
        now_ms: Millis,
        until_ms: Millis,
    ) -> Result<bool>;
}

/// One conditional addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// The counter, such as `team-a/day/1755900000000`.
    pub name: String,
    /// May be negative: settling below the reservation.
    pub by: i64,
    /// The value counts as at least this before the addition.
    pub floor: Option<i64>,
    /// The addition is refused when the value would exceed this.
    pub cap: Option<i64>,
    /// When the counter may be forgotten.
    pub expires_at_ms: Millis,
}

/// What a request takes before it is known what it will use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The request.
    pub id: String,
    /// A request may reserve several times; each has its number.
    pub part: i64,
    /// What it takes.
    pub adds: Vec<Add>,
    /// When it counts as abandoned.
    pub until_ms: Millis,
}

/// What a request really used, in place of all that it had reserved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// The request.
    pub id: String,
    /// What it used.
    pub adds: Vec<Add>,
    /// Whether the store may hold reservations of it.
    pub holds: bool,
    /// What of it was counted ahead of time.
    pub ahead: Option<Ahead>,
}

/// What a request took of a reservation that was made for many. It is counted already, so it comes off that reservation
/// instead of being added once more; when that reservation is gone by then, it is added after all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// The reservation.
    pub id: String,
    /// Names of counters, and how much of each.
    pub taken: Vec<(String, i64)>,
}

/// What of the room that was taken ahead is to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spare {
    /// What nobody asked for in a while.
    Idle,
    /// All of it: the process ends.
    All,
}

impl Settlement {
    /// What the store has to be told of it where the counters only begin from the store: what was used, if anything was.
    #[must_use]
    pub fn told(mut self) -> Option<Self> {
        self.adds.retain(|add| add.by != 0);
        self.holds = false;
        (!self.adds.is_empty()).then_some(self)
    }
}

/// A counter as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: i64,
    /// When it may be forgotten.
    pub expires_at_ms: Millis,
}

/// What became of several additions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// All were made; the new values, in the order asked.
    Added(Vec<i64>),
    /// None was made.
    Refused {
        /// The first counter that refused.
        counter: String,
        /// What it held then.
        value: i64,
    },
}

/// Hot numbers: budgets, rates, rotation.
#[async_trait]
pub trait Counters: Send + Sync {
    /// Answers when they can be asked. Counters of a process or of its store are there when those are.
    async fn ready(&self) -> Result<()> {
        Ok(())
    }
    /// Since when somebody else counts in their place.
    fn replaced_since(&self) -> Option<Millis> {
        None
    }
    /// Where the counters of one tree of teams are, by the node at its top, when each tree has a place of its own. All that
    /// one request takes of lies in one tree.
    fn of_tree(&self, _top: &str) -> Option<Arc<dyn Counters>> {
        None
    }
    /// Adds to all counters or to none. A missing or expired counter counts as 0.
    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission>;
    /// Takes a reservation of what lies here for it, without asking anybody. `None`: it has to be asked.
    fn at_hand(&self, _: &Reservation, _: Millis) -> Option<Admission> {
        None
    }
    /// Takes all of a reservation or nothing. The same part a second time changes nothing and succeeds.
    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission>;
    /// Puts what was used in the place of what was reserved; a second time it changes nothing. Returns what the store has to
    /// be told together with the record, so that one transaction does both: all of it where the counters lie in the
    /// store, and what was used where they only begin from it.
    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>>;
    /// Current values in the order asked; a missing or expired counter is 0.
    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>>;
    /// Counters whose name begins so and that have not expired, by name; at most `limit`.
    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>>;
    /// Gives back what was taken ahead and no request has. Counters that take nothing ahead have nothing to give.
    async fn give_back(&self, _: Spare, _: Millis) -> Result<()> {
        Ok(())
    }
    /// Gives back what abandoned reservations hold, and forgets expired counters; returns how many went.
    async fn expire(&self, now_ms: Millis) -> Result<u64>;
}
