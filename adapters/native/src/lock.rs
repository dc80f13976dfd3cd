//! Who writes to this data folder? Whoever holds the lock on its file `lock`, for as long as the process lives.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tidegate_core::{Error, Result, error::Kind};

/// The right to write. The operating system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    // Closing the file is what unlocks it.
    _file: File,
}

impl Lock {
    /// Takes the lock on `path`, which is created when it is missing. Held by somebody else it is a
    /// [`Conflict`](Kind::Conflict) that names the process.
    pub fn take(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| cannot("open", path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(taken(path, &mut file)),
            Err(error) => return Err(cannot("lock", path, &error.into())),
        }
        sign(&mut file).map_err(|error| cannot("write to", path, &error))?;
        Ok(Self { _file: file })
    }
}

/// The process id is for the message alone; the lock is the operating system's.
fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn taken(path: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    // Enough for a number; whatever else the file may hold is not repeated.
    let read = file.take(20).read_to_string(&mut holder);
    let holder = match holder.trim().parse::<u32>() {
        Ok(number) if read.is_ok() => format!("process {number}"),
        _ => "another process".to_owned(),
    };
    Error::new(
        Kind::Conflict,
        format!("{holder} is serving from here and holds {}; only one may.", path.display()),
    )
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("Cannot {verb} {}: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Folder;

    #[test]
    fn a_second_taker_is_told_who_holds_it() {
        let folder = Folder::new();
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).unwrap();
        let error = Lock::take(&path).unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Lock::take(Path::new("/nowhere/at/all/lock")).unwrap_err();
        assert_eq!(error.kind, Kind::Unavailable);
        assert!(error.message.contains("/nowhere/at/all/lock"), "{error}");
    }
}
