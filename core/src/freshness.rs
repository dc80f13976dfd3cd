//! How old may configuration be? Fresh ones are used, older ones refreshed beside the request, stale ones waited for.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    clients::Entry,
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::Client,
    limits::{
        CLIENT_LOOKUP_WAIT, CLIENT_TRUST, SNAPSHOT_FIRST_WAIT, SNAPSHOT_FRESH, SNAPSHOT_STALE,
        SNAPSHOT_WAIT,
    },
    outage::limits::OUTAGE_ASK_EVERY,
    ports::{Background, Millis, millis, within},
    snapshot::Snapshot,
    store,
};

/// The configuration a request goes by.
pub(crate) struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    /// Whether it is older than it should be, because the store was silent.
    pub(crate) stale: bool,
}

impl Gateway {
    /// Brings the snapshot up to date. A server calls it every [`REVISION_POLL`](crate::limits::REVISION_POLL).
    pub async fn refresh(&self) -> Result<()> {
        let state = &self.state;
        self.take_changes().await?;
        if !state.snapshot().seeded {
            // What everybody begins with; who may not write goes on without.
            match self.seed_groups().await {
                Ok(()) => self.take_changes().await?,
                Err(error) => tracing::warn!(%error, "the first groups could not be stored"),
            }
        }
        Ok(())
    }

    async fn take_changes(&self) -> Result<()> {
        let state = &self.state;
        let from = state.snapshot();
        let changes = self.ports.store.changed_since(from.revision, &store::Kind::IN_SNAPSHOT);
        let changes = changes.await.inspect_err(|_| state.metrics.store_failed())?;
        let now = self.ports.clock.now();
        state.replace_snapshot(from.after(&state.config, &state.vault, changes, now));
        Ok(())
    }

    /// The snapshot for a request. Nothing here waits for another request's work: on Workers that would hang.
    pub(crate) async fn view(&self, background: &dyn Background) -> View {
        self.learn_beside(background);
        let snapshot = self.state.snapshot();
        let now = self.ports.clock.now();
        let age = snapshot.checked_at.map(|at| now - at);
        let wait = match age {
            None => Some(SNAPSHOT_FIRST_WAIT),
            Some(age) => (age > millis(SNAPSHOT_STALE)).then_some(SNAPSHOT_WAIT),
        };
        if let Some(wait) = wait {
            let store = &self.state.standing.store;
            if !store.is_silent(now) || (age.is_none() && store.may_ask(now)) {
                return self.wait_for_refresh(wait).await;
            }
            // Known to be silent, it is asked beside the requests, and none of them waits.
            self.refresh_beside(background, now);
            return View { snapshot, stale: true };
        }
        self.adopt_prices_beside(background, now);
        if age.is_some_and(|age| age > millis(SNAPSHOT_FRESH)) {
            self.refresh_beside(background, now);
        }
        View { snapshot, stale: false }
    }

    async fn wait_for_refresh(&self, wait: Duration) -> View {
        let refreshed = within(&*self.ports.clock, wait, Box::pin(self.refresh())).await;
        match &refreshed {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, "configuration could not be refreshed"),
            None => self.is_silent(),
        }
        View { snapshot: self.state.snapshot(), stale: !matches!(refreshed, Some(Ok(()))) }
    }

    fn refresh_beside(&self, background: &dyn Background, now: Millis) {
        let lease = &self.state.refreshing_until;
        let until = lease.load(Ordering::Relaxed);
        let taken = now >= until
            && lease
                .compare_exchange(
                    until,
                    now + millis(SNAPSHOT_FRESH),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if taken {
            let gateway = self.clone();
            background.run(Box::pin(async move {
                let mut next = 0;
                if let Err(error) = gateway.refresh().await {
                    tracing::debug!(%error, "configuration could not be refreshed");
                    next = gateway.ports.clock.now() + millis(OUTAGE_ASK_EVERY);
                }
                gateway.state.refreshing_until.store(next, Ordering::Relaxed);
            }));
        }
    }

    /// The client of a public id. A silent store is no reason to refuse a client that was known a moment ago, nor to
    /// tell an unknown one that its key is wrong.
    pub(crate) async fn client(&self, public_id: &str) -> Result<Option<Arc<Client>>> {
        let declared = &self.state.declared_clients;
        if let Some(client) = declared.iter().find(|client| client.id == public_id) {
            return Ok(Some(client.clone()));
        }
        let now = self.ports.clock.now();
        let known = self.state.clients().get(public_id);
        let confirmed_at = known.as_ref().map(|entry| self.confirmed_at(entry));
        let young = |than| confirmed_at.is_some_and(|at| now - at <= millis(than));
        if let Some(entry) = &known
            && entry.revision.is_some()
            && young(SNAPSHOT_FRESH)
        {
            return Ok(entry.client.clone());
        }
        let trusted = known.and_then(|entry| entry.client).filter(|_| young(CLIENT_TRUST));
        let store = &self.state.standing.store;
        if trusted.is_some() && store.is_silent(now) {
            return Ok(trusted);
        }
        if !store.may_ask(now) && !store.is_young(now) {
            return Err(unchecked());
        }
        let wait = if trusted.is_some() { SNAPSHOT_WAIT } else { CLIENT_LOOKUP_WAIT };
        match within(&*self.ports.clock, wait, Box::pin(self.look_up(public_id))).await {
            Some(Ok(client)) => Ok(client),
            Some(Err(error)) => trusted.map(Some).ok_or_else(|| unchecked().because(error)),
            None => {
                self.is_silent();
                trusted.map(Some).ok_or_else(unchecked)
            }
        }
    }

    /// Forgets clients that were changed here, and who was taken for unknown.
    pub(crate) fn forget_clients<'i>(&self, public_ids: impl Iterator<Item = &'i str>) {
        self.state.clients().forget(public_ids);
    }

    /// Nobody else waits for the store before it has answered.
    fn is_silent(&self) {
        self.state.standing.store.failed("database", self.ports.clock.now(), "silence");
    }

    /// An entry is as good as the snapshot of its revision: any change of a document moves the revision on.
    fn confirmed_at(&self, entry: &Entry) -> Millis {
        let snapshot = self.state.snapshot();
        let confirmed = snapshot.checked_at.filter(|_| Some(snapshot.revision) == entry.revision);
        confirmed.map_or(entry.checked_at, |at| at.max(entry.checked_at))
    }

    async fn look_up(&self, public_id: &str) -> Result<Option<Arc<Client>>> {
        let (checked_at, revision) = (self.ports.clock.now(), self.state.snapshot().revision);
        let document = self.ports.store.get(store::Kind::Client, public_id).await;
        let document = document.inspect_err(|_| self.state.metrics.store_failed())?;
        let client = document.as_ref().map(Client::from_document).transpose()?.map(Arc::new);
        let entry = Entry { client: client.clone(), checked_at, revision: Some(revision) };
        self.state.clients().put(public_id, entry);
        Ok(client)
    }
}

fn unchecked() -> Error {
    let message = "The client key cannot be checked at the moment; try again.";
    Error::new(Kind::Unavailable, message).retry_after("1")
}
