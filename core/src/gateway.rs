//! The only way in: a request and its call become a response.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicUsize},
};

use http::{Request, Response};

use crate::{
    clients::Clients,
    config::{Config, DeclaredKey},
    error::{Error, Kind, Result},
    http::Body,
    identity::{Client, Presented, Vault},
    memory::Memory,
    people::People,
    ports::{Call, Ports},
    router,
    snapshot::Snapshot,
};

/// The gateway. Cheap to build: on Workers there is one for each request, over one shared [`State`].
#[derive(Clone)]
pub struct Gateway {
    pub(crate) ports: Ports,
    pub(crate) state: Arc<State>,
}

/// What outlives a request: the declaration, the snapshot, the clients that were looked up. Plain data behind locks
/// that are never held over an await.
pub struct State {
    pub(crate) config: Config,
    pub(crate) vault: Vault,
    pub(crate) declared_clients: Vec<Arc<Client>>,
    pub(crate) in_flight: Arc<AtomicUsize>,
    pub(crate) draining: AtomicBool,
    /// Until when a refresh is under way; a lease, because the request that does it may be dropped.
    pub(crate) refreshing_until: AtomicI64,
    snapshot: Mutex<Arc<Snapshot>>,
    pub(crate) clients: Mutex<Clients>,
    pub(crate) memory: Memory,
    pub(crate) people: People,
}

impl State {
    /// State over a declaration, with nothing loaded. The declaration must hold the root secret.
    pub fn new(config: Config) -> Result<Self> {
        let Some(root) = &config.secret else {
            return Err(Error::bad_request("TIDEGATE_SECRET is not set."));
        };
        let vault = Vault::after(root, &config.people.old_secrets);
        let declared_clients = config
            .clients
            .iter()
            .filter(|client| client.enabled)
            .map(|client| declared(client.name.clone(), &client.key, &vault).map(Arc::new))
            .collect::<Result<_>>()?;
        Ok(Self {
            declared_clients,
            in_flight: Arc::default(),
            draining: AtomicBool::new(false),
            refreshing_until: AtomicI64::new(0),
            snapshot: Mutex::new(Arc::new(Snapshot::declared(&config))),
            clients: Mutex::default(),
            memory: Memory::default(),
            people: People::default(),
            config,
            vault,
        })
    }

    /// What was declared.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the snapshot, unless a newer one came first.
    pub(crate) fn replace_snapshot(&self, next: Snapshot) {
        let mut current = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if next.revision < current.revision {
            return;
        }
        let moved = next.revision > current.revision;
        *current = Arc::new(next);
        drop(current);
        if moved {
            self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
            self.people.lookups.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

fn declared(name: String, key: &DeclaredKey, vault: &Vault) -> Result<Client> {
    let (id, hash) = match key {
        DeclaredKey::Hash { public_id, hash } => (public_id.clone(), hash.clone()),
        DeclaredKey::Plain(secret) => {
            let presented = Presented::parse(secret.expose()).ok_or_else(|| {
                Error::bad_request(format!(
                    "The key of client `{name}` is not a client key (tg_…)."
                ))
            })?;
            (presented.public_id.to_owned(), vault.client_hash(presented.key))
        }
    };
    Ok(Client { id, name, hash, created_at_ms: 0, expires_at_ms: None, team: String::new() })
}

impl Gateway {
    /// A gateway over these seams.
    #[must_use]
    pub fn new(ports: Ports, state: Arc<State>) -> Self {
        Self { ports, state }
    }

    /// What outlives a request.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Answers one request. Dropping the future cancels whatever it was waiting for; the record is written all the same.
    pub async fn handle(&self, request: Request<Body>, call: Call) -> Response<Body> {
        router::route(self, request, call).await
    }

    /// Refuses root secrets that leave upstream keys unreadable: one was taken away too early, or is the wrong one.
    pub fn check_secrets(&self) -> Result<()> {
        match self.state.snapshot().sealed_elsewhere(&self.state.vault) {
            0 => Ok(()),
            keys => Err(Error::new(
                Kind::Unavailable,
                format!(
                    "{keys} upstream keys are sealed under a root secret that is not given. Name it in \
                     TIDEGATE_SECRET_OLD, and run `tidegate secret rotate`."
                ),
            )),
        }
    }

    /// From here on `/ready` says no, so that nothing is sent here any more. What is under way goes on.
    pub fn drain(&self) {
        self.state.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
