//! Which upstream keys are there? Their secrets come in and never go out; administrators see the last four characters.

mod import;
mod owner;
mod reseal;
mod test;

#[cfg(test)]
pub(super) use import::Imported;
pub(crate) use import::import;
pub(super) use owner::of;
pub(super) use reseal::{Resealed, resealed};
pub(crate) use test::test;
#[cfg(test)]
pub(super) use test::{Tested, Wanted as Test};

use async_trait::async_trait;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Answer, Page, bounded,
    document::{Resource, Stored, fresh, load, locked, merged, next, tagged},
    edit::{Edit, commit},
    health::Rest,
    inbound::{self, Precondition},
    rows, write,
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    health::KeyView,
    http::{Body, empty},
    identity::Secret,
    ids,
    limits::{CREDENTIAL_BYTES_MAX, MODEL_BYTES_MAX, NAME_BYTES_MAX, PROVIDER_MODELS_MAX},
    proxy::pool_id,
    router::Visit,
    snapshot::key_place,
    store::{Document, Kind, ListQuery},
};
use owner::Owner;

/// The field of the document that holds the sealed secret.
const SEALED: &str = "sealed";

/// What can be said of a key beside its secret.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Said {
    /// What people call it.
    #[serde(default)]
    label: String,
    /// A disabled key is not used.
    #[serde(default = "yes")]
    enabled: bool,
    /// Its share among the keys.
    #[serde(default = "full")]
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000)))]
    weight: u32,
    /// The only models it is used for; all when none is named.
    #[serde(default)]
    models: Vec<String>,
    /// Requests that it takes at a time.
    #[serde(default)]
    concurrency: Option<u32>,
    /// Requests that it takes a minute.
    #[serde(default)]
    rpm: Option<u32>,
    /// Tokens that it takes a minute.
    #[serde(default)]
    tpm: Option<u32>,
}

fn yes() -> bool {
    true
}

fn full() -> u32 {
    1
}

impl Default for Said {
    fn default() -> Self {
        Self {
            label: String::new(),
            enabled: true,
            weight: 1,
            models: Vec::new(),
            concurrency: None,
            rpm: None,
            tpm: None,
        }
    }
}

#[async_trait]
impl Resource for Said {
    const KIND: Kind = Kind::Key;
    const WORD: &'static str = "key";

    fn check(&self, _: &str) -> Result<()> {
        let wrong = |field: &str, message: &'static str| Err(Error::bad_request(message).at(field));
        if self.label.len() > NAME_BYTES_MAX || self.label.chars().any(char::is_control) {
            return wrong("label", "A label is one short line.");
        }
        if !(1..=1_000_000).contains(&self.weight) {
            return wrong("weight", "A weight goes from 1 to 1000000.");
        }
        let named = |name: &String| !name.is_empty() && name.len() <= MODEL_BYTES_MAX;
        if self.models.len() > PROVIDER_MODELS_MAX || !self.models.iter().all(named) {
            return wrong("models", "These are too many models, or one has no name.");
        }
        if [self.concurrency, self.rpm, self.tpm].contains(&Some(0)) {
            return wrong("enabled", "A limit of 0 would stop the key: disable it instead.");
        }
        Ok(())
    }
}

/// Which keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// Of this provider.
    provider: Option<String>,
    /// Of this generic proxy.
    proxy: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page.
    #[serde(default = "rows")]
    #[cfg_attr(test, schemars(range(min = 1, max = 500)))]
    limit: u32,
}

/// A key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// Its id, which records name.
    id: String,
    /// Counts its changes; the `ETag`. 0 for what is declared.
    version: i64,
    /// Where the configuration declares it, so that it cannot be changed here; null when it can.
    declared_in: Option<&'static str>,
    /// The provider it is for.
    provider: Option<String>,
    /// The generic proxy it is for.
    proxy: Option<String>,
    /// The end of the secret; null when it is too short to show any of it, or cannot be opened.
    last_four: Option<String>,
    /// Whether it opens toward where the provider is now. A key is bound to the origin it was given for: when the
    /// provider moves, its keys are given anew.
    usable: bool,
    /// How it is in this process; null when it is not in use.
    health: Option<Health>,
    #[serde(flatten)]
    said: Said,
}

/// A key in use.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Health {
    /// Requests that use it just now.
    in_flight: u32,
    /// Why it is not asked, and until when, where it is not.
    rest: Option<Rest>,
}

impl Health {
    /// How a key is, by what this process has seen and was told.
    fn of(gateway: &Gateway, parent: &str, key: &str) -> Option<Self> {
        let snapshot = gateway.state.snapshot();
        let provider = snapshot.pools().find(|found| found.id == parent)?;
        let now = gateway.ports.clock.now();
        let KeyView { rests, in_flight } = gateway.state.health.view_key(provider, key, now)?;
        Some(Self { in_flight, rest: rests.map(Rest::from) })
    }
}

/// Declared keys first, then the stored ones by id.
pub(crate) fn list(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let wanted: Wanted = inbound::query(visit.request.uri())?;
        let limit = bounded(wanted.limit)?;
        let parent = wanted.provider.or(wanted.proxy.map(|slug| pool_id(&slug)));
        let declared = owner::declared(gateway).filter(|(_, provider)| {
            wanted.after.is_none() && parent.as_ref().is_none_or(|id| *id == provider.id)
        });
        let mut data: Vec<Shown> =
            declared.map(|(key, provider)| owner::shown(gateway, key, provider)).collect();
        let query = ListQuery { parent, after: wanted.after, limit };
        let documents = gateway.ports.store.list(Kind::Key, &query).await?;
        let next = next(&documents, limit);
        let mut owners = owner::Owners::default();
        for document in documents {
            let owner = owners.find(gateway, &document.parent).await?;
            data.push(show(gateway, Stored::read(document)?, owner.as_ref()));
        }
        write(StatusCode::OK, &Page { data, next })
    })
}

/// One key.
pub(crate) fn get(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let id = visit.param;
        if let Some((key, provider)) = owner::declared(gateway).find(|(key, _)| key.id == id) {
            return write(StatusCode::OK, &owner::shown(gateway, key, provider));
        }
        let found: Stored<Said> = load(gateway, &id).await?;
        let owner = Owner::at(gateway, &found.document.parent).await?;
        one(StatusCode::OK, &show(gateway, found, owner.as_ref()))
    })
}

/// Gives a provider or a proxy a key.
pub(crate) fn create(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let mut fields: Map<String, Value> = inbound::body(visit.request).await?;
        let owner = Owner::named(gateway, &mut fields).await?;
        let secret = take_secret(&mut fields)?
            .ok_or_else(|| Error::bad_request("`secret` is missing.").at("secret"))?;
        let said: Said = inbound::parse(Value::Object(fields).to_string().as_bytes())?;
        said.check("")?;
        owner.check(&said)?;
        let known = owner.secrets(gateway).await?;
        if known.iter().any(|(_, known)| known.expose() == secret.expose()) {
            let message = "This key is there already.";
            return Err(Error::new(crate::error::Kind::Conflict, message).coded("taken"));
        }
        let document = sealed(gateway, &owner, &said, &secret)?;
        let edit = Edit::put(document.clone(), None);
        commit(gateway, &visit.caller, "create key", vec![edit]).await?;
        let made = Stored::read(Document { version: 1, ..document })?;
        one(StatusCode::CREATED, &show(gateway, made, Some(&owner)))
    })
}

/// Changes what a merge patch names; `secret` replaces the secret.
pub(crate) fn patch(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { param: id, caller, request, .. } = visit;
        refuse_declared(gateway, &id)?;
        let condition = Precondition::read(request.headers())?;
        let mut fields: Map<String, Value> = inbound::body(request).await?;
        let secret = take_secret(&mut fields)?;
        let before: Stored<Said> = load(gateway, &id).await?;
        condition.allow(before.document.version)?;
        let said = merged(&before.body, fields)?;
        said.check(&id)?;
        let owner = Owner::at(gateway, &before.document.parent).await?;
        owner.as_ref().map_or(Ok(()), |owner| owner.check(&said))?;
        let mut document = before.saying(&said)?;
        if let Some(secret) = secret {
            let gone = || Error::not_found("What the key is for is not there any more.");
            let owner = owner.as_ref().ok_or_else(gone)?;
            let sealed = seal(gateway, owner, &id, &secret)?;
            document = before.saying_beside(&said, SEALED, sealed.into())?;
        }
        let edit = Edit::put(document.clone(), Some(&before.document));
        commit(gateway, &caller, "change key", vec![edit]).await?;
        let now = Stored::read(Document { version: document.version + 1, ..document })?;
        one(StatusCode::OK, &show(gateway, now, owner.as_ref()))
    })
}

/// Forgets a key.
pub(crate) fn delete(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { param: id, caller, request, .. } = visit;
        refuse_declared(gateway, &id)?;
        let found: Stored<Said> = load(gateway, &id).await?;
        Precondition::read(request.headers())?.allow(found.document.version)?;
        commit(gateway, &caller, "delete key", vec![Edit::delete(&found.document)]).await?;
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

fn refuse_declared(gateway: &Gateway, id: &str) -> Result<()> {
    let found = owner::declared(gateway).find(|(key, _)| key.id == id);
    let place = found.map(|(_, provider)| owner::place(provider));
    place.map_or(Ok(()), |place| Err(locked("key", id, place)))
}

/// Takes the secret out of what was sent.
fn take_secret(fields: &mut Map<String, Value>) -> Result<Option<Secret>> {
    match fields.remove("secret") {
        None => Ok(None),
        Some(Value::String(text)) => secret(&text).map(Some),
        Some(_) => Err(Error::bad_request("`secret` is a text.").at("secret")),
    }
}

/// A secret that fits into a header.
fn secret(text: &str) -> Result<Secret> {
    let text = text.trim();
    let fits = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if text.is_empty() || text.len() > CREDENTIAL_BYTES_MAX || !fits {
        let message = "A key has visible ASCII characters and no white space.";
        return Err(Error::bad_request(message).at("secret"));
    }
    Ok(Secret::new(text.to_owned()))
}

/// A new key's document.
fn sealed(gateway: &Gateway, owner: &Owner, said: &Said, secret: &Secret) -> Result<Document> {
    let now = gateway.ports.clock.now();
    let id = ids::sortable(now, &*gateway.ports.random);
    let document = fresh(&id, &owner.parent, "", said)?;
    let sealed = seal(gateway, owner, &id, secret)?;
    Stored::read(document)?.saying_beside(said, SEALED, sealed.into())
}

fn seal(gateway: &Gateway, owner: &Owner, id: &str, secret: &Secret) -> Result<String> {
    let place = key_place(id, &owner.host);
    gateway.state.vault.seal(secret, &place, &*gateway.ports.random)
}

/// The secret, if it opens toward where its owner is now.
fn open(gateway: &Gateway, key: &Stored<Said>, owner: Option<&Owner>) -> Option<Secret> {
    let sealed = key.extra(SEALED)?.as_str()?;
    let place = key_place(&key.document.id, &owner?.host);
    gateway.state.vault.open(sealed, &place).ok()
}

fn show(gateway: &Gateway, key: Stored<Said>, owner: Option<&Owner>) -> Shown {
    let secret = open(gateway, &key, owner);
    let [provider, proxy] = owner::split(&key.document.parent);
    Shown {
        health: Health::of(gateway, &key.document.parent, &key.document.id),
        provider,
        proxy,
        last_four: secret.as_ref().and_then(last_four),
        usable: secret.is_some(),
        id: key.document.id,
        version: key.document.version,
        declared_in: None,
        said: key.body,
    }
}

/// The end of a secret that is long enough to lose it.
fn last_four(secret: &Secret) -> Option<String> {
    const LONG_ENOUGH: usize = 16;
    let text = secret.expose();
    (text.len() >= LONG_ENOUGH && text.is_ascii()).then(|| text[text.len() - 4..].to_owned())
}

fn one(status: StatusCode, shown: &Shown) -> Result<Response<Body>> {
    Ok(tagged(write(status, shown)?, shown.version))
}
