//! How does a tool that a suite needs get onto this machine? It is fetched once and kept in the cache.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    place,
    report::{Done, Result, Stop},
    shell,
};

/// Fetches the npm packages that `folder`'s lock file names; returns their `node_modules`.
///
/// No install script runs. The cache is keyed by the lock file, so two clones share it and an update misses it.
pub(crate) fn npm(folder: &Path) -> Result<PathBuf> {
    need("npm", "install Node.js 20 or later, which brings it")?;
    let lock = read(&folder.join("package-lock.json"))?;
    let home = place::cache()?.join("npm").join(digest(&lock));
    let modules = home.join("node_modules");
    if modules.is_dir() {
        return Ok(modules);
    }
    let fresh = beside(&home)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(folder.join(file), fresh.join(file)).map_err(|e| io(&folder.join(file), &e))?;
    }
    let mut npm = shell::command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    shell::run(npm.current_dir(&fresh))
        .map_err(|_| Stop::skipped("npm could not fetch packages"))?;
    keep(&fresh, &home)?;
    Ok(modules)
}

/// Installs the programs of a package from crates.io; returns the folder that holds them.
///
/// They are built without optimisation: minutes are saved once, and none of these programs is waited for long.
pub(crate) fn crate_programs(package: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let home = place::cache()?.join("crates").join(format!("{package}-{version}"));
    let programs = home.join("bin");
    if programs.is_dir() {
        return Ok(programs);
    }
    let fresh = beside(&home)?;
    let mut cargo =
        shell::cargo(&["install", "--locked", "--debug", "--quiet", "--version", version])?;
    cargo.args(options).arg("--root").arg(&fresh).arg(package);
    // A folder of its own, removed afterwards: hundreds of megabytes that nothing else can use.
    let scratch = fresh.join("target");
    cargo.env("CARGO_TARGET_DIR", &scratch).current_dir(place::cache()?);
    shell::run(&mut cargo)
        .map_err(|_| Stop::skipped(format!("{package} could not be installed")))?;
    fs::remove_dir_all(&scratch).map_err(|e| io(&scratch, &e))?;
    keep(&fresh, &home)?;
    Ok(programs)
}

/// Installs Debian packages, when this is root on a Debian machine; otherwise says what to install.
pub(crate) fn debian(packages: &[&str]) -> Result {
    static UPDATED: OnceLock<bool> = OnceLock::new();
    let advice =
        || Stop::skipped(format!("install with: sudo apt-get install {}", packages.join(" ")));
    if place::program("apt-get").is_none() || !is_root() {
        return Err(advice());
    }
    let update =
        || shell::command("apt-get", &["update", "-qq"]).and_then(|mut c| shell::run(&mut c));
    if !UPDATED.get_or_init(|| update().is_ok()) {
        return Err(advice());
    }
    let mut install =
        shell::command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"])?;
    shell::run(install.args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
        .map_err(|_| advice())
}

/// Refuses with the advice when a program is not on the PATH.
pub(crate) fn need(program: &str, advice: &str) -> Result {
    match place::program(program) {
        Some(_) => Ok(Done::default()),
        None => Err(Stop::skipped(format!("{program} is missing: {advice}"))),
    }
}

fn is_root() -> bool {
    shell::command("id", &["-u"])
        .and_then(|mut id| shell::output(&mut id))
        .is_ok_and(|id| id.trim() == "0")
}

/// An empty folder beside `home`, to be renamed when it is complete: a broken download is never taken for a whole one.
fn beside(home: &Path) -> Result<PathBuf> {
    let mut fresh = home.as_os_str().to_owned();
    fresh.push(format!(".part-{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    fs::create_dir_all(&fresh).map_err(|e| io(&fresh, &e))?;
    Ok(fresh)
}

fn keep(fresh: &Path, home: &Path) -> Result {
    if fs::rename(fresh, home).is_err() && !home.is_dir() {
        return Err(Stop::failed(format!("cannot move {} into place", fresh.display())));
    }
    Ok(Done::default())
}

fn digest(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| io(path, &e))
}

fn io(path: &Path, error: &std::io::Error) -> Stop {
    Stop::failed(format!("{}: {error}", path.display()))
}
