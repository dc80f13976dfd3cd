//! How much is kept of answers, for how long, and how long is a cache waited for?

use std::time::Duration;

/// How long a request waits for what is kept before somebody else is asked.
pub const RECALL_WAIT: Duration = Duration::from_millis(250);
/// How long keeping an answer may take, after the response.
pub const RECALL_STORE_WAIT: Duration = Duration::from_secs(1);
/// An answer that is kept: longer ones are rarely asked for twice.
pub const RECALL_BYTES_MAX: usize = 1 << 20;
/// Answers that are being kept, of all requests in one process; the smallest platform gives 128 MiB in all.
pub const RECALLS_IN_FLIGHT_BYTES_MAX: u64 = 32 << 20;
/// Answers that a process keeps in its own memory.
pub const RECALLED_BYTES_MAX: usize = 32 << 20;
/// What such an answer takes beside its key and itself, roughly.
pub const RECALLED_ENTRY_BYTES: usize = 256;
/// How many seconds answers are kept unless set.
pub const RECALL_SECONDS: u32 = 600;
/// The longest that can be set, a week.
pub const RECALL_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;
/// Clients, or teams, whose answers are kept.
pub const RECALL_LISTED_MAX: usize = 1_000;
