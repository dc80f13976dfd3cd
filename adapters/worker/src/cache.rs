//! Where does a Worker keep answers that may be given again? In the cache of the place where it runs, which all of its
//! isolates there share.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use tidegate_core::ports;
use worker::{Cache, Response, send::SendFuture};

/// The runtime's cache. What is put there is found again at the same place of the network, by requests to the same host.
pub struct Edge {
    /// The host that was asked; without a request there is nothing to keep.
    host: Option<String>,
}

impl Edge {
    /// The cache for requests to this URL's host: under any other name the runtime would look that up first.
    #[must_use]
    pub fn beside(url: &str) -> Self {
        let host = url.parse::<Uri>().ok().and_then(|url| Some(url.authority()?.to_string()));
        Self { host }
    }

    /// One that keeps nothing, for what is done without a request.
    #[must_use]
    pub fn none() -> Self {
        Self { host: None }
    }

    /// An address that only names something. Nobody is ever asked for it.
    fn url(&self, key: &str) -> Option<String> {
        self.host.as_ref().map(|host| format!("https://{host}/recall/{key}"))
    }
}

#[async_trait]
impl ports::Cache for Edge {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let found = SendFuture::new(find(self.url(key)?)).await;
        found.unwrap_or_else(|error| {
            tracing::debug!(%error, "what is kept cannot be read");
            None
        })
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let Some(url) = self.url(key) else { return };
        if let Err(error) = SendFuture::new(keep(url, value, ttl)).await {
            tracing::debug!(%error, "an answer cannot be kept");
        }
    }
}

async fn find(url: String) -> worker::Result<Option<Bytes>> {
    let Some(mut found) = Cache::default().get(url, false).await? else { return Ok(None) };
    found.bytes().await.map(Bytes::from).map(Some)
}

async fn keep(url: String, value: Bytes, ttl: Duration) -> worker::Result<()> {
    let mut response = Response::from_bytes(value.into())?;
    let life = format!("max-age={}", ttl.as_secs().max(1));
    response.headers_mut().set("cache-control", &life)?;
    Cache::default().put(url, response).await
}
