//! How is a database that is a server of its own asked by many at once? Over a bounded number of connections, and again
//! when the server took back what was asked because another batch was in its way.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    limits::{DATABASE_RETRY_WAIT_MAX, DATABASE_WAIT, MIGRATION_LEASE},
    store::sql::{Database, Flavor, Outcome, Statement},
};
use tokio::time::{sleep, timeout};

use super::{
    limits::{DATABASE_CLASH_WAIT, DATABASE_CLASHES_MAX, DATABASE_CONNECT_WAIT},
    pool::{Pool, shortened},
};

/// What differs between servers: how one connection comes about, and what it does with a batch.
#[async_trait]
pub(crate) trait Engine: Send + Sync + 'static {
    /// One connection.
    type Connection: Send;

    /// How its SQL differs.
    fn flavor(&self) -> Flavor;
    /// Opens a connection.
    async fn connect(&self) -> Result<Self::Connection>;
    /// Whether a connection that lay idle can still be used, as far as is known without asking.
    fn is_open(&self, connection: &Self::Connection) -> bool;
    /// Runs the batch as one transaction.
    async fn run(
        &self,
        connection: &mut Self::Connection,
        task: Task,
        batch: &[Statement],
    ) -> Result<Vec<Outcome>, Fault>;
}

/// What a batch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
    /// It changes the schema, which takes as long as the tables are large.
    Migrate,
}

/// Why a batch was not run, and what is known beyond that.
pub(crate) enum Fault {
    /// The server refused it and took everything back; the connection can be used again.
    Refused(Error),
    /// The connection was gone before anything was asked of it that cannot be asked twice.
    Stale(Error),
    /// The connection is of no use any more. What was asked may have been done.
    Broken(Error),
}

impl Fault {
    /// Of a question that changes nothing: it can be asked again.
    pub(super) fn of_question(self) -> Self {
        match self {
            Self::Broken(error) => Self::Stale(error),
            other => other,
        }
    }
}

/// A database behind such connections. It must be asked within a runtime.
pub(crate) struct Pooled<E: Engine>(Arc<Shared<E>>);

struct Shared<E: Engine> {
    engine: E,
    pool: Pool<E::Connection>,
}

impl<E: Engine> Pooled<E> {
    pub(super) fn new(engine: E, connections: usize) -> Self {
        Self(Arc::new(Shared { engine, pool: Pool::new(connections) }))
    }

    /// In a task of its own: whoever asked may leave, and what was begun is ended all the same.
    async fn spawn(&self, task: Task, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let shared = Arc::clone(&self.0);
        let running = tokio::spawn(async move { shared.ask(task, &batch).await });
        running.await.unwrap_or_else(|_| Err(Error::store("the asking has ended")))
    }
}

#[async_trait]
impl<E: Engine> Database for Pooled<E> {
    fn flavor(&self) -> Flavor {
        self.0.engine.flavor()
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.spawn(Task::Read, batch).await
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let migrates = batch.iter().any(|statement| {
            ["CREATE ", "ALTER ", "DROP "].iter().any(|word| statement.sql.starts_with(word))
                || statement.sql.starts_with("INSERT INTO migrations")
        });
        self.spawn(if migrates { Task::Migrate } else { Task::Write }, batch).await
    }
}

impl Task {
    /// How long the server may take. A step of a migration has as long as nobody else takes it over.
    pub(crate) fn wait(self) -> Duration {
        match self {
            Self::Read | Self::Write => DATABASE_WAIT,
            Self::Migrate => MIGRATION_LEASE,
        }
    }
}

impl<E: Engine> Shared<E> {
    async fn ask(&self, task: Task, batch: &[Statement]) -> Result<Vec<Outcome>> {
        let _place = self.pool.place(DATABASE_WAIT).await?;
        let mut wait = DATABASE_CLASH_WAIT;
        let mut tries = 1;
        loop {
            let error = match self.once(task, batch).await {
                Err(error) if self.engine.flavor().is_busy(&error.detail) => error,
                done => return done,
            };
            if tries == DATABASE_CLASHES_MAX {
                return Err(error);
            }
            tries += 1;
            sleep(shortened(wait)).await;
            wait = DATABASE_RETRY_WAIT_MAX.min(wait * 2);
        }
    }

    /// Asks once, of a fresh connection where a kept one turns out to be gone.
    async fn once(&self, task: Task, batch: &[Statement]) -> Result<Vec<Outcome>> {
        while let Some(connection) = self.pool.take() {
            if self.engine.is_open(&connection) {
                match self.on(connection, task, batch).await {
                    Err(Fault::Stale(_)) => self.pool.clear(),
                    Err(Fault::Refused(error) | Fault::Broken(error)) => return Err(error),
                    Ok(outcomes) => return Ok(outcomes),
                }
            }
        }
        let connection = self.connect().await?;
        self.on(connection, task, batch).await.map_err(|fault| match fault {
            Fault::Refused(error) | Fault::Stale(error) | Fault::Broken(error) => error,
        })
    }

    async fn on(
        &self,
        mut connection: E::Connection,
        task: Task,
        batch: &[Statement],
    ) -> Result<Vec<Outcome>, Fault> {
        let running = timeout(task.wait(), self.engine.run(&mut connection, task, batch)).await;
        let done = running
            .unwrap_or_else(|_| Err(Fault::Broken(Error::store("the database took too long"))));
        if matches!(done, Ok(_) | Err(Fault::Refused(_))) {
            self.pool.give_back(connection);
        }
        done
    }

    async fn connect(&self) -> Result<E::Connection> {
        self.pool.may_connect()?;
        let connecting = timeout(DATABASE_CONNECT_WAIT, self.engine.connect()).await;
        let connecting = connecting
            .unwrap_or_else(|_| Err(Error::store("the database took no connection in time")));
        self.pool.connected(&connecting);
        connecting
    }
}
