//! Which adapters are there, and what is a running one?

mod lambda;
mod server;
mod worker;

use std::{
    env,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tidegate_emulator::{Emulator, Invoked};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin},
    sync::Mutex as AsyncMutex,
};

pub use server::{Printed, Server, command, spawn};

use crate::{Result, failed, setup::Setup};

/// One way to run Tidegate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// The native server.
    Server,
    /// The Lambda function in the emulator.
    Lambda,
    /// The Worker in workerd.
    Worker,
}

impl Adapter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Server, Self::Lambda, Self::Worker];

    /// The word on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Lambda => "lambda",
            Self::Worker => "worker",
        }
    }

    /// Starts a gateway and waits until it can be asked.
    pub async fn start(self, setup: Setup) -> Result<Instance> {
        match self {
            Self::Server => server::start(setup).await,
            Self::Lambda => lambda::start(setup).await,
            Self::Worker => worker::start(setup).await,
        }
    }

    /// How cases share one running gateway. A Lambda environment takes one request at a time, so a case that waits would
    /// make all others wait: each has an environment of its own.
    #[must_use]
    pub fn sharing(self) -> Sharing {
        match self {
            Self::Server | Self::Worker => Sharing::AllCases,
            Self::Lambda => Sharing::OneCase,
        }
    }
}

/// What `EventBridge` sends when a schedule's time has come.
const SCHEDULED: &str = r#"{"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2026-01-01T00:00:00Z","region":"eu-central-1","resources":["arn:aws:events:eu-central-1:123456789012:rule/upkeep"],"detail":{}}"#;

/// How many cases use one running gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// All of a run.
    AllCases,
    /// One.
    OneCase,
}

/// A running gateway; dropping it ends its process.
pub struct Instance {
    /// Where it answers.
    pub address: SocketAddr,
    /// What it was configured with.
    pub setup: Setup,
    log: Log,
    process: Process,
}

/// What must be kept for the gateway to go on running.
enum Process {
    /// A child that is killed when it is dropped.
    Child(Child),
    /// A child that takes commands, ends when its input does, and then ends its own children.
    Piped { input: AsyncMutex<ChildStdin>, child: Child },
    /// An environment whose process is killed when it is dropped.
    Sandbox(Emulator),
}

impl Instance {
    /// The Lambda environment, with its timeline.
    #[must_use]
    pub fn emulator(&self) -> Option<&Emulator> {
        match &self.process {
            Process::Sandbox(emulator) => Some(emulator),
            Process::Child(_) | Process::Piped { .. } => None,
        }
    }

    /// Lets what is done from time to time be done: by a schedule's event where there are no timers. A server does it
    /// when it starts.
    pub async fn upkeep(&self) -> Result {
        match &self.process {
            Process::Child(_) => Ok(()),
            Process::Piped { input, .. } => {
                let mut input = input.lock().await;
                match self.told(&mut input, "scheduled").await?.as_str() {
                    "scheduled ok" => Ok(()),
                    told => failed(format!("no upkeep was done: {told}: {}", self.log())),
                }
            }
            Process::Sandbox(emulator) => match emulator.invoke(SCHEDULED).await {
                Invoked::Answered { status: 204, .. } => Ok(()),
                Invoked::Answered { status, .. } => failed(format!("upkeep answers {status}")),
                Invoked::Failed => failed(format!("upkeep failed: {}", self.log())),
            },
        }
    }

    /// What one statement finds in the database of the Worker.
    pub async fn sql(&self, statement: &str) -> Result<String> {
        let Process::Piped { input, .. } = &self.process else {
            return failed("there is no D1 here");
        };
        let mut input = input.lock().await;
        self.told(&mut input, &format!("sql {statement}")).await
    }

    /// What the Worker's harness says to a command: its next line that begins with the same word.
    async fn told(&self, input: &mut ChildStdin, command: &str) -> Result<String> {
        let word = format!("{} ", command.split(' ').next().unwrap_or_default());
        let lines = |text: &str| {
            let lines = text.lines().filter(|line| line.starts_with(&word));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let before = lines(&self.log.text()).len();
        input.write_all(format!("{command}\n").as_bytes()).await?;
        let deadline = Instant::now() + START_WAIT;
        while Instant::now() < deadline {
            if let Some(line) = lines(&self.log.text()).into_iter().nth(before) {
                return Ok(line);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        failed(format!("the harness does not answer `{command}`: {}", self.log()))
    }

    /// Ends its process and leaves its data.
    pub async fn end(self) -> Setup {
        match self.process {
            Process::Child(mut child) | Process::Piped { mut child, .. } => {
                // One that has ended already is as good.
                let _ = child.kill().await;
            }
            Process::Sandbox(emulator) => drop(emulator),
        }
        self.setup
    }

    /// What the process has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.process {
            Process::Child(_) | Process::Piped { .. } => self.log.text(),
            Process::Sandbox(emulator) => emulator.log().join("\n"),
        }
    }
}

/// What a process wrote.
#[derive(Clone, Default)]
pub struct Log {
    said: Arc<Mutex<String>>,
    /// Outputs that are not at their end.
    open: Arc<AtomicUsize>,
}

/// More than any case provokes; beyond it the log is not kept.
const LOG_BYTES_MAX: usize = 64 << 20;

impl Log {
    /// Everything so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Collects what a child with piped outputs writes.
    fn of(child: &mut Child) -> Self {
        let log = Self::default();
        if let Some(output) = child.stdout.take() {
            log.collect(output);
        }
        if let Some(output) = child.stderr.take() {
            log.collect(output);
        }
        log
    }

    fn collect(&self, output: impl AsyncRead + Send + Unpin + 'static) {
        let log = self.clone();
        log.open.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = log.said.lock().unwrap_or_else(PoisonError::into_inner);
                if text.len() < LOG_BYTES_MAX {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
            log.open.fetch_sub(1, Ordering::AcqRel);
        });
    }

    /// All that a process has written that has ended. A child of its own may still hold its outputs.
    async fn whole(&self) -> String {
        let deadline = Instant::now() + LAST_WORDS_WAIT;
        while self.open.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.text()
    }
}

/// A path that the environment must name.
fn path_from(variable: &str) -> Result<PathBuf> {
    match env::var_os(variable) {
        Some(path) => Ok(path.into()),
        None => failed(format!("{variable} is not set")),
    }
}

const START_WAIT: Duration = Duration::from_secs(20);

/// How long the last words of a process that has ended may be on their way.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// A process that was given port 0 says where it listens.
async fn announced(log: &Log, child: &mut Child) -> Result<SocketAddr> {
    let deadline = Instant::now() + START_WAIT;
    while Instant::now() < deadline {
        if let Some(address) = loopback_address(&log.text()) {
            return Ok(address);
        }
        if let Some(status) = child.try_wait()? {
            return failed(format!("the gateway ended with {status}: {}", log.whole().await));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    failed(format!("the gateway does not say where it listens: {}", log.text()))
}

/// The first loopback address with a port in a text.
fn loopback_address(text: &str) -> Option<SocketAddr> {
    text.match_indices("127.0.0.1:").find_map(|(at, start)| {
        let rest = &text[at + start.len()..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let port: u16 = rest[..digits].parse().ok()?;
        // The port that was asked for is not the port that was given.
        (port != 0 && rest.len() > digits).then(|| SocketAddr::from(([127, 0, 0, 1], port)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u16>) {
        assert_eq!(loopback_address(text).map(|address| address.port()), expected, "{text}");
    }

    #[test]
    fn the_address_is_found_once_it_is_whole() {
        check("listening on http://127.0.0.1:4321/\n", Some(4321));
        check("asked for 127.0.0.1:0, got 127.0.0.1:99\n", Some(99));
        check("listening on 127.0.0.1:43", None);
    }
}
