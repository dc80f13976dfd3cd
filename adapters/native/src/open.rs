//! Which store does the declaration mean, and how is it opened? A file under a lock, memory, or a remote database.

use std::{
    fmt,
    fs::{DirBuilder, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tidegate_core::{
    Error, Result,
    error::Kind,
    identity::Secret,
    ports::{Cache, Clock, Random, Upstream},
    store::{
        Counters,
        sql::{Database, Hrana, SqlStore, migrate},
    },
};

use crate::{Libsql, Lock, OsRandom, drivers::Remote};

/// A URL that may hold a password or a token, and is therefore never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url")
    }
}

/// Where a store is, as `[store] url`, `DATABASE_URL` and the data folder say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A local file, and the data folder whose lock guards it.
    File {
        /// The file.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// Nowhere: gone when the process ends.
    Memory,
    /// A database behind Hrana.
    Remote(Url),
    /// A `PostgreSQL` server.
    Postgres(Url),
    /// A MySQL or `MariaDB` server.
    Mysql(Url),
}

impl Place {
    /// Reads a store's URL; without one it is the file in the data folder.
    pub fn parse(url: Option<&str>, data: &Path) -> Result<Self> {
        let file = |path: PathBuf| Self::File { path, data: data.to_owned() };
        let Some(url) = url else { return Ok(file(data.join("tidegate.db"))) };
        if matches!(url, ":memory:" | "libsql::memory:" | "file::memory:") {
            return Ok(Self::Memory);
        }
        if let Some(path) = url.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(Error::bad_request("The store's URL names no file."));
            }
            return Ok(file(path.into()));
        }
        match url.split_once("://") {
            Some(("libsql" | "http" | "https", _)) => Ok(Self::Remote(Url(url.to_owned()))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Url(url.to_owned()))),
            Some(("mysql" | "mariadb", _)) => Ok(Self::Mysql(Url(url.to_owned()))),
            _ => Err(Error::bad_request(
                "The store's URL is none of file:PATH, :memory:, libsql://HOST, https://HOST, http://HOST, \
                 postgres://HOST/NAME, mysql://HOST/NAME.",
            )),
        }
    }

    /// Whether other processes may use the same store at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self {
            Self::File { .. } | Self::Memory => false,
            Self::Remote(_) | Self::Postgres(_) | Self::Mysql(_) => true,
        }
    }
}

/// How what is written reaches a remote database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Each batch by itself: from a process that may be frozen under way, or that has little to write.
    Alone,
    /// One exchange at a time, for all that waits for it.
    Together,
}

/// An opened store.
pub struct Opened {
    /// Documents, records, blobs, counters.
    pub store: Arc<SqlStore>,
    /// The database under it.
    pub database: Arc<dyn Database>,
    /// The same, where it is a local file.
    pub file: Option<Arc<Libsql>>,
    /// The right to write to a local file. Keep it for as long as the store.
    pub locks: Vec<Lock>,
}

impl Opened {
    /// Applies the migrations that are missing; returns how many statements that took.
    pub async fn migrate(&self, clock: &dyn Clock) -> Result<usize> {
        let mut holder = [0; 8];
        OsRandom.fill(&mut holder);
        let holder = format!("{:016x}", u64::from_be_bytes(holder));
        migrate(&*self.database, clock, &holder).await
    }
}

/// Opens a store without touching its schema.
///
/// A local file is opened only with the locks of its data folder and of itself: held by another process they are a
/// [`Conflict`](Kind::Conflict), and the way to the data is that process. Folder and file are created when missing,
/// readable by their owner alone.
pub fn open_store(
    (place, writing): (Place, Writing),
    token: Option<Secret>,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
) -> Result<Opened> {
    let mut file = None;
    let (database, locks): (Arc<dyn Database>, Vec<Lock>) = match place {
        Place::Memory => (Arc::new(Libsql::in_memory()?), Vec::new()),
        Place::Remote(url) => {
            let hrana = Hrana::new(&url.0, token, upstream, clock)?;
            let database: Arc<dyn Database> = match writing {
                Writing::Alone => Arc::new(hrana),
                Writing::Together => Arc::new(Remote::new(hrana)),
            };
            (database, Vec::new())
        }
        Place::Postgres(url) => (postgres(&url)?, Vec::new()),
        Place::Mysql(url) => (mysql(&url)?, Vec::new()),
        Place::File { path, data } => {
            let locks = locks(&path, &data)?;
            create_file(&path)?;
            let opened = Arc::new(Libsql::open(&path)?);
            file = Some(Arc::clone(&opened));
            (opened, locks)
        }
    };
    Ok(Opened { store: Arc::new(SqlStore::new(Arc::clone(&database))), database, file, locks })
}

#[cfg(feature = "enterprise")]
fn postgres(url: &Url) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(crate::drivers::postgres(&url.0)?))
}

#[cfg(feature = "enterprise")]
fn mysql(url: &Url) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(crate::drivers::mysql(&url.0)?))
}

#[cfg(not(feature = "enterprise"))]
fn postgres(_: &Url) -> Result<Arc<dyn Database>> {
    Err(light("PostgreSQL"))
}

#[cfg(not(feature = "enterprise"))]
fn mysql(_: &Url) -> Result<Arc<dyn Database>> {
    Err(light("MySQL and MariaDB"))
}

/// What somebody can do whose database this program cannot reach.
#[cfg(not(feature = "enterprise"))]
pub(crate) fn light(engine: &str) -> Error {
    Error::bad_request(format!(
        "This is a light build, without {engine}: build with `--features enterprise`."
    ))
}

/// What many instances share beside the store.
pub struct Shared {
    /// Counters that go on from what the store remembers.
    pub counters: Arc<dyn Counters>,
    /// Answers that may be given again.
    pub cache: Arc<dyn Cache>,
}

/// Opens what many instances share. Nothing is asked of it yet.
#[cfg(feature = "enterprise")]
pub fn open_shared(url: &str, past: &SqlStore) -> Result<Shared> {
    let (counters, cache) = crate::drivers::redis(url, past.clone())?;
    Ok(Shared { counters: Arc::new(counters), cache: Arc::new(cache) })
}

/// Opens what many instances share, where there is a driver.
#[cfg(not(feature = "enterprise"))]
pub fn open_shared(_: &str, _: &SqlStore) -> Result<Shared> {
    Err(light("Redis"))
}

fn locks(path: &Path, data: &Path) -> Result<Vec<Lock>> {
    create_folder(data)?;
    let mut locks = vec![Lock::take(&data.join("lock"))?];
    // Two data folders may name the same file.
    if path.parent() != Some(data) {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        locks.push(Lock::take(Path::new(&beside))?);
    }
    Ok(locks)
}

fn create_folder(folder: &Path) -> Result<()> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.map_err(|error| cannot_create(folder, &error))
}

/// The engine gives its log the permissions of the file, so they are right from the start.
fn create_file(path: &Path) -> Result<()> {
    let created = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    created.map(drop).map_err(|error| cannot_create(path, &error))
}

fn cannot_create(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("Cannot create or open {}: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HttpClient, SystemClock, scratch::Folder};
    use std::os::unix::fs::PermissionsExt;
    use tidegate_core::store::{Schema, Store};

    fn open(place: Place) -> Result<Opened> {
        open_store(
            (place, Writing::Alone),
            None,
            Arc::new(HttpClient::new()?),
            Arc::new(SystemClock),
        )
    }

    #[test]
    fn urls_name_places() {
        let parse = |url| Place::parse(url, Path::new("data")).unwrap();
        let file = |path: &str| Place::File { path: path.into(), data: "data".into() };
        assert_eq!(parse(None), file("data/tidegate.db"));
        assert_eq!(parse(Some("file:a/b.db")), file("a/b.db"));
        assert_eq!(parse(Some("file:///a/b.db")), file("/a/b.db"));
        assert_eq!(parse(Some(":memory:")), Place::Memory);
        assert_eq!(parse(Some("libsql::memory:")), Place::Memory);
        assert_eq!(parse(Some("libsql://a.b")), Place::Remote(Url("libsql://a.b".to_owned())));
    }

    #[test]
    fn a_wrong_url_is_not_repeated() {
        let error = Place::parse(Some("oracle://me:secret@host"), Path::new("data")).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[cfg(not(feature = "enterprise"))]
    #[test]
    fn a_light_build_says_where_the_driver_is() {
        let url = "postgres://me:secret@host/name";
        let place = Place::parse(Some(url), Path::new("data")).unwrap();
        let store = open(Place::Memory).unwrap().store;
        for error in [
            open(place).err(),
            open_shared("redis://me:secret@host", &store).err(),
            crate::open_channel("redis://me:secret@host", Arc::new(|_| {})).err(),
        ] {
            let error = error.unwrap();
            assert!(error.message.contains("--features enterprise"), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_store_in_a_folder_is_private_and_has_one_owner() {
        let scratch = Folder::new();
        let data = scratch.path().join("data");
        let place = || Place::parse(None, &data).unwrap();
        let first = open(place()).unwrap();
        assert_eq!(open(place()).err().map(|error| error.kind), Some(Kind::Conflict));
        let before = first.store.schema().await.unwrap();
        assert!(matches!(before, Schema::Older { found: 0, .. }), "{before:?}");
        assert!(first.migrate(&SystemClock).await.unwrap() > 0);
        assert_eq!(first.store.schema().await.unwrap(), Schema::Current);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join("tidegate.db")), 0o600);
        assert_eq!(mode(&data.join("tidegate.db-wal")), 0o600);
        drop(first);
        let second = open(place()).unwrap();
        assert_eq!(second.migrate(&SystemClock).await.unwrap(), 0);
    }

    #[test]
    fn two_data_folders_cannot_share_a_file() {
        let scratch = Folder::new();
        let url = format!("file:{}", scratch.path().join("shared.db").display());
        let place = |data: &str| Place::parse(Some(&url), &scratch.path().join(data)).unwrap();
        let first = open(place("one")).unwrap();
        assert_eq!(open(place("two")).err().map(|error| error.kind), Some(Kind::Conflict));
        drop(first);
        open(place("two")).unwrap();
    }
}
