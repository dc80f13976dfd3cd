//! Who may use the dashboard? Users are made, changed, and given a fresh start here.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Page, limit, query, wanted, wanted_or_nothing, write};
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Membership, Role, Roster, Secret, User, user_name},
    limits::{CHANGES_MAX, PAGE_ROWS_MAX},
    ports::Millis,
    router::{Caller, Visit},
    store::{self, Audit, Change, ListQuery},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    name: String,
    role: Role,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    sessions: Ending,
}

/// Whose sessions end.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ending {
    /// The user's own.
    #[default]
    Own,
    /// Everybody's.
    All,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    role: Role,
    enabled: bool,
    /// Whether a password was chosen.
    has_password: bool,
    created_at_ms: Millis,
    /// Where the password is chosen, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// When the link ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    link_expires_at_ms: Option<Millis>,
}

impl<'a> Shown<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            id: &user.id,
            name: &user.name,
            role: user.role,
            enabled: user.enabled,
            has_password: user.password.is_some(),
            created_at_ms: user.created_at_ms,
            link: None,
            link_expires_at_ms: user.ticket.as_ref().map(|ticket| ticket.expires_at_ms),
        }
    }

    fn with_link(user: &'a User, link: &Secret) -> Self {
        // Behind `#`, so that no server and no log on the way gets to see it.
        Self { link: Some(format!("/setup#t={}", link.expose())), ..Self::of(user) }
    }
}

/// Users by id.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let uri = visit.request.uri();
    let (after, limit) = (query(uri, "after").map(str::to_owned), limit(uri)?);
    let page = ListQuery { parent: None, after, limit };
    let documents = gateway.ports.store.list(store::Kind::User, &page).await?;
    let next = documents.last().filter(|_| documents.len() == limit as usize);
    let next = next.map(|document| document.id.clone());
    let users = documents.iter().map(User::from_document).collect::<Result<Vec<_>>>()?;
    write(StatusCode::OK, &Page { data: users.iter().map(Shown::of).collect(), next })
}

/// One user.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    write(StatusCode::OK, &Shown::of(&find(gateway, &visit.param).await?))
}

/// Makes a user, and the link where they choose their password.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let form = "{\"name\": …, \"role\": \"viewer\" or \"admin\"}";
    let Made { name, role } = wanted(visit.request.into_body(), form).await?;
    let (now, random) = (gateway.ports.clock.now(), &*gateway.ports.random);
    let mut user = User::new(&name, role, now, random)?;
    let link = user.reset(now, &gateway.state.vault, random);
    keep(gateway, &user, &caller, "create user").await?;
    write(StatusCode::CREATED, &Shown::with_link(&user, &link))
}

/// Changes a user. What they may do changes at once: their sessions end.
pub(crate) async fn update(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (id, caller) = (visit.param, visit.caller);
    let form = "{\"name\": …, \"role\": …, \"enabled\": …}";
    let Changed { name, role, enabled } = wanted(visit.request.into_body(), form).await?;
    let mut user = find(gateway, &id).await?;
    if let Some(name) = name {
        user.name = user_name(&name)?;
    }
    let before = (user.role, user.enabled);
    user.role = role.unwrap_or(user.role);
    user.enabled = enabled.unwrap_or(user.enabled);
    if before != (user.role, user.enabled) {
        user.end_sessions();
    }
    keep(gateway, &user, &caller, "change user").await?;
    write(StatusCode::OK, &Shown::of(&user))
}

/// Takes a user away, with all sessions.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (id, caller) = (visit.param, visit.caller);
    let user = find(gateway, &id).await?;
    let gone = Change::Delete { kind: store::Kind::User, id, version: user.version };
    let mut changes = vec![gone];
    changes.extend(roster_after(gateway, &user.id, Membership::Out).await?);
    commit(gateway, changes, &caller, "delete user").await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Ends sessions and takes the password away; the answer has the link where the next one is chosen.
pub(crate) async fn reset(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (id, caller) = (visit.param, visit.caller);
    let form = "{\"sessions\": \"own\" or \"all\"}";
    let Reset { sessions } = wanted_or_nothing(visit.request.into_body(), form).await?;
    let mut user = find(gateway, &id).await?;
    let (now, random) = (gateway.ports.clock.now(), &*gateway.ports.random);
    let link = user.reset(now, &gateway.state.vault, random);
    keep(gateway, &user, &caller, "reset user").await?;
    match sessions {
        Ending::Own => {}
        Ending::All => end_all_sessions(gateway, &user.id, &caller).await?,
    }
    write(StatusCode::OK, &Shown::with_link(&user, &link))
}

/// Of everybody but the one whose sessions have ended already.
async fn end_all_sessions(gateway: &Gateway, but: &str, caller: &Caller) -> Result<()> {
    let mut after = None;
    loop {
        let limit = PAGE_ROWS_MAX.min(u32::try_from(CHANGES_MAX).unwrap_or(PAGE_ROWS_MAX));
        let page = ListQuery { parent: None, after, limit };
        let documents = gateway.ports.store.list(store::Kind::User, &page).await?;
        let mut changes = Vec::with_capacity(documents.len());
        for document in documents.iter().filter(|document| document.id != but) {
            let mut user = User::from_document(document)?;
            user.end_sessions();
            changes.push(user.put()?);
        }
        commit(gateway, changes, caller, "end sessions").await?;
        if documents.len() < limit as usize {
            return Ok(());
        }
        after = documents.last().map(|document| document.id.clone());
    }
}

async fn find(gateway: &Gateway, id: &str) -> Result<User> {
    let missing = || Error::not_found("There is no such user.");
    let document = gateway.ports.store.get(store::Kind::User, id).await?.ok_or_else(missing)?;
    User::from_document(&document)
}

async fn keep(gateway: &Gateway, user: &User, caller: &Caller, action: &str) -> Result<()> {
    let mut changes = vec![user.put()?];
    changes.extend(roster_after(gateway, &user.id, user.into()).await?);
    commit(gateway, changes, caller, action).await
}

/// The roster's change, if there is one. Both are kept or none.
async fn roster_after(
    gateway: &Gateway,
    id: &str,
    membership: Membership,
) -> Result<Option<Change>> {
    let kept = gateway.ports.store.get(store::Kind::Roster, Roster::ID).await?;
    let roster = kept.as_ref().map(Roster::from_document).transpose()?.unwrap_or_default();
    roster.after(id, membership)?.map(|roster| roster.put()).transpose()
}

async fn commit(
    gateway: &Gateway,
    changes: Vec<Change>,
    caller: &Caller,
    action: &str,
) -> Result<()> {
    let (at_ms, actor) = (gateway.ports.clock.now(), caller.actor().to_owned());
    let audit = Audit { at_ms, actor, action: action.to_owned() };
    gateway.ports.store.commit(changes, audit).await.map_err(moved_on)?;
    gateway.forget_users();
    if !gateway.is_claimed() {
        gateway.refresh().await?;
    }
    Ok(())
}

fn moved_on(error: Error) -> Error {
    if error.kind == Kind::Conflict {
        let message = "The name is taken, or somebody has just changed the same: look again.";
        return Error::new(error.kind, message).because(error.detail);
    }
    error
}
