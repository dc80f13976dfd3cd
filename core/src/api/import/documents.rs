//! What would a file do to settings, providers, models, groups and proxies? Each is read as if it were put by itself.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Rows,
    plan::{Plan, Row, kept},
};
use crate::{
    api::{
        document::{Resource, Stored, fresh, merged, object},
        groups, inbound, keys,
        overrides::Model,
        providers::Body as Provider,
        settings as set,
    },
    error::Result,
    gateway::Gateway,
    provider::Host,
    proxy::{KeyIn, Proxy, pool_id},
    route::{Entry, Group},
    settings::ID,
    store::Kind,
};

/// The settings that the file names; the others stay.
pub(super) async fn settings(
    gateway: &Gateway,
    mut said: Map<String, Value>,
    plan: &mut Plan,
) -> Result<()> {
    const DECLARED: &str = "retention_days";
    let (_, before, current) = set::load(gateway).await?;
    if gateway.state.config.retention_days.is_some() && said.remove(DECLARED).is_some() {
        plan.leave(Kind::Setting, DECLARED, set::PLACE);
    }
    let read = merged(&current, said).and_then(|settings| settings.check(ID).map(|()| settings));
    let Some(settings) = plan.right("settings", read)? else { return Ok(()) };
    let document = match &before {
        Some(before) => before.saying(&settings)?,
        None => fresh(ID, "", ID, &settings)?,
    };
    let (was, is) = (object(&current)?, object(&settings)?);
    if before.is_none() && was == is {
        return Ok(());
    }
    plan.put(document, &is, before.as_ref().map(|before| (&before.document, &was)));
    Ok(())
}

pub(super) async fn providers(gateway: &Gateway, rows: Rows, plan: &mut Plan) -> Result<()> {
    for Planned { id, before, body, .. } in
        all::<Provider>(gateway, "providers", rows, plan).await?
    {
        if body.base_url() != "echo:" {
            let before = before.as_ref().map(Provider::base_url);
            keys_for::<Provider>(gateway, &id, &id, (before, body.base_url()), plan).await?;
        }
    }
    Ok(())
}

pub(super) async fn proxies(gateway: &Gateway, rows: Rows, plan: &mut Plan) -> Result<()> {
    for Planned { id, before, body, .. } in all::<Proxy>(gateway, "proxies", rows, plan).await? {
        if body.key_in != KeyIn::Nowhere {
            let before = before.as_ref().map(|before| before.base_url.as_str());
            keys_for::<Proxy>(gateway, &id, &pool_id(&id), (before, &body.base_url), plan).await?;
        }
    }
    Ok(())
}

pub(super) async fn models(gateway: &Gateway, rows: Rows, plan: &mut Plan) -> Result<()> {
    all::<Model>(gateway, "models", rows, plan).await.map(drop)
}

/// Groups lead to each other, so that they are looked at together once each has been read.
pub(super) async fn groups(gateway: &Gateway, rows: Rows, plan: &mut Plan) -> Result<()> {
    let planned = all::<Group>(gateway, "groups", rows, plan).await?;
    let mut together: Vec<Arc<Entry>> = gateway.state.config.groups.clone();
    for (id, document) in kept(gateway, Kind::Group).await? {
        if planned.iter().all(|planned| planned.id != id) {
            together.push(Arc::new(Entry::new(&id, Stored::<Group>::read(document)?.body)));
        }
    }
    let new = planned.iter().map(|planned| Arc::new(Entry::new(&planned.id, planned.body.clone())));
    together.extend(new);
    for Planned { place, id, .. } in &planned {
        plan.right(place, groups::check_among(&together, id))?;
    }
    Ok(())
}

/// One that the file brings.
struct Planned<T> {
    place: String,
    id: String,
    before: Option<T>,
    body: T,
}

/// Plans all of a kind, and gives back those that are right by themselves and not declared.
async fn all<T: Resource>(
    gateway: &Gateway,
    list: &str,
    rows: Rows,
    plan: &mut Plan,
) -> Result<Vec<Planned<T>>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut kept = kept(gateway, T::KIND).await?;
    let declared = T::declared(gateway);
    let mut planned = Vec::new();
    for Row { place, id, said } in plan.rows(list, rows)? {
        if let Some(declared) = declared.iter().find(|declared| declared.id == id) {
            plan.leave(T::KIND, &id, declared.place);
            continue;
        }
        let Some(body) = plan.right(&place, read::<T>(&id, said))? else { continue };
        let before = kept.remove(&id).map(Stored::<T>::read).transpose()?;
        let after = object(&body)?;
        let before = match before {
            None => {
                plan.put(fresh(&id, "", &id, &body)?, &after, None);
                None
            }
            Some(before) => {
                let was = object(&before.body)?;
                plan.put(before.saying(&body)?, &after, Some((&before.document, &was)));
                Some(before.body)
            }
        };
        planned.push(Planned { place, id, before, body });
    }
    Ok(planned)
}

fn read<T: Resource>(id: &str, said: Map<String, Value>) -> Result<T> {
    T::check_id(id)?;
    let body: T = inbound::parse(Value::Object(said).to_string().as_bytes())?;
    body.check(id)?;
    Ok(body)
}

/// Says that keys are to be given: one that is new has none, and one that has moved has keys for another host.
async fn keys_for<T: Resource>(
    gateway: &Gateway,
    id: &str,
    pool: &str,
    (before, after): (Option<&str>, &str),
    plan: &mut Plan,
) -> Result<()> {
    let origin = |url: &str| Host::parse(url).map(|host| host.origin());
    let Some(before) = before else {
        plan.miss(T::KIND, id, id, "It has no key yet: add one below Keys.");
        return Ok(());
    };
    if origin(before)? != origin(after)? && !keys::of(gateway, pool).await?.is_empty() {
        plan.miss(T::KIND, id, id, "It has moved: its keys work again once they are given anew.");
    }
    Ok(())
}
