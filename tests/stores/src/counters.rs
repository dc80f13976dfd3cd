//! What is promised of counters: several at once or none, and never above a cap.

use futures_util::future::{join, join_all};
use tidegate_core::{
    Result,
    store::{Add, Admission},
};

use crate::{
    Run, World,
    check::{Verdict, equal},
    sample::refused,
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("counters: a missing counter is 0", |w| Box::pin(missing(w))),
    ("counters: several are added to at once", |w| Box::pin(several(w))),
    ("counters: one without room stops all", |w| Box::pin(none(w))),
    ("counters: the first one without room is named", |w| Box::pin(first_named(w))),
    ("counters: a cap can be reached and not passed", |w| Box::pin(edge(w))),
    ("counters: less than nothing can be added", |w| Box::pin(negative(w))),
    ("counters: one counter twice is added to twice", |w| Box::pin(twice(w))),
    ("counters: adding to none is fine", |w| Box::pin(adding_to_none(w))),
    ("counters: an expired counter starts again", |w| Box::pin(expired(w))),
    ("counters: a later expiry holds, an earlier one does not", |w| Box::pin(later_expiry(w))),
    ("counters: a refusal changes no expiry", |w| Box::pin(refusal_changes_nothing(w))),
    ("counters: what expired is forgotten", |w| Box::pin(forgotten(w))),
    ("counters: one that is begun anew while it is forgotten stays", |w| Box::pin(begun_anew(w))),
    ("counters: values up to 2^53 are exact", |w| Box::pin(large(w))),
    ("counters: what rolls never lies before its floor", |w| Box::pin(floor(w))),
    ("counters: all live ones are listed", |w| Box::pin(listed(w))),
    ("counters: those that begin alike are listed", |w| Box::pin(begun_alike(w))),
    ("counters: 50 at once never pass the cap", |w| Box::pin(fifty_at_once(w))),
    ("counters: 30 at once on two counters keep step", |w| Box::pin(thirty_on_two(w))),
];

const NOW: i64 = 1_785_000_000_000;

fn add(name: &str, by: i64, cap: Option<i64>) -> Add {
    Add { name: name.to_owned(), by, floor: None, cap, expires_at_ms: NOW + 1_000 }
}

async fn value(w: &World, name: &str, now_ms: i64) -> Result<i64> {
    Ok(w.counters.read(&[name.to_owned()], now_ms).await?.into_iter().sum())
}

async fn missing(w: &World) -> Verdict {
    equal(value(w, "a", NOW).await?, 0)?;
    equal(w.counters.read(&[], NOW).await?, [0; 0])
}

async fn several(w: &World) -> Verdict {
    let adds = [add("b", 2, Some(10)), add("a", 1, None), add("c", 3, Some(3))];
    equal(w.counters.add(&adds, NOW).await?, Admission::Added(vec![2, 1, 3]))?;
    let adds = [add("a", 5, None), add("b", 8, Some(10))];
    equal(w.counters.add(&adds, NOW).await?, Admission::Added(vec![6, 10]))?;
    let names = ["c", "x", "b", "a"].map(str::to_owned);
    equal(w.counters.read(&names, NOW).await?, [3, 0, 10, 6])
}

async fn none(w: &World) -> Verdict {
    w.counters.add(&[add("b", 9, None)], NOW).await?;
    let adds = [add("a", 1, None), add("b", 2, Some(10)), add("c", 1, None)];
    equal(w.counters.add(&adds, NOW).await?, refused("b", 9))?;
    let names = ["a", "b", "c"].map(str::to_owned);
    equal(w.counters.read(&names, NOW).await?, [0, 9, 0])
}

async fn first_named(w: &World) -> Verdict {
    let adds = [add("z", 2, Some(1)), add("a", 2, Some(1))];
    equal(w.counters.add(&adds, NOW).await?, refused("z", 0))
}

async fn edge(w: &World) -> Verdict {
    let one = [add("a", 5, Some(10))];
    equal(w.counters.add(&one, NOW).await?, Admission::Added(vec![5]))?;
    equal(w.counters.add(&one, NOW).await?, Admission::Added(vec![10]))?;
    let more = [add("a", 1, Some(10))];
    equal(w.counters.add(&more, NOW).await?, refused("a", 10))?;
    equal(w.counters.add(&[add("a", 0, Some(10))], NOW).await?, Admission::Added(vec![10]))?;
    equal(w.counters.add(&[add("b", 1, Some(0))], NOW).await?, refused("b", 0))
}

async fn negative(w: &World) -> Verdict {
    w.counters.add(&[add("a", 10, Some(10))], NOW).await?;
    equal(w.counters.add(&[add("a", -4, None)], NOW).await?, Admission::Added(vec![6]))?;
    equal(w.counters.add(&[add("b", -1, None)], NOW).await?, Admission::Added(vec![-1]))?;
    equal(w.counters.add(&[add("a", 4, Some(10))], NOW).await?, Admission::Added(vec![10]))
}

async fn twice(w: &World) -> Verdict {
    let both = [add("a", 3, Some(10)), add("a", 4, Some(10))];
    equal(w.counters.add(&both, NOW).await?, Admission::Added(vec![7, 7]))?;
    equal(w.counters.add(&both, NOW).await?, refused("a", 7))
}

async fn adding_to_none(w: &World) -> Verdict {
    equal(w.counters.add(&[], NOW).await?, Admission::Added(Vec::new()))
}

async fn expired(w: &World) -> Verdict {
    w.counters.add(&[add("a", 10, Some(10))], NOW).await?;
    equal(value(w, "a", NOW + 999).await?, 10)?;
    equal(value(w, "a", NOW + 1_000).await?, 0)?;
    let again = Add { expires_at_ms: NOW + 2_000, ..add("a", 3, Some(10)) };
    equal(w.counters.add(&[again], NOW + 1_000).await?, Admission::Added(vec![3]))?;
    equal(value(w, "a", NOW + 1_999).await?, 3)
}

async fn later_expiry(w: &World) -> Verdict {
    w.counters.add(&[add("a", 1, None)], NOW).await?;
    w.counters.add(&[Add { expires_at_ms: NOW + 5_000, ..add("a", 1, None) }], NOW).await?;
    w.counters.add(&[Add { expires_at_ms: NOW + 10, ..add("a", 1, None) }], NOW).await?;
    equal(value(w, "a", NOW + 4_999).await?, 3)?;
    equal(value(w, "a", NOW + 5_000).await?, 0)
}

async fn refusal_changes_nothing(w: &World) -> Verdict {
    w.counters.add(&[add("a", 10, Some(10))], NOW).await?;
    let later = Add { expires_at_ms: NOW + 5_000, ..add("a", 1, Some(10)) };
    equal(w.counters.add(&[later], NOW).await?, refused("a", 10))?;
    equal(value(w, "a", NOW + 1_000).await?, 0)
}

async fn forgotten(w: &World) -> Verdict {
    w.counters.add(&[add("a", 1, None), add("b", 1, None)], NOW).await?;
    w.counters.add(&[Add { expires_at_ms: NOW + 5_000, ..add("c", 1, None) }], NOW).await?;
    equal(w.counters.expire(NOW + 999).await?, 0)?;
    equal(w.counters.expire(NOW + 1_000).await?, 2)?;
    // At a time when all of them would still be there.
    let left = w.counters.live("", 10, NOW).await?;
    equal(left.into_iter().map(|one| one.name).collect::<Vec<_>>(), ["c".to_owned()])
}

async fn begun_anew(w: &World) -> Verdict {
    for round in 0..20 {
        let name = format!("a{round}");
        w.counters.add(&[add(&name, 5, None)], NOW).await?;
        let anew = [Add { expires_at_ms: NOW + 5_000, ..add(&name, 1, None) }];
        let again = w.counters.add(&anew, NOW + 1_000);
        let (added, gone) = join(again, w.counters.expire(NOW + 1_000)).await;
        gone?;
        equal(added?, Admission::Added(vec![1]))?;
        equal((round, value(w, &name, NOW + 1_000).await?), (round, 1))?;
    }
    Ok(())
}

async fn large(w: &World) -> Verdict {
    const MOST: i64 = (1 << 53) - 1;
    let adds = [add("a", MOST - 1, Some(MOST))];
    equal(w.counters.add(&adds, NOW).await?, Admission::Added(vec![MOST - 1]))?;
    equal(w.counters.add(&[add("a", 1, Some(MOST))], NOW).await?, Admission::Added(vec![MOST]))?;
    equal(value(w, "a", NOW).await?, MOST)
}

async fn floor(w: &World) -> Verdict {
    let at = |floor, by| Add { floor: Some(floor), ..add("a", by, Some(1_060)) };
    equal(w.counters.add(&[at(1_000, 30)], NOW).await?, Admission::Added(vec![1_030]))?;
    equal(w.counters.add(&[at(1_000, 30)], NOW).await?, Admission::Added(vec![1_060]))?;
    equal(w.counters.add(&[at(1_000, 1)], NOW).await?, refused("a", 1_060))?;
    let later = Add { cap: Some(1_260), ..at(1_200, 30) };
    equal(w.counters.add(&[later], NOW).await?, Admission::Added(vec![1_230]))
}

async fn listed(w: &World) -> Verdict {
    w.counters.add(&[add("b", 2, None), add("a", 1, None)], NOW).await?;
    let listed = w.store.live_counters(NOW).await?;
    let told: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.value)).collect();
    equal(told, [("a", 1), ("b", 2)])?;
    equal(w.store.live_counters(NOW + 1_000).await?.len(), 0)
}

async fn begun_alike(w: &World) -> Verdict {
    let names = ["rest", "rest/", "rest/b", "rest/a/1", "rest0", "Rest/c", "team/rest/d"];
    w.counters.add(&names.map(|name| add(name, 1, None)), NOW).await?;
    equal(begun(w, 10, NOW).await?, ["rest/", "rest/a/1", "rest/b"].map(str::to_owned))?;
    equal(begun(w, 2, NOW).await?, ["rest/", "rest/a/1"].map(str::to_owned))?;
    equal(begun(w, 10, NOW + 1_000).await?, Vec::<String>::new())
}

async fn begun(w: &World, limit: u32, now_ms: i64) -> Result<Vec<String>> {
    let live = w.counters.live("rest/", limit, now_ms).await?;
    Ok(live.into_iter().map(|one| one.name).collect())
}

async fn fifty_at_once(w: &World) -> Verdict {
    let one = [add("a", 1, Some(20))];
    let results = join_all((0..50).map(|_| w.counters.add(&one, NOW))).await;
    let mut values = Vec::new();
    for result in results {
        match result? {
            Admission::Added(added) => values.extend(added),
            refusal @ Admission::Refused { .. } => equal(refusal, refused("a", 20))?,
        }
    }
    values.sort_unstable();
    equal(values, (1..=20).collect::<Vec<i64>>())?;
    equal(value(w, "a", NOW).await?, 20)
}

async fn thirty_on_two(w: &World) -> Verdict {
    let both = [add("a", 1, Some(25)), add("b", 1, Some(10))];
    let reverse = [add("b", 1, Some(10)), add("a", 1, Some(25))];
    let tries = (0..30).map(|n| w.counters.add(if n % 2 == 0 { &both } else { &reverse }, NOW));
    let results = join_all(tries).await.into_iter().collect::<Result<Vec<_>>>()?;
    let added = results.iter().filter(|result| matches!(result, Admission::Added(_))).count();
    equal(added, 10)?;
    equal(w.counters.read(&["a", "b"].map(str::to_owned), NOW).await?, [10, 10])
}
