//! How does every request end in one record, whatever happened to it?

use futures_channel::oneshot;

use super::receive::Endpoint;
use crate::{
    budget::Hold,
    error::Kind,
    gateway::Gateway,
    ids,
    ports::{Background, Clock, Millis},
    store::{Ended, Record},
};

use std::sync::Arc;

/// Holds the record while the request lives. However it goes away, it sends the record to be settled.
pub(super) struct Guard {
    /// What is known so far.
    pub(super) record: Record,
    /// How it ended; a guard that is dropped without a word was dropped with its client.
    pub(super) ended: Option<Ended>,
    clock: Arc<dyn Clock>,
    /// What it holds of limits.
    pub(super) hold: Option<Hold>,
    done: Option<oneshot::Sender<(Record, Option<Hold>)>>,
}

/// Begins a record and hands the future that will settle it to the platform, before anything can go wrong: a client
/// that leaves early drops the handler and everything that was to come after.
pub(super) fn open(gateway: &Gateway, endpoint: Endpoint, background: &dyn Background) -> Guard {
    let now = gateway.ports.clock.now();
    let record = Record {
        id: ids::sortable(now, &*gateway.ports.random),
        at_ms: now,
        endpoint: endpoint.path.to_owned(),
        dialect: endpoint.dialect.name().to_owned(),
        ..Record::default()
    };
    let (done, finished) = oneshot::channel();
    let gateway = gateway.clone();
    let clock = gateway.ports.clock.clone();
    background.run(Box::pin(async move {
        if let Ok((mut record, hold)) = finished.await {
            if let Some(hold) = hold {
                give_back(&gateway, &hold, &mut record).await;
            }
            gateway.ports.journal.append(record).await;
        }
    }));
    Guard { record, ended: None, hold: None, clock, done: Some(done) }
}

/// Puts what was used in the place of what was held. Where the counters lie in the store, the record takes that along.
async fn give_back(gateway: &Gateway, hold: &Hold, record: &mut Record) {
    let now = gateway.now();
    match gateway.ports.counters.settle(hold.settlement(record, now), now).await {
        Ok(settlement) => record.settlement = settlement.map(Box::new),
        Err(error) => tracing::error!(id = record.id, %error, "a reservation is not settled"),
    }
}

impl Guard {
    /// The time.
    pub(super) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Notes that the client is given its first byte.
    pub(super) fn first_byte(&mut self) {
        if self.record.first_byte_ms == 0 {
            // At least 1, because 0 means that there was none.
            self.record.first_byte_ms = (self.clock.now() - self.record.at_ms).max(1);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(done) = self.done.take() else { return };
        let mut record = std::mem::take(&mut self.record);
        record.total_ms = (self.clock.now() - record.at_ms).max(0);
        record.ended = self.ended.unwrap_or(Ended::ClientGone);
        if record.ended == Ended::ClientGone && record.error.is_empty() {
            Kind::ClientGone.name().clone_into(&mut record.error);
        }
        if record.status == 0 {
            record.status = Kind::ClientGone.status().as_u16();
        }
        // The receiver is gone only when the platform has dropped its background work.
        let _ = done.send((record, self.hold.take()));
    }
}
