//! What is promised of the audit log: every change is there, newest first, with what was said before and after.

use tidegate_core::store::{Audit, AuditQuery, AuditRow, Change, Kind, Store, Trail};

use crate::{
    Run, World,
    check::{Verdict, equal},
    sample::{HOUR, created, delete, put, team},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("audit: a change tells what was said before and after", |w| Box::pin(trail(w))),
    ("audit: pages from new to old", |w| Box::pin(pages(w))),
    ("audit: narrowed by who, what and when", |w| Box::pin(narrowed(w))),
];

fn all() -> AuditQuery {
    AuditQuery { limit: 100, ..AuditQuery::default() }
}

async fn trail(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    let told = |kind, before: &str, after: &str| Trail {
        kind,
        id: "a".to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let audit = Audit {
        at_ms: HOUR + 1,
        actor: "Zoë".to_owned(),
        action: "rename team".to_owned(),
        // A document of another kind with the same id is another document.
        trail: vec![told(Kind::Group, "{}", "{}"), told(Kind::Team, "{\"n\":1}", "{\"n\":2}")],
    };
    w.store.commit(vec![Change::Put(a)], audit).await?;
    let rows = w.store.audit(&all()).await?;
    let row = |revision, at_ms, actor: &str, action: &str, trail| AuditRow {
        revision,
        place: 0,
        at_ms,
        actor: actor.to_owned(),
        action: action.to_owned(),
        trail,
    };
    let newest = row(2, HOUR + 1, "Zoë", "rename team", told(Kind::Team, "{\"n\":1}", "{\"n\":2}"));
    let oldest = row(1, HOUR, "cli", "change", told(Kind::Team, "", ""));
    equal(rows, vec![newest, oldest])
}

async fn pages(w: &World) -> Verdict {
    for id in ["a", "b", "c"] {
        put(&w.store, team(id, id)).await?;
    }
    let both = ["d", "e"].map(|id| Change::Put(team(id, id)));
    w.store.commit(both.into(), crate::sample::audit()).await?;
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let query = AuditQuery { before, limit: 2, ..AuditQuery::default() };
        let page = w.store.audit(&query).await?;
        let Some(last) = page.last() else { break };
        before = Some((last.revision, last.place));
        found.extend(page.into_iter().map(|row| row.trail.id));
    }
    equal(found, ["e", "d", "c", "b", "a"].map(str::to_owned).to_vec())
}

async fn narrowed(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    let audit = Audit { at_ms: HOUR + 5, actor: "eve".to_owned(), ..crate::sample::audit() };
    w.store.commit(vec![delete(&a), Change::Put(team("b", "B"))], audit).await?;
    let count = async |query| Verdict::Ok(w.store.audit(&query).await?.len());
    equal(count(AuditQuery { actor: Some("eve".to_owned()), ..all() }).await?, 2)?;
    equal(count(AuditQuery { document: Some("a".to_owned()), ..all() }).await?, 2)?;
    equal(count(AuditQuery { kind: Some(Kind::User), ..all() }).await?, 0)?;
    equal(count(AuditQuery { from_ms: Some(HOUR + 5), ..all() }).await?, 2)?;
    equal(count(AuditQuery { to_ms: Some(HOUR + 5), ..all() }).await?, 1)
}
