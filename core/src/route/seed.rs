//! Which groups does everybody begin with? Those of a data file, given to a store once; what becomes of them then is its
//! administrators' business.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    json,
    store::{Audit, Change, Document, Kind, Trail},
};

/// The setting that remembers that a store was given its groups.
pub(crate) const SEEDED: &str = "seeded-groups";

const TEXT: &str = include_str!("../../data/groups.json");

#[derive(Deserialize)]
struct Seed {
    id: String,
    #[serde(flatten)]
    body: Map<String, Value>,
}

impl Gateway {
    /// Gives a store that never had them the groups that everybody begins with. Of several that do so at once one
    /// succeeds, which is enough for all. An id that is in use is left alone.
    pub(crate) async fn seed_groups(&self) -> Result<()> {
        let snapshot = self.state.snapshot();
        let mut changes = vec![document(Kind::Setting, SEEDED, "{}".to_owned())];
        for Seed { id, body } in seeds()? {
            if snapshot.groups.find(&id).is_none() {
                changes.push(document(Kind::Group, &id, whole(body)?));
            }
        }
        let trail = changes.iter().map(|document| Trail {
            kind: document.kind,
            id: document.id.clone(),
            before: String::new(),
            after: document.body.clone(),
        });
        let audit = Audit {
            at_ms: self.ports.clock.now(),
            actor: "tidegate".to_owned(),
            action: "give first groups".to_owned(),
            trail: trail.collect(),
        };
        let changes = changes.into_iter().map(Change::Put).collect();
        match self.ports.store.commit(changes, audit).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == Refusal::Conflict => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn seeds() -> Result<Vec<Seed>> {
    json::read(TEXT).map_err(Error::internal)
}

/// A group with everything that it does not say, as the API stores it.
fn whole(body: Map<String, Value>) -> Result<String> {
    let group: super::Group =
        serde_json::from_value(Value::Object(body)).map_err(Error::internal)?;
    serde_json::to_string(&group).map_err(Error::internal)
}

fn document(kind: Kind, id: &str, body: String) -> Document {
    Document {
        kind,
        id: id.to_owned(),
        parent: String::new(),
        name: id.to_owned(),
        version: 0,
        revision: 0,
        deleted: false,
        shape: 1,
        body,
    }
}

/// The groups that everybody begins with.
#[cfg(test)]
pub(super) fn entries() -> Vec<std::sync::Arc<super::Entry>> {
    let read = |Seed { id, body }: Seed| {
        let group = serde_json::from_value(Value::Object(body)).unwrap();
        std::sync::Arc::new(super::Entry::new(&id, group))
    };
    seeds().unwrap().into_iter().map(read).collect()
}
