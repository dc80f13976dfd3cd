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

    async fn check(&self, gateway: &Gateway, id: &str) -> Result<()> {
        Self::check(self)?;
        let mut all = others(gateway, id).await?;
        let entry = Arc::new(Entry::new(id, self.clone()));
        let taken = entry.names().find(|name| {
            all.iter().any(|other| other.names().any(|other_name| other_name == *name))
        });
        if let Some(taken) = taken {
            let message = format!("Another group is called `{taken}`.");
            return Err(Error::new(Refusal::Conflict, message).at("aliases").coded("taken"));
        }
        all.push(entry.clone());
        refuse_circles(&Groups::new(all), &entry.id)
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
