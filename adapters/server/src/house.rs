//! What must be there before a request can be answered? The data folder, the secrets, the store, the gateway.

use std::sync::Arc;

use tidegate_core::{
    Error, Gateway, Result, State,
    config::{Config, RootSecret},
    error::Kind,
    identity::Secret,
    limits::{DRAIN_WAIT, QUEUE_DRAIN_WAIT},
    outage::limits::SPILL_START_WAIT,
    ports::{Clock, Counters, Feed, Journal, Ports, Random, Store, Upstream},
    recall::MemoryCache,
    store::{Spare, leased::Leased, memory::MemoryCounters, sql::SqlStore},
};
use tidegate_native::{
    Aside, Guarded, HttpClient, Lock, Opened, OsRandom, Passwords, Place, Promise, Queue, Shared,
    SystemClock, Tracker, Writing, open_shared, open_store,
};
use tracing::{error, info, warn};

use crate::{
    copies::Copies,
    data::{Data, make_token},
    hub::{Hub, Push},
    instances::Instances,
    machine::Here,
};

/// A gateway and everything it stands on. The data folder is this process's until it is closed.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) background: Arc<Tracker>,
    /// Who watches.
    pub(crate) hub: Arc<Hub>,
    pub(crate) data: Data,
    /// Opens the API.
    pub(crate) token: Secret,
    queue: Arc<Queue>,
    /// The store and its locks go last.
    opened: Opened,
    _lock: Option<Lock>,
}

impl House {
    /// Opens what is declared. A data folder that another process holds is a [`Conflict`](Kind::Conflict).
    pub(crate) async fn open(mut config: Config) -> Result<Self> {
        let data = Data::new(&config.data);
        let upstream: Arc<dyn Upstream> = Arc::new(HttpClient::new()?);
        let media = Arc::new(Guarded::new(config.media.clone().unwrap_or_default())?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(OsRandom);

        let place = Place::parse(config.store_url.as_deref(), data.folder())?;
        let shared = place.is_shared();
        // The folder and the file belong together; a database that is shared does not go with this machine.
        let promise = if shared { Promise::Hoped } else { Promise::Kept };
        let lock = match place {
            // Comes with the locks of its folder.
            Place::File { .. } => None,
            Place::Memory | Place::Remote(_) | Place::Postgres(_) | Place::Mysql(_) => {
                Some(data.lock()?)
            }
        };
        let store_token = config.store_token.clone();
        let place = (place, Writing::Together);
        let opened = open_store(place, store_token, Arc::clone(&upstream), Arc::clone(&clock))?;
        migrate(&opened, &*clock).await;

        if config.secret.is_none() {
            config.secret = Some(secret(&data, &opened.store).await?);
            config.people.old_secrets.extend(data.old_secrets()?);
        }
        let token = config.admin_token.get_or_insert_with(make_token).clone();

        let store: Arc<dyn Store> = opened.store.clone();
        let aside = Aside::open(&data.folder().join("aside"), promise)?;
        let queue = Arc::new(Queue::start(
            Arc::clone(&store),
            Some(Arc::clone(&aside)),
            Arc::clone(&clock),
            Arc::clone(&random),
        ));
        let Shared { counters, cache } = if let Some(url) = &config.counters_url {
            open_shared(url, &opened.store)?
        } else {
            let counters: Arc<dyn Counters> =
                if shared { opened.store.clone() } else { count(&opened, &aside, &*clock).await };
            Shared { counters, cache: Arc::new(MemoryCache::new(Arc::clone(&clock))) }
        };
        // Redis answers so fast that it is asked each time.
        let ahead = config.counters_ahead && shared && config.counters_url.is_none();
        let counters =
            if ahead { Arc::new(Leased::over(counters, Arc::clone(&random))) } else { counters };
        let journal = queue.clone();
        let hub = Arc::<Hub>::default();
        let feed: Arc<dyn Feed> = match &config.counters_url {
            Some(url) => Arc::new(Instances::open(url, &hub)?),
            None => Arc::new(Push(Arc::clone(&hub))),
        };
        let hasher = Arc::new(Passwords::default());
        let ports =
            Ports { upstream, media, store, counters, journal, feed, cache, clock, random, hasher };
        let mut state = State::new(config)?.on(Arc::new(Here::default()));
        if let Some(file) = &opened.file {
            state = state.copied_by(Arc::new(Copies::new(Arc::clone(file), data.folder())));
        }
        let gateway = Gateway::new(ports, Arc::new(state));
        let background = Arc::default();
        Ok(Self { gateway, background, hub, data, token, queue, opened, _lock: lock })
    }

    /// Ends it in order: what outlives its response, then the queue they write to, then the store under it.
    pub(crate) async fn close(self) {
        let left = self.background.drain(DRAIN_WAIT).await;
        if left > 0 {
            error!(tasks = left, "some requests did not get to their record");
        }
        if let Err(cause) = self.gateway.give_back(Spare::All).await {
            warn!(%cause, "room that was taken ahead is given back by upkeep");
        }
        self.queue.drain(QUEUE_DRAIN_WAIT).await;
        let dropped = self.queue.dropped();
        if dropped > 0 {
            warn!(log_dropped_total = dropped, "request records were lost");
        }
        if let Some(left) = self.queue.backlog().filter(|left| left.aside > 0) {
            warn!(
                records = left.aside,
                "records are kept aside and go to the store at the next start"
            );
        }
        drop(self.gateway);
        drop(self.queue);
        drop(self.opened);
    }
}

/// Who is alone with its store counts in memory, from what the store remembers when all that was kept aside before is in
/// there; where others may count too, the store does.
async fn count(opened: &Opened, aside: &Aside, clock: &dyn Clock) -> Arc<dyn Counters> {
    let past = SqlStore::clone(&opened.store);
    let counters = MemoryCounters::over(past).when(aside.complete());
    aside.completed(SPILL_START_WAIT).await;
    if let Err(cause) = counters.load(clock.now()).await {
        warn!(%cause, "what was spent cannot be read yet");
    }
    Arc::new(counters)
}

/// A database that cannot be migrated is told by `/ready`; requests may still be answered without it.
async fn migrate(opened: &Opened, clock: &dyn Clock) {
    match opened.migrate(clock).await {
        Ok(0) => {}
        Ok(statements) => info!(statements, "the database's schema is up to date"),
        Err(cause) => error!(%cause, "the database's schema is not up to date"),
    }
}

/// The folder's root secret. A store that was used before had one, and without it nothing in there can be read.
async fn secret(data: &Data, store: &SqlStore) -> Result<RootSecret> {
    if let Some(secret) = data.secret()? {
        return Ok(secret);
    }
    if store.revision().await? > 0 {
        return Err(Error::new(
            Kind::Unavailable,
            format!(
                "The database was written with another root secret: set TIDEGATE_SECRET or put the file back to {}.",
                data.folder().join("secret").display()
            ),
        ));
    }
    data.make_secret()
}
