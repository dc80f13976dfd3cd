//! Which tools come from the Python package index? Each set is installed once, in an environment of its own in the cache.

use std::{env, ffi::OsString, path::PathBuf, process::Command};

use crate::{
    fetch,
    report::{Result, Stop},
    shell,
};

/// A set of packages with their versions.
pub(crate) struct Tools {
    /// The environment's name; it holds what a version means, so an update is another name.
    pub(crate) name: &'static str,
    pub(crate) packages: &'static [&'static str],
}

impl Tools {
    /// A command of the set, which finds the others on its PATH.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Result<Command> {
        let programs = fetch::python(self.name, self.packages)?;
        let mut command = shell::command(programs.join(program), args)?;
        command.env("PATH", before(programs)?);
        Ok(command)
    }
}

fn before(folder: PathBuf) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(folder).chain(env::split_paths(&path)))
        .map_err(|e| Stop::failed(format!("PATH: {e}")))
}
