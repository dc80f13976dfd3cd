//! How is Redis asked by many at once? Over a bounded number of connections, each by one at a time, within a wait; and
//! after a failure not again at once.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use redis::{RedisError, Script, aio::MultiplexedConnection};
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

    /// Runs the script. In a task of its own: whoever asked may leave, and what was begun is ended all the same.
    pub(super) async fn ask(self: &Arc<Self>, call: &Call) -> Result<Answer> {
        let (link, call) = (Arc::clone(self), call.clone());
        let running = tokio::spawn(async move { link.again(&call).await });
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
    async fn again(&self, call: &Call) -> Result<Answer> {
        let _place = self.pool.place(REDIS_WAIT).await?;
        if let Some(connection) = self.pool.take() {
            match self.once(connection, call).await {
                Ok(answer) => return Ok(answer),
                Err(fault) if call.repeats || fault.moved => {}
                Err(fault) => return Err(fault.error),
            }
        }
        match self.once(self.connect().await?, call).await {
            Err(fault) if fault.moved => {
                let second = self.once(self.connect().await?, call).await;
                second.map_err(|fault| fault.error)
            }
            done => done.map_err(|fault| fault.error),
        }
    }

    async fn once(
        &self,
        mut connection: MultiplexedConnection,
        call: &Call,
    ) -> Result<Answer, Fault> {
        let mut asked = SCRIPT.prepare_invoke();
        asked.key(&self.server.base).arg(call.args());
        let said = timeout(REDIS_WAIT, asked.invoke_async(&mut connection)).await;
        let fault = match said {
            Ok(Ok(said)) => {
                self.pool.give_back(connection);
                return Answer::read(said).map_err(|error| Fault { error, moved: false });
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

fn too_long() -> Error {
    Error::store("Redis took too long")
}
