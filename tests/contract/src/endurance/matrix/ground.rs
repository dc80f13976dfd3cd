//! What stands under the server, and how does it fall ill and become well again?

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tidegate_provider::Provider;
use tidegate_stores_runner::{
    redis::{Door, Redis},
    servers::{Disk, Engine, Running},
    sqld::Sqld,
};
use tokio::process::{Child, Command};

use super::super::start_ready;
use crate::{Result, adapters::Server, failed, setup::Setup};

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of the server's own.
    File,
    /// A sqld.
    Sqld,
    /// A database server.
    Served(Engine),
    /// A `PostgreSQL`, with a Redis that counts.
    Redis,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    /// Somebody else holds the write lock.
    Locked,
    /// It is there and does nothing.
    Stopped,
    /// It ends at once, and is started again.
    Killed,
    /// Its disk has no room.
    Full,
    /// Redis ends, and is started again with nothing in it.
    RedisGone,
}

/// As much as the disk of a file has.
const DISK: &str = "size=12m";
/// What the locks are about: all that requests and admins change.
const TABLES: [&str; 6] =
    ["records", "rollups", "counters", "reservations", "documents", "flushes"];

impl Place {
    /// What can happen to it.
    pub(super) fn ills(self) -> &'static [Ill] {
        match self {
            Self::File => &[Ill::Locked, Ill::Full],
            Self::Sqld => &[Ill::Stopped, Ill::Killed],
            Self::Served(_) => &[Ill::Locked, Ill::Stopped, Ill::Killed],
            Self::Redis => &[Ill::RedisGone],
        }
    }
}

impl Ill {
    /// How long the promise is for.
    pub(super) fn lasts(self) -> Duration {
        match self {
            Self::Locked | Self::Full | Self::RedisGone => Duration::from_secs(30),
            Self::Stopped => Duration::from_secs(60),
            Self::Killed => Duration::from_secs(15),
        }
    }
}

/// A set-up and all under it.
pub(super) struct Ground {
    pub(super) setup: Setup,
    disk: Option<Mounted>,
    database: Option<Running>,
    sqld: Option<Sqld>,
    redis: Option<Redis>,
    /// Who holds a lock in a database server.
    locking: Option<Child>,
    /// Who holds the lock of the file.
    holding: Option<libsql::Connection>,
}

impl Ground {
    pub(super) async fn start(provider: &Provider, place: Place, ill: Ill) -> Result<Self> {
        let mut ground = Self {
            setup: Setup::new(&provider.base_url())?,
            disk: None,
            database: None,
            sqld: None,
            redis: None,
            locking: None,
            holding: None,
        };
        let engine = match place {
            Place::File => {
                if ill == Ill::Full {
                    ground.disk = Some(Mounted::over(&ground.setup.folder)?);
                }
                return Ok(ground);
            }
            Place::Sqld => {
                let sqld = Sqld::start(&ground.setup.folder).await.or_else(failed)?;
                ground.setup = ground.setup.storing(&sqld.url);
                ground.sqld = Some(sqld);
                return Ok(ground);
            }
            Place::Served(engine) => engine,
            Place::Redis => Engine::Postgres,
        };
        let database = engine.start(Disk::Kept).await.or_else(failed)?;
        ground.setup = ground.setup.storing(&database.url);
        ground.database = Some(database);
        if place == Place::Redis {
            let redis = Redis::start(Door::Plain).await.or_else(failed)?;
            ground.setup = ground.setup.variable("REDIS_URL", &redis.url("matrix"));
            ground.redis = Some(redis);
        }
        Ok(ground)
    }

    /// A server over it.
    pub(super) async fn serve(&self) -> Result<Server> {
        Ok(start_ready(&self.setup).await?.0)
    }

    pub(super) async fn fall(&mut self, ill: Ill, lasting: Duration) -> Result {
        match ill {
            Ill::Locked if self.database.is_some() => self.lock_tables(lasting)?,
            Ill::Locked => self.holding = Some(hold(&self.setup.path("tidegate.db")).await?),
            Ill::Stopped => self.signal(Signal::STOP)?,
            Ill::Killed => {
                if let Some(database) = &mut self.database {
                    database.kill();
                }
                if let Some(sqld) = &mut self.sqld {
                    sqld.kill().await;
                }
            }
            Ill::Full => fill(&self.setup.path("ballast"))?,
            Ill::RedisGone => self.redis.iter_mut().for_each(Redis::kill),
        }
        Ok(())
    }

    pub(super) async fn heal(&mut self, ill: Ill) -> Result {
        match ill {
            Ill::Locked => {
                if let Some(holding) = self.holding.take() {
                    holding.execute("ROLLBACK", ()).await.or_else(|e| failed(e.to_string()))?;
                }
                if let Some(mut locking) = self.locking.take() {
                    // It ends by itself about now.
                    let _ = tokio::time::timeout(Duration::from_secs(5), locking.wait()).await;
                }
            }
            Ill::Stopped => self.signal(Signal::CONT)?,
            Ill::Killed => {
                if let Some(database) = &mut self.database {
                    database.begin().await.or_else(failed)?;
                }
                if let Some(sqld) = &mut self.sqld {
                    sqld.begin(&self.setup.folder).await.or_else(failed)?;
                }
            }
            Ill::Full => fs::remove_file(self.setup.path("ballast"))?,
            Ill::RedisGone => {
                if let Some(redis) = &mut self.redis {
                    redis.begin().await.or_else(failed)?;
                }
            }
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result {
        let database = self.database.as_ref().and_then(Running::id);
        let Some(id) = database.or_else(|| self.sqld.as_ref().and_then(Sqld::id)) else {
            return failed("there is no process to stop");
        };
        for id in family(id)? {
            let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
            // One that has ended meanwhile needs no signal.
            let _ = pid.map(|pid| kill_process(pid, signal));
        }
        Ok(())
    }

    fn lock_tables(&mut self, lasting: Duration) -> Result {
        let Some(database) = &self.database else { return failed("there is no database server") };
        let seconds = lasting.as_secs();
        let (program, text) = match database.engine() {
            Engine::Postgres => {
                let tables = TABLES.join(", ");
                let lock = format!("LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
                ("psql", format!("BEGIN; {lock}; SELECT pg_sleep({seconds}); COMMIT;"))
            }
            Engine::Mariadb => {
                let tables = TABLES.map(|table| format!("{table} WRITE")).join(", ");
                (
                    "mariadb",
                    format!("LOCK TABLES {tables}; SELECT SLEEP({seconds}); UNLOCK TABLES;"),
                )
            }
        };
        let home = env::var_os(database.engine().variable()).unwrap_or_default();
        let mut command = match database.engine() {
            Engine::Postgres => {
                let mut psql = Command::new(Path::new(&home).join(program));
                psql.args([&database.url, "--quiet", "--command", &text]);
                psql
            }
            Engine::Mariadb => {
                let port = database.port().to_string();
                let mut client = Command::new(Path::new(&home).join("bin").join(program));
                client.args(["--no-defaults", "--host=127.0.0.1", "--user=tidegate"]);
                client.args(["--password=secret", "--port", &port, "tidegate", "-e", &text]);
                client
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        self.locking = Some(command.spawn()?);
        Ok(())
    }
}

/// Takes the write lock of a file, as another program may.
pub(super) async fn hold(path: &Path) -> Result<libsql::Connection> {
    let held = async {
        let connection = libsql::Builder::new_local(path).build().await?.connect()?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute("BEGIN EXCLUSIVE", ()).await?;
        Ok::<_, libsql::Error>(connection)
    };
    held.await.or_else(|error| failed(error.to_string()))
}

/// Writes until there is no room.
fn fill(path: &Path) -> Result {
    let mut file = fs::File::create(path)?;
    let block = [0_u8; 4096];
    while file.write_all(&block).is_ok() {}
    Ok(())
}

/// A process and all below it.
fn family(root: u32) -> Result<Vec<u32>> {
    let mut family = vec![root];
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // After the name in parentheses: the state, then the parent. It may have ended meanwhile.
        let told = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent = told.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1));
        parents.extend(parent.and_then(|parent| parent.parse::<u32>().ok()).map(|it| (id, it)));
    }
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(parents.iter().filter(|(_, it)| *it == parent).map(|(id, _)| *id));
        at += 1;
    }
    Ok(family)
}

/// A small disk over a folder, which needs the right to mount.
struct Mounted(PathBuf);

impl Mounted {
    fn over(folder: &Path) -> Result<Self> {
        let mut mount = std::process::Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(folder).status()?;
        if !status.success() {
            return failed("a small disk cannot be mounted: that needs root");
        }
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Busy while a server still ends; lazily it goes nonetheless.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
