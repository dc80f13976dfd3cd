//! Who watches requests as they end? Every socket of this process, each with a bounded batch of what it is to be told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::extract::{FromRequestParts, ws::WebSocketUpgrade};
use http::{Request, Response};
use tidegate_core::{
    Body, Error, Result,
    error::Kind,
    limits::{LIVE_HEARD_BYTES_MAX, LIVE_SOCKETS_MAX},
    live::{Batch, Line, Watch},
    ports::Feed,
};
use tokio::{sync::Notify, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::watcher::watch;

/// The server's feed. Telling never waits: it adds to what each socket waits for.
#[derive(Default)]
pub(crate) struct Hub {
    seats: Mutex<HashMap<usize, Arc<Waiting>>>,
    /// As many as there are seats, and nothing to lock.
    watching: AtomicUsize,
    named: AtomicUsize,
    sockets: TaskTracker,
    closing: CancellationToken,
}

/// What one socket is to be told.
#[derive(Default)]
pub(crate) struct Waiting {
    batch: Mutex<Batch>,
    something: Notify,
}

/// The place of one socket. Dropped, there is room for another.
pub(crate) struct Seat {
    hub: Arc<Hub>,
    name: usize,
    pub(crate) waiting: Arc<Waiting>,
}

/// The hub as a seam.
pub(crate) struct Push(pub(crate) Arc<Hub>);

#[async_trait]
impl Feed for Push {
    fn watched(&self) -> bool {
        self.0.watching.load(Ordering::Relaxed) > 0
    }

    async fn tell(&self, line: Line) {
        self.0.tell(&line);
    }

    async fn open(&self, request: Request<Body>, by: Watch) -> Result<Response<Body>> {
        let hub = &self.0;
        let (mut head, _) = request.into_parts();
        // What can be wrong with it beyond what the core has asked is the connection.
        let upgrade = WebSocketUpgrade::from_request_parts(&mut head, &()).await;
        let upgrade = upgrade.map_err(|cause| {
            Error::bad_request("This connection cannot become a WebSocket.").because(cause)
        })?;
        let seat = Hub::seat(hub)?;
        let (closing, tracked) = (hub.closing.clone(), hub.sockets.token());
        let upgrade = upgrade
            .max_message_size(LIVE_HEARD_BYTES_MAX)
            .max_frame_size(LIVE_HEARD_BYTES_MAX)
            .read_buffer_size(LIVE_HEARD_BYTES_MAX);
        Ok(upgrade.on_upgrade(async move |socket| {
            watch(socket, &seat.waiting, &by, &closing).await;
            drop((seat, tracked));
        }))
    }
}

impl Hub {
    /// Asks every socket to end, and waits for that, at most `wait`.
    pub(crate) async fn drain(&self, wait: Duration) {
        self.closing.cancel();
        self.sockets.close();
        // A socket that takes longer ends with the process.
        let _ = timeout(wait, self.sockets.wait()).await;
    }

    /// Tells a line of another instance.
    pub(crate) fn hear(&self, text: &str) {
        if self.watching.load(Ordering::Relaxed) > 0
            && let Some(line) = Line::read(text.to_owned())
        {
            self.tell(&line);
        }
    }

    fn tell(&self, line: &Line) {
        self.seats().values().for_each(|waiting| waiting.push(line.clone()));
    }

    fn seat(hub: &Arc<Self>) -> Result<Seat> {
        let mut seats = hub.seats();
        if seats.len() >= LIVE_SOCKETS_MAX || hub.closing.is_cancelled() {
            let message = "Too many are watching; ask `/api/records` meanwhile.";
            return Err(Error::new(Kind::Overloaded, message).retry_after("30"));
        }
        let name = hub.named.fetch_add(1, Ordering::Relaxed);
        let waiting = Arc::<Waiting>::default();
        seats.insert(name, Arc::clone(&waiting));
        hub.watching.store(seats.len(), Ordering::Relaxed);
        Ok(Seat { hub: Arc::clone(hub), name, waiting })
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<usize, Arc<Waiting>>> {
        // Every change is complete before anything in here could panic.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.hub.seats();
        seats.remove(&self.name);
        self.hub.watching.store(seats.len(), Ordering::Relaxed);
    }
}

impl Waiting {
    fn push(&self, line: Line) {
        let first = {
            let mut batch = self.batch();
            let first = batch.is_empty();
            batch.push(line);
            first
        };
        if first {
            self.something.notify_one();
        }
    }

    /// Waits until there is something to say.
    pub(crate) async fn something(&self) {
        while self.batch().is_empty() {
            self.something.notified().await;
        }
    }

    /// What there is to say, which is said from here on.
    pub(crate) fn take(&self) -> Batch {
        std::mem::take(&mut *self.batch())
    }

    fn batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
