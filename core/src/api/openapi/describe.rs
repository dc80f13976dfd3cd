//! Which operations are there, with which types? A line for each route of `/api`; the document follows from them.

use std::{collections::BTreeSet, env, fs, path::Path};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    super::{
        Page, Paging, audit, bodies, clients, document::Shown, export, groups::Group, health, keys,
        overrides::Model, overview, policy, prices, problem::Problem, providers::Body as Provider,
        proxies::Proxy, records, settings as set, stats, system, teams,
    },
    DESCRIPTION,
};
use crate::{budget::Policy, ports::Millis, router::ROUTES, settings::Settings};

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
struct NewTeam {
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

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: Option<Value>,
    body: Option<Value>,
    status: u16,
    /// Whether it is about the version that was read.
    versioned: bool,
    answer: Option<(&'static str, Value)>,
}

fn operation(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        summary,
        query: None,
        body: None,
        status: 200,
        versioned: matches!(method, "PATCH" | "DELETE"),
        answer: None,
    }
}

impl Operation {
    fn asks<T: JsonSchema>(mut self) -> Self {
        self.query = Some(taken::<T>());
        self
    }

    fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(taken::<T>());
        self
    }

    fn patches<T: JsonSchema>(mut self) -> Self {
        self.body = Some(patch(taken::<T>()));
        self
    }

    fn gives<T: JsonSchema>(mut self) -> Self {
        self.answer = Some(("application/json", given::<T>()));
        self
    }

    fn gives_text(mut self, kind: &'static str) -> Self {
        self.answer = Some((kind, json!({ "type": "string" })));
        self
    }

    fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }

    fn with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

fn operations() -> Vec<Operation> {
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
        operation("GET", "/api/records", "The request log, newest first")
            .asks::<records::Wanted>()
            .gives::<Page<records::Shown<'static>>>(),
        operation("GET", "/api/records/export", "The request log as CSV or as lines of JSON")
            .asks::<export::Wanted>()
            .gives_text("text/csv"),
        operation("GET", "/api/records/{id}", "A request").gives::<records::Shown<'static>>(),
        operation("GET", "/api/records/{id}/bodies", "What was said, where that is captured")
            .gives::<bodies::Shown>(),
        operation("GET", "/api/settings", "How the gateway is set").gives::<set::Shown>(),
        operation("PATCH", "/api/settings", "Set the gateway")
            .patches::<Settings>()
            .gives::<set::Shown>(),
        operation("GET", "/api/stats", "Sums by time and group")
            .asks::<stats::Wanted>()
            .gives::<stats::Shown>(),
        operation("GET", "/api/overview", "Sums for a first look").gives::<overview::Shown>(),
        operation("GET", "/api/health", "How providers are").gives::<health::Shown>(),
        operation("GET", "/api/system", "How this process and its machine are")
            .gives::<system::Shown>(),
        operation("GET", "/api/openapi.json", "This description").gives::<Map<String, Value>>(),
    ];
    all.extend(callers());
    all.extend(documents::<Provider>(["/api/providers", "/api/providers/{id}"], "provider"));
    all.extend(documents::<Group>(["/api/groups", "/api/groups/{id}"], "group"));
    all.extend(documents::<Proxy>(["/api/proxies", "/api/proxies/{id}"], "generic proxy"));
    all.extend(documents::<Model>(["/api/models", "/api/models/{id*}"], "model's overrides"));
    all
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

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut value = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Value::Object(fields) = &mut value {
        fields.remove("title");
    }
    value
}

/// What a request may say.
fn taken<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12())
}

/// What an answer says. It may say more one day, so nothing is excluded.
fn given<T: JsonSchema>() -> Value {
    let mut value = schema::<T>(SchemaSettings::draft2020_12().for_serialize());
    open(&mut value);
    value
}

fn open(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["additionalProperties", "unevaluatedProperties"] {
                if fields.get(name) == Some(&Value::Bool(false)) {
                    fields.remove(name);
                }
            }
            fields.values_mut().for_each(open);
        }
        Value::Array(items) => items.iter_mut().for_each(open),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A merge patch: nothing is needed, null takes a field back, and an object within is patched as well.
fn patch(mut schema: Value) -> Value {
    let Value::Object(fields) = &mut schema else { return schema };
    fields.remove("required");
    if let Some(choices) = fields.get_mut("anyOf").and_then(Value::as_array_mut) {
        for choice in choices {
            *choice = patch(choice.take());
        }
    }
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        *property = json!({ "anyOf": [patch(property.take()), { "type": "null" }] });
    }
    schema
}

/// The parameters of a query: a parameter is there or not, but never null.
fn parameters(schema: &Value) -> Vec<Value> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let parameter = |(name, property): (&String, &Value)| {
        let mut property = property.clone();
        let description = property["description"].take();
        if let Value::Object(fields) = &mut property {
            fields.remove("description");
            if let Some(Value::Array(kinds)) = fields.get("type") {
                let kind = kinds.iter().find(|kind| **kind != json!("null")).cloned();
                fields.insert("type".to_owned(), kind.unwrap_or_default());
            }
        }
        json!({ "name": name, "in": "query", "description": description, "schema": property })
    };
    properties.map(parameter).collect()
}

fn header(name: &str, needed: bool, pattern: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "header", "required": needed, "description": description,
        "schema": { "type": "string", "pattern": pattern },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut parameters = operation.query.as_ref().map(parameters).unwrap_or_default();
    if operation.path.contains('{') {
        let description =
            if operation.path.contains("*}") { "Its id; may hold slashes." } else { "Its id." };
        let id = json!({ "type": "string", "minLength": 1, "maxLength": 128 });
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "description": description, "schema": id,
        }));
    }
    let version = "The `ETag` of the version that is changed, or `*`.";
    if operation.versioned || operation.method == "PUT" {
        let needed = operation.versioned;
        parameters.push(header("If-Match", needed, r#"^(\*|"[0-9]{1,18}")$"#, version));
    }
    if operation.method == "PUT" {
        let absent = "`*`: only where nothing is there.";
        parameters.push(header("If-None-Match", false, r"^\*$", absent));
    }
    let mut answers = Map::new();
    let mut statuses = vec![operation.status];
    if operation.method == "PUT" {
        statuses.push(201);
    }
    for status in statuses {
        let mut answer = json!({ "description": "Done." });
        if let Some((kind, schema)) = &operation.answer {
            answer["content"] = json!({ *kind: { "schema": schema } });
            if *kind == "text/csv" {
                answer["content"]["application/jsonl"] = json!({ "schema": { "type": "string" } });
            }
        }
        answers.insert(status.to_string(), answer);
    }
    answers.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    let mut described = json!({
        "summary": operation.summary,
        "operationId": operation_id(operation),
        "tags": [operation.path.split('/').nth(2).unwrap_or_default().trim_end_matches(".json")],
        "responses": answers,
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(schema) = &operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    described
}

fn operation_id(operation: &Operation) -> String {
    let words = operation.path.trim_start_matches("/api/").replace(['{', '}', '*'], "");
    let words = words.replace(['/', '.'], "_");
    format!("{}_{words}", operation.method.to_lowercase())
}

fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = operation.path.replace("*}", "}");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[operation.method.to_lowercase()] = describe(&operation);
    }
    let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidegate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of the dashboard and of programs. Times are milliseconds since 1970, costs nano-dollars. \
                Reading needs the role viewer, changes and keys the role admin.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": given::<Problem<'static>>() },
            "responses": {
                "Problem": {
                    "description": "What is wrong, as RFC 9457 has it.",
                    "content": { "application/problem+json": problem },
                },
            },
        },
    })
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<String> =
        operations().iter().map(|op| format!("{} {}", op.method, op.path)).collect();
    let routes: BTreeSet<String> = ROUTES
        .iter()
        .filter(|route| route.pattern.starts_with("/api/"))
        .map(|route| format!("{} {}", route.method, route.pattern))
        .collect();
    let differing: Vec<_> = described.symmetric_difference(&routes).collect();
    assert!(differing.is_empty(), "in one of the two only: {differing:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the document is a file")]
fn openapi_is_what_the_types_say() {
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if env::var_os("UPDATE").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/openapi.json");
        fs::write(file, text).unwrap();
        return;
    }
    assert!(
        text == DESCRIPTION,
        "run `UPDATE=1 cargo test -p tidegate-core openapi` and look at the difference"
    );
}
