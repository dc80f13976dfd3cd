//! Which clients were looked up lately? A bounded cache, out of date whenever the store's revision moves.

use std::{collections::HashMap, sync::Arc};

use crate::{identity::Client, limits::CLIENTS_CACHED_MAX, ports::Millis};

/// What a look-up found, and when.
#[derive(Clone)]
pub(crate) struct Entry {
    /// `None`: there is no such client.
    pub(crate) client: Option<Arc<Client>>,
    /// When the store was asked.
    pub(crate) checked_at: Millis,
    /// The snapshot's revision at that time; `None` when something has changed since.
    pub(crate) revision: Option<i64>,
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

    /// Something has changed after `revision`, which was last confirmed then. Who was known is asked for again, and serves
    /// on only as long as nobody answers.
    pub(crate) fn outdate(&mut self, revision: i64, confirmed_at: Option<Millis>) {
        self.unknown.clear();
        for entry in self.known.values_mut() {
            if entry.revision == Some(revision) {
                entry.checked_at = entry.checked_at.max(confirmed_at.unwrap_or(entry.checked_at));
            }
            entry.revision = None;
        }
    }

    /// These have changed: what was known of them serves nobody any more.
    pub(crate) fn forget<'i>(&mut self, public_ids: impl Iterator<Item = &'i str>) {
        self.unknown.clear();
        for id in public_ids {
            self.known.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Policy;

    fn entry(id: &str, checked_at: Millis, revision: i64) -> Entry {
        let client = Client {
            id: id.to_owned(),
            name: id.to_owned(),
            hash: String::new(),
            created_at_ms: 0,
            expires_at_ms: None,
            team: String::new(),
            strict: false,
            policy: Policy::default(),
            previous: None,
        };
        Entry { client: Some(Arc::new(client)), checked_at, revision: Some(revision) }
    }

    #[test]
    fn what_is_out_of_date_keeps_when_it_was_confirmed() {
        let mut clients = Clients::default();
        clients.put("a", entry("a", 100, 7));
        clients.put("b", entry("b", 100, 6));
        clients.put("c", Entry { client: None, checked_at: 100, revision: Some(7) });
        clients.outdate(7, Some(500));
        let told = |id: &str| clients.get(id).map(|entry| (entry.checked_at, entry.revision));
        assert_eq!(told("a"), Some((500, None)));
        assert_eq!(told("b"), Some((100, None)));
        assert_eq!(told("c"), None);
    }

    #[test]
    fn who_has_changed_is_forgotten() {
        let mut clients = Clients::default();
        clients.put("a", entry("a", 100, 7));
        clients.put("b", entry("b", 100, 7));
        clients.forget(["a"].into_iter());
        assert!(clients.get("a").is_none() && clients.get("b").is_some());
    }
}
