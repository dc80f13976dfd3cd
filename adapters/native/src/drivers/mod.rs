//! Which databases and counters are reached from here by code of their own? One file each.

#[cfg(feature = "enterprise")]
mod asked;
mod libsql;
#[cfg(feature = "enterprise")]
mod limits;
#[cfg(feature = "enterprise")]
mod mysql;
#[cfg(feature = "enterprise")]
mod pool;
#[cfg(feature = "enterprise")]
mod pooled;
#[cfg(feature = "enterprise")]
mod postgres;
#[cfg(feature = "enterprise")]
mod redis;
mod remote;

#[cfg(feature = "enterprise")]
pub use self::redis::Channel;
pub use libsql::Libsql;
pub(crate) use remote::Remote;
#[cfg(feature = "enterprise")]
pub(crate) use {self::redis::redis, mysql::mysql, postgres::postgres};
