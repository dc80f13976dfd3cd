//! Is every dependency one that we may use?

use std::path::PathBuf;

use crate::{
    fetch,
    report::{Result, Stop},
    shell,
};

const VERSION: &str = "0.20.2";

/// Checks bans, licences and sources against `deny.toml`.
pub(crate) fn policy() -> Result {
    let mut deny = shell::command(program()?, &["--log-level", "error", "check"])?;
    shell::run(deny.args(["bans", "licenses", "sources"]))
}

/// Checks the dependencies against the database of known vulnerabilities, where that can be reached.
pub(crate) fn advisories() -> Result {
    let program = program()?;
    let mut fetch = shell::command(&program, &["--log-level", "off", "fetch", "db"])?;
    if shell::run(&mut fetch).is_err() {
        return Err(Stop::skipped("the advisory database cannot be reached from here"));
    }
    let check = ["--log-level", "error", "check", "--disable-fetch", "advisories"];
    shell::run(&mut shell::command(&program, &check)?)
}

fn program() -> Result<PathBuf> {
    let programs = fetch::crate_programs("cargo-deny", VERSION, &["--no-default-features"])?;
    Ok(programs.join("cargo-deny"))
}
