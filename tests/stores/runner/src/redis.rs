//! How does a real Redis run for a while? In a folder of its own on a free port of the loopback, until it is dropped.

use std::{
    env,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};

const START_WAIT: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// The variable that names the folder of `redis-server` and `redis-cli`.
pub const VARIABLE: &str = "TIDEGATE_REDIS_BIN";
/// Opens every server that is started here.
pub const PASSWORD: &str = "redis-canary-5b1e";

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Over plain TCP.
    Plain,
    /// Over TLS alone.
    Tls,
    /// As a node of a cluster.
    Cluster,
}

/// A running server. Dropping it ends it and removes its folder.
pub struct Redis {
    /// Where it listens.
    pub port: u16,
    door: Door,
    folder: PathBuf,
    process: Option<Child>,
}

impl Redis {
    /// Starts an empty one, and waits until it answers.
    pub async fn start(door: Door) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("tidegate-redis-{}-{number}", process::id()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let port = free_port(door)?;
        let mut redis = Self { port, door, folder, process: None };
        if door == Door::Tls {
            certify(&redis.folder)?;
        }
        redis.begin().await?;
        Ok(redis)
    }

    /// Starts it with nothing in it, and waits until it answers.
    pub async fn begin(&mut self) -> Result<(), String> {
        let log = File::options().append(true).create(true).open(self.folder.join("log"));
        let log = log.map_err(told)?;
        let mut serve = Command::new(program("redis-server")?);
        serve.current_dir(&self.folder).stdin(Stdio::null());
        serve.stdout(log.try_clone().map_err(told)?).stderr(log);
        serve.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        // As docs/deploy.md has it.
        serve.args(["--requirepass", PASSWORD, "--user", "tidegate", "on"]);
        serve.args([&format!(">{PASSWORD}"), "~{*}*", "&{*}/live", "+@all", "-@dangerous"]);
        let port = self.port.to_string();
        match self.door {
            Door::Plain => serve.args(["--port", &port]),
            Door::Tls => serve.args(["--port", "0", "--tls-port", &port]).args([
                "--tls-cert-file",
                "certificate",
                "--tls-key-file",
                "key",
                "--tls-auth-clients",
                "no",
            ]),
            Door::Cluster => serve.args(["--port", &port, "--cluster-enabled", "yes"]),
        };
        self.process = Some(serve.spawn().map_err(told)?);
        let began = Instant::now();
        while self.ask(&["PING"]).as_deref() != Ok("PONG") {
            if began.elapsed() > START_WAIT {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!("redis-server does not answer: {log}"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// How it is reached, by keys that begin so.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        let scheme = if self.door == Door::Tls { "rediss" } else { "redis" };
        format!("{scheme}://tidegate:{PASSWORD}@127.0.0.1:{}/0?prefix={prefix}", self.port)
    }

    /// Its certificate, which names `localhost` and is its own authority.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate")
    }

    /// What it answers to a command.
    pub fn ask(&self, words: &[&str]) -> Result<String, String> {
        let mut ask = Command::new(program("redis-cli")?);
        ask.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "--raw", "--no-auth-warning"]);
        if self.door == Door::Tls {
            ask.args(["--tls", "--insecure"]);
        }
        let answer = ask.env("REDISCLI_AUTH", PASSWORD).args(words).output().map_err(told)?;
        let said = String::from_utf8_lossy(&answer.stdout).trim_end().to_owned();
        if answer.status.success() { Ok(said) } else { Err(said) }
    }

    /// Ends it without any farewell, and what it held with it.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Already ended, which is as good.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        // What cannot be removed is left to whoever cleans the machine's temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Nodes of a cluster speak to each other on the port that is 10,000 higher.
fn free_port(door: Door) -> Result<u16, String> {
    for _ in 0..100 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).map_err(told)?;
        let fits = match door {
            Door::Plain | Door::Tls => true,
            Door::Cluster => free
                .port()
                .checked_add(10_000)
                .is_some_and(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()),
        };
        if fits {
            return Ok(free.port());
        }
    }
    Err("there is no free port".to_owned())
}

fn certify(folder: &Path) -> Result<(), String> {
    let log = File::create(folder.join("openssl")).map_err(told)?;
    let mut make = Command::new("openssl");
    make.current_dir(folder).stdin(Stdio::null()).stderr(log).stdout(Stdio::null());
    make.args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=tidegate", "-newkey", "ec"]);
    make.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "key", "-out", "certificate"]);
    make.args(["-addext", "subjectAltName=DNS:localhost"]);
    make.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    let status = make.status().map_err(told)?;
    if status.success() { Ok(()) } else { Err(format!("openssl: {status}")) }
}

fn program(name: &str) -> Result<PathBuf, String> {
    let folder = env::var_os(VARIABLE).ok_or_else(|| format!("{VARIABLE} names no folder"))?;
    Ok(PathBuf::from(folder).join(name))
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
