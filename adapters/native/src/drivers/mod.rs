//! Which databases are reached from here by code of their own? One file each.

mod libsql;

pub use libsql::Libsql;
