//! How much of the files is read at a time, and how often are they looked at?

use std::time::Duration;

/// What is read of a file at a time; at least one record is in it.
pub(crate) const PAGE_BYTES: usize = 1 << 20;
/// Between two looks whether what an earlier process has left has reached the store.
pub(crate) const EMPTY_LOOK: Duration = Duration::from_millis(10);
