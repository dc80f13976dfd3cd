//! How does the file lie on the disk? Readable by its owner alone, never half there under its name, and never in the place
//! of another.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use tidegate_core::{Error, Result, error::Kind, moving::limits::MOVING_LINE_BYTES_MAX};

use crate::data::cannot;

/// A file that is being written.
pub(super) struct Written {
    out: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
}

impl Written {
    /// Begins a file, unless there is one.
    pub(super) fn new(path: &Path) -> Result<Self> {
        refuse_existing(path)?;
        let part = beside(path);
        let _ = fs::remove_file(&part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let out = BufWriter::new(file.map_err(|error| cannot(&part, &error))?);
        Ok(Self { out, part, path: path.to_owned() })
    }

    /// Writes a line.
    pub(super) fn write(&mut self, line: &[u8]) -> Result<()> {
        self.out.write_all(line).map_err(|error| cannot(&self.part, &error))
    }

    /// Gives the whole file its name.
    pub(super) fn finish(mut self) -> Result<()> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        synced.map_err(|error| cannot(&self.part, &error))?;
        place(&self.part, &self.path)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Gone already when it is finished.
        let _ = fs::remove_file(&self.part);
    }
}

/// A file that is read line by line.
pub(super) struct Lines(BufReader<File>, PathBuf);

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| cannot(path, &error))?;
        Ok(Self(BufReader::new(file), path.to_owned()))
    }

    /// The next line, its end included.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let most = MOVING_LINE_BYTES_MAX as u64 + 1;
        let read = (&mut self.0).take(most).read_until(b'\n', &mut line);
        read.map_err(|error| cannot(&self.1, &error))?;
        match line.len() {
            0 => Ok(None),
            length if length > MOVING_LINE_BYTES_MAX => {
                Err(Error::bad_request("The file is damaged: a line of it is too long."))
            }
            _ => Ok(Some(line)),
        }
    }
}

/// Refuses to write where something is.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(path, &error)),
        Ok(_) => Err(there(path)),
    }
}

/// Moves a file to where nothing is, over the borders of file systems too.
pub(super) fn place(from: &Path, to: &Path) -> Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(there(to)),
        // Another file system, or one that cannot do it in one step.
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS) => carry(from, to),
        Err(error) => Err(cannot(to, &error.into())),
    }
}

fn carry(from: &Path, to: &Path) -> Result<()> {
    let carried = || {
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        let copied = File::open(from).and_then(|mut file| io::copy(&mut file, &mut out));
        let done = copied.and_then(|_| out.sync_all()).and_then(|()| fs::remove_file(from));
        if done.is_err() {
            let _ = fs::remove_file(to);
        }
        done
    };
    carried().map_err(|error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => there(to),
        _ => cannot(to, &error),
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn there(path: &Path) -> Error {
    Error::new(Kind::Conflict, format!("{} is there already, and stays.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_file_gets_its_name_when_it_is_whole() {
        let scratch = tempdir().unwrap();
        let path = scratch.path().join("all");
        let mut written = Written::new(&path).unwrap();
        written.write(b"a\n").unwrap();
        assert!(!path.exists());
        written.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a\n");
        assert!(Written::new(&path).is_err(), "it is not overwritten");
        let mut lines = Lines::open(&path).unwrap();
        assert_eq!(lines.next().unwrap().as_deref(), Some(&b"a\n"[..]));
        assert_eq!(lines.next().unwrap(), None);
        drop(Written::new(&scratch.path().join("more")).unwrap());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_is_carried_where_it_cannot_be_moved() {
        let scratch = tempdir().unwrap();
        let (from, to) = (scratch.path().join("a"), scratch.path().join("b"));
        fs::write(&from, "x").unwrap();
        carry(&from, &to).unwrap();
        assert!(!from.exists() && to.exists());
        fs::write(&from, "y").unwrap();
        assert_eq!(carry(&from, &to).unwrap_err().kind, Kind::Conflict);
        assert_eq!(place(&from, &to).unwrap_err().kind, Kind::Conflict);
        assert_eq!(fs::read(&to).unwrap(), b"x");
    }
}
