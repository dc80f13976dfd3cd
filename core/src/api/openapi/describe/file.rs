//! What does the file look like in which a configuration comes in?

use schemars::JsonSchema;

use super::operations::NewTeam;
use crate::{
    api::{overrides::Model, providers::Body as Provider},
    budget::Policy,
    ports::Millis,
    proxy::Proxy,
    route::Group,
    settings::Settings,
};

/// What is configured, as one file. What it does not name stays as it is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
pub(super) struct File {
    /// The form of the file.
    #[schemars(range(min = 1, max = 1))]
    tidegate: u32,
    /// When it was made; only for people.
    exported_at: Option<String>,
    /// Settings that are set.
    settings: Option<Settings>,
    /// Hosts that answer, without their keys.
    #[schemars(default)]
    providers: Vec<Named<Provider>>,
    /// What is set for models.
    #[schemars(default)]
    models: Vec<Named<Model>>,
    /// Routed model names.
    #[schemars(default)]
    groups: Vec<Named<Group>>,
    /// Generic proxies, without their keys.
    #[schemars(default)]
    proxies: Vec<Named<Proxy>>,
    /// Teams.
    #[schemars(default)]
    teams: Vec<NewTeam>,
    /// Clients, without their keys.
    #[schemars(default)]
    clients: Vec<Kept>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct Named<T> {
    /// Its id.
    #[schemars(length(min = 1, max = 256))]
    id: String,
    #[schemars(flatten)]
    body: T,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct Kept {
    /// The public id of its key.
    #[schemars(length(min = 10, max = 10))]
    id: String,
    /// What people call it; unique.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// When it was made.
    created_at_ms: Option<Millis>,
    /// The team it is in.
    team: Option<String>,
    /// Whether its requests must say nothing that is lost on the way.
    strict: Option<bool>,
    #[schemars(flatten)]
    policy: Policy,
}
