//! Which store does a move open, and what opens its secrets? The one that is declared, without a gateway over it.

use std::{fs, path::PathBuf, sync::Arc};

use tidegate_core::{
    Error, Result,
    config::{Config, RootSecret},
    error::Kind,
    identity::Vault,
    moving::Side,
    ports::Clock,
    store::{
        Schema, Store,
        sql::{Database, SqlStore},
    },
};
use tidegate_native::{
    HttpClient, Libsql, Lock, Opened, OsRandom, Place, SystemClock, Writing, open_store,
};

use crate::{admin::Admin, data::Data};

/// An opened store.
pub(super) struct Opening {
    database: Arc<dyn Database>,
    store: Arc<SqlStore>,
    vault: Vault,
    roots: Vec<RootSecret>,
    /// What goes last.
    _held: Held,
}

/// What is given back when the store is closed.
enum Held {
    /// The store itself, with its locks.
    Opened { _opened: Opened, _lock: Option<Lock> },
    /// A copy that was made to be read.
    Copied { _passing: Passing },
}

/// A file that lasts as long as this.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // What cannot be removed, the server removes in time.
        let _ = fs::remove_file(&self.0);
    }
}

impl Opening {
    /// To read. A file that a running server holds is copied by it, and the copy is read.
    pub(super) async fn to_read(config: Config) -> Result<Self> {
        let data = Data::new(&config.data);
        let roots = roots(&config, &data)?;
        let vault = vault(&roots).ok_or_else(|| {
            let message = "There is no root secret here: set TIDEGATE_SECRET, or name the data folder with --data.";
            Error::bad_request(message)
        })?;
        let found = match open(&config) {
            Ok(opened) => {
                let (database, store) = (Arc::clone(&opened.database), Arc::clone(&opened.store));
                let held = Held::Opened { _opened: opened, _lock: None };
                Self { database, store, vault, roots, _held: held }
            }
            Err(error) if error.kind == Kind::Conflict => {
                let admin = Admin::running(&data, error)?;
                let path = admin.copy().await?;
                let held = Held::Copied { _passing: Passing(path.clone()) };
                let database: Arc<dyn Database> = Arc::new(Libsql::open(&path)?);
                let store = Arc::new(SqlStore::new(Arc::clone(&database)));
                Self { database, store, vault, roots, _held: held }
            }
            Err(error) => return Err(error),
        };
        match found.store.schema().await? {
            Schema::Current => Ok(found),
            Schema::Older { .. } | Schema::Newer { .. } => {
                let message = "The database's schema is another version's: `tidegate migrate` brings an older one up to date.";
                Err(Error::new(Kind::Conflict, message))
            }
        }
    }

    /// To write. Nobody else may have the data folder meanwhile.
    pub(super) async fn to_write(config: Config) -> Result<Self> {
        let data = Data::new(&config.data);
        let place = Place::parse(config.store_url.as_deref(), data.folder())?;
        let lock = match place {
            // Comes with the locks of its folder.
            Place::File { .. } => None,
            Place::Memory => {
                return Err(Error::bad_request("What goes into memory is gone at the end."));
            }
            Place::Remote(_) | Place::Postgres(_) | Place::Mysql(_) => {
                Some(data.lock().map_err(stop_first)?)
            }
        };
        let opened = open(&config).map_err(stop_first)?;
        opened.migrate(&SystemClock).await?;
        let mut roots = roots(&config, &data)?;
        if roots.is_empty() {
            if opened.store.revision().await? > 0 {
                let message =
                    "The database was written with another root secret: set TIDEGATE_SECRET.";
                return Err(Error::bad_request(message));
            }
            roots.push(data.make_secret()?);
        }
        let vault = vault(&roots).ok_or_else(|| Error::internal("there is a root secret"))?;
        let (database, store) = (Arc::clone(&opened.database), Arc::clone(&opened.store));
        let held = Held::Opened { _opened: opened, _lock: lock };
        Ok(Self { database, store, vault, roots, _held: held })
    }

    /// As the core wants it.
    pub(super) fn side(&self) -> Side<'_> {
        Side {
            database: &*self.database,
            store: &*self.store,
            vault: &self.vault,
            roots: &self.roots,
            random: &OsRandom,
            now: SystemClock.now(),
        }
    }

    /// Those of these root secrets that are not known here, for what they have hashed.
    pub(super) fn unknown(&self, roots: &[RootSecret]) -> Vec<RootSecret> {
        let known = |root: &RootSecret| self.vault.is_known(Vault::new(root).id());
        roots.iter().filter(|root| !known(root)).cloned().collect()
    }
}

/// Opens what is declared, with its locks.
pub(super) fn open(config: &Config) -> Result<Opened> {
    let data = Data::new(&config.data);
    let place = Place::parse(config.store_url.as_deref(), data.folder())?;
    let upstream = Arc::new(HttpClient::new()?);
    let token = config.store_token.clone();
    open_store((place, Writing::Alone), token, upstream, Arc::new(SystemClock))
}

/// The declared one or the data folder's first, then those of before.
fn roots(config: &Config, data: &Data) -> Result<Vec<RootSecret>> {
    let mut roots: Vec<RootSecret> = config.secret.iter().cloned().collect();
    if roots.is_empty() {
        roots.extend(data.secret()?);
        roots.extend(data.old_secrets()?);
    }
    roots.extend(config.people.old_secrets.iter().cloned());
    Ok(roots)
}

fn vault(roots: &[RootSecret]) -> Option<Vault> {
    roots.split_first().map(|(first, old)| Vault::after(first, old))
}

fn stop_first(error: Error) -> Error {
    if error.kind != Kind::Conflict {
        return error;
    }
    let message = format!("{} Stop it first: an import writes the database itself.", error.message);
    Error::new(Kind::Conflict, message)
}
