//! What is promised of reservations: taken all or not at all, and given back exactly once, whatever gets lost.

use futures_util::future::{join, join_all};
use tidegate_core::{
    Result,
    store::{
        Add, Admission, Ahead, Counters, Record, Reservation, Settlement, Store,
        memory::MemoryCounters, sql::SqlStore,
    },
};

use crate::{
    Place, Run, World,
    check::{Verdict, equal},
    faults::{Faulty, Loss},
    sample::{record, refused},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("reservations: one without room takes nothing", |w| Box::pin(all_or_nothing(w))),
    ("reservations: what was full has room again", |w| Box::pin(room_again(w))),
    ("reservations: the same part twice is taken once", |w| Box::pin(taken_once(w))),
    ("reservations: one whose answer was lost is taken once", |w| Box::pin(lost_answer(w))),
    ("reservations: a record puts what was used in their place", |w| Box::pin(settled(w))),
    ("reservations: a repeated flush settles once", |w| Box::pin(settled_once(w))),
    ("reservations: an abandoned one is given back", |w| Box::pin(abandoned(w))),
    ("reservations: 200 at once never pass the cap", |w| Box::pin(race(w))),
    ("reservations: one that is settled while it is given up is given back once", |w| {
        Box::pin(settled_and_abandoned(w))
    }),
    ("reservations: what was counted ahead is not counted twice", |w| Box::pin(ahead(w))),
    ("reservations: what was counted ahead and given up counts", |w| Box::pin(ahead_and_gone(w))),
    ("reservations: what was used is told apart from what is held", |w| Box::pin(apart(w))),
    ("reservations: memory goes on from what the store remembers", |w| Box::pin(memory(w))),
];

const NOW: i64 = 1_785_000_000_000;

fn add(name: &str, by: i64, cap: Option<i64>) -> Add {
    Add { name: name.to_owned(), by, floor: None, cap, expires_at_ms: NOW + 100_000 }
}

fn wanting(id: &str, part: i64, adds: &[Add]) -> Reservation {
    Reservation { id: id.to_owned(), part, adds: adds.to_vec(), until_ms: NOW + 1_000 }
}

fn done(id: &str, adds: &[Add]) -> Record {
    let settlement =
        Settlement { id: id.to_owned(), adds: adds.to_vec(), holds: true, ahead: None };
    Record { settlement: Some(Box::new(settlement)), ..record(id, NOW) }
}

async fn values(counters: &dyn Counters) -> Result<Vec<i64>> {
    counters.read(&["a", "b"].map(str::to_owned), NOW).await
}

async fn apart(w: &World) -> Verdict {
    w.store.reserve(&wanting("r1", 0, &[add("a", 5, Some(90)), add("b", 1, None)]), NOW).await?;
    w.store.reserve(&wanting("r1", 1, &[add("a", 7, Some(90))]), NOW).await?;
    w.store.reserve(&wanting("r2", 0, &[add("a", 20, Some(90))]), NOW).await?;
    w.store.flush("f1", &[done("r2", &[add("a", 3, None)])]).await?;
    let told = async |store: &SqlStore| {
        let counters = store.settled_counters(NOW).await?;
        Ok::<_, tidegate_core::Error>(
            counters.into_iter().map(|one| (one.name, one.value)).collect::<Vec<_>>(),
        )
    };
    let named = |a, b| vec![("a".to_owned(), a), ("b".to_owned(), b)];
    equal(told(&w.store).await?, named(3, 0))?;
    w.store.flush("f2", &[done("r1", &[add("a", 9, None), add("b", 1, None)])]).await?;
    equal(told(&w.store).await?, named(12, 1))
}

/// So many rows are held. How other places keep what is reserved is their affair.
async fn held(w: &World, rows: i64) -> Verdict {
    match w.place {
        Place::Store => equal(w.number("SELECT COUNT(*) AS n FROM reservations").await?, rows),
        Place::Beside => Ok(()),
    }
}

impl World {
    /// Settles what some records have used, and writes them.
    pub(crate) async fn finish(&self, flush_id: &str, records: &[Record]) -> Verdict {
        let mut told = Vec::with_capacity(records.len());
        for record in records {
            let settlement = match record.settlement.clone() {
                Some(settlement) => self.counters.settle(*settlement, NOW).await?,
                None => None,
            };
            told.push(Record { settlement: settlement.map(Box::new), ..record.clone() });
        }
        Ok(self.store.flush(flush_id, &told).await?)
    }
}

async fn all_or_nothing(w: &World) -> Verdict {
    let adds = [add("b", 2, Some(2)), add("a", 5, Some(9))];
    equal(w.counters.reserve(&wanting("r1", 0, &adds), NOW).await?, Admission::Added(vec![2, 5]))?;
    equal(w.counters.reserve(&wanting("r2", 0, &adds), NOW).await?, refused("b", 2))?;
    equal(values(&*w.counters).await?, [5, 2])?;
    held(w, 2).await
}

async fn room_again(w: &World) -> Verdict {
    let one = [add("a", 1, Some(1))];
    equal(w.counters.reserve(&wanting("r1", 0, &one), NOW).await?, Admission::Added(vec![1]))?;
    for id in ["r2", "r3"] {
        equal(w.counters.reserve(&wanting(id, 0, &one), NOW).await?, refused("a", 1))?;
    }
    w.finish("f1", &[done("r1", &[])]).await?;
    for id in ["r4", "r4"] {
        equal(w.counters.reserve(&wanting(id, 0, &one), NOW).await?, Admission::Added(vec![1]))?;
    }
    equal(w.counters.reserve(&wanting("r5", 0, &one), NOW).await?, refused("a", 1))
}

async fn taken_once(w: &World) -> Verdict {
    let reservation = wanting("r1", 0, &[add("a", 5, Some(5))]);
    for _ in 0..2 {
        equal(w.counters.reserve(&reservation, NOW).await?, Admission::Added(vec![5]))?;
    }
    let more = wanting("r1", 1, &[add("a", 1, Some(6))]);
    equal(w.counters.reserve(&more, NOW).await?, Admission::Added(vec![6]))?;
    w.finish("f1", &[done("r1", &[])]).await?;
    equal(values(&*w.counters).await?, [0, 0])?;
    held(w, 0).await
}

async fn lost_answer(w: &World) -> Verdict {
    let store = SqlStore::new(Faulty::new(&w.database, Loss::Answer, 1));
    let reservation = wanting("r1", 0, &[add("a", 5, Some(5))]);
    equal(store.reserve(&reservation, NOW).await.is_err(), true)?;
    equal(store.reserve(&reservation, NOW).await?, Admission::Added(vec![5]))?;
    equal(values(&*w.counters).await?, [5, 0])
}

async fn settled(w: &World) -> Verdict {
    let adds = [add("a", 50, Some(90)), add("b", 1, Some(1))];
    w.counters.reserve(&wanting("r1", 0, &adds), NOW).await?;
    w.counters.reserve(&wanting("r2", 0, &[add("a", 40, Some(90))]), NOW).await?;
    let first = done("r1", &[add("a", 7, None), add("b", 0, None)]);
    w.finish("f1", &[first, done("r2", &[add("a", 60, None)])]).await?;
    equal(values(&*w.counters).await?, [67, 0])?;
    held(w, 0).await
}

async fn settled_once(w: &World) -> Verdict {
    w.counters.reserve(&wanting("r1", 0, &[add("a", 50, Some(90))]), NOW).await?;
    let records = [done("r1", &[add("a", 7, None)])];
    let store = SqlStore::new(Faulty::new(&w.database, Loss::Answer, 1));
    equal(store.flush("f1", &records).await.is_err(), true)?;
    store.flush("f1", &records).await?;
    // Another batch with the same record.
    store.flush("f2", &[records[0].clone(), done("r2", &[add("a", 1, None)])]).await?;
    equal(values(&*w.counters).await?, [8, 0])
}

async fn abandoned(w: &World) -> Verdict {
    w.counters.reserve(&wanting("r1", 0, &[add("a", 50, None), add("b", 1, None)]), NOW).await?;
    w.counters.reserve(&wanting("r1", 1, &[add("a", 5, None)]), NOW).await?;
    let fresh = Reservation { until_ms: NOW + 9_000, ..wanting("r2", 0, &[add("a", 3, None)]) };
    w.counters.reserve(&fresh, NOW).await?;
    w.counters.expire(NOW + 999).await?;
    equal(values(&*w.counters).await?, [58, 1])?;
    w.counters.expire(NOW + 1_000).await?;
    equal(values(&*w.counters).await?, [3, 0])?;
    held(w, 1).await?;
    // One that comes late all the same has spent what it spent.
    w.finish("f1", &[done("r1", &[add("a", 7, None)])]).await?;
    equal(values(&*w.counters).await?, [10, 0])
}

async fn settled_and_abandoned(w: &World) -> Verdict {
    for round in 0..10 {
        let ids: Vec<String> = (0..8).map(|number| format!("r{round}-{number}")).collect();
        for id in &ids {
            let adds = [add("a", 50, None), add("b", 1, None)];
            w.counters.reserve(&wanting(id, 0, &adds), NOW).await?;
        }
        let settling = async |id: &String| {
            let spent = [add("b", 0, None), add("a", 7, None)];
            w.finish(id, &[done(id, &spent)]).await
        };
        let giving_up = async || w.counters.expire(NOW + 1_000).await;
        let (settled, given_up) =
            join(join_all(ids.iter().map(settling)), join(giving_up(), giving_up())).await;
        settled.into_iter().collect::<Verdict<Vec<()>>>()?;
        given_up.0?;
        given_up.1?;
        equal((round, values(&*w.counters).await?), (round, vec![(round + 1) * 56, 0]))?;
    }
    held(w, 0).await
}

/// Two requests use what a third reservation took for them.
fn of_lease(id: &str, by: i64, taken: i64) -> Record {
    let taken = vec![("a".to_owned(), taken), ("b".to_owned(), 1)];
    let ahead = Some(Ahead { id: "lease".to_owned(), taken });
    let adds = vec![add("a", by, None), add("b", 1, None)];
    let settlement = Settlement { id: id.to_owned(), adds, holds: false, ahead };
    Record { settlement: Some(Box::new(settlement)), ..record(id, NOW) }
}

async fn ahead(w: &World) -> Verdict {
    let adds = [add("a", 50, Some(90)), add("b", 2, Some(2))];
    w.counters.reserve(&wanting("lease", 0, &adds), NOW).await?;
    w.counters.reserve(&wanting("other", 0, &[add("a", 20, Some(90))]), NOW).await?;
    // The second one used more than was there for it.
    w.finish("f1", &[of_lease("r1", 7, 7), of_lease("r2", 60, 30)]).await?;
    equal(values(&*w.counters).await?, [100, 2])?;
    w.finish("f1", &[of_lease("r1", 7, 7), of_lease("r2", 60, 30)]).await?;
    equal(values(&*w.counters).await?, [100, 2])?;
    // What is left goes back by another part, and nothing is held any more.
    w.counters.reserve(&wanting("lease", 1, &[add("a", -13, None)]), NOW).await?;
    equal(values(&*w.counters).await?, [87, 2])?;
    w.finish("f2", &[done("other", &[])]).await?;
    w.counters.expire(NOW + 1_000).await?;
    equal(values(&*w.counters).await?, [67, 2])?;
    held(w, 0).await
}

async fn ahead_and_gone(w: &World) -> Verdict {
    let adds = [add("a", 50, Some(90)), add("b", 2, Some(2))];
    w.counters.reserve(&wanting("lease", 0, &adds), NOW).await?;
    w.finish("f1", &[of_lease("r1", 7, 7)]).await?;
    w.counters.expire(NOW + 1_000).await?;
    equal(values(&*w.counters).await?, [7, 1])?;
    w.finish("f2", &[of_lease("r2", 5, 5)]).await?;
    equal(values(&*w.counters).await?, [12, 2])
}

async fn race(w: &World) -> Verdict {
    let adds = [add("a", 1, Some(20)), add("b", 1, None)];
    let ids: Vec<String> = (0..200).map(|number| format!("r{number}")).collect();
    let tries = ids.iter().map(async |id| {
        let admission = w.counters.reserve(&wanting(id, 0, &adds), NOW).await?;
        Ok(matches!(admission, Admission::Added(_)).then_some(id))
    });
    let admitted: Vec<_> = join_all(tries).await.into_iter().collect::<Result<_>>()?;
    let admitted: Vec<&String> = admitted.into_iter().flatten().collect();
    equal(admitted.len(), 20)?;
    equal(values(&*w.counters).await?, [20, 20])?;
    held(w, 40).await?;
    let records: Vec<Record> = admitted.iter().map(|id| done(id, &[add("a", 1, None)])).collect();
    w.finish("f1", &records).await?;
    equal(values(&*w.counters).await?, [20, 0])?;
    held(w, 0).await
}

async fn memory(w: &World) -> Verdict {
    let counters = MemoryCounters::over(w.store.clone());
    let adds = [add("a", 50, Some(90)), add("b", 1, Some(1))];
    counters.reserve(&wanting("r1", 0, &adds), NOW).await?;
    equal(counters.reserve(&wanting("r2", 0, &adds), NOW).await?, refused("a", 50))?;
    let used = vec![add("a", 7, None), add("b", 0, None)];
    let settlement = Settlement { id: "r1".to_owned(), adds: used, holds: true, ahead: None };
    let told = counters.settle(settlement, NOW).await?;
    equal(values(&counters).await?, [7, 0])?;
    let record = Record { settlement: told.map(Box::new), ..record("r1", NOW) };
    w.store.flush("f1", &[record]).await?;
    // Reserved by a process that is killed before it settles.
    counters.reserve(&wanting("r3", 0, &[add("a", 20, Some(90))]), NOW).await?;
    let again = MemoryCounters::over(w.store.clone());
    equal(values(&again).await?, [7, 0])?;
    equal(w.number("SELECT COUNT(*) AS n FROM reservations").await?, 0)
}
