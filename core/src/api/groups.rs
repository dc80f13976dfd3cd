//! Which model names are routed, and how? Groups are kept and checked here; what is declared is shown and locked.

use std::sync::Arc;

use async_trait::async_trait;

use super::document::{Declared, Resource, Stored};
use crate::{
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    limits::{GROUPS_MAX, PAGE_ROWS_MAX},
    route::{Entry, Group, Groups, refuse_circles},
    store::{Kind, ListQuery},
};

/// Where a group is declared.
const PLACE: &str = "`[[group]]` of tidegate.toml";

#[async_trait]
impl Resource for Group {
    const KIND: Kind = Kind::Group;
    const WORD: &'static str = "group";

    fn check(&self, _: &str) -> Result<()> {
        Self::check(self)
    }

    async fn check_beside(&self, gateway: &Gateway, id: &str) -> Result<()> {
        let mut all = others(gateway, id).await?;
        all.push(Arc::new(Entry::new(id, self.clone())));
        check_among(&all, id)
    }

    fn declared(gateway: &Gateway) -> Vec<Declared<Self>> {
        let groups = gateway.state.config.groups.iter();
        groups
            .map(|entry| Declared {
                id: entry.id.to_string(),
                place: PLACE,
                body: entry.group.clone(),
            })
            .collect()
    }
}

/// Whether a group's names are its own, and no way through it leads back to it.
pub(super) fn check_among(all: &[Arc<Entry>], id: &str) -> Result<()> {
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|entry| *entry.id == *id);
    let mut names = own.iter().flat_map(|entry| entry.names());
    let is_anothers =
        |name: &&str| others.iter().any(|other| other.names().any(|one| one == *name));
    if let Some(taken) = names.find(is_anothers) {
        let message = format!("Another group is called `{taken}`.");
        return Err(Error::new(Refusal::Conflict, message).at("aliases").coded("taken"));
    }
    refuse_circles(&Groups::new(all.iter().cloned()), id)
}

/// All groups but the one with this id: the declared ones, and the newest of the store.
async fn others(gateway: &Gateway, id: &str) -> Result<Vec<Arc<Entry>>> {
    let mut all: Vec<Arc<Entry>> = gateway.state.config.groups.clone();
    let mut after = None;
    loop {
        let query = ListQuery { parent: None, after, limit: PAGE_ROWS_MAX };
        let page = gateway.ports.store.list(Kind::Group, &query).await?;
        after = super::document::next(&page, PAGE_ROWS_MAX);
        for document in page.into_iter().filter(|document| document.id != id) {
            let stored = Stored::<Group>::read(document)?;
            all.push(Arc::new(Entry::new(&stored.document.id, stored.body)));
        }
        if all.len() >= GROUPS_MAX {
            return Err(Error::bad_request(format!("There are {GROUPS_MAX} groups already.")));
        }
        if after.is_none() {
            return Ok(all);
        }
    }
}
