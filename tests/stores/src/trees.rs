//! What is promised of counters that have a place for each tree of teams? That a place may be new, or another one, and nothing
//! that was used is forgotten.

use std::{sync::Arc, time::Duration};

use tidegate_core::{
    Error, Result,
    store::{
        Add, Admission, Counters, Record, Reservation, Settlement, Store,
        sql::{
            Statement,
            limits::{SHARD_LOOK_EVERY, SHARD_SLEEP_MIN},
        },
    },
};

use crate::{
    Run, World,
    check::{Verdict, equal},
    sample::{record, refused},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("trees: one knows nothing of what another has reserved", |w| Box::pin(apart(w))),
    ("trees: a new place goes on from what the store remembers", |w| Box::pin(anew(w))),
    ("trees: what another place has counted is noticed after a while", |w| Box::pin(moved(w))),
    ("trees: a counter that rolls stays as it is", |w| Box::pin(rolling(w))),
    ("trees: a settlement that comes twice counts once, and the store is told", |w| {
        Box::pin(settled_twice(w))
    }),
    ("trees: without the store a place that counts goes on", |w| Box::pin(alone(w))),
    ("trees: what has ended goes by itself", |w| Box::pin(woken(w))),
];

const NOW: i64 = 1_785_000_000_000;

/// When a place that has looked at the store now does so again.
fn later() -> i64 {
    NOW + i64::try_from(SHARD_LOOK_EVERY.as_millis()).unwrap_or(i64::MAX / 2)
}

fn add(by: i64, cap: Option<i64>) -> Add {
    Add { name: "a".to_owned(), by, floor: None, cap, expires_at_ms: NOW + 1_000_000 }
}

fn wanting(id: &str, add: Add) -> Reservation {
    Reservation { id: id.to_owned(), part: 0, adds: vec![add], until_ms: NOW + 500_000 }
}

fn of_tree(w: &World, top: &str) -> Result<Arc<dyn Counters>> {
    w.counters.of_tree(top).ok_or_else(|| Error::internal("there are no places for trees"))
}

/// Uses so much, and writes it down.
async fn spend(w: &World, counters: &dyn Counters, (id, by): (&str, i64)) -> Verdict {
    let admission = counters.reserve(&wanting(id, add(by, Some(1_000_000))), NOW).await?;
    equal(matches!(admission, Admission::Added(_)), true)?;
    let settlement =
        Settlement { id: id.to_owned(), adds: vec![add(by, None)], holds: true, ahead: None };
    let told = counters.settle(settlement, NOW).await?;
    let record = Record { settlement: told.map(Box::new), ..record(id, NOW) };
    Ok(w.store.flush(id, &[record]).await?)
}

async fn value(counters: &dyn Counters, now_ms: i64) -> Result<i64> {
    Ok(counters.read(&["a".to_owned()], now_ms).await?.into_iter().sum())
}

async fn apart(w: &World) -> Verdict {
    let (one, other) = (of_tree(w, "apart-1")?, of_tree(w, "apart-2")?);
    let full = wanting("r1", add(5, Some(5)));
    equal(one.reserve(&full, NOW).await?, Admission::Added(vec![5]))?;
    equal(other.reserve(&full, NOW).await?, Admission::Added(vec![5]))?;
    equal(one.reserve(&wanting("r2", add(1, Some(5))), NOW).await?, refused("a", 5))
}

async fn anew(w: &World) -> Verdict {
    spend(w, &*of_tree(w, "anew-1")?, ("r1", 7)).await?;
    let new = of_tree(w, "anew-2")?;
    equal(new.reserve(&wanting("r2", add(4, Some(10))), NOW).await?, refused("a", 7))?;
    equal(new.reserve(&wanting("r3", add(3, Some(10))), NOW).await?, Admission::Added(vec![10]))?;
    // One that is only asked counts as well.
    equal(value(&*of_tree(w, "anew-3")?, NOW).await?, 7)
}

async fn moved(w: &World) -> Verdict {
    let (one, other) = (of_tree(w, "moved-1")?, of_tree(w, "moved-2")?);
    spend(w, &*one, ("r1", 5)).await?;
    spend(w, &*other, ("r2", 3)).await?;
    equal(value(&*other, NOW).await?, 8)?;
    let held = wanting("r3", add(2, Some(100)));
    equal(one.reserve(&held, later() - 1).await?, Admission::Added(vec![7]))?;
    equal(one.reserve(&wanting("r4", add(1, Some(10))), later()).await?, refused("a", 10))?;
    // What it has counted itself is in what the store remembers, and does not count again.
    equal(value(&*one, later()).await?, 10)?;
    equal(
        one.reserve(&wanting("r5", add(1, Some(11))), later() * 2 - NOW).await?,
        Admission::Added(vec![11]),
    )
}

async fn rolling(w: &World) -> Verdict {
    let (one, other) = (of_tree(w, "rolling-1")?, of_tree(w, "rolling-2")?);
    let at = |by| Add { floor: Some(1_000), ..add(by, Some(2_000)) };
    equal(one.reserve(&wanting("r1", at(5)), NOW).await?, Admission::Added(vec![1_005]))?;
    spend(w, &*other, ("r2", 5_000)).await?;
    equal(one.reserve(&wanting("r3", at(5)), later()).await?, Admission::Added(vec![1_010]))
}

async fn settled_twice(w: &World) -> Verdict {
    let counters = of_tree(w, "twice")?;
    equal(
        counters.reserve(&wanting("r1", add(5, Some(5))), NOW).await?,
        Admission::Added(vec![5]),
    )?;
    for _ in 0..2 {
        let settlement =
            Settlement { id: "r1".to_owned(), adds: vec![add(3, None)], holds: true, ahead: None };
        let told = counters.settle(settlement, NOW).await?;
        equal(told.map(|told| (told.adds.len(), told.holds)), Some((1, false)))?;
        equal(value(&*counters, NOW).await?, 3)?;
    }
    Ok(())
}

async fn alone(w: &World) -> Verdict {
    let counters = of_tree(w, "alone")?;
    spend(w, &*counters, ("r1", 5)).await?;
    w.database.write(vec![Statement::new("DROP TABLE counters", Vec::new())]).await?;
    let known = wanting("r2", add(1, Some(6)));
    equal(counters.reserve(&known, later()).await?, Admission::Added(vec![6]))?;
    let unknown = wanting("r3", Add { name: "b".to_owned(), ..add(1, Some(6)) });
    equal(counters.reserve(&unknown, later()).await.is_err(), true)
}

async fn woken(w: &World) -> Verdict {
    let counters = of_tree(w, "woken")?;
    let short = Add { expires_at_ms: NOW + 1_000, ..add(1, None) };
    let long = Add { name: "b".to_owned(), expires_at_ms: NOW * 2, ..add(1, None) };
    counters.add(&[short, long], NOW).await?;
    w.clock.sleep(SHARD_SLEEP_MIN + Duration::from_secs(3)).await;
    // At a time when both of them would still be there.
    let left = counters.live("", 10, NOW).await?;
    equal(left.into_iter().map(|one| one.name).collect::<Vec<_>>(), ["b".to_owned()])
}
