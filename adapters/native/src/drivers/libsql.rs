//! How is a local database file asked? By threads of its own, for the engine's calls block: one connection writes,
//! the others only read.
//!
//! The engine is SQLite 3.47, in which two connections that write or checkpoint at once can lose committed writes. So
//! exactly one connection of one process does both, and is the last to close; see also `lock.rs`.

mod connection;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    limits::{DATABASE_QUEUE_MAX, DATABASE_READERS, DATABASE_STACK_BYTES},
    store::sql::{Database, Flavor, Outcome, Statement},
};
use tokio::sync::oneshot;

use connection::{Begin, Connection};

/// A libSQL database in a file or in memory. Dropping it waits until what was asked is done and the file is closed.
pub struct Libsql {
    // Fields are dropped in this order: whoever closes last checkpoints, and that must be the writer.
    readers: Option<Lane>,
    writer: Lane,
    /// Where the file is, if it is one.
    path: Option<PathBuf>,
}

impl Libsql {
    /// Opens the file, or creates it. Blocks for as long as the file system does.
    pub fn open(path: &Path) -> Result<Self> {
        // The writer comes first: it recovers what a crash left in the write-ahead log.
        let writer = Lane::start("database-writer", vec![Connection::writer(path)?])?;
        let readers = (0..DATABASE_READERS).map(|_| Connection::reader(path));
        let readers = Lane::start("database-reader", readers.collect::<Result<_>>()?)?;
        Ok(Self { readers: Some(readers), writer, path: Some(path.to_owned()) })
    }

    /// A database that is gone with this value. Its one connection does everything: a second would see another database.
    pub fn in_memory() -> Result<Self> {
        let writer = Lane::start("database", vec![Connection::in_memory()?])?;
        Ok(Self { readers: None, writer, path: None })
    }

    /// Writes all of the file into another one, as it is at this moment, and looks whether that is sound. `to` is empty or
    /// not there. Who writes meanwhile goes on: the copy is made by a connection that only reads here and neither writes
    /// nor checkpoints. Blocks for as long as the copy takes.
    pub fn copy(&self, to: &Path) -> Result<()> {
        let Some(path) = &self.path else {
            return Err(Error::bad_request("A database in memory has no file to copy."));
        };
        Connection::copier(path)?.copy(to)?;
        Connection::check(to)
    }

    /// Opens a file of another program, to be read as it is.
    pub fn foreign(path: &Path) -> Result<Self> {
        let reader = Lane::start("database-foreign", vec![Connection::foreign(path)?])?;
        Ok(Self { readers: None, writer: reader, path: None })
    }
}

#[async_trait]
impl Database for Libsql {
    fn flavor(&self) -> Flavor {
        Flavor::Sqlite
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.readers.as_ref().unwrap_or(&self.writer).run(Begin::Deferred, batch).await
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.writer.run(Begin::Immediate, batch).await
    }
}

/// Threads with a connection each, and the one queue before them.
struct Lane {
    /// `None` only while it is dropped.
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

struct Job {
    begin: Begin,
    batch: Vec<Statement>,
    answer: oneshot::Sender<Result<Vec<Outcome>>>,
}

impl Lane {
    fn start(name: &str, connections: Vec<Connection>) -> Result<Self> {
        let (queue, jobs) = sync_channel(DATABASE_QUEUE_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = connections
            .into_iter()
            .map(|connection| {
                let jobs = Arc::clone(&jobs);
                let thread = Builder::new().name(name.to_owned()).stack_size(DATABASE_STACK_BYTES);
                thread.spawn(move || work(connection, &jobs)).map_err(Error::internal)
            })
            .collect::<Result<_>>()?;
        Ok(Self { queue: Some(queue), threads })
    }

    async fn run(&self, begin: Begin, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let (answer, answered) = oneshot::channel();
        let job = Job { begin, batch, answer };
        match self.queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => {
                return Err(Error::store("too many batches wait for the database"));
            }
            Some(Err(TrySendError::Disconnected(_))) | None => return Err(ended()),
        }
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            // A thread that panicked has closed its connection as well.
            let _ = thread.join();
        }
    }
}

fn work(mut connection: Connection, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { begin, batch, answer }) = job else { return };
        if answer.is_closed() {
            // Nobody waits for it any more, so nobody was told that it is done. While another process holds the file, those
            // who still wait would have to wait for it.
            continue;
        }
        let _ = answer.send(connection.run(begin, batch));
    }
}

fn ended() -> Error {
    Error::store("the database's thread has ended")
}

#[cfg(test)]
mod tests;
