//! Who changed what? The audit log, newest first.

use super::{
    super::{AuditQuery, AuditRow, Trail},
    database::{Database, Statement, Value},
    documents::kind,
    rows::{Fields, rows},
};
use crate::{error::Result, limits::PAGE_ROWS_MAX};

const COLUMNS: [&str; 9] = [
    "changed_at_revision",
    "place",
    "at_ms",
    "actor",
    "action",
    "kind",
    "document",
    "said_before",
    "said_after",
];
// Rows of before the trail was kept hold NULLs.
const SELECT: &str = "SELECT changed_at_revision, place, at_ms, actor, action, kind, document, \
     COALESCE(said_before, '') AS said_before, COALESCE(said_after, '') AS said_after \
     FROM audit WHERE 1 = 1";

/// Rows that fit the query.
pub(super) async fn page(database: &dyn Database, query: &AuditQuery) -> Result<Vec<AuditRow>> {
    let outcome = database.read(vec![question(query)]).await?.pop().unwrap_or_default();
    rows(outcome, &COLUMNS)?.into_iter().map(row).collect()
}

fn question(query: &AuditQuery) -> Statement {
    let mut text = SELECT.to_owned();
    let mut args: Vec<Value> = Vec::new();
    let mut narrow = |condition: &str, values: Vec<Value>| {
        text.push_str(" AND ");
        text.push_str(condition);
        args.extend(values);
    };
    if let Some(from_ms) = query.from_ms {
        narrow("at_ms >= ?", vec![from_ms.into()]);
    }
    if let Some(to_ms) = query.to_ms {
        narrow("at_ms < ?", vec![to_ms.into()]);
    }
    if let Some(actor) = &query.actor {
        narrow("actor = ?", vec![actor.as_str().into()]);
    }
    if let Some(kind) = query.kind {
        narrow("kind = ?", vec![kind.name().into()]);
    }
    if let Some(document) = &query.document {
        narrow("document = ?", vec![document.as_str().into()]);
    }
    if let Some((revision, place)) = query.before {
        let values = vec![revision.into(), revision.into(), place.into()];
        narrow("changed_at_revision <= ? AND (changed_at_revision < ? OR place < ?)", values);
    }
    text.push_str(" ORDER BY changed_at_revision DESC, place DESC LIMIT ?");
    args.push(i64::from(query.limit.min(PAGE_ROWS_MAX)).into());
    Statement::new(text, args)
}

fn row(mut fields: Fields) -> Result<AuditRow> {
    Ok(AuditRow {
        revision: fields.int()?,
        place: fields.int()?,
        at_ms: fields.int()?,
        actor: fields.text()?,
        action: fields.text()?,
        trail: Trail {
            kind: kind(&fields.text()?)?,
            id: fields.text()?,
            before: fields.text()?,
            after: fields.text()?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Kind;

    #[test]
    fn a_query_binds_what_it_names() {
        let query = AuditQuery {
            from_ms: Some(1),
            to_ms: Some(2),
            actor: Some("a".to_owned()),
            kind: Some(Kind::Group),
            document: Some("d".to_owned()),
            before: Some((3, 4)),
            limit: 5,
        };
        let statement = question(&query);
        assert_eq!(statement.sql.matches('?').count(), statement.args.len());
    }
}
