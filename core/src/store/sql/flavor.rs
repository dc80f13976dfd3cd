//! How do engines differ? This is the only file that knows.

/// A family of engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// `SQLite`, libSQL, D1.
    Sqlite,
}
