//! What is promised of text and numbers? Every byte counts, sorting goes by them, and whole numbers stay whole, whatever
//! an engine would do by itself.

use tidegate_core::store::{
    Add, Blob, Change, Counters, GroupBy, Kind, ListQuery, Record, RecordFilter, StatsQuery, Store,
    Usage,
};

use crate::{
    Run, World,
    check::{Verdict, equal, some},
    sample::{HOUR, HOUR_MS, audit, created, put, record, team},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("text: names that differ in case or accent are different", |w| Box::pin(different(w))),
    ("text: rollups keep models apart that differ in case", |w| Box::pin(kept_apart(w))),
    ("text: lists are in the order of their bytes", |w| Box::pin(in_order(w))),
    ("text: what looks like SQL or a number stays text", |w| Box::pin(stays_text(w))),
    ("text: a long body comes back", |w| Box::pin(long_body(w))),
    ("text: a NUL spoils no flush", |w| Box::pin(a_nul(w))),
    ("numbers: sums of large ones are whole", |w| Box::pin(whole_sums(w))),
    ("numbers: a revision beyond 32 bits is one", |w| Box::pin(wide_revision(w))),
];

const NOW: i64 = 1_785_000_000_000;

async fn different(w: &World) -> Verdict {
    let names = ["team/e", "team/E", "team/é", "Team/e"];
    let add = |name: &str, by| Add {
        name: name.to_owned(),
        by,
        floor: None,
        cap: None,
        expires_at_ms: NOW + 1_000,
    };
    let adds: Vec<Add> = names.iter().zip(1..).map(|(name, by)| add(name, by)).collect();
    w.store.add(&adds, NOW).await?;
    equal(w.store.read(&names.map(str::to_owned), NOW).await?, [1, 2, 3, 4])?;
    for (id, part) in [("r", "body"), ("R", "body"), ("r", "Body")] {
        let sealed = format!("{id}{part}").into_bytes().into();
        let (client, id, part) = ("alice".to_owned(), id.to_owned(), part.to_owned());
        let blob = Blob { client, id, part, expires_at_ms: NOW + 1_000, sealed };
        w.store.put_blob(blob).await?;
    }
    let found = some(w.store.get_blob("alice", "r", "body", NOW).await?)?;
    equal(&*found, b"rbody")?;
    equal(w.store.get_blob("Alice", "r", "body", NOW).await?, None)?;
    created(&w.store, team("sales", "one")).await?;
    let other = created(&w.store, team("Sales", "two")).await?;
    equal(other.name, "two")
}

async fn kept_apart(w: &World) -> Verdict {
    let of = |id: &str, model: &str| Record { model: model.to_owned(), ..record(id, HOUR) };
    w.store.flush("f1", &[of("r1", "GPT"), of("r2", "gpt"), of("R1", "gpt")]).await?;
    let query =
        StatsQuery { from_ms: HOUR, to_ms: HOUR + HOUR_MS, bucket_ms: 0, group_by: GroupBy::Model };
    let told: Vec<_> = w.store.stats(&query).await?;
    let told: Vec<_> = told.into_iter().map(|sum| (sum.group, sum.requests)).collect();
    equal(told, [("up/GPT".to_owned(), 1), ("up/gpt".to_owned(), 2)])
}

async fn in_order(w: &World) -> Verdict {
    let ids = ["b", "B", "a", "é", "_", "a-b", "ab", "Z", "0"];
    // Names are taken whatever their case, ids are not.
    let puts = ids.iter().map(|id| Change::Put(team(id, &format!("{:?}", id.as_bytes()))));
    w.store.commit(puts.collect(), audit()).await?;
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let query = |after: Option<&str>| ListQuery {
        parent: None,
        after: after.map(str::to_owned),
        limit: 100,
    };
    let listed = w.store.list(Kind::Team, &query(None)).await?;
    equal(listed.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), sorted.clone())?;
    let listed = w.store.list(Kind::Team, &query(Some("Z"))).await?;
    equal(listed.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), sorted[3..].to_vec())
}

async fn stays_text(w: &World) -> Verdict {
    for (number, name) in
        (0..).zip(["1", "007", "1e3", "null", "'; DROP TABLE marks", "\\", "%_", "$1 ? :a"])
    {
        let id = format!("t{number}");
        let found = created(&w.store, team(&id, name)).await?;
        equal(found.name.as_str(), name)?;
        equal(w.store.find(Kind::Team, name).await?.map(|it| it.id), Some(id))?;
    }
    Ok(())
}

async fn long_body(w: &World) -> Verdict {
    let body = "räksmörgås 🦀 ".repeat(20_000);
    let mut long = team("a", "A");
    long.body.clone_from(&body);
    let found = created(&w.store, long).await?;
    equal(found.body == body, true)
}

async fn a_nul(w: &World) -> Verdict {
    let odd = Record { requested_model: "a\0b".to_owned(), ..record("r1", HOUR) };
    w.store.flush("f1", &[odd, record("r2", HOUR + 1)]).await?;
    let page = w.store.records(&RecordFilter { limit: 10, ..RecordFilter::default() }).await?;
    equal(page.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["r2", "r1"])?;
    equal(page[1].requested_model.starts_with('a'), true)
}

async fn whole_sums(w: &World) -> Verdict {
    const LARGE: i64 = 3_000_000_000_000_000;
    let usage = Usage { prompt: 3_000_000_000, ..Usage::default() };
    let of = |id: &str| Record { cost_nano: LARGE, usage, ..record(id, HOUR) };
    w.store.flush("f1", &[of("r1"), of("r2")]).await?;
    w.store.flush("f2", &[Record { cost_nano: 1, ..of("r3") }]).await?;
    w.store.rebuild_rollups(HOUR, HOUR + HOUR_MS).await?;
    let query = StatsQuery {
        from_ms: HOUR,
        to_ms: HOUR + HOUR_MS,
        bucket_ms: 0,
        group_by: GroupBy::Nothing,
    };
    let sums = w.store.stats(&query).await?;
    let told: Vec<_> = sums.iter().map(|sum| (sum.cost_nano, sum.usage.prompt)).collect();
    equal(told, [(2 * LARGE + 1, 9_000_000_000)])
}

async fn wide_revision(w: &World) -> Verdict {
    w.write(&["UPDATE marks SET value = 5000000000 WHERE name = 'revision'"]).await?;
    equal(put(&w.store, team("a", "A")).await?, 5_000_000_001)?;
    let changes = w.store.changed_since(5_000_000_000, &[Kind::Team]).await?;
    equal(changes.documents.len(), 1)
}
