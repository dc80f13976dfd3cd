//! Who may call? Client keys are made, listed and revoked here.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    Page, Paging, bounded,
    document::{locked, next, tagged},
    edit::{Edit, commit},
    inbound::{self, Precondition},
    write,
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Client, Issued},
    ports::Millis,
    router::Visit,
    store::{Kind, ListQuery},
};

/// A client to be made.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Wanted {
    /// What people call it; unique.
    #[cfg_attr(test, schemars(length(min = 1, max = 200)))]
    name: String,
    /// When its key ends, from now on; never when it is not said.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1)))]
    expires_in_ms: Option<i64>,
}

/// A client with its key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Created<'a> {
    /// The public id of its key.
    id: &'a str,
    /// What people call it.
    name: &'a str,
    /// Shown this once.
    key: &'a str,
    /// When the key ends; null for never.
    expires_at_ms: Option<Millis>,
}

/// A client.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// The public id of its key.
    id: String,
    /// What people call it.
    name: String,
    /// When it was made; 0 for a declared one.
    created_at_ms: Millis,
    /// When its key ends; null for never.
    expires_at_ms: Option<Millis>,
    /// Whether the configuration declares it, so that it cannot be changed here.
    locked: bool,
}

/// Makes a client and its key.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let wanted: Wanted = inbound::body(visit.request).await?;
    let now = gateway.ports.clock.now();
    let (vault, random) = (&gateway.state.vault, &*gateway.ports.random);
    let Issued { client, key } =
        Issued::new(&wanted.name, now, wanted.expires_in_ms, vault, random)?;
    let edit = Edit::put(client.to_document()?, None);
    commit(gateway, &visit.caller, "create client", vec![edit]).await?;
    let created = Created {
        id: &client.id,
        name: &client.name,
        key: key.expose(),
        expires_at_ms: client.expires_at_ms,
    };
    Ok(tagged(write(StatusCode::CREATED, &created)?, 1))
}

/// Declared clients first, then the stored ones by id.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Paging { after, limit } = inbound::query(visit.request.uri())?;
    let limit = bounded(limit)?;
    let first_page = after.is_none();
    let documents =
        gateway.ports.store.list(Kind::Client, &ListQuery { parent: None, after, limit }).await?;
    let next = next(&documents, limit);
    let declared = gateway.state.declared_clients.iter().filter(|_| first_page);
    let mut data: Vec<_> = declared.map(|client| show(client, true)).collect();
    for document in &documents {
        data.push(show(&Client::from_document(document)?, false));
    }
    write(StatusCode::OK, &Page { data, next })
}

/// Ends a client at once in this process, and within seconds in every other.
pub(crate) async fn revoke(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    if gateway.state.declared_clients.iter().any(|client| client.id == id) {
        return Err(locked("client", &id, "the configuration's `[[client]]`"));
    }
    let missing = || Error::not_found(format!("There is no client `{id}`."));
    let store = &gateway.ports.store;
    let document = store.get(Kind::Client, &id).await?.ok_or_else(missing)?;
    Precondition::read(request.headers())?.allow(document.version)?;
    commit(gateway, &caller, "revoke client", vec![Edit::delete(&document)]).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn show(client: &Client, locked: bool) -> Shown {
    Shown {
        id: client.id.clone(),
        name: client.name.clone(),
        created_at_ms: client.created_at_ms,
        expires_at_ms: client.expires_at_ms,
        locked,
    }
}
