//! How does everything move from one store to another? Into one file of lines, its secrets sealed under a passphrase, and
//! out of it again.
//!
//! Read in this order: [`line`] (what stands in the file), [`seal`] (the passphrase), [`export`] (into the file),
//! [`check`] (is it whole, and the right passphrase?), [`take`] (out of it).

mod check;
mod export;
pub mod limits;
mod line;
mod merge;
mod seal;
mod secrets;
mod take;

use std::collections::BTreeMap;

use crate::{config::RootSecret, error::Result, identity::Vault, ports::Random};

pub use check::{Checked, Collision, check, collisions};
pub use export::{Wanted, export};
pub use take::{Manner, take};

/// Where lines go, one call for each, its end included.
pub type Sink<'s> = &'s mut (dyn FnMut(&[u8]) -> Result<()> + Send);

/// Where lines come from, each with its end; `None` behind the last one.
pub type Lines<'l> = &'l mut (dyn FnMut() -> Result<Option<Vec<u8>>> + Send);

/// A store that something moves out of or into.
#[derive(Clone, Copy)]
pub struct Side<'s> {
    /// Its database.
    pub database: &'s dyn crate::store::sql::Database,
    /// The store over it.
    pub store: &'s dyn crate::store::Store,
    /// What its secrets are sealed with.
    pub vault: &'s Vault,
    /// What the vault is made of, the one that writes first.
    pub roots: &'s [RootSecret],
    /// For salts and nonces.
    pub random: &'s dyn Random,
    /// What time it is.
    pub now: crate::ports::Millis,
}

/// What has moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Of each kind of document and each table: what moved, and what was there already.
    pub counts: BTreeMap<&'static str, Count>,
    /// What people should know of single things.
    pub notes: Vec<String>,
    /// Notes for which there was no room.
    pub notes_left_out: usize,
}

/// How many of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Have moved.
    pub moved: u64,
    /// Were there already, and are as they were.
    pub kept: u64,
    /// Stay behind; a note says why.
    pub left: u64,
}

impl Told {
    fn of(&mut self, what: &'static str) -> &mut Count {
        self.counts.entry(what).or_default()
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < limits::MOVING_NOTES_MAX {
            self.notes.push(text);
        } else {
            self.notes_left_out += 1;
        }
    }
}
