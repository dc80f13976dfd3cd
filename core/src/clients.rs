//! Which clients were looked up lately? A bounded cache, dropped whenever the store's revision moves.

use std::{collections::HashMap, sync::Arc};

use crate::{identity::Client, limits::CLIENTS_CACHED_MAX, ports::Millis};

/// What a look-up found, and when.
#[derive(Clone)]
pub(crate) struct Entry {
    /// `None`: there is no such client.
    pub(crate) client: Option<Arc<Client>>,
    /// When the store was asked.
    pub(crate) checked_at: Millis,
    /// The snapshot's revision at that time.
    pub(crate) revision: i64,
}

/// Entries by public id.
#[derive(Default)]
pub(crate) struct Clients {
    known: HashMap<String, Entry>,
    /// Apart from the known ones, so that guessing keys pushes no client out.
    unknown: HashMap<String, Entry>,
}

impl Clients {
    pub(crate) fn get(&self, public_id: &str) -> Option<Entry> {
        self.known.get(public_id).or_else(|| self.unknown.get(public_id)).cloned()
    }

    pub(crate) fn put(&mut self, public_id: &str, entry: Entry) {
        let (into, other) = match entry.client {
            Some(_) => (&mut self.known, &mut self.unknown),
            None => (&mut self.unknown, &mut self.known),
        };
        other.remove(public_id);
        if into.len() >= CLIENTS_CACHED_MAX {
            // Rare, and filled again within the next requests.
            into.clear();
        }
        into.insert(public_id.to_owned(), entry);
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.unknown.clear();
    }
}
