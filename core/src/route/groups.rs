//! Which groups are there? All of them, read once, found by each of their names.

use std::{collections::HashMap, sync::Arc};

use super::{group::Group, heuristic::Keyword};
use crate::{
    error::{Error, Result},
    json,
    store::Document,
};

/// A group and what it is called.
#[derive(Clone)]
pub struct Entry {
    /// Its first name.
    pub id: Arc<str>,
    /// What it says.
    pub group: Group,
    /// Its rules' keywords, made ready to be looked for.
    pub(crate) keywords: Vec<Vec<Keyword>>,
}

impl Entry {
    /// A group under an id.
    pub(crate) fn new(id: &str, group: Group) -> Self {
        let ready = |words: &Vec<String>| words.iter().map(|word| Keyword::new(word)).collect();
        let keywords = group.rules.iter().map(|rule| ready(&rule.keywords)).collect();
        Self { id: id.into(), group, keywords }
    }

    /// Reads a stored one.
    pub(crate) fn from_document(document: &Document) -> Result<Self> {
        let group: Group = json::read(&document.body)
            .map_err(|error| Error::internal(format!("group {}: {error}", document.id)))?;
        Ok(Self::new(&document.id, group))
    }

    /// Everything it is called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.group.names(&self.id)
    }
}

/// All groups.
#[derive(Clone, Default)]
pub(crate) struct Groups {
    all: Vec<Arc<Entry>>,
    names: HashMap<String, usize>,
}

impl Groups {
    /// An index of these. A name that two have is the first one's.
    pub(crate) fn new(entries: impl IntoIterator<Item = Arc<Entry>>) -> Self {
        let mut groups = Self::default();
        for entry in entries {
            let at = groups.all.len();
            for name in entry.names() {
                groups.names.entry(name.to_owned()).or_insert(at);
            }
            groups.all.push(entry);
        }
        groups
    }

    /// The group that is called so, switched on or not.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Entry>> {
        self.names.get(name).and_then(|at| self.all.get(*at))
    }

    /// The group that requests for this name go to.
    pub(crate) fn routing(&self, name: &str) -> Option<&Arc<Entry>> {
        self.find(name).filter(|entry| entry.group.enabled)
    }

    /// All of them, declared ones first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.all.iter()
    }
}
