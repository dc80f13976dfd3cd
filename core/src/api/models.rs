//! Which models can be asked for? The list, in the shape that the client's own API has for it.

mod shape;

use std::{collections::BTreeSet, sync::Arc};

use http::{HeaderMap, Response, StatusCode};

use super::write;
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    money::Override,
    provider::{Provider, builtin, catalog},
    route,
    router::Visit,
    snapshot::Snapshot,
};

/// A name that can be asked for.
struct Listed<'a> {
    id: &'a str,
    /// Whose model it is; `None` when it is a group.
    provider: Option<&'a Provider>,
    /// What an administrator has set for it.
    set: Option<&'a Override>,
}

/// Whose a group is, where clients look for the owner of a model.
const OWNER: &str = "tidegate";

/// Every model of every enabled provider and every group that leads to one, each name once.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    let models = models(&view.snapshot, visit.pinned.as_deref());
    match Shape::of(visit.request.headers()) {
        Shape::OpenAi => write(StatusCode::OK, &shape::openai_list(&models)),
        Shape::Anthropic => write(StatusCode::OK, &shape::anthropic_list(&models)),
        Shape::Gemini => write(StatusCode::OK, &shape::gemini_list(&models)),
    }
}

/// One model; `provider/model` works too, as it does in a request.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    let models = models(&view.snapshot, visit.pinned.as_deref());
    let model = find(&models, &visit.param)?;
    match Shape::of(visit.request.headers()) {
        Shape::OpenAi => write(StatusCode::OK, &shape::openai(model)),
        Shape::Anthropic => write(StatusCode::OK, &shape::anthropic(model)),
        Shape::Gemini => write(StatusCode::OK, &shape::gemini(model)),
    }
}

/// The list where only Gemini's clients look for it.
pub(crate) async fn list_gemini(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    write(StatusCode::OK, &shape::gemini_list(&models(&view.snapshot, visit.pinned.as_deref())))
}

/// One model where only Gemini's clients look for it.
pub(crate) async fn get_gemini(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    write(
        StatusCode::OK,
        &shape::gemini(find(&models(&view.snapshot, visit.pinned.as_deref()), &visit.param)?),
    )
}

/// Whose list a client expects.
enum Shape {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Shape {
    /// The three APIs share a path; their clients differ in a header.
    fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else if headers.contains_key("x-goog-api-key") {
            Self::Gemini
        } else {
            Self::OpenAi
        }
    }
}

fn find<'m, 'a>(models: &'m [Listed<'a>], asked: &str) -> Result<&'m Listed<'a>> {
    let named = |model: &&Listed<'_>| {
        let place = model.provider.and_then(|provider| asked.strip_prefix(provider.id.as_str()));
        let prefixed = place.and_then(|rest| rest.strip_prefix('/'));
        model.id == asked || prefixed == Some(model.id)
    };
    models.iter().find(named).ok_or_else(|| {
        Error::not_found(format!("The model `{asked}` does not exist here."))
            .at("model")
            .coded("model_not_found")
    })
}

/// All of them, or those of one provider.
fn models<'a>(snapshot: &'a Snapshot, only: Option<&str>) -> Vec<Listed<'a>> {
    let groups = snapshot.groups.iter().filter(|entry| entry.group.enabled && only.is_none());
    let is_of = |entry: &Arc<route::Entry>, name: &str| {
        snapshot.groups.routing(name).is_some_and(|found| Arc::ptr_eq(found, entry))
    };
    let groups: Vec<&str> = groups
        .filter(|entry| route::serves(snapshot, entry))
        .flat_map(|entry| entry.names().filter(|name| is_of(entry, name)))
        .collect();
    // A request for a name that both have goes to the group.
    let mut seen: BTreeSet<&str> = groups.iter().copied().collect();
    let wanted = |provider: &Provider| only.is_none_or(|only| provider.id == only);
    let enabled = snapshot.providers.iter().filter(|provider| provider.enabled && wanted(provider));
    let all =
        enabled.flat_map(|provider| provider.models.iter().map(move |model| (provider, model)));
    all.filter(|(provider, model)| snapshot.allows(&provider.id, model))
        .filter(|(_, model)| seen.insert(model.as_str()))
        .map(|(provider, model)| Listed {
            id: model,
            provider: Some(provider),
            set: snapshot.set_for(&provider.id, model),
        })
        .chain(groups.iter().map(|id| Listed { id, provider: None, set: None }))
        .collect()
}

impl<'a> Listed<'a> {
    /// Whose it is.
    fn owner(&self) -> &'a str {
        self.provider.map_or(OWNER, |provider| &provider.id)
    }

    /// What the catalogue knows of it, and what was set instead.
    fn known(&self) -> Option<catalog::Model<'a>> {
        let mut known: catalog::Model<'a> =
            catalog::find(builtin::catalog_id(self.provider?), self.id)?;
        if let Some(set) = self.set {
            if !set.display_name.is_empty() {
                known.name = &set.display_name;
            }
            known.context = set.context.or(known.context);
            known.output_max = set.output_max.or(known.output_max);
        }
        Some(known)
    }
}
