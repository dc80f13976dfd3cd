//! What lies in the data folder beside the database? The root secret, the lock, and the way to the running server.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tidegate_core::{
    Error, Result, config::RootSecret, error::Kind, identity::Secret, ports::Random,
};
use tidegate_native::{Lock, OsRandom};
use zeroize::Zeroizing;

/// The data folder.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    folder: PathBuf,
}

/// How a command reaches the server that holds the folder.
#[derive(Serialize, Deserialize)]
pub(crate) struct Contact {
    /// Where it listens.
    pub(crate) url: String,
    /// What opens its API.
    pub(crate) token: String,
}

impl Data {
    pub(crate) fn new(folder: &str) -> Self {
        Self { folder: folder.into() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the folder for this process; it is made when it is missing. Taken already, it is a conflict.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(&self.folder)
            .map_err(|error| cannot(&self.folder, &error))?;
        Lock::take(&self.folder.join("lock"))
    }

    /// The root secret, if the folder has one.
    pub(crate) fn secret(&self) -> Result<Option<RootSecret>> {
        Ok(self.secrets("secret")?.pop())
    }

    /// The root secrets of before, which still read.
    pub(crate) fn old_secrets(&self) -> Result<Vec<RootSecret>> {
        self.secrets("secret.old")
    }

    /// Adds root secrets that only read.
    pub(crate) fn add_old_secrets(&self, more: &[RootSecret]) -> Result<()> {
        if more.is_empty() {
            return Ok(());
        }
        let before = read(&self.folder.join("secret.old"))?.unwrap_or_default();
        let mut text = Zeroizing::new(before.trim().to_owned());
        for secret in more {
            text.push('\n');
            text.push_str(&Zeroizing::new(hex(&*secret.0)));
        }
        self.write("secret.old", text.trim_start().as_bytes())
    }

    /// Makes another root secret; the one of before still reads.
    pub(crate) fn replace_secret(&self) -> Result<()> {
        let now = read(&self.folder.join("secret"))?.unwrap_or_default();
        let before = read(&self.folder.join("secret.old"))?.unwrap_or_default();
        let text = Zeroizing::new(format!("{}\n{}", now.trim(), before.trim()));
        // In this order: stopped in between, no secret is lost.
        self.write("secret.old", text.as_bytes())?;
        self.make_secret().map(drop)
    }

    /// Nothing needs the root secrets of before any more.
    pub(crate) fn forget_old_secrets(&self) {
        let _ = fs::remove_file(self.folder.join("secret.old"));
    }

    fn secrets(&self, name: &str) -> Result<Vec<RootSecret>> {
        let path = self.folder.join(name);
        let Some(text) = read(&path)? else { return Ok(Vec::new()) };
        let broken = || {
            let message = format!("{} does not hold 64 hex digits.", path.display());
            Error::new(Kind::Unavailable, message)
        };
        if text.trim().is_empty() {
            return Err(broken());
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| from_hex(line).map(RootSecret).ok_or_else(broken)).collect()
    }

    /// Makes a root secret and keeps it.
    pub(crate) fn make_secret(&self) -> Result<RootSecret> {
        let mut bytes = Zeroizing::new([0; 32]);
        OsRandom.fill(&mut *bytes);
        let text = Zeroizing::new(hex(&*bytes) + "\n");
        self.write("secret", text.as_bytes())?;
        Ok(RootSecret(bytes))
    }

    /// The way to the running server, if there is one.
    pub(crate) fn contact(&self) -> Result<Option<Contact>> {
        let Some(text) = read(&self.folder.join("token"))? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(Error::internal)
    }

    /// Tells commands the way.
    pub(crate) fn write_contact(&self, contact: &Contact) -> Result<()> {
        let text = serde_json::to_vec(contact).map_err(Error::internal)?;
        self.write("token", &text)
    }

    /// Commands no longer find the way.
    pub(crate) fn remove_contact(&self) {
        // One that is left behind leads nowhere, and the next server replaces it.
        let _ = fs::remove_file(self.folder.join("token"));
    }

    /// Leaves the set-up link for the owner.
    pub(crate) fn write_setup(&self, link: &str) -> Result<()> {
        self.write("setup-url", format!("{link}\n").as_bytes())
    }

    /// The set-up link has served.
    pub(crate) fn remove_setup(&self) {
        let _ = fs::remove_file(self.folder.join("setup-url"));
    }

    /// Readable by the owner alone, and never half there: it is written beside its place and moved.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.part"));
        let write = || {
            let _ = fs::remove_file(&beside);
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        };
        write().map_err(|error| cannot(&path, &error))
    }
}

/// A token nobody guesses.
pub(crate) fn make_token() -> Secret {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRandom.fill(&mut *bytes);
    Secret::new(hex(&*bytes))
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(path, &error)),
    }
}

/// What could not be done with a file.
pub(crate) fn cannot(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("{}: {error}.", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if text.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_secret_is_made_once_and_is_private() {
        let scratch = tempdir().unwrap();
        let data = Data { folder: scratch.path().join("data") };
        let _lock = data.lock().unwrap();
        assert!(data.secret().unwrap().is_none());
        let made = data.make_secret().unwrap();
        assert_eq!(*data.secret().unwrap().unwrap().0, *made.0);
        let permissions =
            |name: &str| data.folder().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(permissions("secret"), 0o600);
        assert_eq!(permissions(""), 0o700);
    }

    #[test]
    fn a_broken_secret_is_not_replaced() {
        let scratch = tempdir().unwrap();
        let data = Data { folder: scratch.path().to_owned() };
        for broken in ["", "00", &"g".repeat(64)] {
            fs::write(scratch.path().join("secret"), broken).unwrap();
            assert!(data.secret().is_err(), "{broken}");
        }
    }

    #[test]
    fn a_contact_comes_and_goes() {
        let scratch = tempdir().unwrap();
        let data = Data { folder: scratch.path().to_owned() };
        assert!(data.contact().unwrap().is_none());
        let contact = Contact { url: "http://127.0.0.1:1".into(), token: "t".into() };
        data.write_contact(&contact).unwrap();
        assert_eq!(data.contact().unwrap().unwrap().token, "t");
        data.remove_contact();
        assert!(data.contact().unwrap().is_none());
    }
}
