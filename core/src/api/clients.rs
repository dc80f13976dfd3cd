//! Who may call? Client keys are made, listed, changed and revoked here.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    Page, Paging, bounded,
    document::{locked, next, tagged},
    edit::{Edit, commit},
    inbound::{self, Precondition},
    policy::{Fields, spending},
    teams, write,
};
use crate::{
    budget::Policy,
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Client, Issued},
    limits::KEY_GRACE_MAX,
    ports::Millis,
    router::Visit,
    store::{Document, Kind, ListQuery},
};

/// Where clients are declared.
pub(super) const PLACE: &str = "the configuration's `[[client]]`";

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

/// How a key is replaced.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Rotation {
    /// How long the one before works on; 0 unless said.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 0, max = 2_592_000_000_i64)))]
    grace_ms: i64,
}

/// A client's new key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Rotated<'a> {
    /// The public id, which stays.
    id: &'a str,
    /// What people call it.
    name: &'a str,
    /// Shown this once.
    key: &'a str,
    /// Until when the one before works on.
    old_key_until_ms: Millis,
}

/// A client.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// The public id of its key.
    id: String,
    /// Counts its changes; the `ETag`. 0 for what is declared.
    version: i64,
    /// What people call it.
    name: String,
    /// When it was made; 0 for a declared one.
    created_at_ms: Millis,
    /// The team it is in; empty for none.
    team: String,
    /// Whether its requests must say nothing that is lost on the way.
    strict: bool,
    #[serde(flatten)]
    policy: Policy,
    /// Whether the configuration declares it, so that it cannot be changed here.
    locked: bool,
}

/// Makes a client and its key.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request).await?;
    let name: String = fields.need("name")?;
    let expires_in_ms = fields.take("expires_in_ms")?;
    let team: String = fields.take("team")?.unwrap_or_default();
    let strict: bool = fields.take("strict")?.unwrap_or_default();
    let policy = fields.new_policy()?;
    let now = gateway.ports.clock.now();
    let (vault, random) = (&gateway.state.vault, &*gateway.ports.random);
    let Issued { mut client, key } = Issued::new(&name, now, expires_in_ms, vault, random)?;
    teams::check(gateway, &team).await?;
    client.team = team;
    client.strict = strict;
    client.expires_at_ms = client.expires_at_ms.or(policy.expires_at_ms);
    client.policy = policy;
    let edit = Edit::put(client.to_document(0)?, None);
    commit(gateway, &caller, "create client", vec![edit]).await?;
    let created = Created {
        id: &client.id,
        name: &client.name,
        key: key.expose(),
        expires_at_ms: client.expires_at_ms,
    };
    Ok(tagged(write(StatusCode::CREATED, &created)?, 1))
}

/// One client.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = &visit.param;
    if let Some(client) = declared(gateway, id) {
        return one(client, 0);
    }
    let document = stored(gateway, id).await?;
    one(&Client::from_document(&document)?, document.version)
}

/// Changes what is named and leaves the rest.
pub(crate) async fn update(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let document = changeable(gateway, &id).await?;
    Precondition::read(request.headers())?.allow(document.version)?;
    let mut client = Client::from_document(&document)?;
    let mut fields = Fields::read(request).await?;
    if let Some(name) = fields.take::<String>("name")? {
        client.rename(&name)?;
    }
    if let Some(team) = fields.change("team")? {
        client.team = team;
        teams::check(gateway, &client.team).await?;
    }
    if let Some(strict) = fields.change("strict")? {
        client.strict = strict;
    }
    if let Some(expires_at_ms) = fields.change::<Option<Millis>>("expires_at_ms")? {
        client.expires_at_ms = expires_at_ms;
    }
    client.policy.expires_at_ms = client.expires_at_ms;
    client.policy = fields.policy(&client.policy)?;
    let edit = Edit::put(client.to_document(document.version)?, Some(&document));
    commit(gateway, &caller, "change client", vec![edit]).await?;
    one(&client, document.version + 1)
}

/// Gives a client another key. The one it has works on for a while, so that it can be replaced everywhere.
pub(crate) async fn rotate(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let document = changeable(gateway, &id).await?;
    Precondition::read(request.headers())?.allow(document.version)?;
    let mut client = Client::from_document(&document)?;
    let Rotation { grace_ms } = inbound::body(request).await?;
    let longest = i64::try_from(KEY_GRACE_MAX.as_millis()).unwrap_or(i64::MAX);
    if !(0..=longest).contains(&grace_ms) {
        let message = "A key that is replaced works on for at most 30 days.";
        return Err(Error::bad_request(message).at("grace_ms"));
    }
    let until_ms = gateway.ports.clock.now().saturating_add(grace_ms);
    let key = client.rotate(until_ms, &gateway.state.vault, &*gateway.ports.random);
    let edit = Edit::put(client.to_document(document.version)?, Some(&document));
    commit(gateway, &caller, "rotate key", vec![edit]).await?;
    let (id, name) = (client.id.as_str(), client.name.as_str());
    let rotated = Rotated { id, name, key: key.expose(), old_key_until_ms: until_ms };
    Ok(tagged(write(StatusCode::OK, &rotated)?, document.version + 1))
}

/// How much of its own limits it has used.
pub(crate) async fn spent(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = &visit.param;
    let client = match declared(gateway, id) {
        Some(client) => Client::clone(client),
        None => Client::from_document(&stored(gateway, id).await?)?,
    };
    let node = format!("client:{}", client.id);
    let spending = spending(gateway, (&node, &client.team), &client.policy).await?;
    write(StatusCode::OK, &spending)
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
    let mut data: Vec<_> = declared.map(|client| show(client, 0)).collect();
    for document in &documents {
        data.push(show(&Client::from_document(document)?, document.version));
    }
    write(StatusCode::OK, &Page { data, next })
}

/// Ends a client at once in this process, and within seconds in every other.
pub(crate) async fn revoke(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let document = changeable(gateway, &id).await?;
    Precondition::read(request.headers())?.allow(document.version)?;
    commit(gateway, &caller, "revoke client", vec![Edit::delete(&document)]).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn declared<'g>(gateway: &'g Gateway, id: &str) -> Option<&'g Client> {
    let mut clients = gateway.state.declared_clients.iter();
    clients.find(|client| client.id == id).map(|client| &**client)
}

async fn stored(gateway: &Gateway, id: &str) -> Result<Document> {
    let missing = || Error::not_found(format!("There is no client `{id}`."));
    gateway.ports.store.get(Kind::Client, id).await?.ok_or_else(missing)
}

/// The document of a client that is not declared.
async fn changeable(gateway: &Gateway, id: &str) -> Result<Document> {
    if declared(gateway, id).is_some() {
        return Err(locked("client", id, PLACE));
    }
    stored(gateway, id).await
}

fn one(client: &Client, version: i64) -> Result<Response<Body>> {
    Ok(tagged(write(StatusCode::OK, &show(client, version))?, version))
}

pub(super) fn show(client: &Client, version: i64) -> Shown {
    let expires_at_ms = client.expires_at_ms;
    Shown {
        id: client.id.clone(),
        version,
        name: client.name.clone(),
        created_at_ms: client.created_at_ms,
        team: client.team.clone(),
        strict: client.strict,
        policy: Policy { expires_at_ms, ..client.policy.clone() },
        locked: version == 0,
    }
}
