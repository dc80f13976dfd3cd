//! What must still be done when the response has left? A list of futures, run to their end by [`drain`](crate::drain).
//!
//! A spawned task would not do: the process is stopped as soon as it asks for the next event, and may be killed while
//! it is stopped.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tidegate_core::ports::{Background, BoxFuture};

/// The after-response work of this process. Clones share one list.
#[derive(Clone, Default)]
pub struct AfterResponse(Arc<Mutex<Vec<BoxFuture<()>>>>);

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is left.
    Empty,
    /// Time ran out; what is left goes on with the next drain.
    Left {
        /// How many futures are left.
        tasks: usize,
    },
}

impl Background for AfterResponse {
    fn run(&self, task: BoxFuture<()>) {
        self.add(task);
    }
}

impl AfterResponse {
    /// Runs everything that is on the list, and everything that comes onto it meanwhile, for at most `wait`.
    ///
    /// A task that panics is logged and counts as done: the runtime around it must go on.
    pub async fn drain(&self, wait: Duration) -> Drained {
        let mut running = FuturesUnordered::new();
        let all = async {
            loop {
                running.extend(self.take());
                if running.next().await.is_none() {
                    return;
                }
            }
        };
        if tokio::time::timeout(wait, all).await.is_ok() {
            return Drained::Empty;
        }
        let tasks = running.len();
        self.list().extend(running);
        Drained::Left { tasks }
    }

    fn add(&self, task: BoxFuture<()>) {
        let caught = AssertUnwindSafe(task).catch_unwind().map(|end| {
            if end.is_err() {
                tracing::error!("after-response work panicked");
            }
        });
        self.list().push(Box::pin(caught));
    }

    fn take(&self) -> Vec<BoxFuture<()>> {
        std::mem::take(&mut *self.list())
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<BoxFuture<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn work_that_adds_work_is_drained_to_the_end() {
        let after = AfterResponse::default();
        let done = Arc::new(AtomicUsize::new(0));
        let (again, counter) = (after.clone(), Arc::clone(&done));
        after.run(Box::pin(async move {
            counter.fetch_add(1, Ordering::SeqCst);
            let counter = Arc::clone(&counter);
            again.run(Box::pin(async move {
                counter.fetch_add(1, Ordering::SeqCst);
            }));
        }));
        assert_eq!(after.drain(LONG).await, Drained::Empty);
        assert_eq!(done.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_time_did_not_allow_goes_on_with_the_next_drain() {
        let after = AfterResponse::default();
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        after.run(Box::pin(async move {
            let _ = receiver.await;
        }));
        assert_eq!(after.drain(Duration::from_millis(5)).await, Drained::Left { tasks: 1 });
        sender.send(()).unwrap();
        assert_eq!(after.drain(LONG).await, Drained::Empty);
    }

    #[tokio::test]
    async fn a_panic_does_not_take_the_rest_along() {
        let after = AfterResponse::default();
        let done = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&done);
        after.run(Box::pin(async { panic!("on purpose") }));
        after.run(Box::pin(async move {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        assert_eq!(after.drain(LONG).await, Drained::Empty);
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }
}
