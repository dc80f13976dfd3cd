//! What does a build of the Worker need besides cargo, and how does it get onto this machine?

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// The name that `tools/wasm-toolchain.sh` gives to a toolchain with the target, where the one in use cannot have it.
const SUBSTITUTE: &str = "wasm";
const SUBSTITUTE_OPTION: &str = "+wasm";

/// Lets a command that runs cargo find a standard library for wasm32; gets one when there is none.
pub(crate) fn select_toolchain(command: &mut Command) -> Result {
    if has_target(&[]) {
        return Ok(Done::default());
    }
    if !has_target(&[SUBSTITUTE_OPTION]) {
        let mut script = shell::command("bash", &["tools/wasm-toolchain.sh"])?;
        shell::run(&mut script).map_err(|_| {
            Stop::skipped(format!("there is no Rust standard library for {TARGET}"))
        })?;
    }
    if !has_target(&[]) {
        command.env("RUSTUP_TOOLCHAIN", SUBSTITUTE);
    }
    Ok(Done::default())
}

fn has_target(toolchain: &[&str]) -> bool {
    let question = [toolchain, &["--print", "target-libdir", "--target", TARGET]].concat();
    let folder = shell::command("rustc", &question).and_then(|mut rustc| shell::output(&mut rustc));
    folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// The program that turns a crate into a Worker, of the version that the `worker` crate has.
pub(super) fn worker_build() -> Result<PathBuf> {
    let programs = fetch::crate_programs("worker-build", &locked("worker")?, &[])?;
    Ok(programs.join("worker-build"))
}

/// The program that writes the glue between wasm and JavaScript; it must be of exactly the crate's version.
pub(super) fn wasm_bindgen() -> Result<PathBuf> {
    let programs = fetch::crate_programs("wasm-bindgen-cli", &locked("wasm-bindgen")?, &[])?;
    Ok(programs.join("wasm-bindgen"))
}

/// The npm packages of `tests/worker`.
pub(crate) fn packages() -> Result<PathBuf> {
    fetch::npm_beside(&place::root()?.join("tests/worker"))
}

/// The version of a package in Cargo.lock.
fn locked(package: &str) -> Result<String> {
    let path = place::root()?.join("Cargo.lock");
    let lock = fs::read_to_string(&path)
        .map_err(|error| Stop::failed(format!("{}: {error}", path.display())))?;
    version_of(package, &lock)
        .ok_or_else(|| Stop::failed(format!("Cargo.lock does not name {package}")))
}

fn version_of(package: &str, lock: &str) -> Option<String> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_version_is_found_by_the_whole_name() {
        let lock = "[[package]]\nname = \"worker-sys\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"worker\"\nversion = \"2.0.0\"\n";
        assert_eq!(version_of("worker", lock).as_deref(), Some("2.0.0"));
        assert_eq!(version_of("work", lock), None);
    }
}
