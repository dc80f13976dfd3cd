//! How long does it take to find out where a request goes? Routing alone, over a configuration, for those who measure it.

use std::sync::OnceLock;

use http::HeaderMap;

use crate::{
    config::Config,
    dialect::Dialect,
    money::Prices,
    operation::Operation,
    route::{self, Latencies, Look, Lore, Mix, Ratings},
    snapshot::Snapshot,
};

/// A configuration that requests are routed by.
pub struct Router {
    snapshot: Snapshot,
    prices: Prices,
    latencies: Latencies,
}

impl Router {
    /// Routes by what is declared here.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let snapshot = Snapshot::declared(config);
        let prices = Prices::new(&snapshot.providers, Vec::new());
        Self { snapshot, prices, latencies: Latencies::default() }
    }

    /// How many models a chat of this name may go to.
    #[must_use]
    pub fn find(&self, name: &str, body: &[u8], lot: u64) -> usize {
        let (headers, size) = (HeaderMap::new(), OnceLock::new());
        let what = (Operation::Chat, Dialect::OpenAiChat, false);
        let look = Look::new(what, body, &headers, &size);
        let lore = Lore {
            snapshot: &self.snapshot,
            look: &look,
            prices: &self.prices,
            latencies: &self.latencies,
            lot: Mix::lot(lot.to_le_bytes()),
            now: 0,
        };
        route::find(&lore, &Ratings::default(), name).map_or(0, |found| found.leaves.len())
    }
}
