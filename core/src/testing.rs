//! The seams as tests want them: time that stands still, randomness that repeats, an upstream of a script.

pub mod fuzz;
pub mod routing;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::{
    config::RootSecret,
    error::{Error, Kind, Result},
    http::Body,
    ports::{Background, BoxFuture, Clock, Journal, Machine, Millis, Random, Upstream, Vitals},
    store::{
        self, Audit, AuditQuery, AuditRow, Blob, Bucket, Change, Changes, Costed, Document,
        ListQuery, Record, RecordFilter, Schema, StatsQuery, Store,
    },
};

/// A root secret that is no secret.
#[must_use]
pub fn root_secret() -> RootSecret {
    RootSecret(zeroize::Zeroizing::new([7; 32]))
}

/// A clock that stands where it is put. What sleeps never wakes.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock at this time.
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }
}

/// A clock whose time passes as soon as somebody waits for it.
pub struct HastyClock {
    now: AtomicI64,
    /// What sleeps longer never wakes.
    longest_ms: AtomicI64,
}

impl HastyClock {
    /// A clock at this time.
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self { now: AtomicI64::new(now), longest_ms: AtomicI64::new(i64::MAX) }
    }

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now.fetch_add(by, Ordering::SeqCst);
    }

    /// From here on, what sleeps never wakes.
    pub fn stop(&self) {
        self.longest_ms.store(-1, Ordering::SeqCst);
    }

    /// From here on, what sleeps longer than this never wakes.
    pub fn wake_before(&self, longest: Duration) {
        self.longest_ms.store(millis(longest), Ordering::SeqCst);
    }
}

impl Clock for Arc<HastyClock> {
    fn now(&self) -> Millis {
        self.now.load(Ordering::SeqCst)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        if millis(time) > self.longest_ms.load(Ordering::SeqCst) {
            return Box::pin(std::future::pending());
        }
        let clock = Self::clone(self);
        Box::pin(async move { clock.advance(time) })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Bytes that are the same in every run: splitmix64.
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// Starts the sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A machine that never changes.
#[derive(Default)]
pub struct Still(pub Vitals);

impl Machine for Still {
    fn look(&self) -> Vitals {
        self.0
    }
}

/// Keeps tasks until they are run by hand.
#[derive(Default)]
pub struct Later(Mutex<VecDeque<BoxFuture<()>>>);

impl Later {
    /// Runs everything that was handed over, and what that hands over.
    pub async fn run_all(&self) {
        loop {
            let task = self.0.lock().expect("no test panics in here").pop_front();
            let Some(task) = task else { return };
            task.await;
        }
    }
}

impl Background for Later {
    fn run(&self, task: BoxFuture<()>) {
        self.0.lock().expect("no test panics in here").push_back(task);
    }
}

/// Keeps the records it is given.
#[derive(Default)]
pub struct Kept(Mutex<Vec<Record>>);

impl Kept {
    /// The records so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().expect("no test panics in here").clone()
    }
}

#[async_trait]
impl Journal for Kept {
    async fn append(&self, record: Record) {
        self.0.lock().expect("no test panics in here").push(record);
    }
}

/// What a [`FakeUpstream`] was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Such as `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names and values in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// Answers from a list, in order, and remembers what it was asked.
#[derive(Default)]
pub struct FakeUpstream {
    /// `None` never answers.
    answers: Mutex<VecDeque<Option<Result<Response<Body>>>>>,
    asked: Mutex<Vec<Asked>>,
}

impl FakeUpstream {
    /// Adds an answer whose body comes in these pieces; an `Err` piece breaks it off.
    pub fn answer(
        &self,
        status: u16,
        content_type: &str,
        pieces: Vec<Result<Bytes, std::io::Error>>,
    ) {
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let response = Response::builder().status(status).header("content-type", content_type);
        let response = response.body(body).map_err(Error::internal);
        self.answers.lock().expect("no test panics in here").push_back(Some(response));
    }

    /// Adds a whole answer with these headers.
    pub fn answer_with(&self, status: u16, headers: &[(&str, &str)], text: &str) {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Body::from(text.to_owned())).map_err(Error::internal);
        self.answers.lock().expect("no test panics in here").push_back(Some(response));
    }

    /// Adds an answer as it is, headers included.
    pub fn respond(&self, response: Response<Body>) {
        self.answers.lock().expect("no test panics in here").push_back(Some(Ok(response)));
    }

    /// Adds a failure to answer.
    pub fn fail(&self, kind: Kind) {
        let error = Error::new(kind, "The provider failed.");
        self.answers.lock().expect("no test panics in here").push_back(Some(Err(error)));
    }

    /// Adds an answer that never comes.
    pub fn hang(&self) {
        self.answers.lock().expect("no test panics in here").push_back(None);
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics in here").clone()
    }
}

#[async_trait]
impl Upstream for FakeUpstream {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        let asked = Asked {
            method: parts.method.to_string(),
            url: parts.uri.to_string(),
            headers: headers.collect(),
            body: crate::http::read(body, usize::MAX).await?,
        };
        self.asked.lock().expect("no test panics in here").push(asked);
        let answer = self.answers.lock().expect("no test panics in here").pop_front();
        match answer {
            Some(Some(answer)) => answer,
            Some(None) => std::future::pending().await,
            None => Err(Error::new(Kind::UpstreamUnreachable, "Nothing is scripted.")),
        }
    }
}

/// A store that never answers: what the gateway does without one.
pub struct SilentStore;

/// Keeps documents and blobs for any number of gateways, and counts who asks for a blob. Nothing else is answered.
#[derive(Default)]
pub struct Shelf(Mutex<Shelved>);

#[derive(Default)]
struct Shelved {
    documents: Vec<Document>,
    blobs: Vec<Blob>,
    asked: usize,
}

impl Shelved {
    fn at(&self, kind: store::Kind, id: &str) -> Option<usize> {
        self.documents.iter().position(|kept| kept.kind == kind && kept.id == id)
    }
}

impl Shelf {
    /// How many questions there were for a blob.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.0.lock().expect("no test panics in here").asked
    }

    /// How many blobs there are.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.0.lock().expect("no test panics in here").blobs.len()
    }

    /// The only blob: its id and its bytes.
    #[must_use]
    pub fn only(&self) -> (String, Bytes) {
        let shelved = self.0.lock().expect("no test panics in here");
        assert_eq!(shelved.blobs.len(), 1, "exactly one blob");
        (shelved.blobs[0].id.clone(), shelved.blobs[0].sealed.clone())
    }
}

fn silent<T>() -> Result<T> {
    Err(Error::store("the store is silent"))
}

#[async_trait]
impl Store for SilentStore {
    async fn schema(&self) -> Result<Schema> {
        silent()
    }
    async fn list(&self, _: store::Kind, _: &ListQuery) -> Result<Vec<Document>> {
        silent()
    }
    async fn get(&self, _: store::Kind, _: &str) -> Result<Option<Document>> {
        silent()
    }
    async fn find(&self, _: store::Kind, _: &str) -> Result<Option<Document>> {
        silent()
    }
    async fn revision(&self) -> Result<i64> {
        silent()
    }
    async fn changed_since(&self, _: i64, _: &[store::Kind]) -> Result<Changes> {
        silent()
    }
    async fn commit(&self, _: Vec<Change>, _: Audit) -> Result<i64> {
        silent()
    }
    async fn audit(&self, _: &AuditQuery) -> Result<Vec<AuditRow>> {
        silent()
    }
    async fn flush(&self, _: &str, _: &[Record]) -> Result<()> {
        silent()
    }
    async fn records(&self, _: &RecordFilter) -> Result<Vec<Record>> {
        silent()
    }
    async fn stats(&self, _: &StatsQuery) -> Result<Vec<Bucket>> {
        silent()
    }
    async fn reprice(&self, _: &[Costed]) -> Result<()> {
        silent()
    }
    async fn prune(&self, _: Millis, _: u32) -> Result<u64> {
        silent()
    }
    async fn rebuild_rollups(&self, _: Millis, _: Millis) -> Result<()> {
        silent()
    }
    async fn put_blob(&self, _: Blob) -> Result<()> {
        silent()
    }
    async fn get_blob(&self, _: &str, _: &str, _: &str, _: Millis) -> Result<Option<Bytes>> {
        silent()
    }
    async fn expire_blobs(&self, _: Millis, _: u32) -> Result<u64> {
        silent()
    }
    async fn lease(&self, _: &str, _: &str, _: Millis, _: Millis) -> Result<bool> {
        silent()
    }
}

#[async_trait]
impl Store for Shelf {
    async fn schema(&self) -> Result<Schema> {
        silent()
    }
    async fn list(&self, _: store::Kind, _: &ListQuery) -> Result<Vec<Document>> {
        silent()
    }
    async fn get(&self, kind: store::Kind, id: &str) -> Result<Option<Document>> {
        let shelved = self.0.lock().expect("no test panics in here");
        Ok(shelved.at(kind, id).map(|at| shelved.documents[at].clone()))
    }
    async fn find(&self, _: store::Kind, _: &str) -> Result<Option<Document>> {
        silent()
    }
    async fn revision(&self) -> Result<i64> {
        silent()
    }
    async fn changed_since(&self, _: i64, _: &[store::Kind]) -> Result<Changes> {
        silent()
    }
    async fn commit(&self, changes: Vec<Change>, _: Audit) -> Result<i64> {
        let mut shelved = self.0.lock().expect("no test panics in here");
        for change in changes {
            let Change::Put(document) = change else { return silent() };
            let at = shelved.at(document.kind, &document.id);
            let version = at.map_or(0, |at| shelved.documents[at].version);
            if version != document.version {
                return Err(Error::new(Kind::Conflict, "it has changed"));
            }
            let next = Document { version: version + 1, ..document };
            match at {
                Some(at) => shelved.documents[at] = next,
                None => shelved.documents.push(next),
            }
        }
        Ok(1)
    }
    async fn audit(&self, _: &AuditQuery) -> Result<Vec<AuditRow>> {
        silent()
    }
    async fn flush(&self, _: &str, _: &[Record]) -> Result<()> {
        silent()
    }
    async fn records(&self, _: &RecordFilter) -> Result<Vec<Record>> {
        silent()
    }
    async fn stats(&self, _: &StatsQuery) -> Result<Vec<Bucket>> {
        silent()
    }
    async fn prune(&self, _: Millis, _: u32) -> Result<u64> {
        silent()
    }
    async fn reprice(&self, _: &[Costed]) -> Result<()> {
        silent()
    }
    async fn rebuild_rollups(&self, _: Millis, _: Millis) -> Result<()> {
        silent()
    }
    async fn put_blob(&self, blob: Blob) -> Result<()> {
        let mut shelved = self.0.lock().expect("no test panics in here");
        let same = |other: &Blob| {
            (&other.client, &other.id, &other.part) == (&blob.client, &blob.id, &blob.part)
        };
        shelved.blobs.retain(|other| !same(other));
        shelved.blobs.push(blob);
        Ok(())
    }
    async fn get_blob(
        &self,
        client: &str,
        id: &str,
        part: &str,
        now_ms: Millis,
    ) -> Result<Option<Bytes>> {
        let mut shelved = self.0.lock().expect("no test panics in here");
        shelved.asked += 1;
        let found = shelved.blobs.iter().find(|blob| {
            (blob.client.as_str(), blob.id.as_str(), blob.part.as_str()) == (client, id, part)
        });
        let fresh = found.filter(|blob| blob.expires_at_ms > now_ms);
        Ok(fresh.map(|blob| blob.sealed.clone()))
    }
    async fn expire_blobs(&self, _: Millis, _: u32) -> Result<u64> {
        silent()
    }
    async fn lease(&self, _: &str, _: &str, _: Millis, _: Millis) -> Result<bool> {
        silent()
    }
}
