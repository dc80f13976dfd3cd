//! How do engines differ? This is the only file that knows.

use std::borrow::Cow;

use crate::error::{Error, Kind};

/// A family of engines.
///
/// A refusal of `PostgreSQL` or MySQL is told as its code, a colon and the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// `SQLite`, libSQL, D1.
    Sqlite,
    /// `PostgreSQL`.
    Postgres,
    /// MySQL, `MariaDB`.
    Mysql,
}

impl Flavor {
    /// An INSERT with one `?` for each column that, where a row with the same `key` is there, sets `sets` instead: pairs
    /// of column and expression. In an expression `table.column` is the value that is there, [`offered`](Self::offered)
    /// the one that was to be inserted. A column that other expressions read is set last: MySQL assigns in order.
    pub(super) fn upsert(
        self,
        table: &str,
        columns: &[&str],
        key: &[&str],
        sets: &[(&str, String)],
    ) -> String {
        let insert = insert(table, columns);
        let sets: Vec<String> =
            sets.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        match self {
            Self::Sqlite | Self::Postgres => {
                format!(
                    "{insert} ON CONFLICT ({}) DO UPDATE SET {}",
                    key.join(", "),
                    sets.join(", ")
                )
            }
            Self::Mysql => format!("{insert} ON DUPLICATE KEY UPDATE {}", sets.join(", ")),
        }
    }

    /// The value an [`upsert`](Self::upsert) was to insert into `column`.
    pub(super) fn offered(self, column: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("excluded.{column}"),
            // What newer versions want instead, older ones and MariaDB do not know.
            Self::Mysql => format!("VALUES({column})"),
        }
    }

    /// `expression` as an integer. Every aggregate goes through here: elsewhere the sum of integers is a decimal.
    pub(super) fn int(self, expression: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("CAST({expression} AS BIGINT)"),
            Self::Mysql => format!("CAST({expression} AS SIGNED)"),
        }
    }

    /// A statement of a migration as this engine wants it: text is compared and sorted by its bytes everywhere.
    #[must_use]
    pub fn schema(self, statement: &'static str) -> Cow<'static, str> {
        match self {
            Self::Sqlite => statement.into(),
            Self::Postgres => collated(statement).into(),
            Self::Mysql => for_mysql(statement).into(),
        }
    }

    /// A statement that locks rows before they are read and changed, in the order of `by`, so that two batches never
    /// hold what the other one waits for. `None` where one batch writes at a time.
    pub(super) fn lock(self, table: &str, by: &str, of: &str) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres | Self::Mysql => {
                Some(format!("SELECT {by} FROM {table} WHERE {of} ORDER BY {by} FOR UPDATE"))
            }
        }
    }

    /// What an engine's refusal means, by its text. A violated constraint is a conflict; everything else is a store that
    /// does not answer as it should.
    #[must_use]
    pub fn refusal(self, text: &str) -> Error {
        match self {
            Self::Sqlite if text.contains("constraint failed") => conflict(text),
            // The class of violated constraints.
            Self::Postgres if text.starts_with("23") => conflict(text),
            // A key that is there, and two ways to say that a CHECK does not hold.
            Self::Mysql if has_code(text, &["1062", "3819", "4025"]) => conflict(text),
            _ if self.is_full(text) => Error::full(text),
            Self::Sqlite | Self::Postgres | Self::Mysql => Error::store(text),
        }
    }

    /// Whether an engine's refusal means that its disk has no room.
    fn is_full(self, text: &str) -> bool {
        match self {
            Self::Sqlite => {
                text.contains("database or disk is full") || text.contains("SQLITE_FULL")
            }
            Self::Postgres => has_code(text, &["53100"]),
            // The disk, a table, a temporary file.
            Self::Mysql => has_code(text, &["1021", "1114"]) || text.contains("Errcode: 28 "),
        }
    }

    /// Whether an engine's refusal means "too much at once, and nothing was done".
    #[must_use]
    pub fn is_busy(self, text: &str) -> bool {
        match self {
            Self::Sqlite => {
                text.contains("SQLITE_BUSY")
                    || text.contains("database is locked")
                    || text.contains("database table is locked")
            }
            // Not serializable, a deadlock.
            Self::Postgres => has_code(text, &["40001", "40P01"]),
            // A deadlock, a row that another one has changed.
            Self::Mysql => has_code(text, &["1213", "1020"]),
        }
    }

    /// Whether the statement failed because its table does not exist.
    pub(super) fn says_missing(self, error: &Error) -> bool {
        match self {
            Self::Sqlite => error.detail.contains("no such table"),
            Self::Postgres => has_code(&error.detail, &["42P01"]),
            Self::Mysql => has_code(&error.detail, &["1146"]),
        }
    }

    /// Whether the statement failed because what it creates exists.
    pub(super) fn says_exists(self, error: &Error) -> bool {
        match self {
            Self::Sqlite => {
                error.detail.contains("already exists")
                    || error.detail.contains("duplicate column name")
            }
            // A table or an index, the type of a table's rows where two make it at once, a column.
            Self::Postgres => has_code(&error.detail, &["42P07", "42710", "42701"]),
            // A table, a column, an index.
            Self::Mysql => has_code(&error.detail, &["1050", "1060", "1061"]),
        }
    }
}

/// An INSERT with one `?` for each column.
pub(super) fn insert(table: &str, columns: &[&str]) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "))
}

fn has_code(text: &str, codes: &[&str]) -> bool {
    text.split_once(':').is_some_and(|(code, _)| codes.contains(&code))
}

/// Bodies may be longer than 64 KiB, and names that differ in case are two. An index is always of all rows.
fn for_mysql(statement: &str) -> String {
    if statement.starts_with("CREATE INDEX") {
        return statement.split(" WHERE ").next().unwrap_or(statement).to_owned();
    }
    let text = statement.replace(" TEXT", " LONGTEXT");
    if text.starts_with("CREATE TABLE") {
        return text + " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    }
    text
}

/// Every keyed text with the order of its bytes. What is not keyed is only ever compared for being equal.
fn collated(statement: &str) -> String {
    let mut pieces = statement.split("VARCHAR(");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (length, rest) = piece.split_once(')').unwrap_or((piece, ""));
        text += &["VARCHAR(", length, ") COLLATE \"C\"", rest].concat();
    }
    text
}

fn conflict(text: &str) -> Error {
    Error::new(Kind::Conflict, "Another change came first; read again and repeat.").because(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upsert_names_every_column_once() {
        let text = Flavor::Sqlite.upsert(
            "counters",
            &["name", "value"],
            &["name"],
            &[("value", format!("counters.value + {}", Flavor::Sqlite.offered("value")))],
        );
        assert_eq!(
            text,
            "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) \
             DO UPDATE SET value = counters.value + excluded.value"
        );
    }

    #[test]
    fn mysql_reads_what_was_offered_in_its_own_way() {
        let offered = Flavor::Mysql.offered("b");
        let text = Flavor::Mysql.upsert("a", &["id", "b"], &["id"], &[("b", offered)]);
        assert_eq!(
            text,
            "INSERT INTO a (id, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b)"
        );
    }

    #[test]
    fn keyed_text_is_sorted_by_its_bytes() {
        let text = Flavor::Postgres.schema("CREATE TABLE a (b VARCHAR(64) NOT NULL, c TEXT)");
        assert_eq!(text, "CREATE TABLE a (b VARCHAR(64) COLLATE \"C\" NOT NULL, c TEXT)");
        let index = "CREATE INDEX a_by_b ON a (b)";
        assert_eq!(Flavor::Postgres.schema(index), index);
        assert_eq!(Flavor::Mysql.schema(index), index);
        let some = "CREATE INDEX a_with_b ON a (c, b) WHERE b <> ''";
        assert_eq!(Flavor::Sqlite.schema(some), some);
        assert_eq!(Flavor::Mysql.schema(some), "CREATE INDEX a_with_b ON a (c, b)");
        assert_eq!(
            Flavor::Mysql.schema("ALTER TABLE a ADD COLUMN b TEXT"),
            "ALTER TABLE a ADD COLUMN b LONGTEXT"
        );
    }

    #[test]
    fn what_exists_is_told_from_what_is_wrong() {
        let says = |flavor: Flavor, text: &str| flavor.says_exists(&Error::store(text));
        assert!(says(Flavor::Postgres, "42P07: relation \"leases\" already exists"));
        assert!(says(Flavor::Postgres, "42710: type \"leases\" already exists"));
        assert!(!says(Flavor::Postgres, "42601: syntax error"));
        assert!(says(Flavor::Mysql, "1050: Table 'leases' already exists"));
        assert!(!says(Flavor::Mysql, "1064: You have an error in your SQL syntax"));
    }

    #[test]
    fn refusals_are_told_apart() {
        let kind = |text| Flavor::Sqlite.refusal(text).kind;
        assert_eq!(kind("UNIQUE constraint failed: documents.kind"), Kind::Conflict);
        assert_eq!(
            kind("D1_ERROR: CHECK constraint failed: ok = 1: SQLITE_CONSTRAINT"),
            Kind::Conflict
        );
        assert_eq!(kind("disk I/O error"), Kind::Unavailable);
        assert_eq!(kind("database or disk is full"), Kind::Full);
        let kind = |text| Flavor::Postgres.refusal(text).kind;
        assert_eq!(kind("23514: new row violates check constraint"), Kind::Conflict);
        assert_eq!(kind("40P01: deadlock detected"), Kind::Unavailable);
        assert_eq!(kind("53100: could not extend file: No space left on device"), Kind::Full);
        let kind = |text| Flavor::Mysql.refusal(text).kind;
        assert_eq!(
            kind("4025: CONSTRAINT `guard.ok` failed for `tidegate`.`guard`"),
            Kind::Conflict
        );
        assert_eq!(kind("1213: Deadlock found when trying to get lock"), Kind::Unavailable);
        assert_eq!(kind("1114: The table 'records' is full"), Kind::Full);
    }
}
