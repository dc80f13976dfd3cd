//! How is a thing that people edit listed, read, put, changed and deleted? The same way for every kind whose id they choose.

use async_trait::async_trait;
use http::{HeaderValue, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Answer, Page, Paging, bounded,
    edit::{Edit, commit},
    inbound::{self, Precondition},
    write,
};
use crate::{
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    http::{Body, empty},
    json,
    limits::{CHANGES_MAX, ID_BYTES_MAX},
    router::Visit,
    store::{Document, Kind, ListQuery},
};

/// A kind of document: what can be said of it, as it is sent, kept and shown.
#[async_trait]
pub(crate) trait Resource: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind.
    const KIND: Kind;
    /// What people call one.
    const WORD: &'static str;
    /// The shape that this code writes.
    const SHAPE: i64 = 1;

    /// Whether one may have this id.
    fn check_id(id: &str) -> Result<()> {
        plain_id(id)
    }

    /// Whether it makes sense by itself, beyond the types of its fields.
    fn check(&self, id: &str) -> Result<()>;

    /// Whether it makes sense beside the others of its kind.
    async fn check_beside(&self, _: &Gateway, _: &str) -> Result<()> {
        Ok(())
    }

    /// What goes with it when it is deleted.
    async fn dependents(_: &Gateway, _: &str) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }

    /// Those that the configuration declares; they are shown and cannot be changed.
    fn declared(_: &Gateway) -> Vec<Declared<Self>>
    where
        Self: Sized,
    {
        Vec::new()
    }

    /// Brings a body of an older shape up to date.
    fn upgrade(_shape: i64, body: Map<String, Value>) -> Map<String, Value> {
        body
    }
}

/// What the configuration declares.
pub(crate) struct Declared<T> {
    /// Its id.
    pub(crate) id: String,
    /// Where it is declared.
    pub(crate) place: &'static str,
    /// What it says.
    pub(crate) body: T,
}

/// One, as it is shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown<T> {
    /// Its id.
    pub(super) id: String,
    /// Counts its changes; the `ETag`. 0 for what is declared.
    pub(super) version: i64,
    /// Where the configuration declares it, so that it cannot be changed here; null when it can.
    pub(super) declared_in: Option<&'static str>,
    #[serde(flatten)]
    pub(super) body: T,
}

/// A document that was read.
pub(super) struct Stored<T> {
    pub(super) document: Document,
    pub(super) body: T,
    raw: Map<String, Value>,
}

impl<T: Resource> Stored<T> {
    /// Reads a document of any shape.
    pub(super) fn read(document: Document) -> Result<Self> {
        let wrong = |error| Error::internal(format!("{} {}: {error}", T::KIND.name(), document.id));
        let raw: Map<String, Value> = json::read(&document.body).map_err(wrong)?;
        let raw = if document.shape < T::SHAPE { T::upgrade(document.shape, raw) } else { raw };
        let body = serde_json::from_value(Value::Object(raw.clone())).map_err(wrong)?;
        Ok(Self { document, body, raw })
    }

    /// The document that says `body` instead. What this code does not know of it stays.
    pub(super) fn saying(&self, body: &T) -> Result<Document> {
        let mut raw = self.raw.clone();
        raw.extend(object(body)?);
        let shape = self.document.shape.max(T::SHAPE);
        Ok(Document { shape, body: Value::Object(raw).to_string(), ..self.document.clone() })
    }

    /// The same, with another value for a field that is not part of `T`.
    pub(super) fn saying_beside(&self, body: &T, field: &str, value: Value) -> Result<Document> {
        let mut raw = self.raw.clone();
        raw.extend(object(body)?);
        raw.insert(field.to_owned(), value);
        Ok(Document { body: Value::Object(raw).to_string(), ..self.saying(body)? })
    }

    /// A field that is not part of `T`.
    pub(super) fn extra(&self, field: &str) -> Option<&Value> {
        self.raw.get(field)
    }

    fn shown(self) -> Shown<T> {
        let Document { id, version, .. } = self.document;
        Shown { id, version, declared_in: None, body: self.body }
    }
}

/// A document that is not there yet.
pub(super) fn fresh<T: Resource>(id: &str, parent: &str, name: &str, body: &T) -> Result<Document> {
    Ok(Document {
        kind: T::KIND,
        id: id.to_owned(),
        parent: parent.to_owned(),
        name: name.to_owned(),
        version: 0,
        revision: 0,
        deleted: false,
        shape: T::SHAPE,
        body: Value::Object(object(body)?).to_string(),
    })
}

/// Declared ones first, then the stored ones by id.
pub(crate) fn list<T: Resource>(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Paging { after, limit } = inbound::query(visit.request.uri())?;
        let limit = bounded(limit)?;
        let declared = if after.is_none() { T::declared(gateway) } else { Vec::new() };
        let mut data: Vec<_> = declared.into_iter().map(shown_declared).collect();
        let query = ListQuery { parent: None, after, limit };
        let documents = gateway.ports.store.list(T::KIND, &query).await?;
        let next = next(&documents, limit);
        for document in documents {
            data.push(Stored::<T>::read(document)?.shown());
        }
        write(StatusCode::OK, &Page { data, next })
    })
}

/// One of them.
pub(crate) fn get<T: Resource>(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let id = visit.param;
        if let Some(found) = T::declared(gateway).into_iter().find(|found| found.id == id) {
            return write(StatusCode::OK, &shown_declared(found));
        }
        one(StatusCode::OK, &load::<T>(gateway, &id).await?.shown())
    })
}

/// Makes one, or replaces the version that was read.
pub(crate) fn put<T: Resource>(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { param: id, caller, request, .. } = visit;
        T::check_id(&id)?;
        refuse_declared::<T>(gateway, &id)?;
        let condition = Precondition::read(request.headers())?;
        let body: T = inbound::body(request).await?;
        let found = gateway.ports.store.get(T::KIND, &id).await?;
        if let Some(document) = found {
            condition.allow(document.version)?;
            body.check(&id)?;
            body.check_beside(gateway, &id).await?;
            let before = Stored::<T>::read(document)?;
            let edit = Edit::put(before.saying(&body)?, Some(&before.document));
            commit(gateway, &caller, &format!("change {}", T::WORD), vec![edit]).await?;
            let version = before.document.version + 1;
            return one(StatusCode::OK, &Shown { id, version, declared_in: None, body });
        }
        match condition {
            Precondition::Unsaid | Precondition::Absent => {}
            Precondition::Any | Precondition::Version(_) => {
                let message = format!("There is no {} `{id}` any more.", T::WORD);
                return Err(Error::new(Refusal::PreconditionFailed, message));
            }
        }
        body.check(&id)?;
        body.check_beside(gateway, &id).await?;
        let edit = Edit::put(fresh(&id, "", &id, &body)?, None);
        commit(gateway, &caller, &format!("create {}", T::WORD), vec![edit]).await?;
        one(StatusCode::CREATED, &Shown { id, version: 1, declared_in: None, body })
    })
}

/// Changes what a merge patch (RFC 7396) names.
pub(crate) fn patch<T: Resource>(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { param: id, caller, request, .. } = visit;
        refuse_declared::<T>(gateway, &id)?;
        let condition = Precondition::read(request.headers())?;
        let patch: Map<String, Value> = inbound::body(request).await?;
        let before = load::<T>(gateway, &id).await?;
        condition.allow(before.document.version)?;
        let body: T = merged(&before.body, patch)?;
        body.check(&id)?;
        body.check_beside(gateway, &id).await?;
        let edit = Edit::put(before.saying(&body)?, Some(&before.document));
        commit(gateway, &caller, &format!("change {}", T::WORD), vec![edit]).await?;
        let version = before.document.version + 1;
        one(StatusCode::OK, &Shown { id, version, declared_in: None, body })
    })
}

/// Deletes the version that was read.
pub(crate) fn delete<T: Resource>(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { param: id, caller, request, .. } = visit;
        refuse_declared::<T>(gateway, &id)?;
        let found = load::<T>(gateway, &id).await?;
        Precondition::read(request.headers())?.allow(found.document.version)?;
        let mut edits = vec![Edit::delete(&found.document)];
        edits.extend(T::dependents(gateway, &id).await?.iter().map(Edit::delete));
        if edits.len() > CHANGES_MAX {
            let message = format!("More than {CHANGES_MAX} keys go with it; delete those first.");
            return Err(Error::new(Refusal::Conflict, message));
        }
        commit(gateway, &caller, &format!("delete {}", T::WORD), edits).await?;
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

/// The stored one with this id.
pub(super) async fn load<T: Resource>(gateway: &Gateway, id: &str) -> Result<Stored<T>> {
    let found = gateway.ports.store.get(T::KIND, id).await?;
    let missing = || Error::not_found(format!("There is no {} `{id}`.", T::WORD));
    Stored::read(found.ok_or_else(missing)?)
}

/// What a body says after a merge patch. A field that the patch takes away is as if it had never been said.
pub(super) fn merged<T: Serialize + DeserializeOwned>(
    body: &T,
    patch: Map<String, Value>,
) -> Result<T> {
    let mut all = Value::Object(object(body)?);
    merge(&mut all, Value::Object(patch));
    inbound::parse(all.to_string().as_bytes())
}

/// An answer that says which version it is about.
pub(super) fn tagged(mut response: Response<Body>, version: i64) -> Response<Body> {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Where the next page starts.
pub(super) fn next(documents: &[Document], limit: u32) -> Option<String> {
    let last = documents.last().filter(|_| documents.len() == limit as usize);
    last.map(|document| document.id.clone())
}

/// What the configuration declares is changed there.
pub(super) fn locked(word: &str, id: &str, place: &str) -> Error {
    let message = format!("The {word} `{id}` is declared in {place} and is changed there.");
    Error::new(Refusal::Conflict, message).coded("locked")
}

/// Small letters, digits, `-`, `_` and `.`, so that it can stand in a path and before a slash.
pub(super) fn plain_id(id: &str) -> Result<()> {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) || id.starts_with('.') {
        let message = format!(
            "An id has at most {ID_BYTES_MAX} small letters, digits, `-`, `_` and `.`, and does not begin with a dot."
        );
        return Err(Error::bad_request(message).at("id"));
    }
    Ok(())
}

fn refuse_declared<T: Resource>(gateway: &Gateway, id: &str) -> Result<()> {
    let declared = T::declared(gateway).into_iter().find(|declared| declared.id == id);
    declared.map_or(Ok(()), |declared| Err(locked(T::WORD, id, declared.place)))
}

fn shown_declared<T>(declared: Declared<T>) -> Shown<T> {
    let Declared { id, place, body } = declared;
    Shown { id, version: 0, declared_in: Some(place), body }
}

fn one<T: Serialize>(status: StatusCode, shown: &Shown<T>) -> Result<Response<Body>> {
    Ok(tagged(write(status, shown)?, shown.version))
}

pub(super) fn object<T: Serialize>(body: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(body).map_err(Error::internal)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::internal("a document's body is no object")),
    }
}

fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(fields) = into else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_does_what_its_rfc_says() {
        let check = |mut before: Value, patch: Value, after: Value| {
            merge(&mut before, patch);
            assert_eq!(before, after);
        };
        check(json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"}));
        check(json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"}));
        check(json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"}));
        check(json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}}));
        check(json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]}));
        check(json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}}));
    }

    #[test]
    fn an_id_can_stand_in_a_path() {
        let check = |id: &str, good| assert_eq!(plain_id(id).is_ok(), good, "{id}");
        check("openai-2", true);
        check("llama3.1", true);
        for id in ["", "a/b", "OpenAI", "..", ".hidden", "a b", "ü", &"a".repeat(65)] {
            check(id, false);
        }
    }
}
