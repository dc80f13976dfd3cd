//! What would a file do? Steps to be taken, secrets that will be missing, and all mistakes at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Rows;
use crate::{
    api::{document::next, edit::Edit},
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    limits::{IMPORT_ROWS_MAX, MISTAKES_TOLD_MAX, PAGE_ROWS_MAX},
    store::{Document, Kind, ListQuery},
};

/// All that a file would do.
#[derive(Default)]
pub(in crate::api) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) missing: Vec<Missing>,
    pub(super) edits: Vec<Edit>,
    mistakes: Vec<String>,
}

/// What is done with one thing of the file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::api) struct Step {
    /// What it is, such as `provider`.
    kind: &'static str,
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// What is done.
    does: Does,
    /// The fields that change.
    fields: Vec<String>,
    /// Where the configuration declares it; null when it does not.
    declared_in: Option<&'static str>,
}

/// What is done with a thing.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Does {
    /// It is not there yet.
    Make,
    /// It says something else.
    Change,
    /// It says the same.
    Keep,
    /// It is declared, and what the file says of it is passed over.
    Leave,
}

/// A secret that is to be given.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::api) struct Missing {
    /// What it is for, such as `provider`.
    kind: &'static str,
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// What is missing and how it is given.
    says: &'static str,
}

impl Plan {
    /// Passes a thing over because it is declared.
    pub(super) fn leave(&mut self, kind: Kind, id: &str, declared_in: &'static str) {
        let (kind, fields, name) = (kind.name(), Vec::new(), id.to_owned());
        let (id, declared_in) = (name.clone(), Some(declared_in));
        self.steps.push(Step { kind, id, name, does: Does::Leave, fields, declared_in });
    }

    /// Puts a document where `before` was, or where nothing is, unless both say the same.
    pub(super) fn put(
        &mut self,
        document: Document,
        after: &Map<String, Value>,
        before: Option<(&Document, &Map<String, Value>)>,
    ) {
        let fields = match before {
            None => Vec::new(),
            Some((_, before)) => differing(before, after),
        };
        let does = match before {
            None => Does::Make,
            Some(_) if fields.is_empty() => Does::Keep,
            Some(_) => Does::Change,
        };
        let (kind, id, name) = (document.kind.name(), document.id.clone(), document.name.clone());
        if !matches!(does, Does::Keep) {
            self.edits.push(Edit::put(document, before.map(|(document, _)| document)));
        }
        self.steps.push(Step { kind, id, name, does, fields, declared_in: None });
    }

    /// Says that a secret will have to be given.
    pub(super) fn miss(&mut self, kind: Kind, id: &str, name: &str, says: &'static str) {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.missing.push(Missing { kind: kind.name(), id, name, says });
    }

    /// What is right, or nothing once it is noted what is wrong; a store that does not answer ends all.
    pub(super) fn right<T>(&mut self, place: &str, found: Result<T>) -> Result<Option<T>> {
        let error = match found {
            Ok(found) => return Ok(Some(found)),
            Err(error) => error,
        };
        if !error.kind.status().is_client_error() {
            return Err(error);
        }
        let field = error.hints.as_ref().and_then(|hints| hints.param.as_deref());
        let dot = if field.is_some() { "." } else { "" };
        self.mistakes.push(format!("{place}{dot}{}: {}", field.unwrap_or_default(), error.message));
        Ok(None)
    }

    /// The plan, or all that is wrong with the file.
    pub(super) fn without_mistakes(self) -> Result<Self> {
        let Some(more) = self.mistakes.len().checked_sub(1) else { return Ok(self) };
        let mut lines = self.mistakes;
        if more >= MISTAKES_TOLD_MAX {
            lines.truncate(MISTAKES_TOLD_MAX);
            lines.push(format!("And {} more.", more + 1 - MISTAKES_TOLD_MAX));
        }
        Err(Error::bad_request(lines.join("\n")).coded("mistakes"))
    }

    /// The rows of a list with their places and ids, each id once.
    pub(super) fn rows(&mut self, list: &str, rows: Rows) -> Result<Vec<Row>> {
        if rows.len() > IMPORT_ROWS_MAX {
            let message = format!("A file has at most {IMPORT_ROWS_MAX} things of a kind.");
            return Err(Error::bad_request(message).at(list));
        }
        let mut ids = BTreeSet::new();
        let mut read = Vec::new();
        for (at, mut said) in rows.into_iter().enumerate() {
            let place = format!("{list}[{at}]");
            let id = match said.remove("id") {
                Some(Value::String(id)) => Ok(id),
                _ => Err(Error::bad_request("It has no id.").at("id")),
            };
            let once = id.and_then(|id| {
                let first = ids.insert(id.clone());
                first
                    .then_some(id)
                    .ok_or_else(|| Error::bad_request("Another one has this id.").at("id"))
            });
            if let Some(id) = self.right(&place, once)? {
                read.push(Row { place, id, said });
            }
        }
        Ok(read)
    }
}

/// One thing of the file.
pub(super) struct Row {
    pub(super) place: String,
    pub(super) id: String,
    pub(super) said: Map<String, Value>,
}

/// All that is kept of a kind, by id.
pub(super) async fn kept(gateway: &Gateway, kind: Kind) -> Result<BTreeMap<String, Document>> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let query = ListQuery { parent: None, after, limit: PAGE_ROWS_MAX };
        let page = gateway.ports.store.list(kind, &query).await?;
        after = next(&page, PAGE_ROWS_MAX);
        all.extend(page.into_iter().map(|document| (document.id.clone(), document)));
        if all.len() > IMPORT_ROWS_MAX {
            let message = format!("No file comes in where there are more than {IMPORT_ROWS_MAX}.");
            return Err(Error::new(Refusal::Conflict, message).at(kind.name()));
        }
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let other = |name: &&String| before.get(*name) != after.get(*name);
    names.into_iter().filter(other).cloned().collect()
}
