//! How are documents kept, found and changed? Every commit is one batch: the next revision, the changes, a guard
//! behind each of them, and the audit rows.

use std::collections::HashSet;

use super::{
    super::{Audit, Change, Changes, Document, Kind, ListQuery, Trail},
    database::{Database, Outcome, Statement, Value},
    rows::{Fields, number, rows},
};
use crate::{
    error::{Error, Result},
    limits::{CHANGES_MAX, PAGE_ROWS_MAX},
};

const COLUMNS: [&str; 9] =
    ["kind", "id", "parent", "name", "version", "changed_at_revision", "deleted", "shape", "body"];

const GET: &str = "SELECT kind, id, parent, name, version, changed_at_revision, deleted, shape, body \
     FROM documents WHERE kind = ? AND id = ? AND deleted = 0";
const FIND: &str = "SELECT kind, id, parent, name, version, changed_at_revision, deleted, shape, body \
     FROM documents WHERE kind = ? AND name_key = ? AND deleted = 0";
const LIST: &str = "SELECT kind, id, parent, name, version, changed_at_revision, deleted, shape, body \
     FROM documents WHERE kind = ? AND id > ? AND deleted = 0 ORDER BY id LIMIT ?";
const LIST_OF_PARENT: &str = "SELECT kind, id, parent, name, version, changed_at_revision, deleted, shape, body \
     FROM documents WHERE kind = ? AND parent = ? AND id > ? AND deleted = 0 ORDER BY id LIMIT ?";
/// From 0 a reader knows of nothing, so it need not hear what was deleted.
const CHANGED: &str = "SELECT kind, id, parent, name, version, changed_at_revision, deleted, shape, body \
     FROM documents WHERE changed_at_revision > ? AND (deleted = 0 OR ? > 0)";

const REVISION: &str = "SELECT value AS revision FROM marks WHERE name = 'revision'";
const NEXT_REVISION: &str = "UPDATE marks SET value = value + 1 WHERE name = 'revision'";
const FORGET_MARK: &str = "DELETE FROM documents WHERE kind = ? AND id = ? AND deleted = 1";
const CREATE: &str = "INSERT INTO documents \
     (kind, id, parent, name, name_key, version, changed_at_revision, deleted, shape, body) \
     SELECT ?, ?, ?, ?, ?, 1, value, 0, ?, ? FROM marks WHERE name = 'revision'";
const REPLACE: &str = "UPDATE documents SET parent = ?, name = ?, name_key = ?, version = version + 1, \
     changed_at_revision = (SELECT value FROM marks WHERE marks.name = 'revision'), shape = ?, body = ? \
     WHERE kind = ? AND id = ? AND version = ? AND deleted = 0";
const DELETE: &str = "UPDATE documents SET name_key = NULL, version = version + 1, \
     changed_at_revision = (SELECT value FROM marks WHERE marks.name = 'revision'), deleted = 1, body = '' \
     WHERE kind = ? AND id = ? AND version = ? AND deleted = 0";
/// Refuses unless the change before it has met its document: that one has the next version and this revision.
const GUARD: &str = "INSERT INTO guard (ok) SELECT 0 FROM marks WHERE name = 'revision' AND NOT EXISTS \
     (SELECT 1 FROM documents WHERE kind = ? AND id = ? AND version = ? AND changed_at_revision = marks.value)";
const AUDIT: &str = "INSERT INTO audit \
     (changed_at_revision, place, at_ms, actor, action, kind, document, said_before, said_after) \
     SELECT value, ?, ?, ?, ?, ?, ?, ?, ? FROM marks WHERE name = 'revision'";

/// Live documents of one kind by ascending id.
pub(super) async fn list(
    database: &dyn Database,
    kind: Kind,
    query: &ListQuery,
) -> Result<Vec<Document>> {
    let kind = Value::from(kind.name());
    let after = Value::from(query.after.as_deref().unwrap_or(""));
    let limit = Value::from(i64::from(query.limit.min(PAGE_ROWS_MAX)));
    let statement = match &query.parent {
        None => Statement::new(LIST, vec![kind, after, limit]),
        Some(parent) => {
            Statement::new(LIST_OF_PARENT, vec![kind, parent.as_str().into(), after, limit])
        }
    };
    read_all(database, statement).await
}

/// A live document by id.
pub(super) async fn get(database: &dyn Database, kind: Kind, id: &str) -> Result<Option<Document>> {
    let statement = Statement::new(GET, vec![kind.name().into(), id.into()]);
    Ok(read_all(database, statement).await?.pop())
}

/// A live document by name, whatever the case of its letters.
pub(super) async fn find(
    database: &dyn Database,
    kind: Kind,
    name: &str,
) -> Result<Option<Document>> {
    let statement = Statement::new(FIND, vec![kind.name().into(), name_key(name)]);
    Ok(read_all(database, statement).await?.pop())
}

/// The newest revision.
pub(super) async fn revision(database: &dyn Database) -> Result<i64> {
    let mut outcomes = database.read(vec![Statement::new(REVISION, Vec::new())]).await?;
    Ok(number(outcomes.pop())?.unwrap_or(0))
}

/// What changed after `revision`. The revision is read first: what is committed between the two SELECTs, where the
/// engine lets it through, is then simply read twice.
pub(super) async fn changed_since(
    database: &dyn Database,
    revision: i64,
    kinds: &[Kind],
) -> Result<Changes> {
    let marks = vec!["?"; kinds.len()].join(", ");
    let text = format!("{CHANGED} AND kind IN ({marks}) ORDER BY changed_at_revision, kind, id");
    let mut args = vec![revision.into(), revision.into()];
    args.extend(kinds.iter().map(|kind| Value::from(kind.name())));
    let mut batch = vec![Statement::new(REVISION, Vec::new())];
    if !kinds.is_empty() {
        batch.push(Statement::new(text, args));
    }
    let mut outcomes = database.read(batch).await?.into_iter();
    let revision = number(outcomes.next())?.unwrap_or(0);
    Ok(Changes { revision, documents: documents(outcomes.next().unwrap_or_default())? })
}

/// Applies all changes or none, and returns the revision they made.
pub(super) async fn commit(
    database: &dyn Database,
    changes: Vec<Change>,
    audit: &Audit,
) -> Result<i64> {
    if changes.len() > CHANGES_MAX {
        return Err(Error::bad_request(format!("At most {CHANGES_MAX} changes at once.")));
    }
    if changes.is_empty() {
        return revision(database).await;
    }
    refuse_repetition(&changes)?;
    let mut outcomes = database.write(batch(changes, audit)).await?;
    number(outcomes.pop())?.ok_or_else(|| Error::internal("the store has no revision"))
}

/// The guard of a second change to the same version would take the first one for its own.
fn refuse_repetition(changes: &[Change]) -> Result<()> {
    let mut seen = HashSet::new();
    let repeated = changes.iter().any(|change| match change {
        Change::Put(document) => !seen.insert((document.kind, &document.id, document.version)),
        Change::Delete { kind, id, version } => !seen.insert((*kind, id, *version)),
    });
    if repeated {
        return Err(Error::bad_request("A document is changed twice at once."));
    }
    Ok(())
}

/// The new revision first: its row makes commits follow one another. Deletions before the rest, for what they free
/// may be taken in the same commit.
pub(super) fn batch(mut changes: Vec<Change>, audit: &Audit) -> Vec<Statement> {
    changes.sort_by_key(|change| matches!(change, Change::Put(_)));
    let mut batch = vec![Statement::new(NEXT_REVISION, Vec::new())];
    for (place, change) in (0_i64..).zip(changes) {
        let (kind, id) = match &change {
            Change::Put(document) => (document.kind, document.id.clone()),
            Change::Delete { kind, id, .. } => (*kind, id.clone()),
        };
        push_change(&mut batch, change);
        let of_it = |trail: &&Trail| trail.kind == kind && trail.id == id;
        let told = audit.trail.iter().find(of_it);
        let [before, after] = [told.map(|trail| &*trail.before), told.map(|trail| &*trail.after)];
        let args: Vec<Value> = vec![
            place.into(),
            audit.at_ms.into(),
            audit.actor.as_str().into(),
            audit.action.as_str().into(),
            kind.name().into(),
            id.into(),
            before.unwrap_or_default().into(),
            after.unwrap_or_default().into(),
        ];
        batch.push(Statement::new(AUDIT, args));
    }
    batch.push(Statement::new(REVISION, Vec::new()));
    batch
}

fn push_change(batch: &mut Vec<Statement>, change: Change) {
    match change {
        // No guard: a document that is there refuses the INSERT, and so does a name that is taken.
        Change::Put(new) if new.version == 0 => {
            let key: Vec<Value> = vec![new.kind.name().into(), new.id.as_str().into()];
            batch.push(Statement::new(FORGET_MARK, key));
            let name_key = name_key(&new.name);
            let args: Vec<Value> = vec![
                new.kind.name().into(),
                new.id.into(),
                new.parent.into(),
                new.name.into(),
                name_key,
                new.shape.into(),
                new.body.into(),
            ];
            batch.push(Statement::new(CREATE, args));
        }
        Change::Put(next) => {
            let guard = guard(next.kind, &next.id, next.version);
            let name_key = name_key(&next.name);
            let args: Vec<Value> = vec![
                next.parent.into(),
                next.name.into(),
                name_key,
                next.shape.into(),
                next.body.into(),
                next.kind.name().into(),
                next.id.into(),
                next.version.into(),
            ];
            batch.push(Statement::new(REPLACE, args));
            batch.push(guard);
        }
        Change::Delete { kind, id, version } => {
            let guard = guard(kind, &id, version);
            let args: Vec<Value> = vec![kind.name().into(), id.into(), version.into()];
            batch.push(Statement::new(DELETE, args));
            batch.push(guard);
        }
    }
}

fn guard(kind: Kind, id: &str, read_at_version: i64) -> Statement {
    let next = read_at_version.saturating_add(1);
    Statement::new(GUARD, vec![kind.name().into(), id.into(), next.into()])
}

/// What makes a name unique. A document without a name takes none away: NULLs are never equal.
pub(super) fn name_key(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { Value::Text(name.to_lowercase()) }
}

async fn read_all(database: &dyn Database, statement: Statement) -> Result<Vec<Document>> {
    documents(database.read(vec![statement]).await?.pop().unwrap_or_default())
}

fn documents(outcome: Outcome) -> Result<Vec<Document>> {
    rows(outcome, &COLUMNS)?.into_iter().map(document).collect()
}

fn document(mut fields: Fields) -> Result<Document> {
    Ok(Document {
        kind: kind(&fields.text()?)?,
        id: fields.text()?,
        parent: fields.text()?,
        name: fields.text()?,
        version: fields.int()?,
        revision: fields.int()?,
        deleted: fields.flag()?,
        shape: fields.int()?,
        body: fields.text()?,
    })
}

/// The kind with this name in the database.
pub(super) fn kind(name: &str) -> Result<Kind> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| Error::internal(format!("unknown kind of document {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(changes: Vec<Change>) -> Vec<String> {
        let audit = Audit::default();
        batch(changes, &audit).into_iter().map(|statement| statement.sql.into_owned()).collect()
    }

    #[test]
    fn a_deletion_comes_before_what_takes_its_name() {
        let put = Change::Put(Document {
            kind: Kind::Team,
            id: "b".to_owned(),
            parent: String::new(),
            name: "Sales".to_owned(),
            version: 0,
            revision: 0,
            deleted: false,
            shape: 1,
            body: "{}".to_owned(),
        });
        let delete = Change::Delete { kind: Kind::Team, id: "a".to_owned(), version: 3 };
        assert_eq!(
            texts(vec![put, delete]),
            [NEXT_REVISION, DELETE, GUARD, AUDIT, FORGET_MARK, CREATE, AUDIT, REVISION]
        );
    }

    #[test]
    fn every_statement_has_a_value_for_each_placeholder() {
        let audit = Audit::default();
        let delete = Change::Delete { kind: Kind::Team, id: "a".to_owned(), version: 3 };
        for statement in batch(vec![delete], &audit) {
            assert_eq!(
                statement.sql.matches('?').count(),
                statement.args.len(),
                "{}",
                statement.sql
            );
        }
    }
}
