//! Who may use the dashboard? Users are made, changed, and given a fresh start here.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    Page, Paging, bounded,
    document::{next, tagged},
    edit::{Edit, commit},
    inbound::{self, Precondition},
    write,
};
use crate::{
    error::{Error, Kind as Refusal, Result},
    gateway::Gateway,
    http::{Body, empty},
    identity::{Membership, Role, Roster, Secret, User, user_name},
    limits::{CHANGES_MAX, PAGE_ROWS_MAX, ROSTER_TRIES_MAX},
    ports::Millis,
    router::{Caller, Visit},
    store::{Document, Kind, ListQuery},
};

/// A user to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Made {
    /// What people call them; unique.
    name: String,
    /// What they may do.
    role: Role,
}

/// What may change of a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Changed {
    /// What people call them; unique.
    #[serde(default)]
    name: Option<String>,
    /// What they may do.
    #[serde(default)]
    role: Option<Role>,
    /// A disabled user is let in no more.
    #[serde(default)]
    enabled: Option<bool>,
}

/// What a reset ends.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Reset {
    /// Whose sessions end.
    #[serde(default)]
    sessions: Ending,
}

/// Whose sessions end.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Ending {
    /// The user's own.
    #[default]
    Own,
    /// Everybody's.
    All,
}

/// A user.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown<'a> {
    /// Their id.
    id: &'a str,
    /// Counts its changes; the `ETag`.
    version: i64,
    /// What people call them.
    name: &'a str,
    /// What they may do.
    role: Role,
    /// A disabled user is let in no more.
    enabled: bool,
    /// Whether a password was chosen.
    has_password: bool,
    /// When they were made.
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
            version: user.version,
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
    let Paging { after, limit } = inbound::query(visit.request.uri())?;
    let limit = bounded(limit)?;
    let page = ListQuery { parent: None, after, limit };
    let documents = gateway.ports.store.list(Kind::User, &page).await?;
    let next = next(&documents, limit);
    let users = documents.iter().map(User::from_document).collect::<Result<Vec<_>>>()?;
    write(StatusCode::OK, &Page { data: users.iter().map(Shown::of).collect(), next })
}

/// One user.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (_, user) = find(gateway, &visit.param).await?;
    Ok(tagged(write(StatusCode::OK, &Shown::of(&user))?, user.version))
}

/// Makes a user, and the link where they choose their password.
pub(crate) async fn create(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Made { name, role } = inbound::body(visit.request).await?;
    let (now, random) = (gateway.ports.clock.now(), &*gateway.ports.random);
    let mut user = User::new(&name, role, now, random)?;
    let link = user.reset(now, &gateway.state.vault, random);
    keep(gateway, &mut user, None, (&visit.caller, "create user")).await?;
    Ok(tagged(write(StatusCode::CREATED, &Shown::with_link(&user, &link))?, user.version))
}

/// Changes a user. What they may do changes at once: their sessions end.
pub(crate) async fn update(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let condition = Precondition::read(request.headers())?;
    let Changed { name, role, enabled } = inbound::body(request).await?;
    let (document, mut user) = find(gateway, &id).await?;
    condition.allow(user.version)?;
    if let Some(name) = name {
        user.name = user_name(&name)?;
    }
    let before = (user.role, user.enabled);
    user.role = role.unwrap_or(user.role);
    user.enabled = enabled.unwrap_or(user.enabled);
    if before != (user.role, user.enabled) {
        user.end_sessions();
    }
    keep(gateway, &mut user, Some(&document), (&caller, "change user")).await?;
    Ok(tagged(write(StatusCode::OK, &Shown::of(&user))?, user.version))
}

/// Takes a user away, with all sessions.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Visit { param: id, caller, request, .. } = visit;
    let (document, user) = find(gateway, &id).await?;
    Precondition::read(request.headers())?.allow(user.version)?;
    let out = (&*id, Membership::Out);
    change(gateway, &Edit::delete(&document), out, (&caller, "delete user")).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Ends sessions and takes the password away; the answer has the link where the next one is chosen.
pub(crate) async fn reset(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let (id, caller) = (visit.param, visit.caller);
    let Reset { sessions } = inbound::optional(visit.request).await?;
    let (document, mut user) = find(gateway, &id).await?;
    let (now, random) = (gateway.ports.clock.now(), &*gateway.ports.random);
    let link = user.reset(now, &gateway.state.vault, random);
    keep(gateway, &mut user, Some(&document), (&caller, "reset user")).await?;
    match sessions {
        Ending::Own => {}
        Ending::All => end_all_sessions(gateway, &user.id, &caller).await?,
    }
    Ok(tagged(write(StatusCode::OK, &Shown::with_link(&user, &link))?, user.version))
}

/// Of everybody but the one whose sessions have ended already.
async fn end_all_sessions(gateway: &Gateway, but: &str, caller: &Caller) -> Result<()> {
    let mut after = None;
    loop {
        let limit = PAGE_ROWS_MAX.min(u32::try_from(CHANGES_MAX).unwrap_or(PAGE_ROWS_MAX));
        let page = ListQuery { parent: None, after, limit };
        let documents = gateway.ports.store.list(Kind::User, &page).await?;
        let mut edits = Vec::with_capacity(documents.len());
        for document in documents.iter().filter(|document| document.id != but) {
            let mut user = User::from_document(document)?;
            user.end_sessions();
            edits.push(Edit::put(user.to_document()?, Some(document)));
        }
        commit(gateway, caller, "end sessions", edits).await?;
        if documents.len() < limit as usize {
            return Ok(());
        }
        after = documents.last().map(|document| document.id.clone());
    }
}

/// A user as they are kept.
pub(super) async fn find(gateway: &Gateway, id: &str) -> Result<(Document, User)> {
    let missing = || Error::not_found("There is no such user.");
    let document = gateway.ports.store.get(Kind::User, id).await?.ok_or_else(missing)?;
    let user = User::from_document(&document)?;
    Ok((document, user))
}

/// Keeps a user with what follows for the roster.
pub(super) async fn keep(
    gateway: &Gateway,
    user: &mut User,
    before: Option<&Document>,
    (caller, action): (&Caller, &str),
) -> Result<()> {
    let edit = Edit::put(user.to_document()?, before);
    change(gateway, &edit, (&user.id, Membership::from(&*user)), (caller, action)).await?;
    user.version += 1;
    Ok(())
}

/// Makes a change of a user, and the one of the roster that follows: both or none. Everybody's changes meet in the
/// roster, so it is read again when somebody else's came first.
async fn change(
    gateway: &Gateway,
    edit: &Edit,
    (id, membership): (&str, Membership),
    (caller, action): (&Caller, &str),
) -> Result<()> {
    let mut tries = 1;
    loop {
        let before = gateway.ports.store.get(Kind::Roster, Roster::ID).await?;
        let roster = before.as_ref().map(Roster::from_document).transpose()?.unwrap_or_default();
        let mut edits = vec![edit.clone()];
        if let Some(next) = roster.after(id, membership)? {
            edits.push(Edit::put(next.to_document()?, before.as_ref()));
        }
        let refused = match commit(gateway, caller, action, edits).await {
            Err(error) if matches!(error.kind, Refusal::PreconditionFailed | Refusal::Conflict) => {
                error
            }
            done => return done,
        };
        let now = gateway.ports.store.get(Kind::Roster, Roster::ID).await?;
        let version = |document: Option<Document>| document.map(|found| found.version);
        if tries == ROSTER_TRIES_MAX || version(now) == version(before) {
            return Err(refused);
        }
        tries += 1;
    }
}
