//! How are the programs built that need nothing of the machine they run on? musl, for both processors, from any Linux.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use super::{python::Tools, smoke};
use crate::{
    edition::Edition,
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

/// zig is a C compiler for every target in one package: the embedded database and the cryptography are C.
const ZIG: Tools = Tools {
    name: "zig-0.17-zigbuild-0.24",
    packages: &["ziglang==0.17.0", "cargo-zigbuild==0.24.0"],
};

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arch {
    X86,
    Arm,
}

impl Arch {
    pub(crate) const ALL: [Self; 2] = [Self::X86, Self::Arm];

    fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        }
    }

    fn target(self) -> String {
        format!("{}-unknown-linux-musl", self.name())
    }
}

/// Where [`build`] leaves an edition.
pub(crate) fn folder(edition: Edition, arch: Arch) -> Result<PathBuf> {
    let folder = place::root()?.join("dist").join(arch.name());
    Ok(match edition {
        Edition::Light => folder,
        Edition::Enterprise => folder.join("enterprise"),
    })
}

/// The server.
pub(crate) fn server(edition: Edition, arch: Arch) -> Result<PathBuf> {
    Ok(folder(edition, arch)?.join("tidegate"))
}

/// The Lambda function, alone in its folder, as `template.yaml` names it.
fn function(edition: Edition, arch: Arch) -> Result<PathBuf> {
    Ok(folder(edition, arch)?.join("lambda/bootstrap"))
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Builds server and function of an edition for both processors into `dist/`.
pub(crate) fn build(edition: Edition) -> Result {
    let targets = Arch::ALL.map(Arch::target);
    let mut rustup = shell::command("rustup", &["target", "add"])?;
    shell::run(rustup.args(&targets))
        .map_err(|_| Stop::skipped("rustup cannot fetch the musl targets"))?;
    let mut cargo = ZIG.command("cargo-zigbuild", &["zigbuild", "--release", "--locked"])?;
    cargo.args(["--package", "tidegate", "--package", "tidegate-lambda"]).args(edition.features());
    for target in &targets {
        cargo.args(["--target", target]);
    }
    shell::run(&mut cargo)?;
    let mut sizes = Vec::new();
    for arch in Arch::ALL {
        let built = place::target()?.join(arch.target()).join("release");
        let programs =
            [("tidegate", server(edition, arch)?), ("bootstrap", function(edition, arch)?)];
        for (from, to) in programs {
            let bytes = keep(&built.join(from), &to)?;
            needs_nothing(&to)?;
            let tenths = bytes * 10 / (1 << 20);
            sizes.push(format!("{from} {arch} {}.{} MiB", tenths / 10, tenths % 10));
        }
    }
    Ok(Done::noted(sizes.join(", ")))
}

/// Starts both programs, on a foreign processor under emulation, and asks them.
pub(crate) fn run(edition: Edition, arch: Arch) -> Result {
    let (server, function) = (server(edition, arch)?, function(edition, arch)?);
    if !server.is_file() {
        return Err(Stop::skipped("it was not built"));
    }
    if std::env::consts::ARCH == arch.name() {
        smoke::server(&[server.as_os_str()])?;
        return smoke::function(&[function.as_os_str()]);
    }
    let emulator = format!("qemu-{arch}-static");
    if place::program(&emulator).is_none() {
        fetch::debian(&["qemu-user-static"])?;
    }
    smoke::server(&[emulator.as_ref(), server.as_os_str()])?;
    smoke::function(&[emulator.as_ref(), function.as_os_str()])
}

fn keep(from: &Path, to: &Path) -> Result<u64> {
    let folder = to.parent().ok_or_else(|| Stop::failed("dist has no folder"))?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(from, to))
        .map_err(|e| Stop::failed(format!("{}: {e}", to.display())))
}

/// A program that needs a loader names it in its headers.
fn needs_nothing(program: &Path) -> Result<()> {
    let mut readelf = shell::command("readelf", &["--program-headers", "--wide"])?;
    let headers = shell::output(readelf.arg(program))?;
    if headers.contains("INTERP") {
        return Err(Stop::failed(format!("{} is not static", program.display())));
    }
    Ok(())
}
