//! How much is asked of a database server, and for how long?

use std::time::Duration;

/// Connections to a database server, unless its URL says otherwise.
pub(crate) const DATABASE_CONNECTIONS: usize = 10;
/// Connections to a database server that its URL may ask for.
pub(crate) const DATABASE_CONNECTIONS_MAX: usize = 100;
/// Until a connection to a database server is there, TLS and log-in included.
pub(crate) const DATABASE_CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a connection to a database server is kept unused. Firewalls forget them after some minutes.
pub(crate) const DATABASE_IDLE_WAIT: Duration = Duration::from_secs(120);
/// How long a database server lets a batch wait for another's rows.
pub(crate) const DATABASE_LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long a database server is left alone that did not take a connection; doubled each time.
pub(crate) const DATABASE_REST: Duration = Duration::from_millis(100);
/// The longest time it is left alone.
pub(crate) const DATABASE_REST_MAX: Duration = Duration::from_secs(2);
/// Tries of a batch that a database server refused because another one was in its way.
pub(crate) const DATABASE_CLASHES_MAX: u32 = 12;
/// Before such a batch is tried again; doubled each time, and shortened at random.
pub(crate) const DATABASE_CLASH_WAIT: Duration = Duration::from_millis(4);
/// Until a connection to Redis is there, TLS and log-in included.
pub(crate) const REDIS_CONNECT_WAIT: Duration = Duration::from_secs(2);
/// How long Redis may take for one answer.
pub(crate) const REDIS_WAIT: Duration = Duration::from_secs(2);
/// Counters that an empty Redis is told at a time.
pub(crate) const REDIS_LOAD_PAGE: usize = 1_000;
/// Between two looks whether somebody else has filled an empty Redis.
pub(crate) const REDIS_LOAD_LOOK: Duration = Duration::from_millis(100);
/// Such looks, and tries to fill it.
pub(crate) const REDIS_LOAD_LOOKS_MAX: u32 = 80;
/// How often it is looked whether a Redis that is away is back.
pub(crate) const REDIS_BACK_LOOK: Duration = Duration::from_secs(1);
/// Reservations that whoever begins to count is told at a time.
pub(crate) const REDIS_HELD_AT_ONCE: usize = 8;
/// Lines that wait to be told to other instances.
pub(crate) const CHANNEL_LINES_MAX: usize = 2_048;
/// Lines that are told them at once.
pub(crate) const CHANNEL_MESSAGE_LINES_MAX: usize = 256;
/// How often it is asked whether what other instances tell would still be heard.
pub(crate) const CHANNEL_PING_EVERY: Duration = Duration::from_secs(10);
/// What all keys in Redis begin with.
pub(crate) const REDIS_PREFIX_LENGTH_MAX: usize = 64;
