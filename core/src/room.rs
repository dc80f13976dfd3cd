//! Is there memory for what requests keep of what passes? So much for all of them together, taken piece by piece.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A part of the memory that is there for one purpose, given back when dropped.
pub(crate) struct Room {
    taken: Arc<AtomicU64>,
    bytes: u64,
    /// What all parts may take together.
    max: u64,
}

impl Room {
    /// A part that has nothing yet.
    pub(crate) fn none(taken: &Arc<AtomicU64>, max: u64) -> Self {
        Self { taken: Arc::clone(taken), bytes: 0, max }
    }

    /// Takes more, where there is more.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: u64) -> Option<()> {
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.max {
            self.taken.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        self.bytes += bytes;
        Some(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_take_no_more_than_there_is() {
        let taken = Arc::<AtomicU64>::default();
        let (mut one, mut other) = (Room::none(&taken, 10), Room::none(&taken, 10));
        assert!(one.grow(6).is_some() && other.grow(4).is_some());
        assert!(one.grow(1).is_none() && other.grow(u64::MAX - 9).is_none());
        drop(one);
        assert!(other.grow(6).is_some());
        drop(other);
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }
}
