//! What must a database be able to do? Two methods, and the values that go through them.

use async_trait::async_trait;

use crate::error::Result;

use super::flavor::Flavor;

/// One value of a statement or a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// Every integer; D1 carries it as a float, so it stays below 2^53.
    Int(i64),
    /// A float.
    Real(f64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

/// SQL with `?` placeholders and their values.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text; the same statement has the same text, so that drivers can keep it prepared.
    pub sql: std::borrow::Cow<'static, str>,
    /// One value for each placeholder.
    pub args: Vec<Value>,
}

impl Statement {
    /// A statement and its values.
    #[must_use]
    pub fn new(sql: impl Into<std::borrow::Cow<'static, str>>, args: Vec<Value>) -> Self {
        Self { sql: sql.into(), args }
    }
}

/// What one statement did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Column names, each unique: D1 hands rows over as objects.
    pub columns: Vec<String>,
    /// The rows, their values in column order.
    pub rows: Vec<Vec<Value>>,
    /// How many rows an INSERT, UPDATE or DELETE changed.
    pub changed: u64,
}

/// A database. Each call runs its statements in order as one transaction and returns what each one did.
///
/// An error rolls everything back, save where the answer was lost: then it is
/// [`Unavailable`](crate::error::Kind::Unavailable) and the transaction may have been committed. A violated constraint
/// is [`Conflict`](crate::error::Kind::Conflict). Deadlocks and busy answers are retried by the driver.
#[async_trait]
pub trait Database: Send + Sync {
    /// How this engine's SQL differs.
    fn flavor(&self) -> Flavor;
    /// Runs statements that change nothing.
    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>>;
    /// Runs statements that may change something; on `SQLite` the write lock is taken first.
    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>>;
}
