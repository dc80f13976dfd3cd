//! Is a session's user still who they were? A bounded cache, as good as the snapshot beside it.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::User,
    limits::{SNAPSHOT_FRESH, USER_LOOKUP_WAIT, USERS_CACHED_MAX},
    ports::{Millis, within},
    store,
};

/// Users by id.
#[derive(Default)]
pub(crate) struct Lookups {
    known: HashMap<String, Entry>,
    /// Counts how often everything was forgotten.
    generation: u64,
}

#[derive(Clone)]
struct Entry {
    /// `None`: there is no such user.
    user: Option<Arc<User>>,
    checked_at: Millis,
    /// The snapshot's revision at that time.
    revision: i64,
}

impl Lookups {
    /// Forgets every look-up.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.generation += 1;
    }

    /// What was asked for before everything was forgotten is old by now.
    fn put(&mut self, id: &str, entry: Entry, generation: u64) {
        if generation != self.generation {
            return;
        }
        if self.known.len() >= USERS_CACHED_MAX {
            // Rare, and filled again within the next requests.
            self.known.clear();
        }
        self.known.insert(id.to_owned(), entry);
    }
}

impl Gateway {
    /// The user of an id, as known at most [`SNAPSHOT_FRESH`] ago. Whoever has been disabled since must not act, so a
    /// silent store is an error.
    pub(crate) async fn user(&self, id: &str) -> Result<Option<Arc<User>>> {
        let now = self.ports.clock.now();
        let entry = self.lookups().known.get(id).cloned();
        if let Some(entry) = entry
            && now - self.confirmed(&entry) <= fresh_ms()
        {
            return Ok(entry.user);
        }
        let asked = within(&*self.ports.clock, USER_LOOKUP_WAIT, Box::pin(self.ask(id))).await;
        asked.unwrap_or_else(|| Err(unchecked()))
    }

    /// Forgets every user, after one has changed here.
    pub(crate) fn forget_users(&self) {
        self.lookups().clear();
    }

    async fn ask(&self, id: &str) -> Result<Option<Arc<User>>> {
        let (checked_at, revision) = (self.ports.clock.now(), self.state.snapshot().revision);
        let generation = self.lookups().generation;
        let document = self.ports.store.get(store::Kind::User, id).await;
        let document = document.map_err(|error| unchecked().because(error))?;
        let user = document.as_ref().map(User::from_document).transpose()?.map(Arc::new);
        let entry = Entry { user: user.clone(), checked_at, revision };
        self.lookups().put(id, entry, generation);
        Ok(user)
    }

    /// An entry is as good as the snapshot of its revision: any change of a document moves the revision on.
    fn confirmed(&self, entry: &Entry) -> Millis {
        let snapshot = self.state.snapshot();
        let confirmed = snapshot.checked_at.filter(|_| snapshot.revision == entry.revision);
        confirmed.map_or(entry.checked_at, |at| at.max(entry.checked_at))
    }

    fn lookups(&self) -> MutexGuard<'_, Lookups> {
        self.state.people.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh_ms() -> Millis {
    Millis::try_from(SNAPSHOT_FRESH.as_millis()).unwrap_or(Millis::MAX)
}

fn unchecked() -> Error {
    Error::new(Kind::Unavailable, "The session cannot be checked at the moment; try again.")
        .retry_after("1")
}
