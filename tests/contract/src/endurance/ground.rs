//! Where do processes meet that migrate? On fresh databases of one kind, empty or with the schema of the version before.

use futures_util::future::join_all;
use tidegate_stores_runner::{
    schema::{give_previous, is_whole},
    servers::{Disk, Engine, Running},
    sqld::Sqld,
};

use crate::{
    Result,
    adapters::{Printed, command},
    failed,
    setup::Setup,
};

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The file of one data folder, which one process may hold at a time.
    File,
    /// A sqld behind Hrana.
    Sqld,
    /// A `PostgreSQL`.
    Postgres,
    /// A `MariaDB`.
    Mariadb,
}

/// What is there before anybody migrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Empty,
    /// What the version before leaves.
    Previous,
}

impl Before {
    pub(super) const ALL: [Self; 2] = [Self::Empty, Self::Previous];
}

/// A kind of database, with its server where one serves many databases.
pub(super) struct Land {
    ground: Ground,
    server: Option<Running>,
}

/// One database, and the data folders of those who come.
pub(super) struct Field {
    ground: Ground,
    name: String,
    url: Option<String>,
    setups: Vec<Setup>,
    _sqld: Option<Sqld>,
}

impl Ground {
    pub(super) async fn open(self) -> Result<Land> {
        let engine = match self {
            Self::File | Self::Sqld => None,
            Self::Postgres => Some(Engine::Postgres),
            Self::Mariadb => Some(Engine::Mariadb),
        };
        let server = match engine {
            Some(engine) => Some(engine.start(Disk::Spared).await.or_else(failed)?),
            None => None,
        };
        Ok(Land { ground: self, server })
    }
}

impl Land {
    /// A database that nobody has used, for so many processes.
    pub(super) async fn fresh(
        &self,
        name: &str,
        before: Before,
        processes: usize,
    ) -> Result<Field> {
        // Only those who share a file share a folder.
        let folders = if self.ground == Ground::File { 1 } else { processes };
        let setups = (0..folders).map(|_| Setup::new("http://127.0.0.1:9"));
        let mut setups = setups.collect::<Result<Vec<Setup>>>()?;
        let sqld = match self.ground {
            Ground::Sqld => Some(Sqld::start(&setups[0].folder).await.or_else(failed)?),
            Ground::File | Ground::Postgres | Ground::Mariadb => None,
        };
        let url = match (&self.server, &sqld) {
            (Some(server), _) => Some(server.fresh(name).await.or_else(failed)?),
            (None, Some(sqld)) => Some(sqld.url.clone()),
            (None, None) => None,
        };
        if let Some(url) = &url {
            setups = setups.into_iter().map(|setup| setup.storing(url)).collect();
        }
        if before == Before::Previous {
            give_previous(url.as_deref(), &setups[0].folder).await.or_else(failed)?;
        }
        Ok(Field { ground: self.ground, name: name.to_owned(), url, setups, _sqld: sqld })
    }

    /// Drops it, where it takes up room.
    pub(super) async fn forget(&self, field: Field) -> Result {
        match &self.server {
            Some(server) => server.forget(&field.name).await.or_else(failed),
            None => Ok(()),
        }
    }
}

impl Field {
    /// The data folder of the process of this number.
    pub(super) fn setup(&self, number: usize) -> &Setup {
        &self.setups[number % self.setups.len()]
    }

    /// Lets so many migrate at once. Afterwards each step must have been applied once, with nothing left to do.
    pub(super) async fn migrate(&self, processes: usize) -> Result {
        let migrating = (0..processes).map(|number| command(self.setup(number), &["migrate"]));
        let mut done = 0;
        for printed in join_all(migrating).await {
            let Printed { success, text } = printed?;
            // A file has one writer at a time, and says so to the others.
            if success {
                done += 1;
            } else if self.ground != Ground::File || !text.contains("only one may") {
                return failed(format!("{}: {text}", self.name));
            }
        }
        let after = command(self.setup(0), &["migrate"]).await?;
        let settled = after.success && after.text.trim() == "The schema is up to date.";
        if done > 0 && settled && self.is_whole().await? {
            return Ok(());
        }
        failed(format!("{}: {done} succeeded; afterwards: {}", self.name, after.text))
    }

    /// Whether each step has been applied.
    pub(super) async fn is_whole(&self) -> Result<bool> {
        is_whole(self.url.as_deref(), &self.setup(0).folder).await.or_else(failed)
    }
}
