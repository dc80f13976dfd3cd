//! Which teams are there, what are they held to, and what have they spent?

use std::sync::Arc;

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    Page, Paging, bounded,
    document::{locked, next, tagged},
    edit::{Edit, commit},
    inbound::{self, Precondition},
    policy::{Fields, spending},
    write,
};
use crate::{
    budget::{Policy, Team, Teams, is_id},
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::named,
    limits::ID_BYTES_MAX,
    router::Visit,
    store::{self, Document, ListQuery},
};

/// A team.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown<'a> {
    /// Its id.
    id: &'a str,
    /// Counts its changes; the `ETag`. 0 for what is declared.
    version: i64,
    /// What people call it.
    name: &'a str,
    /// The team above it; empty at the top.
    parent: &'a str,
    #[serde(flatten)]
    policy: &'a Policy,
    /// Whether the configuration declares it, so that it cannot be changed here.
    locked: bool,
}

/// Declared teams first, then the stored ones by id.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Paging { after, limit } = inbound::query(visit.request.uri())?;
    let limit = bounded(limit)?;
    let first_page = after.is_none();
    let query = ListQuery { parent: None, after, limit };
    let documents = gateway.ports.store.list(store::Kind::Team, &query).await?;
    let next = next(&documents, limit);
    let declared = gateway.state.config.teams.iter().filter(|_| first_page);
    let mut teams: Vec<(Team, i64)> = declared.map(|team| (team.clone(), 0)).collect();
    for document in &documents {
        teams.push((Team::from_document(document)?, document.version));
    }
    let data: Vec<_> = teams.iter().map(|(team, version)| show(team, *version)).collect();
    write(StatusCode::OK, &Page { data, next })
}

/// Makes a team.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request).await?;
    let id: String = fields.need("id")?;
    if !is_id(&id) {
        let message = format!(
            "A team has an id of at most {ID_BYTES_MAX} letters, digits, `-`, `_` and `.`."
        );
        return Err(Error::bad_request(message).at("id"));
    }
    let name: Option<String> = fields.take("name")?;
    let name = named("team", name.as_deref().unwrap_or(&id))?;
    let parent: String = fields.take("parent")?.unwrap_or_default();
    let policy = fields.new_policy()?;
    if declared(gateway, &id).is_some() {
        return Err(locked("team", &id, PLACE));
    }
    tree(gateway).await?.check(&id, &parent)?;
    let team = Team { id, name, parent, policy, locked: false };
    let edit = Edit::put(team.to_document(0)?, None);
    commit(gateway, &caller, "create team", vec![edit]).await?;
    Ok(tagged(write(StatusCode::CREATED, &show(&team, 1))?, 1))
}

/// One team.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (team, version) = find(gateway, &visit.param).await?;
    one(&team, version)
}

/// Changes what is named and leaves the rest.
pub(crate) async fn update(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let document = changeable(gateway, &id).await?;
    Precondition::read(request.headers())?.allow(document.version)?;
    let mut team = Team::from_document(&document)?;
    let mut fields = Fields::read(request).await?;
    if let Some(name) = fields.take::<String>("name")? {
        team.name = named("team", &name)?;
    }
    if let Some(parent) = fields.change("parent")? {
        team.parent = parent;
        tree(gateway).await?.check(&team.id, &team.parent)?;
    }
    team.policy = fields.policy(&team.policy)?;
    let edit = Edit::put(team.to_document(document.version)?, Some(&document));
    commit(gateway, &caller, "change team", vec![edit]).await?;
    one(&team, document.version + 1)
}

/// Takes a team out of the tree. It has to be empty: who was below it would be held to less.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let document = changeable(gateway, &id).await?;
    Precondition::read(request.headers())?.allow(document.version)?;
    let one = ListQuery { parent: Some(id.clone()), after: None, limit: 1 };
    let clients = gateway.ports.store.list(store::Kind::Client, &one).await?;
    let declared = gateway.state.declared_clients.iter().any(|client| client.team == id);
    if declared || !clients.is_empty() || tree(gateway).await?.has_children(&id) {
        let message = "There are clients or teams below this team; move or end them first.";
        return Err(Error::new(Kind::Conflict, message));
    }
    commit(gateway, &caller, "delete team", vec![Edit::delete(&document)]).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// How much of its limits it has used.
pub(crate) async fn spent(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (team, _) = find(gateway, &visit.param).await?;
    let node = format!("team:{}", team.id);
    let spending = spending(gateway, (&node, &team.id), &team.policy).await?;
    write(StatusCode::OK, &spending)
}

/// Whether a client may be put into a team.
pub(super) async fn check(gateway: &Gateway, team: &str) -> Result<()> {
    if team.is_empty() || tree(gateway).await?.get(team).is_some() {
        return Ok(());
    }
    Err(Error::bad_request(format!("There is no team `{team}`.")).at("team"))
}

/// The tree as the store has it now.
async fn tree(gateway: &Gateway) -> Result<Arc<Teams>> {
    gateway.refresh().await?;
    Ok(gateway.state.snapshot().teams.clone())
}

/// Where teams are declared.
pub(super) const PLACE: &str = "the configuration's `[[team]]`";

/// A team, and the version of its document; 0 for a declared one.
async fn find(gateway: &Gateway, id: &str) -> Result<(Team, i64)> {
    if let Some(team) = declared(gateway, id) {
        return Ok((team.clone(), 0));
    }
    let document = stored(gateway, id).await?;
    Ok((Team::from_document(&document)?, document.version))
}

async fn stored(gateway: &Gateway, id: &str) -> Result<Document> {
    let missing = || Error::not_found(format!("There is no team `{id}`."));
    gateway.ports.store.get(store::Kind::Team, id).await?.ok_or_else(missing)
}

/// The document of a team that is not declared.
async fn changeable(gateway: &Gateway, id: &str) -> Result<Document> {
    if declared(gateway, id).is_some() {
        return Err(locked("team", id, PLACE));
    }
    stored(gateway, id).await
}

fn declared<'g>(gateway: &'g Gateway, id: &str) -> Option<&'g Team> {
    gateway.state.config.teams.iter().find(|team| team.id == id)
}

fn one(team: &Team, version: i64) -> Result<Response<Body>> {
    Ok(tagged(write(StatusCode::OK, &show(team, version))?, version))
}

pub(super) fn show(team: &Team, version: i64) -> Shown<'_> {
    let Team { id, name, parent, policy, locked } = team;
    Shown { id, version, name, parent, policy, locked: *locked }
}
