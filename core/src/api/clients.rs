//! Who may call? Client keys are made, listed and revoked here.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    Page, audit, limit,
    policy::{Fields, spending},
    query, taken, teams, write,
};
use crate::{
    budget::Policy,
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Client, Issued},
    limits::KEY_GRACE_MAX,
    ports::Millis,
    router::{Caller, Visit},
    store::{Change, Kind, ListQuery},
};

#[derive(Serialize)]
struct Created<'a> {
    id: &'a str,
    name: &'a str,
    /// Shown this once.
    key: &'a str,
    expires_at_ms: Option<Millis>,
}

#[derive(Serialize)]
struct Rotated<'a> {
    id: &'a str,
    name: &'a str,
    /// Shown this once.
    key: &'a str,
    old_key_until_ms: Millis,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    created_at_ms: Millis,
    team: String,
    strict: bool,
    #[serde(flatten)]
    policy: Policy,
    locked: bool,
}

/// Makes a client and its key.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request.into_body()).await?;
    let name: String = fields.take("name")?.unwrap_or_default();
    let expires_in_ms = fields.take("expires_in_ms")?;
    let team: String = fields.take("team")?.unwrap_or_default();
    let strict: bool = fields.take("strict")?.unwrap_or_default();
    let policy = fields.policy(&Policy::default())?;
    let now = gateway.ports.clock.now();
    let (vault, random) = (&gateway.state.vault, &*gateway.ports.random);
    let Issued { mut client, key } = Issued::new(&name, now, expires_in_ms, vault, random)?;
    teams::check(gateway, &team).await?;
    client.team = team;
    client.strict = strict;
    client.expires_at_ms = client.expires_at_ms.or(policy.expires_at_ms);
    client.policy = policy;
    commit(gateway, Change::Put(client.to_document(0)?), &caller, "create client").await?;
    let created = Created {
        id: &client.id,
        name: &client.name,
        key: key.expose(),
        expires_at_ms: client.expires_at_ms,
    };
    write(StatusCode::CREATED, &created)
}

/// One client.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let found = find(gateway, &visit.param).await?;
    write(StatusCode::OK, &show(&found.client, found.version.is_none()))
}

/// Changes what is named and leaves the rest.
pub(crate) async fn update(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (mut client, version) = find(gateway, &visit.param).await?.unlocked()?;
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request.into_body()).await?;
    if let Some(name) = fields.take::<String>("name")? {
        client.rename(&name)?;
    }
    if let Some(team) = fields.change("team")? {
        client.team = team;
        teams::check(gateway, &client.team).await?;
    }
    if let Some(expires_at_ms) = fields.change::<Option<Millis>>("expires_at_ms")? {
        client.expires_at_ms = expires_at_ms;
    }
    client.policy.expires_at_ms = client.expires_at_ms;
    client.policy = fields.policy(&client.policy)?;
    commit(gateway, Change::Put(client.to_document(version)?), &caller, "change client").await?;
    write(StatusCode::OK, &show(&client, false))
}

/// Gives a client another key. The one it has works on for a while, so that it can be replaced everywhere.
pub(crate) async fn rotate(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (mut client, version) = find(gateway, &visit.param).await?.unlocked()?;
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request.into_body()).await?;
    let grace_ms: i64 = fields.take("grace_ms")?.unwrap_or(0);
    fields.end()?;
    let longest = i64::try_from(KEY_GRACE_MAX.as_millis()).unwrap_or(i64::MAX);
    if !(0..=longest).contains(&grace_ms) {
        let message = "A key that is replaced works on for at most 30 days.";
        return Err(Error::bad_request(message).at("grace_ms"));
    }
    let until_ms = gateway.ports.clock.now().saturating_add(grace_ms);
    let key = client.rotate(until_ms, &gateway.state.vault, &*gateway.ports.random);
    commit(gateway, Change::Put(client.to_document(version)?), &caller, "rotate key").await?;
    let (id, name) = (client.id.as_str(), client.name.as_str());
    let rotated = Rotated { id, name, key: key.expose(), old_key_until_ms: until_ms };
    write(StatusCode::OK, &rotated)
}

/// How much of its own limits it has used.
pub(crate) async fn spent(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Found { client, .. } = find(gateway, &visit.param).await?;
    let spending = spending(gateway, &format!("client:{}", client.id), &client.policy).await?;
    write(StatusCode::OK, &spending)
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
    let (client, version) = find(gateway, &visit.param).await?.unlocked()?;
    let delete = Change::Delete { kind: Kind::Client, id: client.id, version };
    commit(gateway, delete, &visit.caller, "revoke client").await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// A client, and the version of its document; a declared one has none.
struct Found {
    client: Client,
    version: Option<i64>,
}

impl Found {
    fn unlocked(self) -> Result<(Client, i64)> {
        let message = "This client is declared in the configuration and is changed there.";
        let locked = || Error::new(crate::error::Kind::Conflict, message);
        Ok((self.client, self.version.ok_or_else(locked)?))
    }
}

async fn find(gateway: &Gateway, id: &str) -> Result<Found> {
    if let Some(client) = gateway.state.declared_clients.iter().find(|client| client.id == id) {
        return Ok(Found { client: Client::clone(client), version: None });
    }
    let missing = || Error::not_found(format!("There is no client `{id}`."));
    let document = gateway.ports.store.get(Kind::Client, id).await?.ok_or_else(missing)?;
    let client = Client::from_document(&document)?;
    Ok(Found { client, version: Some(document.version) })
}

async fn commit(gateway: &Gateway, change: Change, caller: &Caller, action: &str) -> Result<()> {
    let audit = audit(gateway.ports.clock.now(), caller, action);
    let done = gateway.ports.store.commit(vec![change], audit).await;
    done.map_err(|error| taken(error, "client"))?;
    // What was looked up before is out of date; a key that was tried before it was made is remembered as unknown.
    gateway.forget_clients();
    Ok(())
}

fn show(client: &Client, locked: bool) -> Shown {
    let expires_at_ms = client.expires_at_ms;
    Shown {
        id: client.id.clone(),
        name: client.name.clone(),
        created_at_ms: client.created_at_ms,
        team: client.team.clone(),
        strict: client.strict,
        policy: Policy { expires_at_ms, ..client.policy.clone() },
        locked,
    }
}
