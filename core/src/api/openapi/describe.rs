//! How does the document follow from the routes and the types?

mod file;
mod operations;

use std::{collections::BTreeSet, env, fs, path::Path};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{super::problem::Problem, DESCRIPTION};
use crate::router::{Needs, ROUTES, Route};
use operations::operations;

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: Option<Value>,
    body: Option<Value>,
    /// Whether the body may be left out.
    optional: bool,
    status: u16,
    /// Whether it is about the version that was read.
    versioned: bool,
    /// Whether it does nothing unless it is about the version that was read.
    rehearsed: bool,
    answer: Option<(&'static str, Value)>,
}

fn operation(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        summary,
        query: None,
        body: None,
        optional: false,
        status: 200,
        versioned: matches!(method, "PATCH" | "DELETE"),
        rehearsed: false,
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

    fn may_take<T: JsonSchema>(self) -> Self {
        Self { optional: true, ..self.takes::<T>() }
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

    fn unversioned(mut self) -> Self {
        self.versioned = false;
        self
    }

    fn rehearsed(mut self) -> Self {
        self.rehearsed = true;
        self
    }

    fn with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
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
    if operation.versioned || operation.rehearsed || operation.method == "PUT" {
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
    let open = |route: &Route| {
        let same = (route.method.as_str(), route.pattern) == (operation.method, operation.path);
        same && route.needs == Needs::Nothing
    };
    if ROUTES.iter().any(open) {
        described["security"] = json!([]);
    }
    if let Some(schema) = &operation.body {
        described["requestBody"] = json!({
            "required": !operation.optional, "content": { "application/json": { "schema": schema } },
        });
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
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-tidegate" },
            },
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

/// One line for each route: a Worker has no room for white space, and a change still shows where it is.
fn written(document: &Value) -> String {
    let paths = document["paths"].as_object().into_iter().flatten();
    let each = paths.map(|(path, _)| format!("\"{path}\":{{"));
    each.fold(document.to_string(), |text, path| text.replacen(&path, &format!("\n{path}"), 1))
        + "\n"
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the document is a file")]
fn openapi_is_what_the_types_say() {
    let text = written(&document());
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
