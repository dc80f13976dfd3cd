//! Which databases are there on this machine, and how are they opened?

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use tidegate_core::store::sql::Database;
use tidegate_native::{Lock, Writing};
use tokio::sync::Mutex;

use tidegate_stores_runner::{
    redis, schema,
    servers::{Disk, Engine},
    sqld::Sqld,
};

/// A kind of store.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A local libSQL file.
    File,
    /// libSQL in memory.
    Memory,
    /// A real sqld behind Hrana.
    Hrana,
    /// A real `PostgreSQL`.
    Postgres,
    /// A real `MariaDB`.
    Mariadb,
    /// Counters in a real Redis, beside a store in memory.
    Redis,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::File, Self::Memory, Self::Hrana, Self::Postgres, Self::Mariadb, Self::Redis];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::Hrana => "hrana",
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Redis => "redis",
        }
    }

    /// The server behind it that this machine may start and end.
    pub(crate) fn engine(self) -> Option<Engine> {
        match self {
            Self::File | Self::Memory | Self::Hrana | Self::Redis => None,
            Self::Postgres => Some(Engine::Postgres),
            Self::Mariadb => Some(Engine::Mariadb),
        }
    }

    /// Why this machine cannot run it.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::File | Self::Memory => None,
            Self::Hrana if env::var_os("TIDEGATE_SQLD_BIN").is_some() => None,
            Self::Hrana => Some("TIDEGATE_SQLD_BIN names no sqld"),
            Self::Postgres if env::var_os(Engine::Postgres.variable()).is_some() => None,
            Self::Postgres => Some("TIDEGATE_POSTGRES_BIN names no folder"),
            Self::Mariadb if env::var_os(Engine::Mariadb.variable()).is_some() => None,
            Self::Mariadb => Some("TIDEGATE_MARIADB_HOME names no folder"),
            Self::Redis if env::var_os(redis::VARIABLE).is_some() => None,
            Self::Redis => Some("TIDEGATE_REDIS_BIN names no folder"),
        }
    }
}

/// A store that is opened when its first case runs.
pub(crate) struct Stand {
    pub(crate) kind: Kind,
    pub(crate) open: Mutex<Option<Open>>,
}

/// An opened store, and what goes when it is closed.
pub(crate) struct Open {
    pub(crate) database: Arc<dyn Database>,
    _locks: Vec<Lock>,
    _server: Option<Box<dyn Send>>,
    _folder: Folder,
}

impl Stand {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, open: Mutex::new(None) }
    }
}

pub(crate) async fn open(kind: Kind) -> Result<Open, String> {
    let folder = Folder::new(kind.name())?;
    let (url, server): (_, Option<Box<dyn Send>>) = match kind {
        Kind::File => (None, None),
        // What counts beside a store is opened by its own cases.
        Kind::Memory | Kind::Redis => (Some(":memory:".to_owned()), None),
        Kind::Hrana => {
            let server = Sqld::start(folder.path()).await?;
            (Some(server.url.clone()), Some(Box::new(server)))
        }
        Kind::Postgres => served(Engine::Postgres).await?,
        Kind::Mariadb => served(Engine::Mariadb).await?,
    };
    let opened = schema::open(url.as_deref(), folder.path(), Writing::Together)?;
    Ok(Open { database: opened.database, _locks: opened.locks, _server: server, _folder: folder })
}

async fn served(engine: Engine) -> Result<(Option<String>, Option<Box<dyn Send>>), String> {
    let server = engine.start(Disk::Spared).await?;
    Ok((Some(server.url.clone()), Some(Box::new(server))))
}

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self, String> {
        let path = env::temp_dir().join(format!("tidegate-stores-{}-{name}", process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the machine's temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
