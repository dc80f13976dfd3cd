//! Was this name given before? Then the mistake says where.

use std::collections::BTreeMap;

use super::{document::Said, mistake::Mistake};

/// The names of one kind, each with its line.
#[derive(Default)]
pub(super) struct Unique(BTreeMap<String, usize>);

impl Unique {
    /// The name, if it is the first of its spelling.
    pub(super) fn first(&mut self, said: &Said<'_>, name: String) -> Result<String, Mistake> {
        if let Some(line) = self.0.get(&name) {
            return Err(said.spot.mistake(format!("is the same as in line {line}")));
        }
        self.0.insert(name.clone(), said.spot.line.unwrap_or(1));
        Ok(name)
    }
}
