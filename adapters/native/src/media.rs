//! How is media fetched that a client named? By clients of its own that connect only to addresses that were looked at.

use std::{
    error, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use http::{Request, Response};
use http_body_util::BodyExt;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use tidegate_core::{
    Body, Error, Result,
    error::Kind,
    limits::UPSTREAM_CONNECT_WAIT,
    media::{Gate, is_global},
    ports::{BoxFuture, Upstream},
    provider::base_url::is_metadata,
};

use crate::upstream::{bare, broken, causes, unsent};

/// Sends to public addresses alone, and to the places that the operator allows.
///
/// What a name leads to is looked at when it is resolved, and the connection goes to what was looked at: a second answer
/// that says otherwise is never asked for. No redirect is followed, and no connection is kept.
pub struct Guarded {
    gate: Gate,
    /// Connects to public addresses.
    outside: reqwest::Client,
    /// Connects to what is no metadata service, for allowed places.
    allowed: reqwest::Client,
}

/// Finds the addresses of a name.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Whether an address may be connected to.
type Rule = fn(IpAddr) -> bool;

impl Guarded {
    /// Clients behind a gate. Fails when TLS cannot be set up.
    pub fn new(gate: Gate) -> Result<Self> {
        Self::resolving(gate, &(Arc::new(system) as Lookup), is_global)
    }

    fn resolving(gate: Gate, lookup: &Lookup, outside: Rule) -> Result<Self> {
        let client = |rule| {
            let resolver = Filter { lookup: Arc::clone(lookup), rule };
            bare()?
                .dns_resolver(Arc::new(resolver))
                .connect_timeout(UPSTREAM_CONNECT_WAIT)
                .pool_max_idle_per_host(0)
                .build()
                .map_err(|error| Error::internal(causes(&error)))
        };
        let allowed: Rule = |address| !is_metadata(address);
        Ok(Self { gate, outside: client(outside)?, allowed: client(allowed)? })
    }
}

#[async_trait]
impl Upstream for Guarded {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let (parts, _) = request.into_parts();
        // An address in the URL reaches no resolver, so this is where it is looked at.
        let admitted = self.gate.admit(&parts.uri.to_string()).map_err(closed)?;
        let url = Url::parse(admitted.as_str()).map_err(closed)?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        let client = if admitted.is_allowed() { &self.allowed } else { &self.outside };
        let response = client.execute(request).await.map_err(unsent)?;
        Ok(Response::from(response).map(|body| Body::new(body.map_err(broken))))
    }
}

fn closed(reason: impl std::fmt::Display) -> Error {
    Error::new(Kind::UpstreamUnreachable, "The address is not public.").because(reason)
}

fn system(name: String) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// A resolver whose answers all pass, or none is used: a name that leads even partly inside is not trusted.
struct Filter {
    lookup: Lookup,
    rule: Rule,
}

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, rule) = ((self.lookup)(name.as_str().to_owned()), self.rule);
        Box::pin(async move {
            let found = found.await?;
            if found.iter().all(|address| rule(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(Box::<dyn error::Error + Send + Sync>::from("the name leads inside"))
            }
        })
    }
}

#[cfg(test)]
mod tests;
