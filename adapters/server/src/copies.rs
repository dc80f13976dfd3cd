//! How is the database file of a running server copied? Into the data folder, one copy at a time, for a command that takes
//! it from there.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    error::Kind,
    moving::limits::BACKUP_KEEP,
    ports::{Backup, Random},
};
use tidegate_native::{Libsql, OsRandom};
use tokio::sync::Mutex;

use crate::data::cannot;

/// How every copy is called.
const BEGIN: &str = "backup-";
const END: &str = ".db";

/// Copies one database file.
pub(crate) struct Copies {
    file: Arc<Libsql>,
    folder: PathBuf,
    /// Two copies at once would be twice as slow, and twice as large.
    turn: Mutex<()>,
}

impl Copies {
    /// Of this file, into this folder.
    pub(crate) fn new(file: Arc<Libsql>, folder: &Path) -> Self {
        Self { file, folder: folder.to_owned(), turn: Mutex::new(()) }
    }
}

#[async_trait]
impl Backup for Copies {
    async fn copy(&self) -> Result<String> {
        let Ok(_turn) = self.turn.try_lock() else {
            let message = "A copy is being made already; try again when it is done.";
            return Err(Error::new(Kind::Conflict, message));
        };
        let folder = self.folder.canonicalize().map_err(|error| cannot(&self.folder, &error))?;
        forget_old(&folder);
        let mut name = [0; 8];
        OsRandom.fill(&mut name);
        let path = folder.join(format!("{BEGIN}{:016x}{END}", u64::from_be_bytes(name)));
        let (file, to) = (Arc::clone(&self.file), path.clone());
        let made = tokio::task::spawn_blocking(move || copy(&file, &to));
        made.await.map_err(Error::internal)??;
        let text = path.into_os_string().into_string();
        text.map_err(|_| Error::bad_request("The data folder's path is no text."))
    }
}

/// Copies into a file that only its owner reads. What goes wrong leaves nothing behind.
pub(crate) fn copy(file: &Libsql, to: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|error| cannot(to, &error))?;
    let synced = || File::open(to).and_then(|copy| copy.sync_all());
    let copied = file.copy(to).and_then(|()| synced().map_err(|error| cannot(to, &error)));
    if copied.is_err() {
        // It says nothing that the error does not say.
        let _ = fs::remove_file(to);
    }
    copied
}

/// Removes copies that nobody has taken away.
fn forget_old(folder: &Path) {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let made = entry.metadata().and_then(|metadata| metadata.modified());
        let age = made.ok().and_then(|made| now.duration_since(made).ok());
        if name.starts_with(BEGIN)
            && name.ends_with(END)
            && age.is_some_and(|age| age > BACKUP_KEEP)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}
