//! Is every dependency one that we may use?

use crate::{
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

const VERSION: &str = "0.20.2";

/// Checks bans, licences and sources against `deny.toml`.
pub(crate) fn policy() -> Result {
    let program = fetch::crate_program("cargo-deny", VERSION, &["--no-default-features"])?;
    let mut deny = shell::command(program, &["--log-level", "error", "check"])?;
    shell::run(deny.args(["bans", "licenses", "sources"]))
}

/// Checks the dependencies against the database of known vulnerabilities, where that can be reached.
pub(crate) fn advisories() -> Result {
    let program = fetch::crate_program("cargo-deny", VERSION, &["--no-default-features"])?;
    let database = place::cache()?.join("advisories");
    let mut fetch = shell::command(&program, &["--log-level", "off", "fetch", "db"])?;
    fetch.env("CARGO_HOME", &database);
    if shell::run(&mut fetch).is_err() {
        return Err(Stop::skipped("the advisory database cannot be reached from here"));
    }
    shell::run(&mut shell::command(&program, &["--log-level", "error", "check", "advisories"])?)?;
    Ok(Done::default())
}
