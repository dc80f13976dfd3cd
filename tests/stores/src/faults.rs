//! What is left when the database fails in the middle? Either all of a call or nothing, whichever call it is.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    store::{
        Add, Blob, Change, Counters, Kind, Record, RecordFilter, Settlement, Store,
        sql::{Database, Flavor, Outcome, SqlStore, Statement, migrate, read_aside, write_aside},
    },
};

use crate::{
    Run, World,
    check::{Verdict, equal, some},
    sample::{HOUR, HOUR_MS, audit, record, team},
    wipe,
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("faults: whichever call is not delivered, all or nothing holds", |w| {
        Box::pin(every_call_fails(w, Loss::Question))
    }),
    ("faults: whichever answer is lost, all or nothing holds", |w| {
        Box::pin(every_call_fails(w, Loss::Answer))
    }),
    ("faults: a flush whose answer was lost can be repeated", |w| Box::pin(repeated_flush(w))),
    (
        "faults: records that lay aside are written once, however often and with whom they are told",
        |w| Box::pin(told_again(w)),
    ),
];

/// What gets lost of a call.
#[derive(Clone, Copy)]
pub(crate) enum Loss {
    /// The database never hears of it.
    Question,
    /// The database does it, and nobody learns that.
    Answer,
}

/// A database whose connection breaks at one call.
pub(crate) struct Faulty {
    database: Arc<dyn Database>,
    loss: Loss,
    breaks_at: u32,
    calls: AtomicU32,
}

impl Faulty {
    /// Breaks at call number `breaks_at`, counted from 1.
    pub(crate) fn new(database: &Arc<dyn Database>, loss: Loss, breaks_at: u32) -> Arc<Self> {
        let database = Arc::clone(database);
        Arc::new(Self { database, loss, breaks_at, calls: AtomicU32::new(0) })
    }

    /// Whether so many calls were made that one of them failed.
    pub(crate) fn broke(&self) -> bool {
        self.calls.load(Ordering::SeqCst) >= self.breaks_at
    }

    fn breaks(&self) -> Option<Loss> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        (call == self.breaks_at).then_some(self.loss)
    }
}

#[async_trait]
impl Database for Faulty {
    fn flavor(&self) -> Flavor {
        self.database.flavor()
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        match self.breaks() {
            Some(Loss::Question | Loss::Answer) => Err(Error::store("broken")),
            None => self.database.read(batch).await,
        }
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        match self.breaks() {
            Some(Loss::Question) => Err(Error::store("broken")),
            Some(Loss::Answer) => {
                let _lost = self.database.write(batch).await;
                Err(Error::store("broken"))
            }
            None => self.database.write(batch).await,
        }
    }
}

async fn every_call_fails(w: &World, loss: Loss) -> Verdict {
    for breaks_at in 1.. {
        wipe(&*w.database).await?;
        migrate(&*w.database, &*w.clock, "cases").await?;
        let faulty = Faulty::new(&w.database, loss, breaks_at);
        let store = SqlStore::new(Arc::<Faulty>::clone(&faulty));
        let told = scenario(&store).await;
        for (told, left) in told.into_iter().zip(left(w).await?) {
            // What was told to be done is there; what failed is there only if just its answer was lost.
            match (told, loss) {
                (true, _) => equal(left, true)?,
                (false, Loss::Question) => equal(left, false)?,
                (false, Loss::Answer) => {}
            }
        }
        if !faulty.broke() {
            return Ok(());
        }
    }
    Ok(())
}

/// One of each change, each on its own; whether the store said that it was done.
async fn scenario(store: &SqlStore) -> [bool; 5] {
    let teams = vec![Change::Put(team("a", "A")), Change::Put(team("b", "B"))];
    let records = [record("r1", HOUR), record("r2", HOUR + HOUR_MS)];
    let add = |name: &str, by| Add {
        name: name.to_owned(),
        by,
        floor: None,
        cap: Some(10),
        expires_at_ms: HOUR + HOUR_MS,
    };
    let blob = Blob {
        client: "alice".to_owned(),
        id: "r1".to_owned(),
        part: "body".to_owned(),
        expires_at_ms: HOUR + HOUR_MS,
        sealed: vec![1].into(),
    };
    let told = [
        store.commit(teams, audit()).await.is_ok(),
        store.flush("f1", &records).await.is_ok(),
        store.add(&[add("x", 7), add("y", 8)], HOUR).await.is_ok(),
        store.put_blob(blob).await.is_ok(),
        store.lease("upkeep", "a", HOUR, HOUR + 10).await.is_ok(),
    ];
    // Refused, unless the one before failed; either way it asks the database twice.
    let _refused = store.add(&[add("x", 1), add("y", 8)], HOUR).await;
    told
}

/// Whether each change of the scenario is there; an error when half of one is.
async fn left(w: &World) -> Verdict<[bool; 5]> {
    let teams = w.store.changed_since(0, &[Kind::Team]).await?;
    let committed = teams.revision == 1;
    equal(teams.documents.len(), if committed { 2 } else { 0 })?;
    let audited = w.number("SELECT COUNT(*) AS n FROM audit").await?;
    equal(audited, if committed { 2 } else { 0 })?;

    let filter = RecordFilter { limit: 10, ..RecordFilter::default() };
    let flushed = w.store.records(&filter).await?.len() == 2;
    let sums = "SELECT requests AS n FROM rollups";
    equal(w.sum(sums).await?, if flushed { 2 } else { 0 })?;
    let latency = "SELECT requests AS n FROM latency";
    equal(w.sum(latency).await?, if flushed { 2 } else { 0 })?;
    equal(w.number("SELECT COUNT(*) AS n FROM flushes").await?, i64::from(flushed))?;

    let counters = w.store.read(&["x", "y"].map(str::to_owned), HOUR).await?;
    // Without the first addition there is room for the second.
    let added = counters == [7, 8];
    if !added && counters != [0, 0] {
        equal(counters, [1, 8])?;
    }
    let kept = w.store.get_blob("alice", "r1", "body", HOUR).await?.is_some();
    let leased = w.number("SELECT COUNT(*) AS n FROM leases WHERE name = 'upkeep'").await? == 1;
    Ok([committed, flushed, added, kept, leased])
}

/// As after a kill in the middle: other flushes, other records in them, and each with what it settles.
async fn told_again(w: &World) -> Verdict {
    let used = |id: &str, by| {
        let name = "x".to_owned();
        let add = Add { name, by, floor: None, cap: None, expires_at_ms: HOUR + HOUR_MS };
        let settlement =
            Settlement { id: id.to_owned(), adds: vec![add], holds: false, ahead: None };
        let record = Record { settlement: Some(Box::new(settlement)), ..record(id, HOUR) };
        read_aside(&write_aside(&record)?)
    };
    let [one, two, three] = [used("r1", 1)?, used("r2", 10)?, used("r3", 100)?];
    let told = [
        ("f1", vec![one.clone(), two.clone()]),
        ("f2", vec![one.clone(), two.clone(), three.clone()]),
        ("f3", vec![three.clone()]),
        ("f4", vec![three, two, one]),
    ];
    for (flush, records) in told {
        w.store.flush(flush, &records).await?;
    }
    let filter = RecordFilter { limit: 10, ..RecordFilter::default() };
    equal(w.store.records(&filter).await?.len(), 3)?;
    equal(w.sum("SELECT requests AS n FROM rollups").await?, 3)?;
    equal(w.store.read(&["x".to_owned()], HOUR).await?, vec![111])
}

async fn repeated_flush(w: &World) -> Verdict {
    let records = [record("r1", HOUR), record("r2", HOUR)];
    let store = SqlStore::new(Faulty::new(&w.database, Loss::Answer, 1));
    equal(store.flush("f1", &records).await.is_err(), true)?;
    store.flush("f1", &records).await?;
    let filter = RecordFilter { limit: 10, ..RecordFilter::default() };
    equal(w.store.records(&filter).await?.len(), 2)?;
    equal(w.sum("SELECT requests AS n FROM rollups").await?, 2)?;
    some(w.store.records(&filter).await?.pop()).map(drop)
}
