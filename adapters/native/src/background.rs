//! What keeps a record alive after its response? Tasks of the runtime, counted so that shutdown can wait for them.

use std::time::Duration;

use tidegate_core::ports::{Background, BoxFuture};
use tokio_util::task::TaskTracker;

/// Spawns what outlives a response, and knows how much of it is still going on.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    tasks: TaskTracker,
}

impl Tracker {
    /// Waits until every task has ended, at most `wait`; returns how many have not.
    pub async fn drain(&self, wait: Duration) -> usize {
        self.tasks.close();
        // Whether it ended or ran out of time shows in the count.
        let _ = tokio::time::timeout(wait, self.tasks.wait()).await;
        self.tasks.len()
    }
}

impl Background for Tracker {
    fn run(&self, task: BoxFuture<()>) {
        self.tasks.spawn(task);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn drain_waits_for_what_runs() {
        let tracker = Tracker::default();
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        tracker.run(Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            flag.store(true, Ordering::Relaxed);
        }));
        assert_eq!(tracker.drain(Duration::from_secs(5)).await, 0);
        assert!(done.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn drain_gives_up_on_what_does_not_end() {
        let tracker = Tracker::default();
        tracker.run(Box::pin(std::future::pending()));
        assert_eq!(tracker.drain(Duration::from_millis(20)).await, 1);
    }
}
