//! How do many clients ask at once, as fast as they are answered or at a given pace?

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::wire::{Ask, exchange};

/// Asks so often, so many at a time, the gateways in turn. Returns the statuses; 0 where there was no answer.
pub(super) async fn ask(
    gateways: &[SocketAddr],
    at_once: usize,
    requests: usize,
    ask: &Ask,
) -> Vec<u16> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..at_once {
        let (begun, gateways, ask) = (Arc::clone(&begun), gateways.to_vec(), ask.clone());
        clients.spawn(async move {
            let mut statuses = Vec::new();
            loop {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return statuses;
                }
                statuses.push(status(gateways[number % gateways.len()], &ask).await);
            }
        });
    }
    clients.join_all().await.concat()
}

/// One request of a paced crowd.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paced {
    /// When it was sent.
    pub(super) sent: std::time::Instant,
    /// What came back; 0 for nothing.
    pub(super) status: u16,
    /// How long that took.
    pub(super) took: Duration,
}

/// Sends one request of the list after another, one every `pace`, whatever becomes of those before.
pub(super) async fn paced(gateway: SocketAddr, pace: Duration, asks: Vec<Ask>) -> Vec<Paced> {
    let mut under_way = JoinSet::new();
    let mut next = Instant::now();
    for ask in asks {
        sleep_until(next).await;
        next += pace;
        under_way.spawn(async move {
            let sent = std::time::Instant::now();
            let status = status(gateway, &ask).await;
            Paced { sent, status, took: sent.elapsed() }
        });
    }
    under_way.join_all().await
}

async fn status(gateway: SocketAddr, ask: &Ask) -> u16 {
    exchange(gateway, ask).await.map_or(0, |answer| answer.status)
}
