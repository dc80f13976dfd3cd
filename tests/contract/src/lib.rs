//! What does every adapter promise, and does each keep it as a real process?
//!
//! Read in this order: [`cases`] (the promises), [`world`] (what a case holds), [`adapters`] (how each process is
//! started), [`setup`] (what all of them are configured with), [`wire`] (the HTTP client). The upstream is the scripted
//! provider of `tests/provider`.

pub mod adapters;
pub mod cases;
pub mod endurance;
pub mod person;
pub mod setup;
pub mod skips;
pub mod storm;
pub mod wire;
pub mod world;

use std::fmt;

/// Why a case did not hold.
#[derive(Debug)]
pub struct Failure(String);

/// The result of everything here.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// A failure in words.
pub fn failed<T>(words: impl Into<String>) -> Result<T> {
    Err(Failure(words.into()))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(format!("{:?}: {error}", error.kind()))
    }
}

impl From<std::num::ParseIntError> for Failure {
    fn from(error: std::num::ParseIntError) -> Self {
        Self(error.to_string())
    }
}
