//! How does every request end in one record, whatever happened to it?

use futures_channel::oneshot;

use super::{capture::Capture, receive::Endpoint};
use crate::{
    error::Kind,
    gateway::Gateway,
    ids,
    ports::{Background, Clock},
    store::{Ended, Record},
};

use std::sync::Arc;

/// Holds the record while the request lives. However it goes away, it sends the record to be settled.
pub(super) struct Guard {
    /// What is known so far.
    pub(super) record: Record,
    /// How it ended; a guard that is dropped without a word was dropped with its client.
    pub(super) ended: Option<Ended>,
    /// Its bodies, when they are kept.
    pub(super) capture: Option<Capture>,
    clock: Arc<dyn Clock>,
    done: Option<oneshot::Sender<(Record, Option<Capture>)>>,
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
    let (done, finished) = oneshot::channel::<(Record, Option<Capture>)>();
    let later = gateway.clone();
    background.run(Box::pin(async move {
        let Ok((record, capture)) = finished.await else { return };
        later.state.metrics.count(&record);
        let id = record.id.clone();
        later.ports.journal.append(record).await;
        if let Some(capture) = capture {
            capture.keep(&later, &id).await;
        }
    }));
    Guard {
        record,
        ended: None,
        capture: None,
        clock: gateway.ports.clock.clone(),
        done: Some(done),
    }
}

impl Guard {
    /// Notes what the client is given.
    pub(super) fn gave(&mut self, piece: &[u8]) {
        self.record.bytes_out += piece.len() as u64;
        if let Some(capture) = &mut self.capture {
            capture.push(piece);
        }
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
        let _ = done.send((record, self.capture.take()));
    }
}
