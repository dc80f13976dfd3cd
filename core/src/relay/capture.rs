//! What went in and out, for clients whose bodies are kept? Copies of bounded size, sealed and stored after the answer.

use bytes::Bytes;

use crate::{
    error::Result, gateway::Gateway, identity::Secret, limits::CAPTURES_IN_FLIGHT_BYTES_MAX,
    ports::Millis, room::Room, settings::Capturing, store::Blob,
};

/// Which of a record's blobs holds what.
pub(crate) const PARTS: [&str; 2] = ["request", "response"];

const DAY_MS: Millis = 86_400_000;

/// The bodies of one request, as far as they have come.
pub(super) struct Capture {
    client: String,
    request: Bytes,
    response: Vec<u8>,
    bytes_max: usize,
    days: u32,
    room: Room,
}

impl Capture {
    /// Begins a capture where the settings want one. When too much is being captured, this one is left out: records
    /// come first.
    pub(super) fn begin(
        gateway: &Gateway,
        capturing: &Capturing,
        (client, team): (&str, &str),
        request: &Bytes,
    ) -> Option<Self> {
        if !capturing.covers(client, team) {
            return None;
        }
        let bytes_max = capturing.bytes_max as usize;
        let mut room = Room::none(&gateway.state.captured_bytes, CAPTURES_IN_FLIGHT_BYTES_MAX);
        if room.grow(2 * u64::from(capturing.bytes_max)).is_none() {
            gateway.state.metrics.capture_dropped();
            return None;
        }
        // A copy, so that a large body is not held for its beginning.
        let request = Bytes::copy_from_slice(&request[..request.len().min(bytes_max)]);
        let (client, response, days) = (client.to_owned(), Vec::new(), capturing.days);
        Some(Self { client, request, response, bytes_max, days, room })
    }

    /// Takes what the client is given.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let left = self.bytes_max.saturating_sub(self.response.len());
        self.response.extend_from_slice(&piece[..piece.len().min(left)]);
    }

    /// Seals and stores both bodies. What cannot be stored is counted.
    pub(super) async fn keep(self, gateway: &Gateway, record: &str) {
        let Self { client, request, response, days, room, .. } = self;
        let expires_at_ms = gateway.ports.clock.now() + Millis::from(days) * DAY_MS;
        for (part, body) in PARTS.into_iter().zip([&request[..], &response[..]]) {
            let kept = put(gateway, [&client, record, part], body, expires_at_ms).await;
            if let Err(error) = kept {
                gateway.state.metrics.capture_dropped();
                tracing::warn!(record, part, %error, "a captured body was dropped");
            }
        }
        drop(room);
    }
}

async fn put(
    gateway: &Gateway,
    [client, id, part]: [&str; 3],
    body: &[u8],
    expires_at_ms: Millis,
) -> Result<()> {
    let text = Secret::new(String::from_utf8_lossy(body).into_owned());
    let sealed = gateway.state.vault.seal(&text, &place(id, part), &*gateway.ports.random)?;
    let [client, id, part] = [client, id, part].map(str::to_owned);
    gateway
        .ports
        .store
        .put_blob(Blob { client, id, part, expires_at_ms, sealed: sealed.into() })
        .await
}

/// What a captured body is sealed for.
pub(crate) fn place(id: &str, part: &str) -> String {
    format!("capture|{id}|{part}")
}
