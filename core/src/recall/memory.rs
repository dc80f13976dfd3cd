//! Where are answers kept when nothing is shared? In this process, as long as there is room; what was not wanted for longest
//! goes first.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::limits::{RECALLED_BYTES_MAX, RECALLED_ENTRY_BYTES};
use crate::ports::{Cache, Clock, Millis, millis};

/// A cache of one process, gone when that ends.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    bytes_max: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    entries: HashMap<Arc<str>, Entry>,
    /// By the last time that somebody wanted them.
    order: BTreeMap<u64, Arc<str>>,
    turns: u64,
    bytes: usize,
}

struct Entry {
    value: Bytes,
    expires_at_ms: Millis,
    turn: u64,
}

impl MemoryCache {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::bounded(clock, RECALLED_BYTES_MAX)
    }

    fn bounded(clock: Arc<dyn Clock>, bytes_max: usize) -> Self {
        Self { clock, bytes_max, shelf: Mutex::default() }
    }

    fn with<T>(&self, run: impl FnOnce(&mut Shelf) -> T) -> T {
        // Every change is complete before anything in here could panic.
        run(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let now = self.clock.now();
        self.with(|shelf| shelf.get(key, now))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let expires_at_ms = self.clock.now().saturating_add(millis(ttl));
        self.with(|shelf| {
            shelf.take(key);
            if size(key, &value) <= self.bytes_max {
                shelf.put(key, value, expires_at_ms);
                shelf.shrink(self.bytes_max);
            }
        });
    }
}

impl Shelf {
    fn get(&mut self, key: &str, now: Millis) -> Option<Bytes> {
        let entry = self.take(key).filter(|entry| entry.expires_at_ms > now)?;
        let value = entry.value.clone();
        self.put(key, entry.value, entry.expires_at_ms);
        Some(value)
    }

    fn put(&mut self, key: &str, value: Bytes, expires_at_ms: Millis) {
        self.turns += 1;
        let (name, turn) = (Arc::<str>::from(key), self.turns);
        self.bytes += size(key, &value);
        self.order.insert(turn, Arc::clone(&name));
        self.entries.insert(name, Entry { value, expires_at_ms, turn });
    }

    fn take(&mut self, key: &str) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.turn);
        self.bytes -= size(key, &entry.value);
        Some(entry)
    }

    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.take(&oldest);
        }
    }
}

fn size(key: &str, value: &Bytes) -> usize {
    key.len() + value.len() + RECALLED_ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::testing::ManualClock;

    const LONG: Duration = Duration::from_secs(60);
    const ROOM: usize = 3 * (1 + 100 + RECALLED_ENTRY_BYTES);

    fn cache() -> (MemoryCache, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(1_000));
        (MemoryCache::bounded(clock.clone(), ROOM), clock)
    }

    fn put(cache: &MemoryCache, key: &str, bytes: usize, ttl: Duration) {
        block_on(cache.put(key, Bytes::from(vec![b'x'; bytes]), ttl));
    }

    fn has(cache: &MemoryCache, key: &str) -> bool {
        block_on(cache.get(key)).is_some()
    }

    #[test]
    fn what_was_not_wanted_for_longest_goes_first() {
        let (cache, _) = cache();
        for key in ["a", "b", "c"] {
            put(&cache, key, 100, LONG);
        }
        assert!(has(&cache, "a"));
        put(&cache, "d", 100, LONG);
        assert_eq!(["a", "b", "c", "d"].map(|key| has(&cache, key)), [true, false, true, true]);
    }

    #[test]
    fn it_never_holds_more_than_there_is_room_for() {
        let (cache, _) = cache();
        put(&cache, "small", 10, LONG);
        put(&cache, "huge", ROOM, LONG);
        assert!(!has(&cache, "huge") && has(&cache, "small"));
        for number in 0..1_000_usize {
            put(&cache, &format!("{}", number % 7), number % 300, LONG);
            let (bytes, sum, count, turns) = cache.with(|shelf| {
                let sizes = shelf.entries.iter().map(|(key, entry)| size(key, &entry.value));
                (shelf.bytes, sizes.sum::<usize>(), shelf.entries.len(), shelf.order.len())
            });
            assert!(bytes <= ROOM && bytes == sum && count == turns, "{number}");
        }
    }

    #[test]
    fn what_has_expired_is_gone() {
        let (cache, clock) = cache();
        put(&cache, "a", 10, Duration::from_secs(2));
        clock.advance(Duration::from_millis(1_999));
        assert!(has(&cache, "a"));
        clock.advance(Duration::from_millis(1));
        assert!(!has(&cache, "a"));
        assert_eq!(cache.with(|shelf| (shelf.bytes, shelf.order.len())), (0, 0));
    }

    #[test]
    fn the_last_value_stands() {
        let (cache, _) = cache();
        put(&cache, "a", 10, LONG);
        put(&cache, "a", 20, LONG);
        assert_eq!(block_on(cache.get("a")).map(|value| value.len()), Some(20));
        put(&cache, "a", ROOM, LONG);
        assert!(!has(&cache, "a"), "an older answer is not given for a newer one");
    }
}
