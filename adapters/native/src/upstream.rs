//! How does a request reach a provider from a server? One reqwest client that adds nothing and follows nothing.

use std::{
    collections::HashMap,
    error::Error as _,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use reqwest::{Url, redirect::Policy};
use rustls::{ClientConfig, RootCertStore};
use tidegate_core::{
    Body, Error, Result,
    error::Kind,
    limits::{
        OUTGOING_BYTES_MAX, UPSTREAM_CONNECT_WAIT, UPSTREAM_IDLE_CONNECTIONS_MAX,
        UPSTREAM_POOL_IDLE_WAIT, UPSTREAM_URLS_MAX,
    },
    ports::Upstream,
};

/// Sends to providers over HTTP/1.1 and HTTP/2, from a pool of connections.
///
/// No redirect is followed: reqwest would carry `x-api-key` and its like to the other origin. No proxy is taken from
/// the environment, nothing is decompressed, nothing is asked for.
#[derive(Clone)]
pub struct Reqwest {
    client: reqwest::Client,
    urls: Arc<Urls>,
}

impl Reqwest {
    /// A client with an empty pool. Fails when TLS cannot be set up.
    pub fn new() -> Result<Self> {
        Self::connecting_within(UPSTREAM_CONNECT_WAIT)
    }

    fn connecting_within(wait: Duration) -> Result<Self> {
        let client = bare()?
            .connect_timeout(wait)
            .pool_max_idle_per_host(UPSTREAM_IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(UPSTREAM_POOL_IDLE_WAIT)
            .build()
            .map_err(|error| Error::internal(causes(&error)))?;
        Ok(Self { client, urls: Arc::default() })
    }
}

#[async_trait]
impl Upstream for Reqwest {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, self.urls.parse(&parts.uri)?);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(outgoing(body).await?);
        let response = self.client.execute(request).await.map_err(unsent)?;
        Ok(Response::from(response).map(|body| Body::new(body.map_err(broken))))
    }
}

/// A client that adds nothing, follows nothing and knows no proxy.
pub(crate) fn bare() -> Result<reqwest::ClientBuilder> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true))
}

/// Addresses that were parsed already. They are few and come again with every request, and parsing one costs more than
/// reading a request's head.
#[derive(Default)]
struct Urls(Mutex<HashMap<Uri, Url>>);

impl Urls {
    fn parse(&self, uri: &Uri) -> Result<Url> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = known.get(uri) {
            return Ok(url.clone());
        }
        // The parser's own text may repeat the address.
        let url = Url::parse(&uri.to_string())
            .map_err(|_| Error::internal("the address of a provider is no URL"))?;
        if known.len() >= UPSTREAM_URLS_MAX {
            known.clear();
        }
        known.insert(uri.clone(), url.clone());
        Ok(url)
    }
}

/// What the core holds in one piece goes out with its length; everything else streams.
async fn outgoing(body: Body) -> Result<reqwest::Body> {
    match http_body::Body::size_hint(&body).exact() {
        Some(length) if length <= OUTGOING_BYTES_MAX as u64 => {
            let whole = body.collect().await.map_err(Error::internal)?;
            Ok(whole.to_bytes().into())
        }
        _ => Ok(reqwest::Body::wrap_stream(body.into_data_stream())),
    }
}

/// The platform's roots decide. An image made from scratch has none, and gets Mozilla's.
fn tls() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

pub(crate) fn unsent(error: reqwest::Error) -> Error {
    let (kind, message) = if error.is_connect() {
        (Kind::UpstreamUnreachable, "The provider could not be reached.")
    } else if error.is_timeout() {
        (Kind::UpstreamTimeout, "The provider took too long.")
    } else {
        (Kind::UpstreamBroken, "The provider broke off before it answered.")
    };
    Error::new(kind, message).because(causes(&error.without_url()))
}

pub(crate) fn broken(error: reqwest::Error) -> Error {
    let (kind, message) = if error.is_timeout() {
        (Kind::UpstreamTimeout, "The provider took too long.")
    } else {
        (Kind::UpstreamBroken, "The provider broke off in mid-answer.")
    };
    Error::new(kind, message).because(causes(&error.without_url()))
}

/// reqwest's own text says little; the reason is in what caused it. A URL may hold a key, so it must be gone before.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
