//! How is a gateway kept busy, and what did its clients get from it to the last byte?

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use serde_json::json;
use tidegate_provider::tag;
use tokio::task::JoinSet;

use super::{STREAM, WHOLE};
use crate::{
    setup::MODEL,
    wire::{Answer, Ask, End, exchange},
    world::CHAT,
};

/// A request whose last byte the client has.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    /// The record's id.
    pub(super) id: String,
    /// When the last byte was there.
    pub(super) at: Instant,
}

/// Clients that ask one request after another.
pub(super) struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: Mutex<Vec<Acknowledged>>,
}

impl Load {
    /// Starts `whole` clients of whole answers and `streams` clients of short streams.
    pub(super) fn start(address: SocketAddr, key: &str, whole: usize, streams: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let mut clients = JoinSet::new();
        let kinds = [(whole, chat(key, WHOLE, false)), (streams, chat(key, STREAM, true))];
        for (count, ask) in kinds {
            for _ in 0..count {
                clients.spawn(keep_asking(address, ask.clone(), Arc::clone(&shared)));
            }
        }
        Self { shared, clients }
    }

    /// Stops all clients and returns what they got.
    pub(super) async fn stop(self) -> Vec<Acknowledged> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        std::mem::take(
            &mut *self.shared.acknowledged.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// A chat request that plays `script`; `stream` is the value of its field.
pub(super) fn chat(key: &str, script: &str, stream: impl Into<serde_json::Value>) -> Ask {
    let body = json!({
        "model": MODEL,
        "messages": [{ "role": "user", "content": tag(script) }],
        "stream": stream.into(),
    });
    Ask::post(CHAT, body.to_string()).bearer(key)
}

/// Whether the client has all of the answer.
pub(super) fn is_complete(answer: &Answer) -> bool {
    let streamed = answer.header("content-type").is_some_and(|v| v.starts_with("text/event"));
    answer.status == 200
        && answer.end == End::Complete
        && (!streamed || answer.body.ends_with(b"data: [DONE]\n\n"))
}

async fn keep_asking(address: SocketAddr, ask: Ask, shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok(answer) = exchange(address, &ask).await else {
            // The gateway is gone, which is the point of the exercise.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            continue;
        };
        if let (true, Ok(id)) = (is_complete(&answer), answer.request_id()) {
            let one = Acknowledged { id: id.to_owned(), at: answer.end_at };
            shared.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
    }
}
