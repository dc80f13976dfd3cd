//! Where are the clone, the build folder and the cache?

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::report::{Result, Stop};

/// The root of the clone: the nearest folder upward that holds this tool.
pub(crate) fn root() -> Result<PathBuf> {
    let here = env::current_dir().map_err(|e| Stop::failed(format!("no current folder: {e}")))?;
    here.ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| Stop::failed("run this inside a clone of Tidegate"))
}

/// Where cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    let root = root()?;
    Ok(env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir)))
}

/// Where fetched tools are kept: outside the clone, so that a fresh clone finds them.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or_else(|| Stop::failed("neither XDG_CACHE_HOME nor HOME is set"))?;
    Ok(base.join("tidegate"))
}

/// Finds a program on the PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
