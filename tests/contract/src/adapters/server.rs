//! How is the native server started?

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::{Instance, Log, Process, announced, path_from};
use crate::{Result, failed, setup::Setup};

/// A server process that can be signalled.
pub struct Server {
    /// Where it answers.
    pub address: SocketAddr,
    log: Log,
    child: Child,
}

pub(super) async fn start(setup: Setup) -> Result<Instance> {
    let Server { address, log, child } = Server::start(&setup).await?;
    Ok(Instance { address, setup, log, process: Process::Child(child) })
}

/// What a command has printed.
pub struct Printed {
    /// Whether it succeeded.
    pub success: bool,
    /// On standard output; what it complained of after that.
    pub text: String,
}

/// Runs a command over the set-up's folder, whether a server holds it or not.
pub async fn command(setup: &Setup, words: &[&str]) -> Result<Printed> {
    let output = prepared(setup, words)?.output().await?;
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), output.stderr);
    let text = format!("{said}{}", String::from_utf8_lossy(&complaint));
    Ok(Printed { success: output.status.success(), text })
}

/// Starts a command over the set-up's folder. Nobody hears what it says.
pub fn spawn(setup: &Setup, words: &[&str]) -> Result<Child> {
    let mut command = prepared(setup, words)?;
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?)
}

fn prepared(setup: &Setup, words: &[&str]) -> Result<Command> {
    let mut command = Command::new(path_from("TIDEGATE_SERVER_BIN")?);
    command.args(words).arg("--data").arg(&setup.folder).current_dir(&setup.folder);
    command.envs(setup.environment()).env("TIDEGATE_LOG", "warn").stdin(Stdio::null());
    Ok(command)
}

impl Server {
    /// Starts a server over the set-up's folder, which may hold the data of an earlier one.
    pub async fn start(setup: &Setup) -> Result<Self> {
        let mut child = Command::new(path_from("TIDEGATE_SERVER_BIN")?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&setup.folder)
            .current_dir(&setup.folder)
            .envs(setup.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let log = Log::of(&mut child);
        let address = announced(&log, &mut child).await?;
        Ok(Self { address, log, child })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let Some(pid) = pid else { return failed("the server has ended already") };
        kill_process(pid, signal).or_else(|error| failed(format!("{signal:?}: {error}")))
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self, wait: Duration) -> Result<ExitStatus> {
        match tokio::time::timeout(wait, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => failed(format!("the server has not ended after {wait:?}")),
        }
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }
}
