//! How does a real PostgreSQL or MariaDB run for a while? In a folder of its own on a free port of the loopback, until it
//! is dropped. Both are set up to sort and compare text as people do, so that a case finds out who relies on that.

use std::{
    env,
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tidegate_core::store::sql::Statement;
use tidegate_native::Writing;
use tokio::time::{Instant, sleep};

use crate::schema::open;

const START_WAIT: Duration = Duration::from_secs(60);
const END_LOOKS: u32 = 150;
const END_LOOK: Duration = Duration::from_millis(20);
/// The user `nobody`: neither server runs as root.
const NOBODY: u32 = 65_534;

const MARIADB_BEGIN: &str =
    "CREATE DATABASE IF NOT EXISTS tidegate CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE USER IF NOT EXISTS tidegate@'127.0.0.1' IDENTIFIED BY 'secret';
GRANT ALL ON *.* TO tidegate@'127.0.0.1';
";

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Its programs are in the folder that `TIDEGATE_POSTGRES_BIN` names.
    Postgres,
    /// Its programs are in the folders `bin` and `sbin` of the one that `TIDEGATE_MARIADB_HOME` names.
    Mariadb,
}

/// What a server does to keep what it has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// What it usually does.
    Kept,
    /// Nothing that outlasts the machine: a case that fills the schema many times is not about the disk.
    Spared,
}

/// A running server. Dropping it ends it and removes what it kept.
pub struct Running {
    /// How it is reached.
    pub url: String,
    engine: Engine,
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    disk: Disk,
    process: Option<Child>,
}

impl Engine {
    /// The variable that says where its programs are.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "TIDEGATE_POSTGRES_BIN",
            Self::Mariadb => "TIDEGATE_MARIADB_HOME",
        }
    }

    /// Starts an empty one, and waits until it answers.
    pub async fn start(self, disk: Disk) -> Result<Running, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let programs = env::var_os(self.variable())
            .ok_or_else(|| format!("{} names no folder", self.variable()))?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-server-{}-{number}", process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if is_root() {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).map_err(told)?;
        }
        let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = address.map_err(told)?.port();
        certify(&folder)?;
        let (program, url) = self.prepare(Path::new(&programs), &folder, port)?;
        let mut running = Running { url, engine: self, program, folder, port, disk, process: None };
        running.begin().await?;
        Ok(running)
    }

    /// Makes an empty database in the folder; returns the server's program and the URL it will have.
    fn prepare(self, bin: &Path, folder: &Path, port: u16) -> Result<(PathBuf, String), String> {
        match self {
            Self::Postgres => {
                let password = folder.join("password");
                fs::write(&password, "secret\n").map_err(told)?;
                let mut make = command(&bin.join("initdb"), folder)?;
                make.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(password);
                make.args(["--username=tidegate", "--auth=scram-sha-256", "--encoding=UTF8"]);
                make.args(["--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"]);
                finish(make)?;
                let url = format!("postgres://tidegate:secret@127.0.0.1:{port}/postgres");
                Ok((bin.join("postgres"), url))
            }
            Self::Mariadb => {
                let mut make = command(&bin.join("bin/mariadb-install-db"), folder)?;
                make.args([
                    "--no-defaults",
                    "--skip-test-db",
                    "--auth-root-authentication-method=normal",
                ]);
                make.arg(format!("--datadir={}", folder.join("data").display()));
                finish(make)?;
                fs::write(folder.join("begin.sql"), MARIADB_BEGIN).map_err(told)?;
                let url = format!("mariadb://tidegate:secret@127.0.0.1:{port}/tidegate");
                Ok((bin.join("sbin/mariadbd"), url))
            }
        }
    }
}

impl Running {
    /// Starts it over what it has kept, and waits until it answers.
    pub async fn begin(&mut self) -> Result<(), String> {
        let mut serve = command(&self.program, &self.folder)?;
        match self.engine {
            Engine::Postgres => {
                serve.arg("-D").arg(self.folder.join("data"));
                serve.args(["-c", "listen_addresses=127.0.0.1", "-p", &self.port.to_string()]);
                serve.args(["-c", "unix_socket_directories=", "-c", "ssl=on"]);
                for (option, path) in
                    [("cert", self.certificate()), ("key", self.folder.join("key"))]
                {
                    serve.arg("-c").arg(format!("ssl_{option}_file={}", path.display()));
                }
            }
            Engine::Mariadb => {
                serve.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
                serve.arg(format!("--port={}", self.port));
                for (option, name) in [
                    ("datadir", "data"),
                    ("socket", "socket"),
                    ("init-file", "begin.sql"),
                    ("ssl-cert", "certificate"),
                    ("ssl-key", "key"),
                ] {
                    serve.arg(format!("--{option}={}", self.folder.join(name).display()));
                }
            }
        }
        match (self.engine, self.disk) {
            (_, Disk::Kept) => {}
            (Engine::Postgres, Disk::Spared) => {
                serve.args(["-c", "fsync=off"]);
            }
            (Engine::Mariadb, Disk::Spared) => {
                serve.args(["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0"]);
            }
        }
        self.process = Some(serve.spawn().map_err(told)?);
        let began = Instant::now();
        loop {
            match self.answers().await {
                Ok(()) => return Ok(()),
                Err(error) if began.elapsed() > START_WAIT => {
                    let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                    return Err(format!("{:?} does not answer: {error}; {log}", self.engine));
                }
                Err(_) => sleep(END_LOOK).await,
            }
        }
    }

    /// Its certificate, which names `localhost` and is its own authority.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate")
    }

    /// Makes an empty database beside the first one; returns its URL.
    pub async fn fresh(&self, name: &str) -> Result<String, String> {
        self.ask(format!("CREATE DATABASE {name}")).await?;
        let (base, _) = self.url.rsplit_once('/').ok_or("a URL without a database")?;
        Ok(format!("{base}/{name}"))
    }

    /// Drops such a database.
    pub async fn forget(&self, name: &str) -> Result<(), String> {
        self.ask(format!("DROP DATABASE {name}")).await
    }

    async fn answers(&self) -> Result<(), String> {
        self.ask("SELECT 1 AS one".to_owned()).await
    }

    async fn ask(&self, sql: String) -> Result<(), String> {
        let opened = open(Some(&self.url), &self.folder, Writing::Alone)?;
        // Alone and as a question: a database is not made within a transaction.
        let answer = opened.database.read(vec![Statement::new(sql, Vec::new())]).await;
        answer.map(drop).map_err(|error| error.detail)
    }

    /// Which server it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its first process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Ends it without any farewell.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Already ended, which is as good.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Its own processes end with it only if it can tell them.
            let quit = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
            let _ = quit.map(|pid| kill_process(pid, Signal::QUIT));
            for _ in 0..END_LOOKS {
                if matches!(process.try_wait(), Ok(Some(_))) {
                    break;
                }
                std::thread::sleep(END_LOOK);
            }
        }
        self.kill();
        // What cannot be removed is left to whoever cleans the machine's temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes the server's certificate and its key.
fn certify(folder: &Path) -> Result<(), String> {
    let mut make = command(Path::new("openssl"), folder)?;
    make.args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=tidegate", "-newkey", "ec"]);
    make.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "key", "-out", "certificate"]);
    make.args(["-addext", "subjectAltName=DNS:localhost"]);
    make.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    finish(make)
}

/// A program that runs in the folder, and writes to its log there.
fn command(program: &Path, folder: &Path) -> Result<Command, String> {
    let log = File::options().append(true).create(true).open(folder.join("log")).map_err(told)?;
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C.UTF-8").env("HOME", folder).stdin(Stdio::null());
    command.stdout(log.try_clone().map_err(told)?).stderr(log);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ok(command)
}

fn finish(mut command: Command) -> Result<(), String> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}")) }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
