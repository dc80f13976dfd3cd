//! How do the cases ask? One HTTP client, and a function that is started for each case.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tidegate_emulator::{
    Emulator, Options,
    timeline::{Moment, What},
};

use crate::function::FLUSHED;

/// How long anything may take that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// The demonstration function behind its URL, and the file of its flushes.
pub(crate) struct Function {
    pub(crate) emulator: Emulator,
    client: Client<HttpConnector, Full<Bytes>>,
    flushed: PathBuf,
}

impl Function {
    pub(crate) async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Options) -> Options) -> Self {
        static CASES: AtomicU32 = AtomicU32::new(0);
        let case = CASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-lifecycle-{}-{case}", std::process::id());
        let flushed = std::env::temp_dir().join(name);
        let options = Options::new(std::env::current_exe().unwrap())
            .env(FLUSHED, flushed.to_string_lossy())
            .env("RUST_BACKTRACE", "0");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { emulator: Emulator::start(change(options)).await.unwrap(), client, flushed }
    }

    /// The whole answer to a GET.
    pub(crate) async fn get(&self, path: &str) -> Response<Bytes> {
        self.send(Request::get(self.url(path)).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let response = self.client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Whether an answer that began came to its end.
    pub(crate) async fn ends_well(&self, path: &str) -> bool {
        let request = Request::get(self.url(path)).body(Full::default()).unwrap();
        let response = self.client.request(request).await.unwrap();
        response.into_body().collect().await.is_ok()
    }

    /// Reads the first piece and leaves.
    pub(crate) async fn hang_up(&self, path: &str) {
        let request = Request::get(self.url(path)).body(Full::default()).unwrap();
        let mut response = self.client.request(request).await.unwrap();
        response.frame().await.unwrap().unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.url())
    }

    /// Tag and time of every finished flush, in order.
    pub(crate) fn flushes(&self) -> Vec<(String, u64)> {
        let text = std::fs::read_to_string(&self.flushed).unwrap_or_default();
        let lines = text.lines().map(|line| line.split_once(' ').unwrap());
        lines.map(|(tag, at_us)| (tag.to_owned(), at_us.parse().unwrap())).collect()
    }

    pub(crate) async fn frozen(&self) {
        assert!(self.emulator.wait_frozen(SOON).await, "{:#?}", self.emulator.timeline());
    }

    /// The times of all moments that `pick` picks.
    pub(crate) fn times(&self, pick: impl Fn(&What) -> bool) -> Vec<u64> {
        let picked = |moment: &Moment| pick(&moment.what).then_some(moment.at_us);
        self.emulator.timeline().iter().filter_map(picked).collect()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.flushed);
    }
}
