//! How do engines differ? This is the only file that knows.

use crate::error::{Error, Kind};

/// A family of engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// `SQLite`, libSQL, D1.
    Sqlite,
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
            Self::Sqlite => {
                format!(
                    "{insert} ON CONFLICT ({}) DO UPDATE SET {}",
                    key.join(", "),
                    sets.join(", ")
                )
            }
        }
    }

    /// The value an [`upsert`](Self::upsert) was to insert into `column`.
    pub(super) fn offered(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("excluded.{column}"),
        }
    }

    /// `expression` as an integer. Every aggregate goes through here: elsewhere the sum of integers is a decimal.
    pub(super) fn int(self, expression: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST({expression} AS BIGINT)"),
        }
    }

    /// What an engine's refusal means, by its text. A violated constraint is a conflict; everything else is a store that
    /// does not answer as it should.
    #[must_use]
    pub fn refusal(self, text: &str) -> Error {
        match self {
            Self::Sqlite if text.contains("constraint failed") => conflict(text),
            Self::Sqlite => Error::store(text),
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
        }
    }

    /// Whether the statement failed because its table does not exist.
    pub(super) fn says_missing(self, error: &Error) -> bool {
        match self {
            Self::Sqlite => error.detail.contains("no such table"),
        }
    }

    /// Whether the statement failed because what it creates exists.
    pub(super) fn says_exists(self, error: &Error) -> bool {
        match self {
            Self::Sqlite => {
                error.detail.contains("already exists")
                    || error.detail.contains("duplicate column name")
            }
        }
    }
}

/// An INSERT with one `?` for each column.
pub(super) fn insert(table: &str, columns: &[&str]) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "))
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
    fn refusals_are_told_apart() {
        let kind = |text| Flavor::Sqlite.refusal(text).kind;
        assert_eq!(kind("UNIQUE constraint failed: documents.kind"), Kind::Conflict);
        assert_eq!(
            kind("D1_ERROR: CHECK constraint failed: ok = 1: SQLITE_CONSTRAINT"),
            Kind::Conflict
        );
        assert_eq!(kind("disk I/O error"), Kind::Unavailable);
    }
}
