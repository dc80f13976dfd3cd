//! How are records kept aside by a queue that must not block? By threads for what blocks, one at a time.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tidegate_core::{Error, Result, store::Record};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tracing::{error, warn};

use crate::spill::{Keep, Oldest, Spill, limits::EMPTY_LOOK};

/// What it is worth that a record lies in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// It reaches the store for sure: who loses the files loses the store as well.
    Kept,
    /// It reaches the store if a process finds the files again.
    Hoped,
}

/// Files of records, and what is known of them without waiting.
pub struct Aside {
    spill: Mutex<Spill>,
    promise: Promise,
    records: AtomicU64,
    empty: AtomicBool,
    complete: Arc<AtomicBool>,
}

impl Aside {
    /// The files in this folder, with what an earlier process has left there.
    pub fn open(folder: &Path, promise: Promise) -> Result<Arc<Self>> {
        let spill = Spill::open(folder)?;
        let aside = Self {
            promise,
            records: AtomicU64::new(0),
            empty: AtomicBool::new(true),
            complete: Arc::default(),
            spill: Mutex::new(spill),
        };
        aside.note(&aside.spill.lock().unwrap_or_else(PoisonError::into_inner));
        if aside.records() > 0 {
            warn!(records = aside.records(), "records of before the start go to the store now");
        }
        Ok(Arc::new(aside))
    }

    /// Whether all that was left by earlier processes is in the store. It does not become untrue.
    #[must_use]
    pub fn complete(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.complete)
    }

    /// Waits until that is so, but not longer than this.
    pub async fn completed(&self, wait: Duration) {
        let began = Instant::now();
        while !self.complete.load(Ordering::Acquire) && began.elapsed() < wait {
            sleep(EMPTY_LOOK).await;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.empty.load(Ordering::Acquire)
    }

    pub(super) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Keeps a record so that it is sure to reach the store.
    pub(super) async fn keep(self: &Arc<Self>, record: Record) -> Result<()> {
        match self.promise {
            Promise::Kept => self.run(move |spill| spill.append(&[record], Keep::Synced)).await,
            Promise::Hoped => Err(Error::store("the files may go without the store")),
        }
    }

    /// Keeps all of these records, or gives them back.
    pub(super) async fn append(
        self: &Arc<Self>,
        records: Vec<Record>,
        keep: Keep,
    ) -> Result<(), Vec<Record>> {
        let working = self.run(move |spill| {
            let kept = spill.append(&records, keep);
            Ok((records, kept))
        });
        match working.await {
            Ok((_, Ok(()))) => Ok(()),
            Ok((records, Err(cause))) => {
                warn!(%cause, records = records.len(), "records cannot be kept aside");
                Err(records)
            }
            Err(cause) => {
                error!(%cause, "records are lost");
                Err(Vec::new())
            }
        }
    }

    /// The oldest records; `None` when there are none, or when they cannot be read just now.
    pub(super) async fn oldest(self: &Arc<Self>) -> Option<Oldest> {
        match self.run(Spill::oldest).await {
            Ok(oldest) => oldest,
            Err(cause) => {
                warn!(%cause, "records that were kept aside cannot be read");
                sleep(Duration::from_secs(1)).await;
                None
            }
        }
    }

    /// These have reached the store.
    pub(super) async fn done(self: &Arc<Self>, oldest: Oldest) {
        if let Err(cause) = self.run(move |spill| spill.done(&oldest)).await {
            warn!(%cause, "a file of records that are in the store stays behind");
        }
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Spill) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let aside = Arc::clone(self);
        let working = spawn_blocking(move || {
            let mut spill = aside.spill.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut spill);
            aside.note(&spill);
            done
        });
        working.await.unwrap_or_else(|_| Err(Error::internal("keeping records aside has ended")))
    }

    fn note(&self, spill: &Spill) {
        self.records.store(spill.records(), Ordering::Relaxed);
        self.empty.store(spill.is_empty(), Ordering::Release);
        if spill.is_caught_up() {
            self.complete.store(true, Ordering::Release);
        }
    }
}
