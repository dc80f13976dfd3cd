//! Does a database do what a few lines in memory would do, whatever is asked of it and in which order?

use std::collections::BTreeMap;

use tidegate_core::{
    error::Kind as Refusal,
    store::{
        Add, Change, Counters, Document, Kind, ListQuery, Record, Reservation, Settlement, Store,
        memory::MemoryCounters,
    },
};

use crate::{
    Run, World,
    check::{Verdict, equal},
    sample::{audit, pick, record, team},
};

pub(crate) const COUNTING: &[(&str, Run)] =
    &[("model: counters do what memory does", |w| Box::pin(counters(w)))];

pub(crate) const CASES: &[(&str, Run)] =
    &[("model: documents do what a map does", |w| Box::pin(documents(w)))];

const RUNS: u64 = 12;
const STEPS: u64 = 30;
const NOW: i64 = 1_785_000_000_000;
const NAMES: [&str; 4] = ["a", "A", "b/c", "b-c"];

async fn counters(w: &World) -> Verdict {
    for run in 0..RUNS {
        // By then everything has ended.
        w.counters.expire(NOW * 2).await?;
        let (model, mut seed, mut now_ms) = (MemoryCounters::default(), run, NOW);
        let mut held: Vec<String> = Vec::new();
        for step in 0..STEPS {
            now_ms += i64::try_from(pick(&mut seed, 40)).unwrap_or(0);
            let adds = adds(&mut seed, now_ms);
            let id = format!("{run}-{step}");
            match pick(&mut seed, 5) {
                0 => equal(w.counters.add(&adds, now_ms).await?, model.add(&adds, now_ms).await?)?,
                1 | 2 => {
                    let until_ms = now_ms + 1_000_000;
                    let wanted = Reservation { id: id.clone(), part: 0, adds, until_ms };
                    let found = w.counters.reserve(&wanted, now_ms).await?;
                    equal(found, model.reserve(&wanted, now_ms).await?)?;
                    held.push(id);
                }
                3 => {
                    let Some(id) = held.pop() else { continue };
                    // Nothing is spent of what was refused: nobody was asked.
                    let spent =
                        Settlement { id: id.clone(), adds: Vec::new(), holds: true, ahead: None };
                    model.settle(spent.clone(), now_ms).await?;
                    let settlement = Some(Box::new(spent));
                    let done = Record { settlement, ..record(&id, now_ms) };
                    w.finish(&format!("flush {id}"), &[done]).await?;
                }
                _ => {
                    let gone = w.counters.expire(now_ms).await?;
                    equal(gone, Counters::expire(&model, now_ms).await?)?;
                }
            }
            let names = NAMES.map(str::to_owned);
            let found = w.counters.read(&names, now_ms).await?;
            equal((run, step, found), (run, step, model.read(&names, now_ms).await?))?;
        }
        let live = w.counters.live("b", 10, now_ms).await?;
        equal(live, model.live("b", 10, now_ms).await?)?;
    }
    Ok(())
}

fn adds(seed: &mut u64, now_ms: i64) -> Vec<Add> {
    let mut signed = |below| i64::try_from(pick(seed, below)).unwrap_or(0);
    let count = 1 + signed(3);
    let one = |_| Add {
        name: NAMES[usize::try_from(signed(4)).unwrap_or(0)].to_owned(),
        by: signed(9) - 2,
        floor: (signed(4) == 0).then_some(signed(20)),
        cap: (signed(3) > 0).then(|| signed(30)),
        expires_at_ms: now_ms + 1 + signed(300),
    };
    let mut adds: Vec<Add> = (0..count).map(one).collect();
    // A reservation takes of a counter once.
    adds.sort_by(|a, b| b.name.cmp(&a.name));
    adds.dedup_by(|a, b| a.name == b.name);
    adds
}

/// What a map of documents holds: the version and the name.
type Map = BTreeMap<String, (i64, String)>;

async fn documents(w: &World) -> Verdict {
    let (mut model, mut seed) = (Map::new(), 7);
    for step in 0..RUNS * STEPS / 2 {
        let changes: Vec<Change> =
            (0..=pick(&mut seed, 2)).map(|_| change(&mut seed, &model)).collect();
        let wanted = applied(&model, &changes);
        match (w.store.commit(changes, audit()).await, wanted) {
            (Ok(_), Ok(next)) => model = next,
            (Err(error), Err(kind)) => equal((step, error.kind), (step, kind))?,
            (found, wanted) => {
                equal((step, found.map_err(|it| it.kind).is_ok()), (step, wanted.is_ok()))?;
            }
        }
        let query = ListQuery { parent: None, after: None, limit: 100 };
        let listed = w.store.list(Kind::Team, &query).await?;
        let listed: Map = listed.into_iter().map(|it| (it.id, (it.version, it.name))).collect();
        equal((step, listed), (step, model.clone()))?;
    }
    Ok(())
}

/// A change that may fit or not: versions and names are taken from a few.
fn change(seed: &mut u64, model: &Map) -> Change {
    let id = ["a", "A", "b", "c"][usize::try_from(pick(seed, 4)).unwrap_or(0)];
    let name = ["one", "ONE", "two", "", "Zwei"][usize::try_from(pick(seed, 5)).unwrap_or(0)];
    let there = model.get(id).map_or(0, |(version, _)| *version);
    let version = if pick(seed, 4) == 0 { 1 } else { there };
    match pick(seed, 4) {
        0 => Change::Delete { kind: Kind::Team, id: id.to_owned(), version },
        _ => Change::Put(Document { version, ..team(id, name) }),
    }
}

/// What comes of the changes: deletions first, all of them or none.
fn applied(model: &Map, changes: &[Change]) -> Result<Map, Refusal> {
    let mut next = model.clone();
    let mut seen = Vec::new();
    for change in changes {
        let key = match change {
            Change::Put(document) => (document.id.clone(), document.version),
            Change::Delete { id, version, .. } => (id.clone(), *version),
        };
        if seen.contains(&key) {
            return Err(Refusal::BadRequest);
        }
        seen.push(key);
    }
    let (puts, deletes): (Vec<_>, Vec<_>) =
        changes.iter().partition(|change| matches!(change, Change::Put(_)));
    for change in deletes.into_iter().chain(puts) {
        match change {
            Change::Delete { id, version, .. } => {
                if next.get(id).map(|(there, _)| there) != Some(version) {
                    return Err(Refusal::Conflict);
                }
                next.remove(id);
            }
            Change::Put(document) => {
                let there = next.get(&document.id).map_or(0, |(version, _)| *version);
                let key = document.name.to_lowercase();
                let taken = next.iter().any(|(id, (_, name))| {
                    *id != document.id && !key.is_empty() && name.to_lowercase() == key
                });
                if there != document.version || taken {
                    return Err(Refusal::Conflict);
                }
                next.insert(document.id.clone(), (there + 1, document.name.clone()));
            }
        }
    }
    Ok(next)
}
