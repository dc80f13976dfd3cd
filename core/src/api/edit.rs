//! How does a change reach the store? With what the audit log tells of it, its secrets replaced.

use serde_json::{Map, Value};

use super::inbound::moved;
use crate::{
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    identity::is_secret,
    json,
    router::Caller,
    store::{Audit, Change, Document, Kind, Trail},
};

/// A change and its trail.
#[derive(Clone)]
pub(super) struct Edit {
    change: Change,
    trail: Trail,
}

impl Edit {
    /// Puts a document in the place of `before`, or where nothing is.
    pub(super) fn put(document: Document, before: Option<&Document>) -> Self {
        let [was, is] = told(before, Some(&document));
        let trail = Trail { kind: document.kind, id: document.id.clone(), before: was, after: is };
        Self { change: Change::Put(document), trail }
    }

    /// Deletes a document.
    pub(super) fn delete(document: &Document) -> Self {
        let Document { kind, id, version, .. } = document;
        let [before, after] = told(Some(document), None);
        let trail = Trail { kind: *kind, id: id.clone(), before, after };
        Self { change: Change::Delete { kind: *kind, id: id.clone(), version: *version }, trail }
    }
}

/// Commits all edits or none. What this process knows is brought up to date; others hear of it within seconds.
pub(super) async fn commit(
    gateway: &Gateway,
    caller: &Caller,
    action: &str,
    edits: Vec<Edit>,
) -> Result<()> {
    let read_at: Vec<(Kind, String, i64)> = edits.iter().map(Edit::read_at).collect();
    let (changes, trail) = edits.into_iter().map(|edit| (edit.change, edit.trail)).unzip();
    let audit = Audit {
        at_ms: gateway.ports.clock.now(),
        actor: caller.actor().to_owned(),
        action: action.to_owned(),
        trail,
    };
    match gateway.ports.store.commit(changes, audit).await {
        Ok(_) => {}
        Err(error) if error.kind == Refusal::Conflict => {
            return Err(explain(gateway, read_at, error).await);
        }
        Err(error) => return Err(error),
    }
    // A key that was tried before its client was made is remembered as unknown.
    let clients = read_at.iter().filter(|(kind, ..)| *kind == Kind::Client);
    gateway.forget_clients(clients.map(|(_, id, _)| id.as_str()));
    gateway.forget_users();
    if let Err(error) = gateway.refresh().await {
        tracing::warn!(%error, "configuration could not be refreshed after a change");
    }
    Ok(())
}

impl Edit {
    fn read_at(&self) -> (Kind, String, i64) {
        match &self.change {
            Change::Put(document) => (document.kind, document.id.clone(), document.version),
            Change::Delete { kind, id, version } => (*kind, id.clone(), *version),
        }
    }
}

/// A refused commit: either a version has moved on, or a name is taken.
async fn explain(gateway: &Gateway, touched: Vec<(Kind, String, i64)>, error: Error) -> Error {
    for (kind, id, version) in touched {
        let Ok(found) = gateway.ports.store.get(kind, &id).await else { return error };
        let found = found.map_or(0, |document| document.version);
        if found != version && version > 0 {
            return moved().because(error.detail);
        }
    }
    let message = "There is one of this name already.";
    Error::new(Refusal::Conflict, message).coded("taken").because(error.detail)
}

/// What the audit log says of both states. A secret that is another one is said to have changed.
fn told(before: Option<&Document>, after: Option<&Document>) -> [String; 2] {
    let read = |document: Option<&Document>| document.map(fields);
    let (was, is) = (read(before), read(after));
    let text = |fields: Option<Map<String, Value>>, other: Option<&Map<String, Value>>, word| {
        let hide = |mut fields| {
            hide(&mut fields, other, word);
            Value::Object(fields).to_string()
        };
        fields.map(hide).unwrap_or_default()
    };
    [text(was.clone(), is.as_ref(), "(secret)"), text(is, was.as_ref(), "(secret, changed)")]
}

fn fields(document: &Document) -> Map<String, Value> {
    let mut fields: Map<String, Value> = json::read(&document.body).unwrap_or_default();
    for (name, value) in [("name", &document.name), ("parent", &document.parent)] {
        if !value.is_empty() && *value != document.id {
            fields.insert(name.to_owned(), value.as_str().into());
        }
    }
    fields
}

fn hide(fields: &mut Map<String, Value>, other: Option<&Map<String, Value>>, word: &str) {
    for (name, value) in fields {
        let twin = other.and_then(|other| other.get(name));
        if is_secret(name) {
            if !value.is_null() {
                let same = other.is_none() || twin == Some(value);
                *value = if same { "(secret)" } else { word }.into();
            }
        } else {
            hide_within(value, twin, word);
        }
    }
}

fn hide_within(value: &mut Value, twin: Option<&Value>, word: &str) {
    match value {
        Value::Object(fields) => hide(fields, twin.and_then(Value::as_object), word),
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                hide_within(item, twin.and_then(|twin| twin.get(at)), word);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(body: &str) -> Document {
        Document {
            kind: Kind::Key,
            id: "up-1".to_owned(),
            parent: "up".to_owned(),
            name: String::new(),
            version: 1,
            revision: 1,
            deleted: false,
            shape: 1,
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_trail_tells_that_a_secret_changed_and_not_what_it_is() {
        let before = document(r#"{"sealed":"v1|a","weight":1,"more":[{"old_hash":"h"}]}"#);
        let after = document(r#"{"sealed":"v1|b","weight":2,"more":[{"old_hash":"h"}]}"#);
        let trail = Edit::put(after, Some(&before)).trail;
        assert_eq!(
            trail.before,
            r#"{"more":[{"old_hash":"(secret)"}],"parent":"up","sealed":"(secret)","weight":1}"#
        );
        assert_eq!(
            trail.after,
            r#"{"more":[{"old_hash":"(secret)"}],"parent":"up","sealed":"(secret, changed)","weight":2}"#
        );
        let gone = Edit::delete(&before).trail;
        assert!(gone.before.contains("(secret)") && gone.after.is_empty());
    }
}
