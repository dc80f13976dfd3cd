//! What is promised of documents: versions, names, pages, and commits that happen as a whole.

use futures_util::future::join_all;
use tidegate_core::{
    error::Kind as Refusal,
    limits::PAGE_ROWS_MAX,
    store::{Change, Document, Kind, ListQuery, Store},
};

use crate::{
    Run, World,
    check::{Verdict, equal, refused, some},
    sample::{audit, created, delete, document, put, team},
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("documents: the first commit makes version 1 and revision 1", |w| Box::pin(first(w))),
    ("documents: a change makes the next version", |w| Box::pin(next_version(w))),
    ("documents: text survives as it is", |w| Box::pin(text_survives(w))),
    ("documents: what is not there is no error", |w| Box::pin(nothing_there(w))),
    ("documents: a version that moved on is refused", |w| Box::pin(stale_version(w))),
    ("documents: an id that is taken is refused", |w| Box::pin(same_id(w))),
    ("documents: a name is taken whatever its case", |w| Box::pin(same_name(w))),
    ("documents: a rename to a taken name is refused", |w| Box::pin(rename_to_taken(w))),
    ("documents: a name is free in another kind", |w| Box::pin(other_kind(w))),
    ("documents: documents without a name do not collide", |w| Box::pin(without_name(w))),
    ("documents: found by name whatever its case", |w| Box::pin(found_by_name(w))),
    ("documents: what is deleted is gone and forgets its body", |w| Box::pin(deleted(w))),
    ("documents: a stale deletion is refused", |w| Box::pin(stale_delete(w))),
    ("documents: a deletion frees the name", |w| Box::pin(frees_name(w))),
    ("documents: a deletion frees the name within its commit", |w| Box::pin(frees_name_at_once(w))),
    ("documents: a deleted id can be used again", |w| Box::pin(id_again(w))),
    ("documents: pages by id", |w| Box::pin(pages(w))),
    ("documents: pages of one parent", |w| Box::pin(pages_of_parent(w))),
    ("documents: a page is bounded", |w| Box::pin(page_is_bounded(w))),
    ("documents: changes since a revision, deletions included", |w| Box::pin(changes(w))),
    ("documents: changes from the start leave out what is deleted", |w| {
        Box::pin(changes_from_start(w))
    }),
    ("documents: changes of the kinds asked for", |w| Box::pin(changes_of_kinds(w))),
    ("documents: a commit happens as a whole or not at all", |w| Box::pin(all_or_nothing(w))),
    ("documents: a commit of nothing makes no revision", |w| Box::pin(commit_of_nothing(w))),
    ("documents: one version changed twice at once is refused", |w| Box::pin(changed_twice(w))),
    ("documents: of 20 commits to one version one wins", |w| Box::pin(one_wins(w))),
    ("documents: 20 commits at once make 20 revisions", |w| Box::pin(all_count(w))),
    ("documents: every change is in the audit log", |w| Box::pin(audited(w))),
];

async fn first(w: &World) -> Verdict {
    equal(w.store.revision().await?, 0)?;
    equal(put(&w.store, team("a", "Sales")).await?, 1)?;
    equal(w.store.revision().await?, 1)?;
    let wanted = Document { version: 1, revision: 1, ..team("a", "Sales") };
    equal(w.store.get(Kind::Team, "a").await?, Some(wanted))
}

async fn next_version(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    let new = Document {
        name: "Support".to_owned(),
        parent: "root".to_owned(),
        shape: 2,
        body: "{}".to_owned(),
        ..old
    };
    equal(put(&w.store, new.clone()).await?, 2)?;
    let wanted = Document { version: 2, revision: 2, ..new };
    equal(w.store.get(Kind::Team, "a").await?, Some(wanted))
}

async fn text_survives(w: &World) -> Verdict {
    let body = "{\"a\":\"'\\\"; DROP TABLE documents; -- ? \u{1F980}\u{10FFFF}\\u0000\\n\"}\n\t";
    let name = "O'Neil \u{1F680} Ünïcode";
    let given = Document { body: body.to_owned(), ..team("tëam/\u{1F980}", name) };
    let found = created(&w.store, given.clone()).await?;
    equal((found.id, found.name, found.body), (given.id, given.name, given.body))
}

async fn nothing_there(w: &World) -> Verdict {
    equal(w.store.get(Kind::Team, "a").await?, None)?;
    equal(w.store.find(Kind::Team, "a").await?, None)?;
    equal(w.store.list(Kind::Team, &ListQuery { limit: 10, ..ListQuery::default() }).await?, [])
}

async fn stale_version(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    put(&w.store, old.clone()).await?;
    refused(put(&w.store, old).await, Refusal::Conflict)?;
    equal(w.store.revision().await?, 2)?;
    let missing = Document { version: 1, ..team("b", "B") };
    refused(put(&w.store, missing).await, Refusal::Conflict)
}

async fn same_id(w: &World) -> Verdict {
    put(&w.store, team("a", "Sales")).await?;
    refused(put(&w.store, team("a", "Other")).await, Refusal::Conflict)?;
    equal(some(w.store.get(Kind::Team, "a").await?)?.name, "Sales")
}

async fn same_name(w: &World) -> Verdict {
    put(&w.store, team("a", "Ärger")).await?;
    refused(put(&w.store, team("b", "äRGER")).await, Refusal::Conflict)?;
    equal(w.store.get(Kind::Team, "b").await?, None)
}

async fn rename_to_taken(w: &World) -> Verdict {
    put(&w.store, team("a", "Sales")).await?;
    let other = created(&w.store, team("b", "Support")).await?;
    let renamed = Document { name: "SALES".to_owned(), ..other };
    refused(put(&w.store, renamed).await, Refusal::Conflict)?;
    equal(some(w.store.get(Kind::Team, "b").await?)?.name, "Support")
}

async fn other_kind(w: &World) -> Verdict {
    put(&w.store, team("a", "Sales")).await?;
    put(&w.store, document(Kind::Group, "a", "Sales")).await?;
    equal(some(w.store.find(Kind::Group, "sales").await?)?.kind, Kind::Group)
}

async fn without_name(w: &World) -> Verdict {
    put(&w.store, document(Kind::Key, "a", "")).await?;
    put(&w.store, document(Kind::Key, "b", "")).await?;
    equal(w.store.find(Kind::Key, "").await?, None)
}

async fn found_by_name(w: &World) -> Verdict {
    put(&w.store, team("a", "Sales Ä")).await?;
    equal(some(w.store.find(Kind::Team, "sALES ä").await?)?.id, "a")
}

async fn deleted(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    equal(w.store.commit(vec![delete(&old)], audit()).await?, 2)?;
    equal(w.store.get(Kind::Team, "a").await?, None)?;
    equal(w.store.find(Kind::Team, "Sales").await?, None)?;
    equal(w.store.list(Kind::Team, &ListQuery { limit: 10, ..ListQuery::default() }).await?, [])?;
    let mark = some(w.store.changed_since(1, &[Kind::Team]).await?.documents.pop())?;
    equal((mark.deleted, mark.version, mark.body.as_str()), (true, 2, ""))
}

async fn stale_delete(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    put(&w.store, old.clone()).await?;
    refused(w.store.commit(vec![delete(&old)], audit()).await, Refusal::Conflict)?;
    let live = some(w.store.get(Kind::Team, "a").await?)?;
    w.store.commit(vec![delete(&live)], audit()).await?;
    refused(w.store.commit(vec![delete(&live)], audit()).await, Refusal::Conflict)
}

async fn frees_name(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    w.store.commit(vec![delete(&old)], audit()).await?;
    put(&w.store, team("b", "sales")).await?;
    equal(some(w.store.find(Kind::Team, "Sales").await?)?.id, "b")
}

async fn frees_name_at_once(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    let changes = vec![Change::Put(team("b", "Sales")), delete(&old)];
    w.store.commit(changes, audit()).await?;
    equal(some(w.store.find(Kind::Team, "Sales").await?)?.id, "b")
}

async fn id_again(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "Sales")).await?;
    w.store.commit(vec![delete(&old)], audit()).await?;
    let again = created(&w.store, team("a", "Support")).await?;
    equal((again.version, again.revision, again.name.as_str()), (1, 3, "Support"))
}

async fn pages(w: &World) -> Verdict {
    for id in ["c", "a", "e", "b", "d"] {
        put(&w.store, team(id, id)).await?;
    }
    let mut found = Vec::new();
    let mut query = ListQuery { limit: 2, ..ListQuery::default() };
    loop {
        let page = w.store.list(Kind::Team, &query).await?;
        found.push(page.iter().map(|document| document.id.clone()).collect::<String>());
        let Some(last) = page.into_iter().next_back() else { break };
        query.after = Some(last.id);
    }
    equal(found, ["ab", "cd", "e", ""])
}

async fn pages_of_parent(w: &World) -> Verdict {
    for (id, parent) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x")] {
        put(&w.store, Document { parent: parent.to_owned(), ..team(id, id) }).await?;
    }
    let query = |after: Option<&str>| ListQuery {
        parent: Some("x".to_owned()),
        after: after.map(str::to_owned),
        limit: 2,
    };
    let ids = |page: Vec<Document>| page.into_iter().map(|d| d.id).collect::<Vec<_>>();
    equal(ids(w.store.list(Kind::Team, &query(None)).await?), ["a", "c"])?;
    equal(ids(w.store.list(Kind::Team, &query(Some("c"))).await?), ["d"])
}

async fn page_is_bounded(w: &World) -> Verdict {
    let more = PAGE_ROWS_MAX + 1;
    for start in (0..more).step_by(200) {
        let ids = (start..more.min(start + 200)).map(|number| format!("{number:04}"));
        let changes = ids.map(|id| Change::Put(team(&id, &id))).collect();
        w.store.commit(changes, audit()).await?;
    }
    let query = ListQuery { limit: u32::MAX, ..ListQuery::default() };
    equal(w.store.list(Kind::Team, &query).await?.len(), PAGE_ROWS_MAX as usize)
}

async fn changes(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    let b = created(&w.store, team("b", "B")).await?;
    put(&w.store, team("c", "C")).await?;
    w.store.commit(vec![delete(&a)], audit()).await?;
    put(&w.store, b).await?;
    let found = w.store.changed_since(2, &Kind::ALL).await?;
    equal(found.revision, 5)?;
    let seen: Vec<_> =
        found.documents.iter().map(|d| (d.id.as_str(), d.revision, d.deleted)).collect();
    equal(seen, [("c", 3, false), ("a", 4, true), ("b", 5, false)])?;
    let nothing = w.store.changed_since(5, &Kind::ALL).await?;
    equal((nothing.revision, nothing.documents), (5, Vec::new()))
}

async fn changes_from_start(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    put(&w.store, team("b", "B")).await?;
    w.store.commit(vec![delete(&a)], audit()).await?;
    let found = w.store.changed_since(0, &Kind::ALL).await?;
    let ids: Vec<_> = found.documents.iter().map(|document| document.id.as_str()).collect();
    equal((found.revision, ids), (3, vec!["b"]))
}

async fn changes_of_kinds(w: &World) -> Verdict {
    for kind in [Kind::Team, Kind::Client, Kind::User, Kind::Provider] {
        put(&w.store, document(kind, "a", "A")).await?;
    }
    let found = w.store.changed_since(0, &Kind::IN_SNAPSHOT).await?;
    let kinds: Vec<Kind> = found.documents.iter().map(|document| document.kind).collect();
    equal((found.revision, kinds), (4, vec![Kind::Team, Kind::Provider]))?;
    let none = w.store.changed_since(0, &[]).await?;
    equal((none.revision, none.documents), (4, Vec::new()))
}

async fn all_or_nothing(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    let b = created(&w.store, team("b", "B")).await?;
    let stale = Document { version: 7, ..b.clone() };
    let renamed = Document { name: "Z".to_owned(), ..a.clone() };
    let changes =
        vec![Change::Put(team("c", "C")), Change::Put(renamed), delete(&b), Change::Put(stale)];
    refused(w.store.commit(changes, audit()).await, Refusal::Conflict)?;
    equal(w.store.revision().await?, 2)?;
    equal(w.store.get(Kind::Team, "a").await?, Some(a))?;
    equal(w.store.get(Kind::Team, "b").await?, Some(b))?;
    equal(w.store.get(Kind::Team, "c").await?, None)?;
    equal(w.number("SELECT COUNT(*) AS n FROM audit").await?, 2)
}

async fn commit_of_nothing(w: &World) -> Verdict {
    put(&w.store, team("a", "A")).await?;
    equal(w.store.commit(Vec::new(), audit()).await?, 1)
}

async fn changed_twice(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    let changes = vec![Change::Put(a.clone()), Change::Put(a)];
    refused(w.store.commit(changes, audit()).await, Refusal::BadRequest)?;
    equal(w.store.revision().await?, 1)
}

async fn one_wins(w: &World) -> Verdict {
    let old = created(&w.store, team("a", "A")).await?;
    let tries = (0..20).map(|number| {
        let body = number.to_string();
        put(&w.store, Document { body, ..old.clone() })
    });
    let results = join_all(tries).await;
    let winners: Vec<usize> = (0..20).filter(|place| results[*place].is_ok()).collect();
    equal(winners.len(), 1)?;
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, Refusal::Conflict)?;
    }
    let found = some(w.store.get(Kind::Team, "a").await?)?;
    equal((found.version, found.revision), (2, 2))?;
    equal(found.body, winners[0].to_string())
}

async fn all_count(w: &World) -> Verdict {
    let ids: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let results = join_all(ids.iter().map(|id| put(&w.store, team(id, id)))).await;
    let mut revisions = results.into_iter().collect::<Result<Vec<i64>, _>>()?;
    revisions.sort_unstable();
    equal(revisions, (1..=20).collect::<Vec<i64>>())
}

async fn audited(w: &World) -> Verdict {
    let a = created(&w.store, team("a", "A")).await?;
    w.store.commit(vec![Change::Put(team("b", "B")), delete(&a)], audit()).await?;
    equal(w.number("SELECT COUNT(*) AS n FROM audit WHERE actor = 'cli'").await?, 3)?;
    equal(
        w.number(
            "SELECT COUNT(*) AS n FROM audit WHERE changed_at_revision = 2 AND document = 'a'",
        )
        .await?,
        1,
    )
}
