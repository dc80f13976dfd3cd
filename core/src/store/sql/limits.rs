//! How much, how often and how long, where a place counts for one tree of teams?

use std::time::Duration;

/// How long it is remembered that a reservation was given back as abandoned.
pub const ABANDONED_MARK_KEEP: Duration = Duration::from_hours(24);
/// How late a place that counts for one tree notices what another place has counted for it.
pub const SHARD_LOOK_EVERY: Duration = Duration::from_secs(60);
/// Names of counters that such a place keeps in mind.
pub const SHARD_LOOKS_MAX: usize = 10_000;
/// Such a place sleeps at least so long before it forgets what has ended.
pub const SHARD_SLEEP_MIN: Duration = Duration::from_secs(10);
/// And at most: clocks are set, and no window is longer than a month.
pub const SHARD_SLEEP_MAX: Duration = Duration::from_hours(31 * 24);
/// How often such a place is asked when its answer is lost.
pub const SHARD_TRIES_MAX: u32 = 2;
