//! Which rows move from one database to another, and how are they read and taken in? Tables are data; a row that is there
//! already is left as it is.

use super::{
    super::Document,
    columns,
    database::{Database, Statement, Value},
    documents, rollups,
    rows::{Fields, number, rows},
};
use crate::{
    error::{Error, Kind, Result},
    ports::Millis,
};

/// A table whose rows move.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// All of its columns.
    pub columns: &'static [&'static str],
    /// Those that name a row, which also say the order in which rows are read.
    pub key: &'static [&'static str],
}

const AUDIT: [&str; 9] = [
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
const LATENCY: [&str; 7] = ["hour_ms", "client", "team", "provider", "model", "bucket", "requests"];
const LATENCY_KEY: [&str; 6] = ["hour_ms", "client", "team", "provider", "model", "bucket"];

/// All of them. What is private, short-lived or of one process stays behind: blobs, reservations, leases, flush marks.
pub const TABLES: [Table; 7] = [
    Table { name: "records", columns: &columns::COLUMNS, key: &["id"] },
    Table { name: "rollups", columns: &rollups::COLUMNS, key: &rollups::KEY },
    Table { name: "latency", columns: &LATENCY, key: &LATENCY_KEY },
    Table { name: "rollups_daily", columns: &rollups::COLUMNS, key: &rollups::KEY },
    Table { name: "latency_daily", columns: &LATENCY, key: &LATENCY_KEY },
    Table { name: "audit", columns: &AUDIT, key: &["changed_at_revision", "place"] },
    Table { name: "counters", columns: &["name", "value", "expires_at_ms"], key: &["name"] },
];

/// What is in a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The newest revision.
    pub revision: i64,
    /// Records before this may have been pruned.
    pub pruned_before_ms: Millis,
    /// How many documents live.
    pub documents: i64,
    /// Whether it has records, or sums of some.
    pub has_records: bool,
    /// Whether it has a history of its own.
    pub has_audit: bool,
}

const MARK: &str = "SELECT value AS value FROM marks WHERE name = ?";
const LIVING: &str = "SELECT COUNT(*) AS living FROM documents WHERE deleted = 0";
const SOME_RECORDS: &str = "SELECT COUNT(*) AS found FROM (SELECT id FROM records LIMIT 1) AS one";
const SOME_SUMS: &str =
    "SELECT COUNT(*) AS found FROM (SELECT hour_ms FROM rollups LIMIT 1) AS one";
const SOME_AUDIT: &str = "SELECT COUNT(*) AS found FROM (SELECT at_ms FROM audit LIMIT 1) AS one";

/// Asks what is in a database.
pub async fn content(database: &dyn Database) -> Result<Content> {
    let mark = |name: &str| Statement::new(MARK, vec![name.into()]);
    let mut batch = vec![mark("revision"), mark("pruned_before_ms")];
    let others = [LIVING, SOME_RECORDS, SOME_SUMS, SOME_AUDIT];
    batch.extend(others.map(|text| Statement::new(text, Vec::new())));
    let mut found = database.read(batch).await?.into_iter();
    let mut next = || number(found.next()).map(|value| value.unwrap_or(0));
    Ok(Content {
        revision: next()?,
        pruned_before_ms: next()?,
        documents: next()?,
        has_records: next()? + next()? > 0,
        has_audit: next()? > 0,
    })
}

/// The rows of a table that come after one, in the order of its key; at most `limit`.
pub async fn page(
    database: &dyn Database,
    table: &Table,
    after: Option<&[Value]>,
    limit: usize,
) -> Result<Vec<Vec<Value>>> {
    let outcome = database.read(vec![question(table, after, limit)]).await?.pop();
    let found = rows(outcome.unwrap_or_default(), table.columns)?;
    found.into_iter().map(Fields::values).collect()
}

/// Behind the first column of the key stands what an index can start from; the rest is told apart among the rows that
/// share it.
fn question(table: &Table, after: Option<&[Value]>, limit: usize) -> Statement {
    let Table { name, columns, key } = table;
    let mut text = format!("SELECT {} FROM {name}", columns.join(", "));
    let mut args = Vec::new();
    if let (Some(after), Some(first)) = (after, key.first()) {
        text += &[" WHERE ", *first, " >= ? AND "].concat();
        args.extend(after.first().cloned());
        let mut ends = String::new();
        for (at, (column, value)) in key.iter().zip(after).enumerate() {
            if at + 1 == key.len() {
                text += &[*column, " > ?"].concat();
                args.push(value.clone());
            } else {
                text += &["(", *column, " > ? OR (", *column, " = ? AND "].concat();
                args.extend([value.clone(), value.clone()]);
                ends.push_str("))");
            }
        }
        text.push_str(&ends);
    }
    text += &[" ORDER BY ", &*key.join(", "), " LIMIT ?"].concat();
    args.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    Statement::new(text, args)
}

/// What requests under way hold of a counter.
const HELD: &str =
    "SELECT counter AS counter, amount AS amount FROM reservations WHERE counter = ?";

/// Takes off counters what requests under way hold of them: these will settle where they began.
pub async fn without_held(database: &dyn Database, counters: &mut [Vec<Value>]) -> Result<()> {
    let asked = counters.iter().filter_map(|row| row.first().cloned());
    let batch: Vec<Statement> = asked.map(|name| Statement::new(HELD, vec![name])).collect();
    if batch.is_empty() {
        return Ok(());
    }
    let outcomes = database.read(batch).await?;
    for (row, outcome) in counters.iter_mut().zip(outcomes) {
        for mut fields in rows(outcome, &["counter", "amount"])? {
            fields.text()?;
            let held = fields.int()?;
            if let Some(Value::Int(value)) = row.get_mut(1) {
                *value = value.saturating_sub(held);
            }
        }
    }
    Ok(())
}

/// Takes rows in; returns how many of them were not there yet. `columns` are some of the table's, each row has a value
/// for each of them, and the others are as if nobody had said anything.
pub async fn take(
    database: &dyn Database,
    table: &Table,
    columns: &[String],
    rows: Vec<Vec<Value>>,
) -> Result<u64> {
    let places = table.key.iter().map(|key| columns.iter().position(|column| column == key));
    let places = places.collect::<Option<Vec<usize>>>().ok_or_else(|| {
        Error::bad_request(format!("The rows of `{}` do not say which they are.", table.name))
    })?;
    let marks = vec!["?"; columns.len()].join(", ");
    let same: Vec<String> = table.key.iter().map(|key| format!("own.{key} = ?")).collect();
    // From a table of one such row: some engines select nothing from nowhere.
    let text = format!(
        "INSERT INTO {name} ({}) SELECT {marks} FROM marks WHERE marks.name = 'revision' AND NOT EXISTS \
         (SELECT 1 FROM {name} own WHERE {})",
        columns.join(", "),
        same.join(" AND "),
        name = table.name,
    );
    let statement = |mut row: Vec<Value>| {
        let key: Vec<Value> = places.iter().filter_map(|place| row.get(*place).cloned()).collect();
        row.extend(key);
        Statement::new(text.clone(), row)
    };
    let outcomes = database.write(rows.into_iter().map(statement).collect()).await?;
    Ok(outcomes.iter().map(|outcome| outcome.changed).sum())
}

/// Refuses where somebody has changed something.
const STILL_FRESH: &str =
    "INSERT INTO guard (ok) SELECT 0 FROM marks WHERE name = 'revision' AND value <> 0";
const PLACE: &str = "INSERT INTO documents \
     (kind, id, parent, name, name_key, version, changed_at_revision, deleted, shape, body) \
     VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)";
const ADOPT_REVISION: &str = "UPDATE marks SET value = ? WHERE name = 'revision'";
const ADOPT_PRUNED: &str =
    "UPDATE marks SET value = ? WHERE name = 'pruned_before_ms' AND value < ?";

/// Puts documents where nobody has ever put any, as they are, versions and all.
pub async fn place(database: &dyn Database, all: Vec<Document>) -> Result<()> {
    let put = |document: Document| {
        let name_key = documents::name_key(&document.name);
        let args = vec![
            document.kind.name().into(),
            document.id.into(),
            document.parent.into(),
            document.name.into(),
            name_key,
            document.version.into(),
            document.revision.into(),
            document.shape.into(),
            document.body.into(),
        ];
        Statement::new(PLACE, args)
    };
    let guard = Statement::new(STILL_FRESH, Vec::new());
    let batch = std::iter::once(guard).chain(all.into_iter().map(put)).collect();
    database.write(batch).await.map(drop).map_err(in_use)
}

/// Gives a database that was fresh the revision of another one: from here on whoever watches it sees its documents.
pub async fn adopt_revision(database: &dyn Database, revision: i64) -> Result<()> {
    let batch = vec![
        Statement::new(STILL_FRESH, Vec::new()),
        Statement::new(ADOPT_REVISION, vec![revision.into()]),
    ];
    database.write(batch).await.map(drop).map_err(in_use)
}

/// Remembers that records before this time may be missing.
pub async fn adopt_pruned(database: &dyn Database, before_ms: Millis) -> Result<()> {
    let args = vec![before_ms.into(), before_ms.into()];
    database.write(vec![Statement::new(ADOPT_PRUNED, args)]).await.map(drop)
}

const CATCH_UP: [&str; 2] = [
    "UPDATE marks SET value = (SELECT MAX(changed_at_revision) FROM documents) WHERE name = 'revision' \
     AND value < (SELECT COALESCE(MAX(changed_at_revision), 0) FROM documents)",
    "UPDATE marks SET value = (SELECT MAX(changed_at_revision) FROM audit) WHERE name = 'revision' \
     AND value < (SELECT COALESCE(MAX(changed_at_revision), 0) FROM audit)",
];

/// Moves the revision past all that is there, where something stopped before it could.
pub async fn catch_up(database: &dyn Database) -> Result<()> {
    let batch = CATCH_UP.map(|text| Statement::new(text, Vec::new())).to_vec();
    database.write(batch).await.map(drop)
}

fn in_use(error: Error) -> Error {
    if error.kind != Kind::Conflict {
        return error;
    }
    let message = "Somebody else has begun to use this database meanwhile.";
    Error::new(Kind::Conflict, message).because(error.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_behind_the_last_row() {
        let table = Table { name: "t", columns: &["a", "b", "c"], key: &["a", "b"] };
        let first = question(&table, None, 5);
        assert_eq!(first.sql, "SELECT a, b, c FROM t ORDER BY a, b LIMIT ?");
        let after = [Value::Int(1), Value::from("x")];
        let next = question(&table, Some(&after), 5);
        assert_eq!(
            next.sql,
            "SELECT a, b, c FROM t WHERE a >= ? AND (a > ? OR (a = ? AND b > ?)) ORDER BY a, b LIMIT ?"
        );
        let one = [1, 1, 1].map(Value::Int);
        assert_eq!(next.args, [&one[..], &[Value::from("x"), Value::Int(5)]].concat());
    }

    #[test]
    fn every_key_is_among_the_columns() {
        for table in &TABLES {
            assert!(table.key.iter().all(|key| table.columns.contains(key)), "{}", table.name);
        }
    }
}
