//! Which databases are there on this machine, and how are they opened?

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use tidegate_core::store::sql::Database;
use tidegate_native::{HttpClient, Lock, Place, SystemClock, Writing, open_store};
use tokio::sync::Mutex;

use tidegate_stores_runner::sqld::Sqld;

/// A kind of store.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A local libSQL file.
    File,
    /// libSQL in memory.
    Memory,
    /// A real sqld behind Hrana.
    Hrana,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::File, Self::Memory, Self::Hrana];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::Hrana => "hrana",
        }
    }

    /// Why this machine cannot run it.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::File | Self::Memory => None,
            Self::Hrana if env::var_os("TIDEGATE_SQLD_BIN").is_some() => None,
            Self::Hrana => Some("TIDEGATE_SQLD_BIN names no sqld"),
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
    _server: Option<Sqld>,
    _folder: Folder,
}

impl Stand {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, open: Mutex::new(None) }
    }
}

pub(crate) async fn open(kind: Kind) -> Result<Open, String> {
    let folder = Folder::new(kind.name())?;
    let (place, server) = match kind {
        Kind::File => (Place::parse(None, folder.path()), None),
        Kind::Memory => (Ok(Place::Memory), None),
        Kind::Hrana => {
            let server = Sqld::start(folder.path()).await?;
            (Place::parse(Some(&server.url), folder.path()), Some(server))
        }
    };
    let upstream = HttpClient::new().map_err(|error| error.to_string())?;
    let opened = place
        .and_then(|place| {
            open_store((place, Writing::Together), None, Arc::new(upstream), Arc::new(SystemClock))
        })
        .map_err(|error| error.to_string())?;
    Ok(Open { database: opened.database, _locks: opened.locks, _server: server, _folder: folder })
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
