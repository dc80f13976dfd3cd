//! Does recorded provider traffic come through the gateway as it should?

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    build::{self, Profile},
    place,
    report::{Result, Stop},
    shell,
};

/// Where recordings are looked for, from the root of the clone: they are no part of it.
const ARCHIVE: &str = "../shared/corpora/dev.tar.xz";

#[derive(Args, Default)]
pub(crate) struct Options {
    /// A folder of case files; extracted from the archive beside the clone when none is named
    folder: Option<PathBuf>,
    /// How the program is built
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
    /// What the program takes: --show N, --check NAME, --only TEXT
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Sends every recording through the gateway and holds each check against its bar.
pub(crate) fn corpus(options: &Options) -> Result {
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => extracted()?,
    };
    let program = build::suite("tidegate-corpus", options.profile)?;
    let mut suite = shell::command(program, &[])?;
    shell::run(suite.arg(folder).args(&options.rest))
}

/// The folder of the archive's recordings, taken out anew when the archive is newer.
fn extracted() -> Result<PathBuf> {
    let archive = place::root()?.join(ARCHIVE);
    if !archive.is_file() {
        return Err(Stop::skipped(format!("there is no {ARCHIVE}; name a folder of recordings")));
    }
    let folder = place::target()?.join("corpus");
    // Written last, so that a broken extraction is done again.
    let mark = folder.join("extracted");
    if is_newer(&mark, &archive) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let mut tar = shell::command("tar", &["-xJf"])?;
    shell::run(tar.arg(&archive).arg("-C").arg(&folder))?;
    fs::write(&mark, "").map_err(|error| failed(&mark, &error))?;
    Ok(folder)
}

fn is_newer(mark: &Path, archive: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    time(mark).is_some_and(|mark| time(archive).is_some_and(|archive| mark > archive))
}

fn failed(path: &Path, error: &std::io::Error) -> Stop {
    Stop::failed(format!("{}: {error}", path.display()))
}
