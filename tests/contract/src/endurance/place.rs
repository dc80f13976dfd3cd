//! Where do several gateways meet? In a database that they share, and perhaps a Redis beside it.

use std::{any::Any, env, net::SocketAddr};

use tidegate_provider::Provider;
use tidegate_stores_runner::{
    redis::{Door, Redis},
    servers::{Disk, Engine},
    sqld::Sqld,
};

use crate::{
    Result,
    adapters::{Adapter, Instance},
    failed,
    setup::Setup,
};

/// Which database gateways keep everything in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Each its usual one.
    Own,
    /// D1, without the objects that a Worker counts in.
    D1,
    /// All one sqld.
    Sqld,
    /// All one database server.
    Served(Engine),
}

impl Place {
    /// Starts what is shared; returns its URL and what goes with it.
    async fn start(self) -> Result<Option<(String, Box<dyn Any + Send>)>> {
        Ok(match self {
            Self::Own | Self::D1 => None,
            Self::Sqld => {
                let folder = Setup::new(&env::temp_dir().display().to_string())?;
                let sqld = Sqld::start(&folder.folder).await.or_else(failed)?;
                Some((sqld.url.clone(), Box::new((sqld, folder))))
            }
            Self::Served(engine) => {
                let server = engine.start(Disk::Kept).await.or_else(failed)?;
                Some((server.url.clone(), Box::new(server)))
            }
        })
    }
}

/// What gateways share while it lives.
pub(super) struct Shared {
    store: Option<(String, Box<dyn Any + Send>)>,
    pub(super) redis: Option<Redis>,
}

/// Under which all of them have their keys in Redis.
pub(super) const IN_REDIS: &str = "shared";

impl Shared {
    /// A fresh place, with a fresh Redis where one is wanted.
    pub(super) async fn start(place: Place, with_redis: bool) -> Result<Self> {
        let store = place.start().await?;
        let redis =
            if with_redis { Some(Redis::start(Door::Plain).await.or_else(failed)?) } else { None };
        Ok(Self { store, redis })
    }

    /// What a gateway is configured with that meets the others here.
    pub(super) fn setup(&self, provider: &Provider, declared: &str) -> Result<Setup> {
        let mut setup = Setup::new(&provider.base_url())?.adding(declared);
        if let Some((url, _)) = &self.store {
            setup = setup.storing(url);
        }
        if let Some(redis) = &self.redis {
            setup = setup.variable("REDIS_URL", &redis.url(IN_REDIS));
        }
        Ok(setup)
    }

    /// So many servers.
    pub(super) async fn servers(
        &self,
        provider: &Provider,
        declared: &str,
        count: usize,
    ) -> Result<Vec<Instance>> {
        let mut servers = Vec::with_capacity(count);
        for _ in 0..count {
            servers.push(Adapter::Server.start(self.setup(provider, declared)?).await?);
        }
        Ok(servers)
    }
}

/// Where they answer.
pub(super) fn addresses(gateways: &[Instance]) -> Vec<SocketAddr> {
    gateways.iter().map(|gateway| gateway.address).collect()
}
