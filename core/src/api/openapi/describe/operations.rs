//! Which operations are there, with which types? A line for each route of `/api`.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{Operation, file::File, operation};
use crate::{
    api::{
        Page, Paging, audit, backup, bodies, clients, document::Shown, export, health, import,
        keys, overrides::Model, overview, policy, prices, providers::Body as Provider, records,
        secret, session, sessions, settings as set, simulate, stats, system, teams, users,
    },
    budget::Policy,
    live::Told,
    ports::Millis,
    proxy::Proxy,
    relay::explain::Explanation,
    route::Group,
    settings::Settings,
};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![
        operation("GET", "/api/audit", "Who changed what")
            .asks::<audit::Wanted>()
            .gives::<Page<audit::Shown>>(),
        operation("GET", "/api/prices", "The prices in force, and a page of models with theirs")
            .asks::<prices::Paging>()
            .gives::<prices::Shown<'static>>(),
        operation("POST", "/api/prices/refresh", "Fetch newer prices")
            .gives::<prices::Shown<'static>>(),
        operation("POST", "/api/prices/recompute", "Price a batch of records again")
            .takes::<prices::Wanted>()
            .gives::<prices::Done>(),
        operation("POST", "/api/simulate", "Where a request would go, without asking anybody")
            .takes::<simulate::Wanted>()
            .gives::<Explanation>(),
        operation("GET", "/api/keys", "Upstream keys without their secrets")
            .asks::<keys::Wanted>()
            .gives::<Page<keys::Shown>>(),
        operation("POST", "/api/keys", "Give a provider or a proxy a key")
            .takes::<NewKey>()
            .gives::<keys::Shown>()
            .with(201),
        operation("POST", "/api/keys/import", "Give a provider or a proxy many keys")
            .takes::<NewKeys>()
            .gives::<keys::Imported>()
            .with(201),
        operation("GET", "/api/keys/{id}", "A key").gives::<keys::Shown>(),
        operation("PATCH", "/api/keys/{id}", "Change a key")
            .patches::<ChangedKey>()
            .gives::<keys::Shown>(),
        operation("DELETE", "/api/keys/{id}", "Forget a key").with(204),
        operation("POST", "/api/keys/{id}/test", "Ask a provider whether a key of it is good")
            .takes::<keys::Test>()
            .gives::<keys::Tested>(),
        operation("GET", "/api/settings", "How the gateway is set").gives::<set::Shown>(),
        operation("PATCH", "/api/settings", "Set the gateway")
            .patches::<Settings>()
            .gives::<set::Shown>(),
        operation("POST", "/api/import", "What a configuration would do; does it with `If-Match`")
            .takes::<File>()
            .gives::<import::Told>()
            .rehearsed(),
        operation("GET", "/api/stats", "Sums by time and group")
            .asks::<stats::Wanted>()
            .gives::<stats::Shown>(),
        operation("GET", "/api/overview", "Sums for a first look").gives::<overview::Shown>(),
        operation("GET", "/api/health", "How providers are").gives::<health::Shown>(),
        operation("GET", "/api/system", "How this process and its machine are")
            .gives::<system::Shown>(),
        operation("GET", "/api/openapi.json", "This description").gives::<Map<String, Value>>(),
    ];
    all.extend(requests());
    all.extend(callers());
    all.extend(people());
    all.extend(documents::<Provider>(["/api/providers", "/api/providers/{id}"], "provider"));
    all.extend(documents::<Group>(["/api/groups", "/api/groups/{id}"], "group"));
    all.extend(documents::<Proxy>(["/api/proxies", "/api/proxies/{id}"], "generic proxy"));
    all.extend(documents::<Model>(["/api/models", "/api/models/{id*}"], "model's overrides"));
    all
}

/// What was asked.
fn requests() -> Vec<Operation> {
    vec![
        operation("GET", "/api/records", "The request log, newest first")
            .asks::<records::Wanted>()
            .gives::<Page<records::Shown<'static>>>(),
        operation("GET", "/api/live", "Requests as they end, over a WebSocket")
            .gives::<Told<'static>>()
            .with(101),
        operation("GET", "/api/records/export", "The request log as CSV or as lines of JSON")
            .asks::<export::Wanted>()
            .gives_text("text/csv"),
        operation("GET", "/api/records/{id}", "A request").gives::<records::Shown<'static>>(),
        operation("GET", "/api/records/{id}/bodies", "What was said, where that is captured")
            .gives::<bodies::Shown>(),
    ]
}

/// Who may use the dashboard.
fn people() -> Vec<Operation> {
    vec![
        operation("POST", "/api/setup", "Choose a password with a one-time link")
            .takes::<session::Chosen>()
            .gives::<session::Shown<'static>>(),
        operation("POST", "/api/session", "Sign in")
            .takes::<session::SignIn>()
            .gives::<session::Shown<'static>>(),
        operation("GET", "/api/session", "Who is signed in").gives::<session::Shown<'static>>(),
        operation("DELETE", "/api/session", "Sign out everywhere").with(204).unversioned(),
        operation("GET", "/api/sessions", "One's own sessions").gives::<sessions::List>(),
        operation("DELETE", "/api/sessions/{id}", "End a session of one's own")
            .with(204)
            .unversioned(),
        operation("POST", "/api/session/password", "Change one's password")
            .takes::<session::Changed>()
            .gives::<session::Shown<'static>>(),
        operation("GET", "/api/users", "All users")
            .asks::<Paging>()
            .gives::<Page<users::Shown<'static>>>(),
        operation("POST", "/api/users", "Make a user and their link")
            .takes::<users::Made>()
            .gives::<users::Shown<'static>>()
            .with(201),
        operation("GET", "/api/users/{id}", "A user").gives::<users::Shown<'static>>(),
        operation("PATCH", "/api/users/{id}", "Change a user")
            .takes::<users::Changed>()
            .gives::<users::Shown<'static>>(),
        operation("DELETE", "/api/users/{id}", "Delete a user").with(204),
        operation("POST", "/api/users/{id}/reset", "End a user's sessions and take the password")
            .may_take::<users::Reset>()
            .gives::<users::Shown<'static>>(),
        operation("POST", "/api/backup", "Copy the database file, beside it")
            .gives::<backup::Made>()
            .with(201),
        operation("POST", "/api/secret/rotate", "Seal anew what older root secrets have sealed")
            .may_take::<secret::Wanted>()
            .gives::<secret::Done>(),
    ]
}

/// Who may call, and within which limits.
fn callers() -> Vec<Operation> {
    vec![
        operation("GET", "/api/clients", "All clients")
            .asks::<Paging>()
            .gives::<Page<clients::Shown>>(),
        operation("POST", "/api/clients", "Make a client and its key")
            .takes::<NewClient>()
            .gives::<clients::Created<'static>>()
            .with(201),
        operation("GET", "/api/clients/{id}", "A client").gives::<clients::Shown>(),
        operation("PATCH", "/api/clients/{id}", "Change a client")
            .patches::<ChangedClient>()
            .gives::<clients::Shown>(),
        operation("DELETE", "/api/clients/{id}", "End a client").with(204),
        operation("POST", "/api/clients/{id}/rotate", "Give a client another key")
            .takes::<clients::Rotation>()
            .gives::<clients::Rotated<'static>>()
            .versioned(),
        operation("GET", "/api/clients/{id}/spending", "What a client has used of its limits")
            .gives::<policy::Spending>(),
        operation("GET", "/api/teams", "All teams")
            .asks::<Paging>()
            .gives::<Page<teams::Shown<'static>>>(),
        operation("POST", "/api/teams", "Make a team")
            .takes::<NewTeam>()
            .gives::<teams::Shown<'static>>()
            .with(201),
        operation("GET", "/api/teams/{id}", "A team").gives::<teams::Shown<'static>>(),
        operation("PATCH", "/api/teams/{id}", "Change a team")
            .patches::<ChangedTeam>()
            .gives::<teams::Shown<'static>>(),
        operation("DELETE", "/api/teams/{id}", "Delete an empty team").with(204),
        operation("GET", "/api/teams/{id}/spending", "What a team has used of its limits")
            .gives::<policy::Spending>(),
    ]
}

fn documents<T: JsonSchema>([all, one]: [&'static str; 2], word: &str) -> [Operation; 5] {
    let say = |text: &str| -> &'static str { format!("{text}: {word}").leak() };
    [
        operation("GET", all, say("List")).asks::<Paging>().gives::<Page<Shown<T>>>(),
        operation("GET", one, say("Read")).gives::<Shown<T>>(),
        operation("PUT", one, say("Make or replace")).takes::<T>().gives::<Shown<T>>(),
        operation("PATCH", one, say("Change by a merge patch")).patches::<T>().gives::<Shown<T>>(),
        operation("DELETE", one, say("Delete")).with(204),
    ]
}

/// A client to be made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct NewClient {
    /// What people call it; unique.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// When its key ends, from now on; `expires_at_ms` unless said.
    #[schemars(range(min = 1))]
    expires_in_ms: Option<Millis>,
    /// The team it is in.
    team: Option<String>,
    /// Whether its requests must say nothing that is lost on the way.
    strict: Option<bool>,
    #[schemars(flatten)]
    policy: Policy,
}

/// What may change of a client.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct ChangedClient {
    /// What people call it; unique.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// The team it is in.
    team: String,
    /// Whether its requests must say nothing that is lost on the way.
    strict: bool,
    #[schemars(flatten)]
    policy: Policy,
}

/// A team to be made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
pub(super) struct NewTeam {
    /// Letters, digits, `-`, `_` and `.`.
    #[schemars(length(min = 1, max = 64))]
    id: String,
    /// What people call it; its id unless said.
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// The team above it; at the top unless said.
    parent: Option<String>,
    #[schemars(flatten)]
    policy: Policy,
}

/// What may change of a team.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct ChangedTeam {
    /// What people call it.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// The team above it.
    parent: String,
    #[schemars(flatten)]
    policy: Policy,
}

/// A key to be made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct NewKey {
    /// The provider it is for; this or `proxy`.
    provider: Option<String>,
    /// The generic proxy it is for.
    proxy: Option<String>,
    /// What is kept encrypted and never shown: visible ASCII characters.
    secret: String,
    #[schemars(flatten)]
    said: keys::Said,
}

/// What may change of a key.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct ChangedKey {
    /// Replaces the secret.
    secret: String,
    #[schemars(flatten)]
    said: keys::Said,
}

/// Many keys to be made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is all that is wanted")]
struct NewKeys {
    /// The provider they are for; this or `proxy`.
    provider: Option<String>,
    /// The generic proxy they are for.
    proxy: Option<String>,
    /// One key a line; empty lines and those that begin with `#` are passed over. This or `keys`.
    text: Option<String>,
    /// The keys as a list.
    keys: Option<Vec<String>>,
}
