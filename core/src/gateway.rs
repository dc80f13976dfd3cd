//! The only way in: a request and its call become a response.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
};

use http::{Request, Response};

use crate::{
    clients::Clients,
    config::{Config, DeclaredClient, DeclaredKey},
    error::{Error, Kind, Result},
    health::Health,
    http::Body,
    identity::{Client, Presented, Vault},
    memory::Memory,
    metrics::Metrics,
    money::{Listing, Prices},
    outage::Standing,
    people::People,
    ports::{Backup, Call, Counters, Machine, Millis, Ports},
    route::Latencies,
    router,
    snapshot::Snapshot,
    store::{Watched, memory::MemoryCounters},
};

/// The gateway. Cheap to build: on Workers there is one for each request, over one shared [`State`].
#[derive(Clone)]
pub struct Gateway {
    pub(crate) ports: Arc<Ports>,
    pub(crate) state: Arc<State>,
}

/// What outlives a request: the declaration, the snapshot, the clients that were looked up. Plain data behind locks
/// that are never held over an await.
pub struct State {
    pub(crate) config: Config,
    pub(crate) vault: Vault,
    pub(crate) declared_clients: Vec<Arc<Client>>,
    pub(crate) in_flight: Arc<AtomicUsize>,
    /// Bytes of fetched media that requests hold.
    pub(crate) media_in_flight: Arc<AtomicU64>,
    pub(crate) draining: AtomicBool,
    /// Until when a refresh is under way; a lease, because the request that does it may be dropped.
    pub(crate) refreshing_until: AtomicI64,
    latest_ms: AtomicI64,
    snapshot: Mutex<Arc<Snapshot>>,
    prices: Mutex<Arc<Prices>>,
    /// Until when newer prices are being fetched; a lease, because who does it may be dropped.
    pub(crate) prices_until: AtomicI64,
    clients: Mutex<Clients>,
    pub(crate) memory: Memory,
    pub(crate) metrics: Metrics,
    /// What captures of bodies take of the memory.
    pub(crate) captured_bytes: Arc<AtomicU64>,
    /// What answers that are to be kept take of it.
    pub(crate) recalled_bytes: Arc<AtomicU64>,
    machine: OnceLock<Arc<dyn Machine>>,
    backup: OnceLock<Arc<dyn Backup>>,
    pub(crate) people: People,
    /// How fast models were lately.
    pub(crate) latencies: Latencies,
    /// Who may be asked just now.
    pub(crate) health: Health,
    /// When other instances were last asked who rests.
    pub(crate) rests_asked_at: AtomicI64,
    /// Which parts of the storage do not answer.
    pub(crate) standing: Arc<Standing>,
    /// Records that were lost where each is written at once.
    lost: Arc<AtomicU64>,
    /// Counts rates while nobody else does.
    pub(crate) stand_in: MemoryCounters,
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
            .map(|client| declared(client, &vault).map(Arc::new))
            .collect::<Result<_>>()?;
        let snapshot = Snapshot::declared(&config);
        Ok(Self {
            declared_clients,
            in_flight: Arc::default(),
            media_in_flight: Arc::default(),
            draining: AtomicBool::new(false),
            refreshing_until: AtomicI64::new(0),
            latest_ms: AtomicI64::new(0),
            prices_until: AtomicI64::new(0),
            prices: Mutex::new(Arc::new(Prices::new(
                &snapshot.providers,
                snapshot.overrides.clone(),
            ))),
            snapshot: Mutex::new(Arc::new(snapshot)),
            clients: Mutex::default(),
            memory: Memory::default(),
            metrics: Metrics::default(),
            captured_bytes: Arc::default(),
            recalled_bytes: Arc::default(),
            machine: OnceLock::new(),
            backup: OnceLock::new(),
            people: People::default(),
            latencies: Latencies::default(),
            health: Health::default(),
            rests_asked_at: AtomicI64::new(0),
            standing: Arc::default(),
            lost: Arc::default(),
            stand_in: MemoryCounters::default(),
            config,
            vault,
        })
    }

    /// What was declared.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where lost records are counted by journals that do not outlive their request.
    #[must_use]
    pub fn lost_records(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Says on which machine this process lives on. Where it is not said, processes come and go by the request.
    #[must_use]
    pub fn on(self, machine: Arc<dyn Machine>) -> Self {
        let _ = self.machine.set(machine);
        self
    }

    /// Says how the database is copied, where it can be.
    #[must_use]
    pub fn copied_by(self, backup: Arc<dyn Backup>) -> Self {
        let _ = self.backup.set(backup);
        self
    }

    /// How the database is copied.
    pub(crate) fn backup(&self) -> Option<&dyn Backup> {
        self.backup.get().map(|backup| &**backup)
    }

    /// Says with which of their keys providers begin, in place of a lot.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn beginning_at(self, key: u64) -> Self {
        self.health.begin_at(|| key);
        self
    }

    /// The clients that were looked up.
    pub(crate) fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine that this process lives on.
    pub(crate) fn machine(&self) -> Option<&dyn Machine> {
        self.machine.get().map(|machine| &**machine)
    }

    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The prices of now.
    #[must_use]
    pub fn prices(&self) -> Arc<Prices> {
        self.prices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another catalogue into force.
    pub(crate) fn adopt_prices(&self, listing: Listing, at_ms: Millis) {
        let mut prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        *prices = Arc::new(prices.with(listing, at_ms));
    }

    /// Replaces the snapshot, unless a newer one came first. Clients have to be looked up again then; what was known of them
    /// serves on only if the store is silent.
    pub(crate) fn replace_snapshot(&self, next: Snapshot) {
        let mut current = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if next.revision < current.revision {
            return;
        }
        let moved = next.revision > current.revision;
        let (before, confirmed_at) = (current.revision, current.checked_at);
        let next = Arc::new(next);
        *current = next.clone();
        drop(current);
        if moved {
            let mut prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
            *prices = Arc::new(prices.after(&next.providers, next.overrides.clone()));
            drop(prices);
            self.health.keep(&next);
            self.clients().outdate(before, confirmed_at);
            self.people.lookups.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

fn declared(client: &DeclaredClient, vault: &Vault) -> Result<Client> {
    let DeclaredClient { name, key, team, policy, .. } = client;
    let (name, team, policy) = (name.clone(), team.clone(), policy.clone());
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
    let expires_at_ms = policy.expires_at_ms;
    let (strict, previous) = (client.strict, None);
    Ok(Client { id, name, hash, created_at_ms: 0, expires_at_ms, team, strict, policy, previous })
}

impl Gateway {
    /// A gateway over these seams.
    #[must_use]
    pub fn new(mut ports: Ports, state: Arc<State>) -> Self {
        let (clock, standing) = (Arc::clone(&ports.clock), Arc::clone(&state.standing));
        ports.store = Arc::new(Watched::new(ports.store, clock, standing));
        state.metrics.begin(ports.clock.now());
        state.health.begin_at(|| {
            let mut lot = [0; 8];
            ports.random.fill(&mut lot);
            u64::from_le_bytes(lot)
        });
        Self { ports: Arc::new(ports), state }
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

    /// The time for windows and expiry. It never goes back, so that a clock that does opens no window again that was
    /// spent.
    pub(crate) fn now(&self) -> Millis {
        let now = self.ports.clock.now();
        self.state.latest_ms.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// Where the limits of one tree of teams are counted, by the node at its top.
    pub(crate) fn counters(&self, top: &str) -> Arc<dyn Counters> {
        let all = &self.ports.counters;
        all.of_tree(top).unwrap_or_else(|| all.clone())
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
        self.state.draining.store(true, Ordering::Relaxed);
    }
}
