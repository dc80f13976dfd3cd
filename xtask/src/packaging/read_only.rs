//! Does the image run as Compose and Kubernetes run it: as its own user, over a root that nothing can be written to?

use std::{env, path::Path, process::Command};

use super::{
    image::{self, USER},
    smoke,
};
use crate::{
    edition::Edition,
    fetch,
    report::{Done, Result, Stop},
    shell,
};

/// Mounts `$1` read-only with `$2` as its data folder, and becomes the rest of the line in there, as the image's user.
const WITHIN: &str = "root=$1 data=$2 user=$3; shift 3; mount --bind \"$root\" \"$root\" && \
    mount -o remount,ro,bind \"$root\" && mount --bind \"$data\" \"$root/data\" && \
    exec chroot --userspec=\"$user\" \"$root\" \"$@\"";

/// Serves, says that it is ready to the command that asks in its container, and has written to its folder alone.
pub(crate) fn ask() -> Result {
    if !fetch::is_root() {
        return Err(Stop::skipped("only root mounts a root that is read-only"));
    }
    let root = image::mount(Edition::Light)?;
    let data = smoke::fresh_folder("read-only")?;
    shell::run(shell::command("chown", &[USER])?.arg(&data))?;
    let address = smoke::free_address()?;
    let mut serve = within(&root, &data, &["/tidegate", "serve"])?;
    serve.env("TIDEGATE_LISTEN", address.to_string());
    let (_running, time) = smoke::started(serve, address)?;
    let told = shell::output(&mut within(&root, &data, &["/tidegate", "ready"])?)?;
    if told.trim() != "The server is ready." {
        return Err(Stop::failed(format!("`tidegate ready` says {told}")));
    }
    Ok(Done::noted(format!("ready after {} ms, and says so", time.as_millis())))
}

fn within(root: &Path, data: &Path, line: &[&str]) -> Result<Command> {
    let mut command = shell::command("unshare", &["--mount", "sh", "-c", WITHIN, "sh"])?;
    command.arg(root).arg(data).arg(USER).args(line);
    // What the image sets, and nothing of this machine.
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs([("TIDEGATE_DATA", "/data"), ("TIDEGATE_USER", USER), ("SQLITE_TMPDIR", "/data")]);
    Ok(command)
}
