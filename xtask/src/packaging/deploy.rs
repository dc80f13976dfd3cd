//! Does a deployment work, and does a bad one go back? It is rehearsed with the real server, without systemd.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::smoke;
use crate::{
    build::{self, Profile},
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

const SCRIPT: &str = "deploy/deploy.sh";
const UNIT: &str = "deploy/tidegate.service";

/// The script follows the rules of its linter.
pub(crate) fn lint() -> Result {
    if place::program("shellcheck").is_none() {
        fetch::debian(&["shellcheck"])?;
    }
    shell::run(&mut shell::command("shellcheck", &[SCRIPT])?)
}

/// systemd understands the unit. That the program is not installed here is not the unit's fault.
pub(crate) fn verify_unit() -> Result {
    fetch::need("systemd-analyze", "it comes with systemd")?;
    let program = build::server(Profile::Release)?;
    let folder = smoke::fresh_folder("unit")?;
    let unit = read(&place::root()?.join(UNIT))?;
    let here = folder.join("tidegate.service");
    let installed = unit.replace("/opt/tidegate/current/tidegate", &program.to_string_lossy());
    write(&here, &installed, 0o644)?;
    shell::run(shell::command("systemd-analyze", &["verify"])?.arg(&here))?;
    let mut exposure = shell::command("systemd-analyze", &["security", "--offline=true"])?;
    let exposure = shell::output(exposure.args(["--threshold=20", "--no-pager"]).arg(&here))?;
    let level = exposure.lines().last().unwrap_or_default();
    Ok(Done::noted(level.trim_matches(|sign: char| !sign.is_ascii_alphanumeric())))
}

/// It does not hold without the environment of the service.
const CONFIGURATION: &str = "[[provider]]\nid = \"rehearsed\"\ndialect = \"openai_chat\"\n\
    base_url = \"http://127.0.0.1:9/v1\"\nkeys = [{ env = \"REHEARSAL_KEY\" }]\nmodels = [\"none\"]\n";

/// First a good release, then one that does not fit the configuration, one that never becomes ready, and a good one.
pub(crate) fn rehearse() -> Result {
    fetch::need("git", "apt-get install git")?;
    fetch::need("curl", "apt-get install curl")?;
    let stage = Stage::set()?;
    let ended = stage.play();
    stage.service("stop")?;
    ended
}

/// A repository with its clone, a service without systemd, and the places of an installation.
struct Stage {
    folder: PathBuf,
    address: SocketAddr,
}

impl Stage {
    fn set() -> Result<Self> {
        let folder = smoke::fresh_folder("deploy")?;
        let stage = Self { folder, address: smoke::free_address()? };
        let program = build::server(Profile::Release)?;
        write(&stage.place("tidegate.toml"), CONFIGURATION, 0o600)?;
        write(
            &stage.place("environment"),
            "# only the service has it\nREHEARSAL_KEY='sk-rehearsal'\n",
            0o600,
        )?;
        write(&stage.place("service"), &service(&stage.folder), 0o755)?;
        write(&stage.place("build"), &build_script(&program), 0o755)?;
        stage.git(&["init", "--quiet", "--initial-branch", "main", "origin"])?;
        stage.release("good")?;
        stage.git(&["clone", "--quiet", "origin", "clone"])?;
        Ok(stage)
    }

    fn play(&self) -> Result {
        self.deploy("the first release", Ends::Well)?;
        let first = self.current()?;
        self.release("refused")?;
        self.deploy("one that does not fit the configuration", Ends::Badly)?;
        self.still(&first)?;
        self.release("dead")?;
        self.deploy("one that never becomes ready", Ends::Badly)?;
        self.still(&first)?;
        self.release("good")?;
        self.deploy("the next good one", Ends::Well)?;
        if self.current()? == first {
            return Err(Stop::failed("the good release was not switched to"));
        }
        Ok(Done::noted("deployed, refused, rolled back, deployed"))
    }

    fn deploy(&self, what: &str, expected: Ends) -> Result {
        println!("-- {what}");
        let script = place::root()?.join(SCRIPT);
        let mut deploy = shell::command("bash", &[])?;
        deploy.arg(script).current_dir(self.place("clone"));
        deploy.env("TIDEGATE_HOME", self.place("home")).env("TIDEGATE_DATA", self.place("data"));
        deploy.env("TIDEGATE_CONFIG_FILE", self.place("tidegate.toml"));
        deploy.env("TIDEGATE_ENVIRONMENT", self.place("environment"));
        deploy.env("TIDEGATE_LISTEN", self.address.to_string()).env("TIDEGATE_DEMO", "true");
        deploy.env("TIDEGATE_URL", format!("http://{}", self.address)).env("READY_WAIT", "10");
        deploy.env("SERVICE", self.place("service")).env("BUILD", self.place("build"));
        match (shell::run(&mut deploy), expected) {
            (Ok(_), Ends::Well) | (Err(_), Ends::Badly) => {}
            (Ok(_), Ends::Badly) => return Err(Stop::failed(format!("{what} was deployed"))),
            (Err(stop), Ends::Well) => return Err(stop),
        }
        let ready = smoke::get(self.address, "/ready").is_some_and(|head| head.contains(" 200 "));
        if ready {
            Ok(Done::default())
        } else {
            Err(Stop::failed(format!("not ready after {what}")))
        }
    }

    fn still(&self, release: &Path) -> Result<()> {
        let current = self.current()?;
        if current == release {
            Ok(())
        } else {
            Err(Stop::failed(format!("{} serves", current.display())))
        }
    }

    fn current(&self) -> Result<PathBuf> {
        fs::read_link(self.place("home/current"))
            .map_err(|e| Stop::failed(format!("no release: {e}")))
    }

    /// A commit whose file says what the build makes of it.
    fn release(&self, kind: &str) -> Result<()> {
        write(&self.place("origin/kind"), kind, 0o644)?;
        self.git(&["-C", "origin", "add", "kind"])?;
        let who = ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost"];
        let commit = ["-C", "origin", "commit", "--quiet", "--allow-empty", "--message", kind];
        self.git(&[&who[..], &commit[..]].concat())?;
        Ok(())
    }

    fn git(&self, args: &[&str]) -> Result {
        shell::run(shell::command("git", args)?.current_dir(&self.folder))
    }

    fn service(&self, verb: &str) -> Result {
        shell::run(&mut shell::command(self.place("service"), &[verb])?)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

#[derive(Clone, Copy)]
enum Ends {
    Well,
    Badly,
}

/// What systemd would do: start in the background, and stop by SIGTERM until the process is gone.
fn service(folder: &Path) -> String {
    let place = |name| folder.join(name).display().to_string();
    let (home, pid, environment) = (place("home"), place("pid"), place("environment"));
    format!(
        "#!/usr/bin/env bash\nset -euo pipefail\n\
         case $1 in\n\
         start) set -a; . '{environment}'; '{home}/current/tidegate' serve </dev/null >/dev/null 2>&1 9>&- & echo $! >'{pid}' ;;\n\
         stop) [ -s '{pid}' ] || exit 0; number=$(<'{pid}'); rm '{pid}'\n\
         kill -TERM \"$number\" 2>/dev/null || exit 0\n\
         while kill -0 \"$number\" 2>/dev/null; do sleep 0.05; done ;;\n\
         esac\n"
    )
}

/// Builds what the commit's file says: the server, a program that refuses the configuration, or one that dies.
fn build_script(server: &Path) -> String {
    format!(
        "#!/usr/bin/env bash\nset -euo pipefail\n\
         case $(<kind) in\n\
         good) cp '{}' \"$1/tidegate\" ;;\n\
         refused) printf '#!/bin/sh\\nexit 1\\n' >\"$1/tidegate\" ;;\n\
         dead) printf '#!/bin/sh\\n[ \"$1\" = check ]\\n' >\"$1/tidegate\" ;;\n\
         esac\nchmod +x \"$1/tidegate\"\n",
        server.display()
    )
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Stop::failed(format!("{}: {e}", path.display())))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| Stop::failed(format!("{}: {e}", path.display())))
}
