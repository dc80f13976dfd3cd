//! How do the cases ask? One HTTP client, and a function that is started for each case.

use std::{
    path::{Path, PathBuf},
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

/// The gateway's root secret.
pub(crate) const SECRET: &str = "8f14e45fceea167a5a36dedd4bea2543d3d9446802a44259755d38e6d163e820";

/// Opens `/api` of the gateway.
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-a-test-that-is-long-enough";

/// A function behind its URL, and a folder that goes with it.
pub(crate) struct Function {
    pub(crate) emulator: Emulator,
    client: Client<HttpConnector, Full<Bytes>>,
    folder: PathBuf,
}

impl Function {
    /// The demonstration function.
    pub(crate) async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Options) -> Options) -> Self {
        let folder = folder();
        let this_program = std::env::current_exe().unwrap();
        let options = Options::new(this_program).env(FLUSHED, in_folder(&folder, "flushed"));
        Self::over(folder, change(options)).await
    }

    /// The gateway, over a database in the folder.
    pub(crate) async fn gateway() -> Self {
        let folder = folder();
        let database = format!("file:{}", in_folder(&folder, "tidegate.db"));
        let options = Options::new(env!("CARGO_BIN_EXE_bootstrap"))
            .env("TIDEGATE_DATA", folder.to_string_lossy())
            .env("TIDEGATE_DEMO", "true")
            .env("TIDEGATE_SECRET", SECRET)
            .env("TIDEGATE_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("DATABASE_URL", database);
        Self::over(folder, options).await
    }

    pub(crate) async fn over(folder: PathBuf, options: Options) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let emulator = Emulator::start(options.env("RUST_BACKTRACE", "0")).await.unwrap();
        Self { emulator, client, folder }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("tidegate.db")
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
    pub(crate) async fn hang_up(&self, request: Request<Full<Bytes>>) {
        let mut response = self.client.request(request).await.unwrap();
        response.frame().await.unwrap().unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.url())
    }

    /// Tag and time of every finished flush, in order.
    pub(crate) fn flushes(&self) -> Vec<(String, u64)> {
        let text = std::fs::read_to_string(self.folder.join("flushed")).unwrap_or_default();
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
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn folder() -> PathBuf {
    static CASES: AtomicU32 = AtomicU32::new(0);
    let case = CASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("tidegate-lifecycle-{}-{case}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).unwrap();
    folder
}

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}
