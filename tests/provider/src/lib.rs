//! What would a provider do? Exactly what a test's script says, faults included, over real sockets.
//!
//! A request names its script by a tag such as `[[script chat-1]]` anywhere in its body: it reaches the provider through
//! any gateway that leaves prompts alone. HTTP is written by hand, because an HTTP library refuses to send half an answer.

mod script;
mod serve;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{net::TcpListener, task::JoinHandle};

pub use script::{Framing, Script, Step};

/// A provider that listens on a loopback port until it is dropped, and its connections with it.
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Such as `POST`.
    pub method: String,
    /// The request target as it stood in the first line.
    pub path: String,
    /// Names and values in their order, letters as they came.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Bytes,
    /// When the request was complete.
    pub arrived: Instant,
    /// When the socket said that the peer had left, if it did before the answer was complete.
    pub left: Option<Instant>,
    /// When the last byte of a complete answer was written.
    pub answered: Option<Instant>,
}

/// The words that make a request play the script `name`.
#[must_use]
pub fn tag(name: &str) -> String {
    format!("{TAG_OPEN}{name}{TAG_CLOSE}")
}

const TAG_OPEN: &str = "[[script ";
const TAG_CLOSE: &str = "]]";
const SCRIPT_PATH: &str = "/script/";

impl Provider {
    /// Listens on a free loopback port.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Listens at this address, such as that of a provider that was dropped.
    pub async fn start_at(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(serve::accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a gateway takes as the provider's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where a request needs no body to play the script `name`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://{}{SCRIPT_PATH}{name}", self.address)
    }

    /// Answers every request tagged `name` with `script`.
    pub fn play(&self, name: &str, script: Script) {
        self.shared.entries(|entries| entries.entry(name.to_owned()).or_default().script = script);
    }

    /// Answers those of them that show this key with another script.
    pub fn play_for(&self, name: &str, key: &str, script: Script) {
        self.play(&own(name, key), script);
    }

    /// The requests tagged `name`, in the order of their arrival. Untagged ones have the empty name.
    #[must_use]
    pub fn seen(&self, name: &str) -> Vec<Seen> {
        self.shared.entries(|entries| entries.get(name).map(|e| e.seen.clone()).unwrap_or_default())
    }

    /// Waits until the `index`th request tagged `name` is there and `enough` is true of it; `None` when `wait` is over.
    pub async fn until(
        &self,
        name: &str,
        index: usize,
        wait: Duration,
        enough: impl Fn(&Seen) -> bool,
    ) -> Option<Seen> {
        let deadline = Instant::now() + wait;
        loop {
            if let Some(seen) = self.seen(name).into_iter().nth(index).filter(&enough) {
                return Some(seen);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Forgets what was seen under `name`, so that a long run does not grow.
    pub fn forget(&self, name: &str) {
        self.shared.entries(|entries| {
            if let Some(entry) = entries.get_mut(name) {
                entry.seen.clear();
            }
        });
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Seen {
    /// The key it shows, where keys are shown as most do.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The value of a header, whatever the case of its letters; the first one when there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// The name of a script for one key.
fn own(name: &str, key: &str) -> String {
    format!("{name} as {key}")
}

#[derive(Default)]
struct Shared {
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Default)]
struct Entry {
    script: Script,
    seen: Vec<Seen>,
}

/// Points at one seen request, so that its end can be noted.
struct Place {
    name: String,
    index: usize,
}

impl Shared {
    fn entries<T>(&self, act: impl FnOnce(&mut HashMap<String, Entry>) -> T) -> T {
        act(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn arrive(&self, seen: Seen) -> (Script, Place) {
        let by_path = || seen.path.strip_prefix(SCRIPT_PATH).map(str::to_owned);
        let name = named(&seen.body).or_else(by_path).unwrap_or_default();
        self.entries(|entries| {
            let of_key = seen.key().and_then(|key| entries.get(&own(&name, key)));
            let of_key = of_key.map(|entry| entry.script.clone());
            let entry = entries.entry(name.clone()).or_default();
            entry.seen.push(seen);
            let script = of_key.unwrap_or_else(|| entry.script.clone());
            (script, Place { index: entry.seen.len() - 1, name })
        })
    }

    fn note(&self, place: &Place, act: impl FnOnce(&mut Seen)) {
        self.entries(|entries| {
            if let Some(seen) =
                entries.get_mut(&place.name).and_then(|entry| entry.seen.get_mut(place.index))
            {
                act(seen);
            }
        });
    }
}

fn named(body: &[u8]) -> Option<String> {
    let start = memchr::memmem::find(body, TAG_OPEN.as_bytes())? + TAG_OPEN.len();
    let length = memchr::memmem::find(&body[start..], TAG_CLOSE.as_bytes())?;
    String::from_utf8(body[start..start + length].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_where_a_prompt_hides_it() {
        let body = format!(r#"{{"messages":[{{"content":"hello {} there"}}]}}"#, tag("a-1"));
        assert_eq!(named(body.as_bytes()).as_deref(), Some("a-1"));
        assert_eq!(named(b"nothing [[script here"), None);
    }
}
