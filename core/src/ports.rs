//! Which seams lead from the core to the outside world? All of them are on this page.
//!
//! A seam takes and returns core types only, and has more than one implementation. Time, randomness and the
//! environment reach the core in no other way. Nothing here is generic: a boxed call is nothing beside a network hop.

use std::{net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::{
    error::{Error, Result},
    http::Body,
    identity::{Cost, Secret},
    live::{Line, Watch},
    store::Record,
};

/// A boxed future that may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// A time as a number that can be added to [`Millis`] of now.
#[must_use]
pub fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX / 2)
}

/// Sends one HTTP request to a provider. The response's body streams; dropping the future or the body cancels the call.
///
/// Implementations follow no redirect, ask for no compression, and bound the time to connect.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Resolves when the response's head has arrived.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>>;
}

pub use crate::store::{Counters, Store};

/// Takes a finished record to the store. A server queues and batches; serverless platforms write at once,
/// because nothing lives on after the invocation.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Never fails: what could not be kept is counted by the implementation.
    async fn append(&self, record: Record);

    /// Keeps a record where the process finds it again, so that it is sure to reach the store once, whatever ends the process.
    /// Where that cannot be promised it is an error, and only the store will do.
    async fn keep(&self, _record: &Record) -> Result<()> {
        Err(Error::store("nothing is kept outside of the store"))
    }

    /// What waits and what was lost, where records wait.
    fn backlog(&self) -> Option<Backlog> {
        None
    }
}

/// How a journal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Records that wait.
    pub waiting: usize,
    /// Records that were lost since the start.
    pub dropped: u64,
    /// Records that are kept aside until the store takes them.
    pub aside: u64,
    /// Why they are not in the store.
    pub trouble: Option<Trouble>,
}

/// Why the store takes no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since_ms: Millis,
    /// What it says.
    pub lack: Lack,
}

/// What a store lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// An answer.
    Answer,
    /// Room for more.
    Room,
}

/// Tells those who watch that a request has ended. A server pushes by itself, a Worker through an object that all of its
/// isolates share; a function keeps no connection.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Whether somebody may be watching. Where nobody is, nothing is written down for them.
    fn watched(&self) -> bool;

    /// Passes a record on. Waits for nobody who watches, and never fails: a socket counts what it misses.
    async fn tell(&self, line: Line);

    /// Makes the request's connection a socket of somebody who may watch, for as long as they may.
    async fn open(&self, request: Request<Body>, watch: Watch) -> Result<Response<Body>>;
}

/// Keeps answers for a while, for whoever asks the same again. What it holds is sealed, and it may lose any of it.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What is kept there. Never fails: what cannot be read is not there, and a debug log says why.
    async fn get(&self, key: &str) -> Option<Bytes>;

    /// Keeps it for so long at most, in place of what was there. Never fails either: what cannot be kept is not there.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration);
}

/// How is the machine? Where the platform tells nothing there is none.
pub trait Machine: Send + Sync {
    /// What is known now.
    fn look(&self) -> Vitals;
}

/// What a machine tells of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vitals {
    /// Of all processors together.
    pub cpu_percent: Option<f32>,
    /// Processors.
    pub cpus: Option<usize>,
    /// The load over one minute.
    pub load_one: Option<f64>,
    /// Memory in use, of the container when that is bounded.
    pub memory_used_bytes: Option<u64>,
    /// Memory in all.
    pub memory_total_bytes: Option<u64>,
    /// Memory of this process.
    pub process_memory_bytes: Option<u64>,
}

/// How is the database copied while it is in use? Only where it is a file of this machine.
#[async_trait]
pub trait Backup: Send + Sync {
    /// Makes a copy that is consistent in itself, and says where it lies. Whoever asked for it takes it away; what is left
    /// behind is cleaned up later.
    async fn copy(&self) -> Result<String>;
}

/// What time is it, and wake me later.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Millis;
    /// Completes after `time`.
    fn sleep(&self, time: Duration) -> BoxFuture<()>;
}

/// Unpredictable bytes from the operating system.
pub trait Random: Send + Sync {
    /// Fills `bytes` entirely.
    fn fill(&self, bytes: &mut [u8]);
}

/// Turns a password into a key, slowly and with much memory, as argon2id does. The one call of the core that keeps a
/// processor busy for long: a server gives it a thread of its own and bounds how many wait.
#[async_trait]
pub trait Hasher: Send + Sync {
    /// Too many waiting is [`RateLimited`](crate::error::Kind::RateLimited).
    async fn stretch(&self, password: Secret, salt: [u8; 16], cost: Cost) -> Result<[u8; 32]>;
}

/// Keeps a future alive after the response has left.
pub trait Background: Send + Sync {
    /// Starts or stores `task`; it will be polled to its end unless the platform kills the process.
    fn run(&self, task: BoxFuture<()>);
}

/// The seams a [`Gateway`](crate::Gateway) stands on.
#[derive(Clone)]
pub struct Ports {
    /// Where requests go.
    pub upstream: Arc<dyn Upstream>,
    /// Where media is fetched that a client named by its address. It connects only to public addresses, and to places
    /// that the operator allows, as far as its platform lets it see them.
    pub media: Arc<dyn Upstream>,
    /// Where documents, records and blobs live.
    pub store: Arc<dyn Store>,
    /// Where budgets and rates are counted.
    pub counters: Arc<dyn Counters>,
    /// Where finished records go.
    pub journal: Arc<dyn Journal>,
    /// Who is told of them.
    pub feed: Arc<dyn Feed>,
    /// Where answers are kept that may be given again.
    pub cache: Arc<dyn Cache>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Passwords.
    pub hasher: Arc<dyn Hasher>,
}

/// What belongs to one request and to the platform that received it.
pub struct Call {
    /// Keeps futures alive after the response.
    pub background: Arc<dyn Background>,
    /// Completes when the client has left. Workers: the request's signal; server: never, the handler is dropped
    /// instead; Lambda: never, the platform does not tell.
    pub gone: BoxFuture<()>,
    /// The client's address: the other end of the connection, or what a trusted proxy says of it.
    pub peer: Option<IpAddr>,
    /// How the client's bytes travel.
    pub transport: Transport,
}

/// How a client's bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Encrypted.
    Https,
    /// Readable by whoever is on the way.
    Plain,
}

/// The future's output, unless `time` passes first; then the future is dropped.
pub async fn within<T>(
    clock: &dyn Clock,
    time: Duration,
    future: impl Future<Output = T> + Send + Unpin,
) -> Option<T> {
    match futures_util::future::select(future, clock.sleep(time)).await {
        futures_util::future::Either::Left((output, _)) => Some(output),
        futures_util::future::Either::Right(((), _)) => None,
    }
}
