//! Where do records wait that the store does not take? In files that are only appended to, oldest first, each of which goes
//! when all in it has reached the store.
//!
//! What lies here is what the store's rows hold, so it is no more secret than they are. A record that is in a file
//! survives the process; one that is synced survives the machine.

mod frame;
pub(crate) mod limits;

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use tidegate_core::{
    Error, Result,
    error::Kind,
    limits::FLUSH_ROWS_MAX,
    outage::limits::{SPILL_BYTES_MAX, SPILL_FILE_BYTES_MAX},
    store::{
        Record,
        sql::{read_aside, write_aside},
    },
};
use tracing::warn;

use frame::Piece;

/// How files begin that this version can read.
const MARK: &[u8; 8] = b"tgspill1";

/// What outlives what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The end of the process.
    Written,
    /// A power cut.
    Synced,
}

/// Records in files. One process has the folder for itself.
pub(crate) struct Spill {
    folder: PathBuf,
    /// Oldest first.
    files: VecDeque<Kept>,
    /// The file that is appended to, which is the newest.
    open: Option<File>,
    next_number: u64,
    /// Files below this one are of before the start.
    first_own: u64,
}

struct Kept {
    number: u64,
    /// Up to here it holds whole frames.
    bytes: u64,
    /// Up to here it has reached the store.
    done: u64,
    /// Records beyond that.
    records: u64,
}

/// The oldest records, and how far they go.
pub(crate) struct Oldest {
    /// None, where all that was left could not be read.
    pub(crate) records: Vec<Record>,
    number: u64,
    until: u64,
    taken: u64,
}

impl Spill {
    /// The folder with what an earlier process has left there. It is made when something has to be kept.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let mut numbers = match fs::read_dir(folder) {
            Ok(entries) => numbers(entries).map_err(|error| cannot("read", folder, &error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(cannot("read", folder, &error)),
        };
        numbers.sort_unstable();
        let next_number = numbers.last().map_or(1, |last| last + 1);
        let mut spill = Self {
            folder: folder.to_owned(),
            files: VecDeque::new(),
            open: None,
            next_number,
            first_own: next_number,
        };
        for number in numbers {
            let kept = spill.look(number)?;
            spill.files.push_back(kept);
        }
        Ok(spill)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether nothing waits of what was left by earlier processes.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.files.front().is_none_or(|kept| kept.number >= self.first_own)
    }

    /// How many records wait.
    pub(crate) fn records(&self) -> u64 {
        self.files.iter().map(|kept| kept.records).sum()
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|kept| kept.bytes).sum()
    }

    /// Keeps all of these records, or none.
    pub(crate) fn append(&mut self, records: &[Record], keep: Keep) -> Result<()> {
        let mut frames = Vec::new();
        for record in records {
            frame::push(&write_aside(record)?, &mut frames)?;
        }
        let length = frames.len() as u64;
        if self.bytes() + length > SPILL_BYTES_MAX {
            return Err(Error::full("there is no more room to keep records aside"));
        }
        let path = self.folder.clone();
        self.write(&frames, records.len() as u64, keep)
            .map_err(|error| cannot("write to", &path, &error))
    }

    fn write(&mut self, frames: &[u8], records: u64, keep: Keep) -> io::Result<()> {
        let full = self.files.back().is_none_or(|kept| kept.bytes >= SPILL_FILE_BYTES_MAX);
        if full || self.open.is_none() {
            self.begin()?;
        }
        let (Some(file), Some(kept)) = (&mut self.open, self.files.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let written = file.write_all_at(frames, kept.bytes).and_then(|()| match keep {
            Keep::Written => Ok(()),
            Keep::Synced => file.sync_data(),
        });
        if let Err(error) = written {
            // Half a frame would hide what comes after it.
            let _ = file.set_len(kept.bytes);
            return Err(error);
        }
        kept.bytes += frames.len() as u64;
        kept.records += records;
        Ok(())
    }

    /// Begins the next file, whose name outlives what its content does.
    fn begin(&mut self) -> io::Result<()> {
        self.open = None;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let number = self.next_number;
        let path = self.path(number);
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let names = || {
            let above = self.folder.parent().unwrap_or(&self.folder);
            File::open(above)?.sync_all()?;
            File::open(&self.folder)?.sync_all()
        };
        let begun = file.write_all(MARK).and_then(|()| names());
        if let Err(error) = begun {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let bytes = MARK.len() as u64;
        self.files.push_back(Kept { number, bytes, done: bytes, records: 0 });
        self.next_number += 1;
        self.open = Some(file);
        Ok(())
    }

    /// The oldest records, as many as go in one flush; `None` when nothing waits. They are there until they are
    /// [`done`](Self::done).
    pub(crate) fn oldest(&mut self) -> Result<Option<Oldest>> {
        let Some(kept) = self.files.front() else { return Ok(None) };
        let (number, path) = (kept.number, self.path(kept.number));
        let read = || -> io::Result<Vec<u8>> {
            let length = usize::try_from(kept.bytes - kept.done).unwrap_or(usize::MAX);
            let mut bytes = vec![0; length.min(limits::PAGE_BYTES)];
            File::open(&path)?.read_exact_at(&mut bytes, kept.done)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| cannot("read", &path, &error))?;
        let mut oldest = Oldest { records: Vec::new(), number, until: kept.done, taken: 0 };
        let mut damaged = 0_u32;
        for (piece, end) in frame::pieces(&bytes).take(FLUSH_ROWS_MAX) {
            oldest.until = kept.done + end;
            oldest.taken += 1;
            match piece {
                Piece::Whole(line) => match read_aside(line) {
                    Ok(record) => oldest.records.push(record),
                    Err(_) => damaged += 1,
                },
                Piece::Damaged => damaged += 1,
            }
        }
        if oldest.taken == 0 && kept.done < kept.bytes {
            // It was whole when it was looked at.
            (oldest.until, oldest.taken) = (kept.bytes, kept.records);
            warn!(file = %path.display(), "a file of records that were kept aside is damaged");
        }
        if damaged > 0 {
            warn!(file = %path.display(), records = damaged, "records that were kept aside cannot be read");
        }
        Ok(Some(oldest))
    }

    /// These have reached the store.
    pub(crate) fn done(&mut self, oldest: &Oldest) -> Result<()> {
        let Some(kept) = self.files.front_mut() else { return Ok(()) };
        if kept.number != oldest.number {
            return Ok(());
        }
        kept.done = oldest.until;
        kept.records = kept.records.saturating_sub(oldest.taken);
        if kept.done < kept.bytes {
            return Ok(());
        }
        let number = kept.number;
        let path = self.path(number);
        if number + 1 == self.next_number {
            self.open = None;
        }
        self.files.pop_front();
        fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))
    }

    /// What a file of an earlier process holds. Its end may be half a record: that one was acknowledged to nobody.
    fn look(&self, number: u64) -> Result<Kept> {
        let path = self.path(number);
        let bytes = fs::read(&path).map_err(|error| cannot("read", &path, &error))?;
        let begin = MARK.len() as u64;
        let Some(frames) = bytes.strip_prefix(MARK) else {
            // Shorter than its beginning: the process ended there. Anything else is not ours to throw away.
            if MARK.starts_with(&bytes) {
                return Ok(Kept { number, bytes: begin, done: begin, records: 0 });
            }
            let message = format!("{} is of another version of Tidegate.", path.display());
            return Err(Error::new(Kind::Unavailable, message));
        };
        let (mut records, mut end) = (0, 0);
        for (_, until) in frame::pieces(frames) {
            records += 1;
            end = until;
        }
        let torn = frames.len() as u64 - end;
        if torn > 0 {
            warn!(file = %path.display(), bytes = torn, "the end of a file is torn and left out");
        }
        Ok(Kept { number, bytes: begin + end, done: begin, records })
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}.records"))
    }
}

fn numbers(entries: fs::ReadDir) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".records"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(found)
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> Error {
    let detail = format!("cannot {verb} {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Error::full(detail)
        }
        _ => Error::store(detail),
    }
}

#[cfg(test)]
mod tests;
