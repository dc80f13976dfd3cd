//! What must be done now and then, by one process at a time? Old records go, expired blobs go, newer
//! prices come.

use std::time::Duration;

use crate::{
    error::Result,
    gateway::Gateway,
    ids,
    limits::{PRUNE_ROUNDS_MAX, PRUNE_ROWS_MAX, UPKEEP_LEASE},
    ports::Millis,
    store::{Counters as _, Spare},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Gateway {
    /// Gives back room in limits that was taken ahead. A server calls it by a timer and at its end.
    pub async fn give_back(&self, spare: Spare) -> Result<()> {
        self.ports.counters.give_back(spare, self.ports.clock.now()).await
    }

    /// Upkeep. A server calls it by a timer, a Worker by its cron trigger, Lambda by a schedule; who finds the lease
    /// taken leaves it at that.
    pub async fn maintain(&self) -> Result<()> {
        let (store, now) = (&self.ports.store, self.ports.clock.now());
        let holder = ids::sortable(now, &*self.ports.random);
        let lease = Millis::try_from(UPKEEP_LEASE.as_millis()).unwrap_or(Millis::MAX / 2);
        if !store.lease("upkeep", &holder, now, now + lease).await? {
            return Ok(());
        }
        // A process that has just begun knows no settings yet.
        self.refresh().await?;
        let kept = DAY * self.retention_days();
        let before = now - Millis::try_from(kept.as_millis()).unwrap_or(now);
        let mut pruned = 0;
        for _ in 0..PRUNE_ROUNDS_MAX {
            let gone = store.prune(before, PRUNE_ROWS_MAX).await?;
            pruned += gone;
            if gone < u64::from(PRUNE_ROWS_MAX) {
                break;
            }
        }
        let mut blobs = 0;
        for _ in 0..PRUNE_ROUNDS_MAX {
            let gone = store.expire_blobs(now, PRUNE_ROWS_MAX).await?;
            blobs += gone;
            if gone < u64::from(PRUNE_ROWS_MAX) {
                break;
            }
        }
        self.state.stand_in.expire(now).await?;
        let counters = self.ports.counters.expire(now).await?;
        self.refresh_prices().await;
        tracing::info!(pruned, blobs, counters, "upkeep done");
        Ok(())
    }

    /// How long records are kept: what is declared, or set.
    pub(crate) fn retention_days(&self) -> u32 {
        let declared = self.state.config.retention_days;
        declared.unwrap_or_else(|| self.state.snapshot().settings.retention_days)
    }
}
