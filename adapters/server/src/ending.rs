//! How do all connections learn that they have to end? By one number, which costs nothing to look at, and a call.
//!
//! A connection looks whenever it moves. Tokens and their futures each take a lock for that.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Waker},
};

/// How far it has come. It only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Connections go on.
    Open,
    /// They are asked to come to an end.
    Closing,
    /// They end.
    Closed,
}

/// What a door tells all of its connections.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    stage: AtomicU8,
    listening: Mutex<Listening>,
}

#[derive(Debug, Default)]
struct Listening {
    wakers: HashMap<u64, Waker>,
    next: u64,
}

/// A connection's ear. Whoever drops it hears nothing more.
#[derive(Debug)]
pub(crate) struct Ear {
    ending: Arc<Ending>,
    id: u64,
    /// Who is woken. A task is woken by the same waker for as long as it lives.
    waker: Option<Waker>,
}

impl Ending {
    /// Tells all connections, those to come too.
    pub(crate) fn reach(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::SeqCst);
        self.listening().wakers.values().for_each(Waker::wake_by_ref);
    }

    pub(crate) fn ear(self: &Arc<Self>) -> Ear {
        let mut listening = self.listening();
        listening.next += 1;
        Ear { ending: Arc::clone(self), id: listening.next, waker: None }
    }

    fn listening(&self) -> MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear {
    /// What the door says now; the task is woken when it says more.
    pub(crate) fn hear(&mut self, cx: &Context<'_>) -> Stage {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.ending.listening().wakers.insert(self.id, cx.waker().clone());
            self.waker = Some(cx.waker().clone());
        }
        // After the waker is there: a word in between wakes the task.
        match self.ending.stage.load(Ordering::SeqCst) {
            0 => Stage::Open,
            1 => Stage::Closing,
            _ => Stage::Closed,
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.ending.listening().wakers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Poll, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn who_listens_is_woken_at_each_stage_and_forgotten_when_gone() {
        let ending = Arc::new(Ending::default());
        let mut ear = ending.ear();
        let hearing = tokio::spawn(async move {
            for stage in [Stage::Closing, Stage::Closed] {
                poll_fn(|cx| if ear.hear(cx) >= stage { Poll::Ready(()) } else { Poll::Pending })
                    .await;
            }
        });
        for stage in [Stage::Closing, Stage::Closed] {
            tokio::task::yield_now().await;
            assert!(!hearing.is_finished());
            ending.reach(stage);
        }
        timeout(Duration::from_secs(5), hearing).await.unwrap().unwrap();
        assert!(ending.listening().wakers.is_empty());
        // It never goes back, and who comes late hears it at once.
        ending.reach(Stage::Closing);
        let mut late = ending.ear();
        assert_eq!(poll_fn(|cx| Poll::Ready(late.hear(cx))).await, Stage::Closed);
    }
}
