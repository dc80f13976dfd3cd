//! Since when does a part of the storage not answer, and who asks it meanwhile? One call now and then, and all others go on at
//! once with what is known.

pub mod limits;

use std::sync::atomic::{AtomicI64, Ordering};

use self::limits::{OUTAGE_ASK_EVERY, SILENCE_YOUNG};
use crate::{
    error::{Error, Kind},
    limits::SNAPSHOT_STALE,
    ports::{Millis, millis},
};

/// Stands for "it answers".
const NEVER: Millis = 0;

/// How the parts of the storage stand, as far as this process has seen.
#[derive(Default)]
pub(crate) struct Standing {
    /// The database.
    pub(crate) store: Outage,
    /// Room in it for more.
    pub(crate) room: Outage,
    /// Whoever counts.
    pub(crate) counters: Outage,
}

/// One part that may be silent.
#[derive(Default)]
pub(crate) struct Outage {
    since_ms: AtomicI64,
    /// When the next one asks.
    next_ms: AtomicI64,
}

impl Outage {
    /// It has answered.
    pub(crate) fn answered(&self, part: &str) {
        if self.since_ms.load(Ordering::Relaxed) != NEVER
            && self.since_ms.swap(NEVER, Ordering::Relaxed) != NEVER
        {
            tracing::info!(part, "answers again");
        }
    }

    /// It has not, or with an error of its own.
    pub(crate) fn failed(&self, part: &str, now: Millis, cause: &str) {
        self.next_ms.fetch_max(now + millis(OUTAGE_ASK_EVERY), Ordering::Relaxed);
        let begun =
            self.since_ms.compare_exchange(NEVER, now.max(1), Ordering::Relaxed, Ordering::Relaxed);
        if begun.is_ok() {
            tracing::warn!(part, cause, "does not answer");
        }
    }

    /// Since when it has not answered.
    pub(crate) fn since(&self) -> Option<Millis> {
        Some(self.since_ms.load(Ordering::Relaxed)).filter(|since| *since != NEVER)
    }

    /// Whether it has not answered lately. When nobody has asked for a while, nothing is known.
    pub(crate) fn is_silent(&self, now: Millis) -> bool {
        let next = self.next_ms.load(Ordering::Relaxed);
        self.since().is_some() && now <= next.saturating_add(millis(SNAPSHOT_STALE))
    }

    /// Whether this call should ask. While there is no answer, one in a second does.
    pub(crate) fn may_ask(&self, now: Millis) -> bool {
        if self.since().is_none() {
            return true;
        }
        let next = self.next_ms.load(Ordering::Relaxed);
        now >= next
            && self
                .next_ms
                .compare_exchange(
                    next,
                    now + millis(OUTAGE_ASK_EVERY),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Whether it has been silent for so short that it may be nothing: who knows no other way asks.
    pub(crate) fn is_young(&self, now: Millis) -> bool {
        self.since().is_none_or(|since| now - since < millis(SILENCE_YOUNG))
    }
}

/// Whether a failure is one of the storage, and no answer to what was asked.
pub(crate) fn is_outage(error: &Error) -> bool {
    matches!(error.kind, Kind::Unavailable | Kind::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_a_second_asks_while_there_is_no_answer() {
        let part = Outage::default();
        assert!(part.may_ask(1_000) && part.may_ask(1_000));
        part.failed("test", 1_000, "gone");
        part.failed("test", 1_500, "gone");
        assert_eq!(part.since(), Some(1_000));
        assert!(!part.may_ask(2_400));
        assert!(part.may_ask(2_500));
        assert!(!part.may_ask(2_500), "somebody is asking");
        part.answered("test");
        assert_eq!(part.since(), None);
        assert!(part.may_ask(2_500));
    }

    #[test]
    fn a_silence_of_which_nobody_has_heard_lately_may_be_over() {
        let part = Outage::default();
        assert!(!part.is_silent(0));
        part.failed("test", 1_000, "gone");
        assert!(part.is_silent(1_000) && part.is_silent(17_000) && !part.is_silent(17_001));
    }

    #[test]
    fn a_silence_is_young_for_a_moment() {
        let part = Outage::default();
        assert!(part.is_young(0));
        part.failed("test", 1_000, "gone");
        assert!(part.is_young(1_900) && !part.is_young(2_000));
    }
}
