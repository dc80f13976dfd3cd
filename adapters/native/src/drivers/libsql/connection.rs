//! What does one connection do with a batch? It runs it as one transaction, with statements it keeps prepared.

use std::{borrow::Cow, path::Path};

use futures_util::FutureExt;
use libsql::{Builder, Error::SqliteFailure, OpenFlags, params::Params};
use tidegate_core::{
    Error, Result,
    limits::{DATABASE_BUSY_WAIT, STATEMENTS_KEPT_MAX},
    store::sql::{Flavor, Outcome, Statement, Value},
};

/// How a transaction starts.
#[derive(Clone, Copy)]
pub(super) enum Begin {
    /// With the first statement: it will only read.
    Deferred,
    /// At once, as the one that writes.
    Immediate,
}

pub(super) struct Connection {
    // Before the connection, so that statements are finalized first.
    kept: Vec<Kept>,
    connection: libsql::Connection,
}

/// A prepared statement and its text.
struct Kept {
    sql: Cow<'static, str>,
    statement: libsql::Statement,
    columns: Vec<String>,
}

impl Connection {
    /// The one that writes and checkpoints. In a write-ahead log, NORMAL loses nothing when the process dies; a power
    /// cut may take the last commits with it, never the file.
    pub(super) fn writer(path: &Path) -> Result<Self> {
        let mut connection = Self::connect(path)?;
        let mode = connection.text("PRAGMA journal_mode = WAL")?;
        if mode != "wal" {
            return Err(Error::store(format!("the file system allows no write-ahead log: {mode}")));
        }
        connection.set(
            "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 1000; \
             PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -1024",
        )?;
        Ok(connection)
    }

    /// One that only reads, and never checkpoints.
    pub(super) fn reader(path: &Path) -> Result<Self> {
        let connection = Self::connect(path)?;
        connection.set(
            "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -512",
        )?;
        Ok(connection)
    }

    pub(super) fn in_memory() -> Result<Self> {
        Self::connect(Path::new(":memory:"))
    }

    /// One that reads this file and writes another. It never checkpoints, and is not the last to close.
    pub(super) fn copier(path: &Path) -> Result<Self> {
        let connection = Self::connect(path)?;
        connection.set("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -512")?;
        Ok(connection)
    }

    /// Copies all of the file, without what was deleted.
    pub(super) fn copy(&mut self, to: &Path) -> Result<()> {
        let to = to.to_str().ok_or_else(|| Error::bad_request("The path is no text."))?;
        let args = Params::Positional(vec![libsql::Value::Text(to.to_owned())]);
        self.prepare(Cow::Borrowed("VACUUM INTO ?"))?.run(args).map(drop)
    }

    /// Whether a file is sound, by the engine's own check.
    pub(super) fn check(path: &Path) -> Result<()> {
        let mut connection = Self::connect(path)?;
        match connection.text("PRAGMA integrity_check")?.as_str() {
            "ok" => Ok(()),
            found => Err(Error::store(format!("the copy is not sound: {found}"))),
        }
    }

    /// One that changes nothing of a file that is another program's.
    pub(super) fn foreign(path: &Path) -> Result<Self> {
        let builder = Builder::new_local(path).flags(OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = now(builder.build())?.connect().map_err(refusal)?;
        connection.busy_timeout(DATABASE_BUSY_WAIT).map_err(refusal)?;
        Ok(Self { kept: Vec::new(), connection })
    }

    pub(super) fn connect(path: &Path) -> Result<Self> {
        let database = now(Builder::new_local(path).build())?;
        let connection = database.connect().map_err(refusal)?;
        connection.busy_timeout(DATABASE_BUSY_WAIT).map_err(refusal)?;
        Ok(Self { kept: Vec::new(), connection })
    }

    fn set(&self, pragmas: &str) -> Result<()> {
        now(self.connection.execute_batch(pragmas)).map(drop)
    }

    /// The first field of the first row.
    pub(super) fn text(&mut self, sql: &'static str) -> Result<String> {
        let outcome = self.step(Statement::new(sql, Vec::new()))?;
        match outcome.rows.into_iter().flatten().next() {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Int(number)) => Ok(number.to_string()),
            other => Err(Error::store(format!("{sql} gave {other:?}"))),
        }
    }

    /// Runs the batch as one transaction. After an error nothing of it is left.
    pub(super) fn run(&mut self, begin: Begin, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let done = self.transact(begin, batch);
        // Some errors have rolled back already; to do it twice would be one more.
        if done.is_err() && !self.connection.is_autocommit() {
            self.control("ROLLBACK")?;
        }
        done
    }

    fn transact(&mut self, begin: Begin, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.control(match begin {
            Begin::Deferred => "BEGIN",
            Begin::Immediate => "BEGIN IMMEDIATE",
        })?;
        let outcomes =
            batch.into_iter().map(|statement| self.step(statement)).collect::<Result<_>>()?;
        self.control("COMMIT")?;
        Ok(outcomes)
    }

    fn control(&mut self, sql: &'static str) -> Result<()> {
        let place = self.prepared(Cow::Borrowed(sql))?;
        self.kept[place].run(Params::None).map(drop)
    }

    fn step(&mut self, Statement { sql, args }: Statement) -> Result<Outcome> {
        if args.is_empty() {
            // DDL and single questions: not worth keeping.
            return self.prepare(sql)?.run(Params::None);
        }
        let place = self.prepared(sql)?;
        self.kept[place].run(Params::Positional(args.into_iter().map(bound).collect()))
    }

    /// Where the statement is kept. A list: comparing lengths first, it is quicker than hashing a long text.
    fn prepared(&mut self, sql: Cow<'static, str>) -> Result<usize> {
        if let Some(place) = self.kept.iter().position(|kept| kept.sql == sql) {
            return Ok(place);
        }
        if self.kept.len() == STATEMENTS_KEPT_MAX {
            self.kept.remove(0);
        }
        let kept = self.prepare(sql)?;
        self.kept.push(kept);
        Ok(self.kept.len() - 1)
    }

    fn prepare(&self, sql: Cow<'static, str>) -> Result<Kept> {
        let statement = now(self.connection.prepare(&sql))?;
        let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        Ok(Kept { sql, statement, columns })
    }
}

impl Kept {
    fn run(&self, args: Params) -> Result<Outcome> {
        let outcome = if self.columns.is_empty() { self.execute(args) } else { self.query(args) };
        self.statement.reset();
        outcome
    }

    fn execute(&self, args: Params) -> Result<Outcome> {
        let changed = now(self.statement.execute(args))?;
        Ok(Outcome { changed: changed as u64, ..Outcome::default() })
    }

    fn query(&self, args: Params) -> Result<Outcome> {
        let mut rows = now(self.statement.query(args))?;
        let mut outcome = Outcome { columns: self.columns.clone(), ..Outcome::default() };
        while let Some(row) = now(rows.next())? {
            let places = 0..i32::try_from(self.columns.len()).map_err(Error::internal)?;
            let values = places.map(|place| row.get_value(place).map(unbound).map_err(refusal));
            outcome.rows.push(values.collect::<Result<_>>()?);
        }
        Ok(outcome)
    }
}

/// The local engine blocks instead of waiting, so its futures are ready when they are first asked.
fn now<T>(future: impl Future<Output = libsql::Result<T>>) -> Result<T> {
    match future.now_or_never() {
        Some(done) => done.map_err(refusal),
        None => Err(Error::internal("the local engine waited")),
    }
}

fn refusal(error: libsql::Error) -> Error {
    match error {
        SqliteFailure(_, text) => Flavor::Sqlite.refusal(&text),
        other => Error::store(other),
    }
}

fn bound(value: Value) -> libsql::Value {
    match value {
        Value::Null => libsql::Value::Null,
        Value::Int(value) => libsql::Value::Integer(value),
        Value::Real(value) => libsql::Value::Real(value),
        Value::Text(value) => libsql::Value::Text(value),
    }
}

/// The schema has no BLOB column.
fn unbound(value: libsql::Value) -> Value {
    match value {
        libsql::Value::Null | libsql::Value::Blob(_) => Value::Null,
        libsql::Value::Integer(value) => Value::Int(value),
        libsql::Value::Real(value) => Value::Real(value),
        libsql::Value::Text(value) => Value::Text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_a_bounded_number_of_statements() {
        let mut connection = Connection::in_memory().unwrap();
        for number in 0..200 {
            let statement =
                Statement::new(format!("SELECT ? AS c{number}"), vec![Value::Int(number)]);
            let outcomes = connection.run(Begin::Deferred, vec![statement]).unwrap();
            assert_eq!(outcomes[0].rows, [[Value::Int(number)]]);
        }
        assert_eq!(connection.kept.len(), STATEMENTS_KEPT_MAX);
    }
}
