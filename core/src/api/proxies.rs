//! Which other APIs are reached through the gateway? Generic proxies are kept and checked here; what is declared is shown
//! and locked.

use async_trait::async_trait;

use super::{
    document::{Declared, Resource},
    keys,
};
use crate::{
    error::Result,
    gateway::Gateway,
    proxy::{Proxy, pool_id},
    store::{Document, Kind},
};

/// Where a proxy is declared.
pub(super) const PLACE: &str = "`[[proxy]]` of the configuration";

#[async_trait]
impl Resource for Proxy {
    const KIND: Kind = Kind::Proxy;
    const WORD: &'static str = "proxy";

    fn check(&self, _: &str) -> Result<()> {
        Self::check(self)
    }

    fn declared(gateway: &Gateway) -> Vec<Declared<Self>> {
        let proxies = gateway.state.config.proxies.iter();
        proxies
            .map(|entry| Declared {
                id: entry.slug.clone(),
                place: PLACE,
                body: entry.proxy.clone(),
            })
            .collect()
    }

    async fn dependents(gateway: &Gateway, id: &str) -> Result<Vec<Document>> {
        keys::of(gateway, &pool_id(id)).await
    }
}
