//! Where do several gateways meet? In a database that they share, and perhaps a Redis beside it.

use std::{any::Any, env};

use tidegate_stores_runner::{
    redis::{Door, Redis},
    servers::{Disk, Engine},
    sqld::Sqld,
};

use crate::{Result, failed, setup::Setup};

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
    pub(super) async fn start(self) -> Result<Option<(String, Box<dyn Any + Send>)>> {
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

/// A fresh Redis.
pub(super) async fn start_redis() -> Result<Redis> {
    Redis::start(Door::Plain).await.or_else(failed)
}
