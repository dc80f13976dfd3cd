//! What do `tidegate export`, `tidegate import` and `tidegate backup` do? One file, in and out.
//!
//! Read on in [`place`] for what is opened, in [`file`] for what lies on the disk, and in [`foreign`] for the databases and
//! files of other gateways.

mod backup;
mod export;
mod file;
mod foreign;
mod import;
mod place;

pub(crate) use backup::backup;
pub(crate) use export::export;

use std::{env, fs, path::Path};

use tidegate_core::{
    Error, Result,
    config::Config,
    identity::Secret,
    moving::{Count, Told},
};
use zeroize::Zeroizing;

use crate::{cli::Import, console::say, data::cannot};

/// Holds the passphrase where no file does.
const VARIABLE: &str = "TIDEGATE_PASSPHRASE";

/// Takes in a file of this gateway's or of another's.
pub(crate) async fn import(import: Import, config: Config) -> Result<()> {
    match import.from {
        None => import::import(&import, config).await,
        Some(from) => foreign::import(from, &import, config).await,
    }
}

/// The passphrase of the file or of the environment.
fn passphrase(file: Option<&Path>) -> Result<Secret> {
    if let Some(path) = file {
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| cannot(path, &error))?;
        return Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    match env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
        _ => Err(Error::bad_request(format!(
            "The file holds secrets under a passphrase: name its file with --passphrase-file, or set {VARIABLE}."
        ))),
    }
}

/// Says what has moved.
fn report(told: &Told, verb: &str) {
    for (what, Count { moved, kept, left }) in &told.counts {
        let mut line = format!("{what}: {moved} {verb}");
        if *kept > 0 {
            line += &[", ", &*kept.to_string(), " were there already"].concat();
        }
        if *left > 0 {
            line += &[", ", &*left.to_string(), " stay behind"].concat();
        }
        say(&line);
    }
    told.notes.iter().for_each(|note| say(note));
    if told.notes_left_out > 0 {
        say(&format!("And {} more like these.", told.notes_left_out));
    }
}
