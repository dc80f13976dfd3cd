//! How much room is taken ahead, for whom and for how long?

use std::time::Duration;

/// Requests for which one trip takes room ahead.
pub const LEASE_REQUESTS_MAX: i64 = 64;
/// It takes nothing ahead where that would be for fewer.
pub const LEASE_REQUESTS_MIN: i64 = 8;
/// What is taken ahead is at most this part of the room that is left.
pub const LEASE_SHARE: i64 = 64;
/// How often it is looked for what nobody needs.
pub const LEASES_LOOK: Duration = Duration::from_secs(1);
/// What nobody asked for this long is given back.
pub const LEASE_IDLE: Duration = Duration::from_secs(2);
/// No room is kept ahead for longer.
pub const LEASE_LIFE: Duration = Duration::from_secs(30);
/// Milliseconds that a lease outlives the first request that takes of it: the last one comes a life later.
pub const LEASE_ENDS_LATER: i64 = 60_000;
/// Paths of counters for which room is kept ahead; others are asked for each request.
pub const LEASES_MAX: usize = 1_000;
