//! How do records reach the store where nothing lives on after the response? At once, one flush each.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::{
    limits::{FLUSH_TRIES_MAX, FLUSH_WAIT},
    ports::{Backlog, Clock, Journal, Store},
    store::Record,
};

/// Writes each record straight to the store. The record's id names the flush, so a lost answer doubles nothing.
pub struct Direct {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lost: Arc<AtomicU64>,
}

impl Direct {
    /// A journal over this store. What is lost is counted where it outlives the journal, which may be made for one request.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, lost: Arc<AtomicU64>) -> Self {
        Self { store, clock, lost }
    }
}

#[async_trait]
impl Journal for Direct {
    async fn append(&self, record: Record) {
        let mut pause = FLUSH_WAIT;
        for _ in 1..FLUSH_TRIES_MAX {
            match self.store.flush(&record.id, std::slice::from_ref(&record)).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(id = record.id, %error, "flush failed, trying again"),
            }
            self.clock.sleep(pause).await;
            pause *= 2;
        }
        if let Err(error) = self.store.flush(&record.id, std::slice::from_ref(&record)).await {
            tracing::error!(id = record.id, %error, "record dropped");
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn backlog(&self) -> Option<Backlog> {
        Some(Backlog { dropped: self.lost.load(Ordering::Relaxed), ..Backlog::default() })
    }
}
