//! How is media fetched that a client named? By clients of its own that connect only to addresses that were looked at.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use tidegate_core::{
    Body, Error, Result,
    error::Kind,
    limits::UPSTREAM_CONNECT_WAIT,
    media::{Gate, is_global},
    ports::Upstream,
    provider::base_url::is_metadata,
};

use crate::{
    connect::{Lookup, Names, Pool, Rule, pool, system},
    outbound::send,
};

/// Sends to public addresses alone, and to the places that the operator allows.
///
/// What a name leads to is looked at when it is resolved, and the connection goes to what was looked at: a second answer
/// that says otherwise is never asked for. No redirect is followed, and no connection is kept.
pub struct Guarded {
    gate: Gate,
    /// Connects to public addresses.
    outside: Pool,
    /// Connects to what is no metadata service, for allowed places.
    allowed: Pool,
}

impl Guarded {
    /// Clients behind a gate. Fails when TLS cannot be set up.
    pub fn new(gate: Gate) -> Result<Self> {
        Self::resolving(gate, &system(), is_global)
    }

    fn resolving(gate: Gate, lookup: &Lookup, outside: Rule) -> Result<Self> {
        let to = |rule| {
            let names = Names { lookup: Arc::clone(lookup), rule };
            pool(names, UPSTREAM_CONNECT_WAIT, 0)
        };
        let allowed: Rule = |address| !is_metadata(address);
        Ok(Self { gate, outside: to(outside)?, allowed: to(allowed)? })
    }
}

#[async_trait]
impl Upstream for Guarded {
    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>> {
        // An address in the URL reaches no resolver, so this is where it is looked at.
        let admitted = self.gate.admit(&request.uri().to_string()).map_err(closed)?;
        *request.uri_mut() = admitted.as_str().parse().map_err(closed)?;
        send(if admitted.is_allowed() { &self.allowed } else { &self.outside }, request).await
    }
}

fn closed(reason: impl std::fmt::Display) -> Error {
    Error::new(Kind::UpstreamUnreachable, "The address is not public.").because(reason)
}

#[cfg(test)]
mod tests;
