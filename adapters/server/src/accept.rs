//! Who gets a connection, and how do all of them end?

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use tidegate_core::limits::ACCEPT_RETRY_WAIT;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use crate::{
    bounds::Bounds,
    connection,
    crowd::Crowd,
    ending::{Ending, Stage},
    exchange::Desk,
    flight::Budget,
    pulse::Pulse,
};

/// Accepts connections and serves them.
pub(crate) struct Door {
    router: Router,
    bounds: Arc<Bounds>,
    budget: Arc<Budget>,
    crowd: Arc<Crowd>,
    connections: TaskTracker,
    /// Lets nobody in any more.
    closing: CancellationToken,
    ending: Arc<Ending>,
    started: Instant,
    complained_at_s: AtomicI64,
}

impl Door {
    /// A door to `router` that closes when `closing` is cancelled.
    pub(crate) fn new(router: Router, bounds: Bounds, closing: CancellationToken) -> Self {
        Self {
            router,
            budget: Arc::new(Budget::new(bounds.bodies_in_flight_bytes)),
            bounds: Arc::new(bounds),
            crowd: Arc::default(),
            connections: TaskTracker::new(),
            closing,
            ending: Arc::default(),
            started: Instant::now(),
            complained_at_s: AtomicI64::new(-1),
        }
    }

    /// Lets clients in until the door closes. Connections are asked to end then, and may take their time; see
    /// [`drain`](Self::drain).
    pub(crate) async fn accept(&self, listener: TcpListener) {
        let admitting = async {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => self.admit(stream, peer.ip()),
                    Err(error) => self.rest(&error).await,
                }
            }
        };
        self.closing.run_until_cancelled(admitting).await;
        self.ending.reach(Stage::Closing);
    }

    /// Waits until all connections have ended, at most `wait`, and cuts those that have not.
    pub(crate) async fn drain(&self, wait: Duration) {
        self.connections.close();
        if timeout(wait, self.connections.wait()).await.is_err() {
            warn!(connections = self.connections.len(), "cutting connections that did not end");
            self.ending.reach(Stage::Closed);
            self.connections.wait().await;
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr) {
        let Some(place) = self.crowd.enter(peer, &self.bounds) else {
            return self.complain("too many connections");
        };
        if let Err(error) = stream.set_nodelay(true) {
            return debug!(%error, "a connection was gone at once");
        }
        let desk = Desk {
            router: self.router.clone(),
            peer: peer.to_canonical(),
            pulse: Arc::new(Pulse::new()),
            budget: Arc::clone(&self.budget),
            bounds: Arc::clone(&self.bounds),
        };
        let ear = self.ending.ear();
        self.connections.spawn(async move {
            connection::serve(stream, desk, ear).await;
            drop(place);
        });
    }

    /// A client that has left again is its own affair. Anything else (no file descriptor is left) would fail again at
    /// once and take a whole processor.
    async fn rest(&self, error: &io::Error) {
        match error.kind() {
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused => {}
            _ => {
                self.complain(&error.to_string());
                tokio::time::sleep(ACCEPT_RETRY_WAIT).await;
            }
        }
    }

    /// At most once a second.
    fn complain(&self, why: &str) {
        let now_s = i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX);
        if self.complained_at_s.swap(now_s, Ordering::Relaxed) != now_s {
            warn!(why, "connections are refused");
        }
    }
}

#[cfg(test)]
mod tests;
