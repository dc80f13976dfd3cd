//! Which counters had no room at the last look? Whoever comes next reads first, which waits for nobody, instead of
//! writing what would be taken back. What is noted here decides nothing: the database does.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    super::{Add, Admission},
    counters,
};
use crate::limits::FULL_COUNTERS_MAX;

/// Names of counters.
#[derive(Default)]
pub(super) struct Full(Mutex<HashSet<String>>);

impl Full {
    /// Whether one of these was full.
    pub(super) fn any_of(&self, adds: &[Add]) -> bool {
        let names = self.names();
        !names.is_empty() && adds.iter().any(|add| names.contains(&add.name))
    }

    /// The refusal that these values mean, which is noted.
    pub(super) fn refusal(&self, adds: &[Add], values: &[i64]) -> Option<Admission> {
        let refusal = counters::refusal(adds, values);
        if let Some(Admission::Refused { counter, .. }) = &refusal {
            let mut names = self.names();
            if names.len() >= FULL_COUNTERS_MAX {
                // Windows end, and their counters are never asked for again.
                names.clear();
            }
            names.insert(counter.clone());
        }
        refusal
    }

    /// There was room in all of these.
    pub(super) fn forget(&self, adds: &[Add]) {
        let mut names = self.names();
        if !names.is_empty() {
            for add in adds {
                names.remove(&add.name);
            }
        }
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
