//! What becomes of a settlement that Redis does not take? It waits here and is told again, until Redis is back.
//!
//! Meanwhile the request's reservation holds more than was used, never less. What there is no room for is given back when
//! its reservation counts as abandoned.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidegate_core::Error;
use tokio::time::sleep;

use super::{
    super::{
        limits::{DATABASE_REST_MAX, REDIS_OWED_MAX},
        pool::shortened,
    },
    link::Link,
    words::Call,
};

/// Settlements that Redis has not heard of.
#[derive(Default)]
pub(super) struct Owed(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    calls: VecDeque<Call>,
    /// Whether somebody is telling them.
    told: bool,
}

impl Owed {
    /// Keeps a settlement, and sees to it that it is told.
    pub(super) fn push(owed: &Arc<Self>, link: &Arc<Link>, call: Call, cause: &Error) {
        let mut waiting = owed.waiting();
        if waiting.calls.len() >= REDIS_OWED_MAX {
            tracing::error!(%cause, "Redis is not told what a request has used: too many wait");
            return;
        }
        waiting.calls.push_back(call);
        if !waiting.told {
            waiting.told = true;
            tracing::warn!(%cause, "Redis is told later what requests have used");
            let (owed, link) = (Arc::clone(owed), Arc::clone(link));
            tokio::spawn(async move { owed.tell(&link).await });
        }
    }

    async fn tell(&self, link: &Arc<Link>) {
        while let Some(call) = self.next() {
            while link.ask(&call).await.is_err() {
                sleep(shortened(DATABASE_REST_MAX)).await;
            }
        }
    }

    fn next(&self) -> Option<Call> {
        let mut waiting = self.waiting();
        let next = waiting.calls.pop_front();
        waiting.told = next.is_some();
        next
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Every change is complete before anything in here could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
