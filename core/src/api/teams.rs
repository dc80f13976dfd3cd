//! Which teams are there, what are they held to, and what have they spent?

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    Page, audit, limit,
    policy::{Fields, spending},
    query, taken, write,
};
use crate::{
    budget::{Policy, Team, Teams, is_id},
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::{Body, empty},
    limits::{ID_BYTES_MAX, NAME_BYTES_MAX},
    router::Visit,
    store::{self, Change, ListQuery},
};

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    parent: &'a str,
    #[serde(flatten)]
    policy: &'a Policy,
    locked: bool,
}

impl<'a> Shown<'a> {
    fn of(team: &'a Team) -> Self {
        let Team { id, name, parent, policy, locked } = team;
        Self { id, name, parent, policy, locked: *locked }
    }
}

/// Declared teams first, then the stored ones by id.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let uri = visit.request.uri();
    let after = query(uri, "after").map(str::to_owned);
    let limit = limit(uri)?;
    let first_page = after.is_none();
    let documents = gateway
        .ports
        .store
        .list(store::Kind::Team, &ListQuery { parent: None, after, limit })
        .await?;
    let next = documents.last().filter(|_| documents.len() == limit as usize);
    let next = next.map(|document| document.id.clone());
    let declared = gateway.state.config.teams.iter().filter(|_| first_page).cloned();
    let mut teams: Vec<Team> = declared.collect();
    for document in &documents {
        teams.push(Team::from_document(document)?);
    }
    let data: Vec<_> = teams.iter().map(Shown::of).collect();
    write(StatusCode::OK, &Page { data, next })
}

/// Makes a team.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request.into_body()).await?;
    let id: String = fields.take("id")?.unwrap_or_default();
    if !is_id(&id) {
        let message = format!(
            "A team has an id of at most {ID_BYTES_MAX} letters, digits, `-`, `_` and `.`."
        );
        return Err(Error::bad_request(message).at("id"));
    }
    let name: Option<String> = fields.take("name")?;
    let name = named(name.as_deref().unwrap_or(&id))?;
    let parent: String = fields.take("parent")?.unwrap_or_default();
    let policy = fields.policy(&Policy::default())?;
    if declared(gateway, &id).is_some() {
        return Err(locked());
    }
    tree(gateway).await?.check(&id, &parent)?;
    let team = Team { id, name, parent, policy, locked: false };
    commit(gateway, Change::Put(team.to_document(0)?), &caller, "create team").await?;
    write(StatusCode::CREATED, &Shown::of(&team))
}

/// One team.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (team, _) = find(gateway, &visit.param).await?;
    write(StatusCode::OK, &Shown::of(&team))
}

/// Changes what is named and leaves the rest.
pub(crate) async fn update(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (mut team, version) = find(gateway, &visit.param).await?;
    if team.locked {
        return Err(locked());
    }
    let caller = visit.caller;
    let mut fields = Fields::read(visit.request.into_body()).await?;
    if let Some(name) = fields.take::<String>("name")? {
        team.name = named(&name)?;
    }
    if let Some(parent) = fields.change("parent")? {
        team.parent = parent;
        tree(gateway).await?.check(&team.id, &team.parent)?;
    }
    team.policy = fields.policy(&team.policy)?;
    commit(gateway, Change::Put(team.to_document(version)?), &caller, "change team").await?;
    write(StatusCode::OK, &Shown::of(&team))
}

/// Takes a team out of the tree. It has to be empty: who was below it would be held to less.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (team, version) = find(gateway, &visit.param).await?;
    if team.locked {
        return Err(locked());
    }
    let one = ListQuery { parent: Some(team.id.clone()), after: None, limit: 1 };
    let clients = gateway.ports.store.list(store::Kind::Client, &one).await?;
    let declared = gateway.state.declared_clients.iter().any(|client| client.team == team.id);
    if declared || !clients.is_empty() || tree(gateway).await?.has_children(&team.id) {
        let message = "There are clients or teams below this team; move or end them first.";
        return Err(Error::new(Kind::Conflict, message));
    }
    let delete = Change::Delete { kind: store::Kind::Team, id: team.id, version };
    commit(gateway, delete, &visit.caller, "delete team").await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// How much of its limits it has used.
pub(crate) async fn spent(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (team, _) = find(gateway, &visit.param).await?;
    let spending = spending(gateway, &format!("team:{}", team.id), &team.policy).await?;
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
async fn tree(gateway: &Gateway) -> Result<std::sync::Arc<Teams>> {
    gateway.refresh().await?;
    Ok(gateway.state.snapshot().teams.clone())
}

async fn commit(
    gateway: &Gateway,
    change: Change,
    caller: &crate::router::Caller,
    action: &str,
) -> Result<()> {
    let audit = audit(gateway.ports.clock.now(), caller, action);
    let done = gateway.ports.store.commit(vec![change], audit).await;
    done.map_err(|error| taken(error, "team"))?;
    // Here it holds at once, elsewhere within seconds.
    gateway.refresh().await
}

/// A team, and the version of its document.
async fn find(gateway: &Gateway, id: &str) -> Result<(Team, i64)> {
    if let Some(team) = declared(gateway, id) {
        return Ok((team.clone(), 0));
    }
    let document = gateway.ports.store.get(store::Kind::Team, id).await?;
    let document = document.ok_or_else(|| Error::not_found(format!("There is no team `{id}`.")))?;
    Ok((Team::from_document(&document)?, document.version))
}

fn declared<'g>(gateway: &'g Gateway, id: &str) -> Option<&'g Team> {
    gateway.state.config.teams.iter().find(|team| team.id == id)
}

fn locked() -> Error {
    let message = "This team is declared in the configuration and is changed there.";
    Error::new(Kind::Conflict, message)
}

fn named(name: &str) -> Result<String> {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        let message = format!("A team has a name of at most {NAME_BYTES_MAX} bytes.");
        return Err(Error::bad_request(message).at("name"));
    }
    Ok(name.trim().to_owned())
}
