//! How does a request reach a provider from a server? Through one pool of connections that adds nothing of its own.

use std::{error, fmt::Write as _, time::Duration};

use async_trait::async_trait;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use tidegate_core::{
    Body, Error, Result,
    error::Kind,
    limits::{UPSTREAM_CONNECT_WAIT, UPSTREAM_IDLE_CONNECTIONS_MAX},
    ports::Upstream,
    provider::base_url::is_metadata,
};

use crate::connect::{Lookup, Names, Pool, pool, system};

/// Sends to providers over HTTP/1.1 and HTTP/2.
///
/// No redirect is followed: a key would go along to another origin. No proxy is taken from the environment, nothing is
/// decompressed, nothing is asked for.
#[derive(Clone)]
pub struct HttpClient {
    pool: Pool,
}

impl HttpClient {
    /// A client with an empty pool. Fails when TLS cannot be set up.
    pub fn new() -> Result<Self> {
        Self::resolving(system(), UPSTREAM_CONNECT_WAIT)
    }

    /// Whatever a name leads to, it is no metadata service: an administrator's base URL names none either.
    fn resolving(lookup: Lookup, wait: Duration) -> Result<Self> {
        let names = Names { lookup, rule: |address| !is_metadata(address) };
        Ok(Self { pool: pool(names, wait, UPSTREAM_IDLE_CONNECTIONS_MAX)? })
    }
}

#[async_trait]
impl Upstream for HttpClient {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        send(&self.pool, request).await
    }
}

/// Sends over a pool. The body of what comes back reports its errors as the core knows them.
pub(crate) async fn send(pool: &Pool, request: Request<Body>) -> Result<Response<Body>> {
    let response = pool.request(request).await.map_err(|error| unsent(&error))?;
    Ok(response.map(|body| Body::new(body.map_err(|error| broken(&error)))))
}

fn unsent(error: &legacy::Error) -> Error {
    let (kind, message) = if error.is_connect() {
        (Kind::UpstreamUnreachable, "The provider could not be reached.")
    } else {
        (Kind::UpstreamBroken, "The provider broke off before it answered.")
    };
    Error::new(kind, message).because(causes(error))
}

fn broken(error: &hyper::Error) -> Error {
    let message = "The provider broke off in mid-answer.";
    Error::new(Kind::UpstreamBroken, message).because(causes(error))
}

/// hyper's own text says little; the reason is in what caused it.
fn causes(error: &dyn error::Error) -> String {
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
