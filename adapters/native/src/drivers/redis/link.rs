//! How is Redis asked by many at once? Over a bounded number of connections, each by one at a time, within a wait; and
//! after a failure not again at once.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, FromRedisValue, RedisError, Script, Value, aio::MultiplexedConnection};
use tidegate_core::{Error, Result};
use tokio::time::timeout;

use super::{
    super::{
        limits::{REDIS_CONNECT_WAIT, REDIS_WAIT},
        pool::Pool,
    },
    server::{Server, told},
    words::{Answer, Call},
};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("counters.lua")));

/// A Redis, and the connections to it.
pub(super) struct Link {
    server: Server,
    pool: Pool<MultiplexedConnection>,
    /// The node of a cluster that has our keys, once it is known.
    node: Mutex<Option<(String, u16)>>,
}

/// What a connection is asked.
enum Asked {
    /// The script.
    Script(Call),
    /// A command by itself, whose answer nobody depends on.
    Command(Cmd),
}

/// Why there is no answer.
struct Fault {
    error: Error,
    /// Another node has our keys.
    moved: bool,
}

impl Link {
    pub(super) fn new(server: Server) -> Self {
        let pool = Pool::new(server.connections);
        Self { server, pool, node: Mutex::default() }
    }

    /// Runs the script.
    pub(super) async fn ask(self: &Arc<Self>, call: &Call) -> Result<Answer> {
        let said = self.run(Asked::Script(call.clone())).await?;
        Answer::read(read(said)?)
    }

    /// Runs one command on a key of ours, once.
    pub(super) async fn command<T: FromRedisValue>(self: &Arc<Self>, cmd: Cmd) -> Result<T> {
        read(self.run(Asked::Command(cmd)).await?)
    }

    /// What a key is called in Redis.
    pub(super) fn named(&self, key: &str) -> String {
        format!("{}/{key}", self.server.base)
    }

    /// In a task of its own: whoever asked may leave, and what was begun is ended all the same.
    async fn run(self: &Arc<Self>, asked: Asked) -> Result<Value> {
        let link = Arc::clone(self);
        let running = tokio::spawn(async move { link.again(&asked).await });
        running.await.unwrap_or_else(|_| Err(Error::store("the asking has ended")))
    }

    /// Whether Redis answers.
    pub(super) async fn ping(&self) -> Result<()> {
        let _place = self.pool.place(REDIS_WAIT).await?;
        let mut connection = self.connect().await?;
        let cmd = redis::cmd("PING");
        let asked = timeout(REDIS_WAIT, cmd.query_async::<()>(&mut connection)).await;
        asked.map_err(|_| too_long())?.map_err(|error| told(&error))?;
        self.pool.give_back(connection);
        Ok(())
    }

    /// Asks a kept connection first. Where it fails, it may have been dead for long, as all of them.
    async fn again(&self, asked: &Asked) -> Result<Value> {
        let _place = self.pool.place(REDIS_WAIT).await?;
        if let Some(connection) = self.pool.take() {
            match self.once(connection, asked).await {
                Ok(said) => return Ok(said),
                Err(fault) if asked.repeats() || fault.moved => {}
                Err(fault) => return Err(fault.error),
            }
        }
        match self.once(self.connect().await?, asked).await {
            Err(fault) if fault.moved => {
                let second = self.once(self.connect().await?, asked).await;
                second.map_err(|fault| fault.error)
            }
            done => done.map_err(|fault| fault.error),
        }
    }

    async fn once(
        &self,
        mut connection: MultiplexedConnection,
        asked: &Asked,
    ) -> Result<Value, Fault> {
        let said = timeout(REDIS_WAIT, asked.of(&mut connection, &self.server.base)).await;
        let fault = match said {
            Ok(Ok(said)) => {
                self.pool.give_back(connection);
                return Ok(said);
            }
            // It has no room, and is well otherwise.
            Ok(Err(error)) if error.code() == Some("OOM") => {
                self.pool.give_back(connection);
                return Err(Fault { moved: false, error: told(&error) });
            }
            Ok(Err(error)) => Fault { moved: self.follow(&error), error: told(&error) },
            Err(_) => Fault { moved: false, error: too_long() },
        };
        // One that answers with an error may be a replica by now, or about to end.
        self.pool.clear();
        Err(fault)
    }

    async fn connect(&self) -> Result<MultiplexedConnection> {
        self.pool.may_connect()?;
        let node = self.node().clone();
        let (host, port) = node.as_ref().unwrap_or(&self.server.place);
        let connecting = self.server.connect((host, *port));
        let connecting = timeout(REDIS_CONNECT_WAIT, connecting)
            .await
            .unwrap_or_else(|_| Err(Error::store("Redis took no connection in time")));
        if connecting.is_err() {
            // The cluster may have another idea by now: it is asked where it was asked first.
            *self.node() = None;
        }
        self.pool.connected(&connecting);
        connecting
    }

    /// Notes which node of a cluster has our keys, all of which lie together.
    fn follow(&self, error: &RedisError) -> bool {
        let place = error.redirect_node().and_then(|(place, _)| place.rsplit_once(':'));
        let Some((host, Ok(port))) = place.map(|(host, port)| (host, port.parse())) else {
            return false;
        };
        // Without a host it is the one that was asked.
        let host = if host.is_empty() { &self.server.place.0 } else { host };
        *self.node() = Some((host.to_owned(), port));
        true
    }

    fn node(&self) -> MutexGuard<'_, Option<(String, u16)>> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Whether it may be asked a second time when it is not known what became of the first.
    fn repeats(&self) -> bool {
        match self {
            Self::Script(call) => call.repeats,
            Self::Command(_) => false,
        }
    }

    async fn of(
        &self,
        connection: &mut MultiplexedConnection,
        base: &str,
    ) -> Result<Value, RedisError> {
        match self {
            Self::Script(call) => {
                SCRIPT.prepare_invoke().key(base).arg(call.args()).invoke_async(connection).await
            }
            Self::Command(cmd) => cmd.query_async(connection).await,
        }
    }
}

fn read<T: FromRedisValue>(said: Value) -> Result<T> {
    T::from_redis_value(said).map_err(|error| Error::store(format!("Redis: {error}")))
}

fn too_long() -> Error {
    Error::store("Redis took too long")
}
