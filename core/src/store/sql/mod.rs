//! How are the four shapes of data kept in SQL? One store over any [`Database`].

mod database;
mod flavor;

pub use database::{Database, Outcome, Statement, Value};
pub use flavor::Flavor;
