//! How does a tool that a suite needs get onto this machine? It is fetched once and kept in the cache.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::symlink,
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
    // npm writes this file last. Without it somebody's own npm has followed a link to here and was stopped half-way.
    if modules.join(".package-lock.json").is_file() {
        return Ok(modules);
    }
    let _ = fs::remove_dir_all(&home);
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

/// The same packages, linked as `folder`'s own `node_modules`, where the scripts beside it look for them.
pub(crate) fn npm_beside(folder: &Path) -> Result<PathBuf> {
    let fetched = npm(folder)?;
    let link = folder.join("node_modules");
    // A real folder is the work of somebody's own `npm ci`, and just as good.
    if !link.is_symlink() && link.is_dir() {
        return Ok(link);
    }
    if fs::read_link(&link).ok().as_deref() != Some(&*fetched) {
        let _ = fs::remove_file(&link);
        symlink(&fetched, &link).map_err(|e| io(&link, &e))?;
    }
    Ok(fetched)
}

/// Installs packages of the Python index in an environment of their own; returns the folder of its programs.
///
/// `name` says which packages these are and in which versions: another set has another name.
pub(crate) fn python(name: &str, packages: &[&str]) -> Result<PathBuf> {
    need("python3", "apt-get install python3 python3-venv")?;
    let home = place::cache()?.join("python").join(name);
    // An environment cannot be moved, so a complete one is told by a mark.
    let complete = home.join("complete");
    if !complete.is_file() {
        let _ = fs::remove_dir_all(&home);
        let mut venv = shell::command("python3", &["-m", "venv"])?;
        shell::run(venv.arg(&home)).map_err(|_| Stop::skipped("python3 has no venv"))?;
        let mut pip = shell::command(home.join("bin/pip"), &["install", "--quiet"])?;
        shell::run(pip.arg("--disable-pip-version-check").args(packages))
            .map_err(|_| Stop::skipped(format!("pip could not fetch {name}")))?;
        fs::write(&complete, "").map_err(|e| io(&complete, &e))?;
    }
    Ok(home.join("bin"))
}

/// The packages that a requirements file lists, in an environment that is keyed by the list.
pub(crate) fn python_listed(file: &Path) -> Result<PathBuf> {
    let name = format!("listed-{}", digest(&read(file)?));
    python(&name, &["--requirement", &file.to_string_lossy()])
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

/// Debian's PostgreSQL; returns the folder of the newest one's programs, which is on nobody's PATH.
pub(crate) fn postgres() -> Result<PathBuf> {
    let newest = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let bins = versions.map(|version| version.path().join("bin"));
        bins.filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file()).max()
    };
    if newest().is_none() {
        debian(&["postgresql"])?;
    }
    newest().ok_or_else(|| Stop::skipped("there is no PostgreSQL in /usr/lib/postgresql"))
}

/// Debian's MariaDB; returns the folder above those of its programs.
pub(crate) fn mariadb() -> Result<PathBuf> {
    let home = PathBuf::from("/usr");
    let there =
        || home.join("sbin/mariadbd").is_file() && home.join("bin/mariadb-install-db").is_file();
    if !there() {
        debian(&["mariadb-server"])?;
    }
    if there() { Ok(home) } else { Err(Stop::skipped("there is no MariaDB in /usr")) }
}

/// Debian's Redis; returns the folder of its programs.
pub(crate) fn redis() -> Result<PathBuf> {
    let there = || {
        let server = place::program("redis-server")?;
        let folder = server.parent()?.to_owned();
        folder.join("redis-cli").is_file().then_some(folder)
    };
    if there().is_none() {
        debian(&["redis-server"])?;
    }
    there().ok_or_else(|| Stop::skipped("there is no Redis on the PATH"))
}

/// Refuses with the advice when a program is not on the PATH.
pub(crate) fn need(program: &str, advice: &str) -> Result {
    match place::program(program) {
        Some(_) => Ok(Done::default()),
        None => Err(Stop::skipped(format!("{program} is missing: {advice}"))),
    }
}

/// Whether this may install and mount.
pub(crate) fn is_root() -> bool {
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
