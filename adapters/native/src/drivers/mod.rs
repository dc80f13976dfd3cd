//! Which databases are reached from here by code of their own? One file each.

mod libsql;
mod remote;

pub use libsql::Libsql;
pub(crate) use remote::Remote;
