//! How does a process with many requests at once write to a remote database? One exchange at a time: what comes
//! meanwhile goes together in the next.
//!
//! Such a database has one writer as well, so nothing is gained by many who wait for it there, and each exchange costs
//! a way there and back, however little is in it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    limits::{DATABASE_QUEUE_MAX, DATABASE_TOGETHER_MAX},
    store::sql::{Database, Flavor, Hrana, Outcome, Statement},
};
use tokio::sync::oneshot;

/// A database behind Hrana. It must be asked within a runtime, whose task does the writing.
pub(crate) struct Remote(Arc<Shared>);

struct Shared {
    hrana: Hrana,
    lane: Mutex<Lane>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Job>,
    /// Whether a task is writing. It goes on until nothing waits.
    open: bool,
}

struct Job {
    batch: Vec<Statement>,
    answer: oneshot::Sender<Result<Vec<Outcome>>>,
}

impl Remote {
    /// Writes to this database from now on.
    #[must_use]
    pub(crate) fn new(hrana: Hrana) -> Self {
        Self(Arc::new(Shared { hrana, lane: Mutex::default() }))
    }
}

#[async_trait]
impl Database for Remote {
    fn flavor(&self) -> Flavor {
        self.0.hrana.flavor()
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.0.hrana.read(batch).await
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let (answer, answered) = oneshot::channel();
        {
            let mut lane = self.0.lane();
            if lane.waiting.len() >= DATABASE_QUEUE_MAX {
                return Err(Error::store("too many batches wait for the database"));
            }
            lane.waiting.push_back(Job { batch, answer });
            if !lane.open {
                lane.open = true;
                tokio::spawn(write(Arc::clone(&self.0)));
            }
        }
        answered.await.unwrap_or_else(|_| Err(Error::store("the writing has ended")))
    }
}

impl Shared {
    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// What is written next, by those who still wait for it; the lane is closed when there is nothing.
    fn next(&mut self) -> Vec<Job> {
        let (mut jobs, mut statements) = (Vec::new(), 0);
        while let Some(job) = self.waiting.front() {
            statements += job.batch.len();
            if !jobs.is_empty() && statements > DATABASE_TOGETHER_MAX {
                break;
            }
            jobs.extend(self.waiting.pop_front().filter(|job| !job.answer.is_closed()));
        }
        self.open = !jobs.is_empty();
        jobs
    }
}

async fn write(shared: Arc<Shared>) {
    loop {
        let jobs = shared.lane().next();
        if jobs.is_empty() {
            return;
        }
        let (writes, answers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.batch, job.answer)).unzip();
        for (done, answer) in shared.hrana.write_together(writes).await.into_iter().zip(answers) {
            // Whoever asked may be gone by now; it is done all the same.
            let _ = answer.send(done);
        }
    }
}

#[cfg(test)]
mod tests;
