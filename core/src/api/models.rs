//! Which models can be asked for? The list that SDKs know.

use std::collections::BTreeSet;

use http::{Response, StatusCode};
use serde::Serialize;

use super::write;
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    router::Visit,
    snapshot::Snapshot,
};

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

/// Every model of every enabled provider, each name once.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    write(StatusCode::OK, &List { object: "list", data: models(&view.snapshot) })
}

/// One model; `provider/model` works too, as it does in a request.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    let asked = visit.param.as_str();
    let named = |model: &&Model<'_>| {
        let prefixed = asked.strip_prefix(model.owned_by).and_then(|rest| rest.strip_prefix('/'));
        model.id == asked || prefixed == Some(model.id)
    };
    let models = models(&view.snapshot);
    let Some(model) = models.iter().find(named) else {
        return Err(Error::not_found(format!("The model `{asked}` does not exist here."))
            .at("model")
            .coded("model_not_found"));
    };
    write(StatusCode::OK, model)
}

fn models(snapshot: &Snapshot) -> Vec<Model<'_>> {
    let mut seen = BTreeSet::new();
    let enabled = snapshot.providers.iter().filter(|provider| provider.enabled);
    let all =
        enabled.flat_map(|provider| provider.models.iter().map(move |model| (provider, model)));
    all.filter(|(_, model)| seen.insert(model.as_str()))
        .map(|(provider, model)| Model {
            id: model,
            object: "model",
            created: 0,
            owned_by: &provider.id,
        })
        .collect()
}
