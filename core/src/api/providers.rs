//! Which providers are there? Shown without their secrets; what is declared is locked.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{Page, write};
use crate::{
    error::Result,
    gateway::Gateway,
    http::Body,
    provider::{Host, Provider, Source},
    router::Visit,
};

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    dialect: &'static str,
    base_url: &'a str,
    key_ids: Vec<&'a str>,
    models: &'a [String],
    enabled: bool,
    source: &'static str,
    locked: bool,
}

/// All providers, in the order they are looked through.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let view = gateway.view(&*visit.call.background).await;
    let data = view.snapshot.providers.iter().map(|provider| show(provider)).collect();
    write(StatusCode::OK, &Page { data, next: None })
}

fn show(provider: &Provider) -> Shown<'_> {
    let (source, locked) = match provider.source {
        Source::File => ("file", true),
        Source::Environment => ("environment", true),
        Source::Database => ("database", false),
    };
    Shown {
        id: &provider.id,
        dialect: provider.dialect.name(),
        base_url: match &provider.host {
            Host::Echo => "echo:",
            Host::Url(url) => url,
        },
        key_ids: provider.keys.iter().map(|key| key.id.as_str()).collect(),
        models: &provider.models,
        enabled: provider.enabled,
        source,
        locked,
    }
}
