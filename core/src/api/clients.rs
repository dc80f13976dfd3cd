//! Who may call? Client keys are made, listed and revoked here.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Page, limit, query, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, empty, read},
    identity::{Client, Issued},
    limits::CONTROL_BODY_BYTES_MAX,
    ports::Millis,
    router::{Caller, Visit},
    store::{Audit, Change, Kind, ListQuery},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    expires_in_ms: Option<i64>,
    #[serde(default)]
    strict: bool,
}

#[derive(Serialize)]
struct Created<'a> {
    id: &'a str,
    name: &'a str,
    /// Shown this once.
    key: &'a str,
    expires_at_ms: Option<Millis>,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    created_at_ms: Millis,
    expires_at_ms: Option<Millis>,
    strict: bool,
    locked: bool,
}

/// Makes a client and its key.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let body = read(visit.request.into_body(), CONTROL_BODY_BYTES_MAX).await?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| {
        let wanted = "The body is `{\"name\": …, \"expires_in_ms\": …, \"strict\": …}`.";
        Error::bad_request(wanted).because(error)
    })?;
    let now = gateway.ports.clock.now();
    let (vault, random) = (&gateway.state.vault, &*gateway.ports.random);
    let Issued { mut client, key } =
        Issued::new(&wanted.name, now, wanted.expires_in_ms, vault, random)?;
    client.strict = wanted.strict;
    let put = Change::Put(client.to_document()?);
    gateway
        .ports
        .store
        .commit(vec![put], audit(now, &caller, "create client"))
        .await
        .map_err(taken)?;
    // A key that was tried before it was made is remembered as unknown.
    gateway.forget_clients();
    let created = Created {
        id: &client.id,
        name: &client.name,
        key: key.expose(),
        expires_at_ms: client.expires_at_ms,
    };
    write(StatusCode::CREATED, &created)
}

/// Declared clients first, then the stored ones by id.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let uri = visit.request.uri();
    let after = query(uri, "after").map(str::to_owned);
    let limit = limit(uri)?;
    let first_page = after.is_none();
    let documents =
        gateway.ports.store.list(Kind::Client, &ListQuery { parent: None, after, limit }).await?;
    let next = documents.last().filter(|_| documents.len() == limit as usize);
    let next = next.map(|document| document.id.clone());
    let declared = gateway.state.declared_clients.iter().filter(|_| first_page);
    let mut data: Vec<_> = declared.map(|client| show(client, true)).collect();
    for document in &documents {
        data.push(show(&Client::from_document(document)?, false));
    }
    write(StatusCode::OK, &Page { data, next })
}

/// Ends a client at once in this process, and within seconds in every other.
pub(crate) async fn revoke(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (id, caller) = (visit.param, visit.caller);
    if gateway.state.declared_clients.iter().any(|client| client.id == id) {
        let message = "This client is declared in the configuration and is ended there.";
        return Err(Error::new(crate::error::Kind::Conflict, message));
    }
    let missing = || Error::not_found(format!("There is no client `{id}`."));
    let store = &gateway.ports.store;
    let document = store.get(Kind::Client, &id).await?.ok_or_else(missing)?;
    let delete = Change::Delete { kind: Kind::Client, id, version: document.version };
    let audit = audit(gateway.ports.clock.now(), &caller, "revoke client");
    store.commit(vec![delete], audit).await?;
    gateway.forget_clients();
    Ok(empty(StatusCode::NO_CONTENT))
}

fn show(client: &Client, locked: bool) -> Shown {
    Shown {
        id: client.id.clone(),
        name: client.name.clone(),
        created_at_ms: client.created_at_ms,
        expires_at_ms: client.expires_at_ms,
        strict: client.strict,
        locked,
    }
}

fn audit(at_ms: Millis, caller: &Caller, action: &str) -> Audit {
    Audit { at_ms, actor: caller.actor().to_owned(), action: action.to_owned() }
}

fn taken(error: Error) -> Error {
    if error.kind == crate::error::Kind::Conflict {
        return Error::new(error.kind, "There is a client of this name already.")
            .because(error.detail);
    }
    error
}
