//! How are the programs built that a suite starts?

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::{
    edition::Edition,
    place,
    report::{Done, Result, Stop},
    shell,
};

/// How carefully the compiler works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// What is shipped.
    #[default]
    Release,
}

impl Profile {
    /// The option that cargo wants, if any.
    pub(crate) fn option(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Builds the server; returns the program.
pub(crate) fn server(profile: Profile) -> Result<PathBuf> {
    program("tidegate", Edition::Light, profile)
}

/// Builds the Lambda function; returns the program.
pub(crate) fn lambda(profile: Profile) -> Result<PathBuf> {
    program("bootstrap", Edition::Light, profile)
}

/// Builds both with every driver; returns the server. It takes the place of the other one.
pub(crate) fn enterprise(profile: Profile) -> Result<PathBuf> {
    program("tidegate", Edition::Enterprise, profile)
}

/// Builds the programs of a suite; returns the one that has the package's name.
pub(crate) fn suite(package: &str, profile: Profile) -> Result<PathBuf> {
    let mut cargo = shell::cargo(&["build", "-p", package])?;
    shell::run(cargo.args(profile.option()))?;
    built(package, profile)
}

/// The server and the Lambda function in release, with their sizes: with every driver, and light, which stays.
pub(crate) fn release() -> Result {
    let sizes = |server: &Path| {
        let lambda = server.with_file_name("bootstrap");
        Ok::<_, Stop>(format!("tidegate {}, bootstrap {}", mebibytes(server)?, mebibytes(&lambda)?))
    };
    let enterprise = sizes(&enterprise(Profile::Release)?)?;
    let light = sizes(&server(Profile::Release)?)?;
    Ok(Done::noted(format!("{light}; enterprise: {enterprise}")))
}

/// Both are always built together: cargo unifies the features of what one command names, so two commands would build
/// half of the dependencies twice.
fn program(name: &str, edition: Edition, profile: Profile) -> Result<PathBuf> {
    let mut cargo = shell::cargo(&["build", "-p", "tidegate", "-p", "tidegate-lambda"])?;
    shell::run(cargo.args(edition.features()).args(profile.option()))?;
    built(name, profile)
}

fn built(name: &str, profile: Profile) -> Result<PathBuf> {
    let path = place::target()?.join(profile.folder()).join(name);
    if path.is_file() { Ok(path) } else { Err(Stop::failed(format!("cargo built no {name}"))) }
}

fn mebibytes(path: &Path) -> Result<String> {
    let size =
        std::fs::metadata(path).map_err(|e| Stop::failed(format!("{}: {e}", path.display())))?;
    let tenths = size.len() * 10 / (1 << 20);
    Ok(format!("{}.{} MiB", tenths / 10, tenths % 10))
}
