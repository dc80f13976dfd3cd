//! What does one connection do with a batch? It sends all of it before it waits for the first answer, and keeps the
//! statements prepared that come again.

use std::{borrow::Cow, fmt::Write, pin::pin};

use futures_util::{StreamExt, future::maybe_done, poll};
use tidegate_core::{
    Error, Result,
    limits::STATEMENTS_KEPT_MAX,
    store::sql::{Flavor, Outcome, Statement},
};
use tokio_postgres::Client;

use super::{
    super::pooled::{Fault, Task},
    values::{Bound, Field, declared},
};

type Refusal = tokio_postgres::Error;

pub(crate) struct Connection {
    client: Client,
    kept: Vec<Kept>,
}

/// A statement that was asked, prepared once it was asked twice.
struct Kept {
    sql: Cow<'static, str>,
    prepared: Option<tokio_postgres::Statement>,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        Self { client, kept: Vec::new() }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Runs the batch as one transaction. After a refusal nothing of it is left: what follows it is ignored by the
    /// server, and COMMIT undoes what was before it.
    pub(super) async fn run(
        &mut self,
        task: Task,
        batch: &[Statement],
    ) -> Result<Vec<Outcome>, Fault> {
        let outcomes = if task == Task::Read && batch.len() == 1 {
            self.ask_all(batch, false).await.map_err(|error| fault(&error).of_question())?
        } else {
            self.client.batch_execute(&begin(task)).await.map_err(|e| Fault::Stale(told(&e)))?;
            self.ask_all(batch, true).await.map_err(|error| fault(&error))?
        };
        self.keep(batch).await;
        Ok(outcomes)
    }

    async fn ask_all(&self, batch: &[Statement], commits: bool) -> Result<Vec<Outcome>, Refusal> {
        let mut asked: Vec<_> =
            batch.iter().map(|statement| Box::pin(maybe_done(self.ask(statement)))).collect();
        // The first poll of each puts it on the way.
        for one in &mut asked {
            let _ = poll!(one.as_mut());
        }
        let mut commit = pin!(maybe_done(self.client.batch_execute("COMMIT")));
        if commits {
            let _ = poll!(commit.as_mut());
        }
        let mut outcomes = Vec::with_capacity(asked.len());
        let mut refusal = None;
        for mut one in asked {
            one.as_mut().await;
            match one.as_mut().take_output() {
                Some(Ok(outcome)) => outcomes.push(outcome),
                Some(Err(error)) => refusal = refusal.or(Some(error)),
                None => {}
            }
        }
        if commits {
            commit.as_mut().await;
            if let Some(Err(error)) = commit.as_mut().take_output() {
                refusal = refusal.or(Some(error));
            }
        }
        refusal.map_or(Ok(outcomes), Err)
    }

    async fn ask(&self, statement: &Statement) -> Result<Outcome, Refusal> {
        let args = statement.args.iter().map(Bound);
        let prepared = self.kept.iter().find(|kept| kept.sql == statement.sql);
        let rows = if let Some(prepared) = prepared.and_then(|kept| kept.prepared.as_ref()) {
            self.client.query_raw(prepared, args).await?
        } else {
            let typed = statement.args.iter().map(|arg| (Bound(arg), declared(arg)));
            self.client.query_typed_raw(&numbered(&statement.sql), typed).await?
        };
        let (mut rows, mut outcome) = (pin!(rows), Outcome::default());
        while let Some(row) = rows.next().await {
            let row = row?;
            if outcome.columns.is_empty() {
                outcome.columns = row.columns().iter().map(|c| c.name().to_owned()).collect();
            }
            let fields = (0..row.len()).map(|at| row.try_get(at).map(|Field(value)| value));
            outcome.rows.push(fields.collect::<Result<_, Refusal>>()?);
        }
        outcome.changed = rows.rows_affected().unwrap_or(0);
        Ok(outcome)
    }

    /// Prepares what came a second time, for the next one.
    async fn keep(&mut self, batch: &[Statement]) {
        for Statement { sql, args } in batch {
            let Some(kept) = self.kept.iter_mut().find(|kept| kept.sql == *sql) else {
                if self.kept.len() == STATEMENTS_KEPT_MAX {
                    self.kept.remove(0);
                }
                self.kept.push(Kept { sql: sql.clone(), prepared: None });
                continue;
            };
            if kept.prepared.is_none() {
                let types: Vec<_> = args.iter().map(declared).collect();
                // Otherwise it is asked as before.
                kept.prepared = self.client.prepare_typed(&numbered(sql), &types).await.ok();
            }
        }
    }
}

fn begin(task: Task) -> Cow<'static, str> {
    match task {
        Task::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into(),
        Task::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".into(),
        Task::Migrate => {
            let wait = task.wait().as_millis();
            format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = {wait}").into()
        }
    }
}

/// `$1` for the first `?`, and so on. No statement of the store has one in a text.
fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let mut pieces = sql.split('?');
    text.push_str(pieces.next().unwrap_or_default());
    for (piece, number) in pieces.zip(1..) {
        // A text always has room.
        let _ = write!(text, "${number}{piece}");
    }
    text
}

/// Data, constraints, other transactions, syntax and locks leave the connection as it was.
fn fault(error: &Refusal) -> Fault {
    let harmless = ["22", "23", "40", "42", "55"];
    match error.code() {
        Some(code) if harmless.contains(&&code.code()[..2]) => Fault::Refused(told(error)),
        Some(_) | None => Fault::Broken(told(error)),
    }
}

/// What the core makes of an error.
pub(super) fn told(error: &Refusal) -> Error {
    match error.as_db_error() {
        Some(said) => {
            Flavor::Postgres.refusal(&format!("{}: {}", said.code().code(), said.message()))
        }
        // The cause says more than the crate's own words, "error connecting to server".
        None => match std::error::Error::source(error) {
            Some(cause) => Error::store(format!("{error}: {cause}")),
            None => Error::store(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        assert_eq!(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)");
        assert_eq!(numbered("COMMIT"), "COMMIT");
    }
}
