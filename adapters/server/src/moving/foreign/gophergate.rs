//! What has `GopherGate` kept? Its SQLite file: providers with their keys, models with their prices, model groups, clients,
//! users and the request log. Columns are looked up by name, for they came with its versions.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_core::{
    Error, Result,
    provider::builtin::BUILTIN,
    store::sql::{Database, Statement, Value as Field},
};

use super::{
    Found, Key, Wish, id_of,
    rows::{Row, count, table},
    sealed::{Opened, Opener, VARIABLE},
};

/// Where a key may stand in a provider's row.
const KEYS: [&str; 4] = ["api_key_encrypted", "encrypted_api_key", "api_key_enc", "api_key"];
/// What a model may cost for a million tokens, and what that is here.
const PRICES: [(&[&str], &str); 4] = [
    (&["prompt_cost_per_m", "input_cost_per_m"], "input"),
    (&["completion_cost_per_m", "output_cost_per_m"], "output"),
    (&["cache_read_cost_per_m"], "cache_read"),
    (&["cache_write_cost_per_m"], "cache_write_5m"),
];
/// Tables of which something is taken, or of which nothing need be said.
const TOLD: [&str; 8] = [
    "provider_configs",
    "model_configs",
    "model_groups",
    "clients",
    "client_tokens",
    "users",
    "llm_requests",
    "sqlite_sequence",
];
const LIST: &str = "SELECT name AS name FROM sqlite_master WHERE type = 'table' ORDER BY name";

/// Reads everything.
pub(super) async fn read(database: &dyn Database, opener: &Opener) -> Result<Found> {
    let mut found = Found::default();
    let mut known = 0;
    if let Some(rows) = table(database, "provider_configs").await? {
        known += 1;
        for row in &rows {
            provider(row, opener, &mut found);
        }
    }
    if let Some(rows) = table(database, "model_configs").await? {
        known += 1;
        for row in &rows {
            model(row, &mut found);
        }
    }
    if let Some(rows) = table(database, "model_groups").await? {
        known += 1;
        for row in &rows {
            group(row, &mut found);
        }
    }
    if let Some(rows) = table(database, "clients").await? {
        known += 1;
        for row in &rows {
            client(row, &mut found);
        }
    }
    if let Some(rows) = table(database, "users").await? {
        known += 1;
        for row in &rows {
            user(row, &mut found);
        }
    }
    if known == 0 {
        return Err(Error::bad_request(
            "This is no database of GopherGate: it has none of its tables.",
        ));
    }
    rest(database, &mut found).await?;
    Ok(found)
}

async fn rest(database: &dyn Database, found: &mut Found) -> Result<()> {
    for (name, why) in [
        (
            "client_tokens",
            "keys of clients have another form here, and each client has got a new one",
        ),
        (
            "llm_requests",
            "what they cost was reckoned another way; the log begins anew, so keep the file",
        ),
    ] {
        if let Some(rows) = count(database, name).await.filter(|rows| *rows > 0) {
            found.leave(format!("{rows} rows of {name}: {why}."));
        }
    }
    let tables = database.read(vec![Statement::new(LIST, Vec::new())]).await?.pop();
    for field in tables.unwrap_or_default().rows.into_iter().flatten() {
        match field {
            Field::Text(name) if !TOLD.contains(&name.as_str()) => {
                found.leave(format!("the table {name}: there is nothing like it here."));
            }
            Field::Text(_) | Field::Null | Field::Int(_) | Field::Real(_) => {}
        }
    }
    Ok(())
}

/// Its ids of providers are ours but for one.
fn provider_id(theirs: &str) -> String {
    match theirs.to_lowercase().as_str() {
        "grok" => "xai".to_owned(),
        "google" => "gemini".to_owned(),
        other => id_of(other),
    }
}

fn provider(row: &Row, opener: &Opener, found: &mut Found) {
    let Some(theirs) = row.any(&["id", "provider_id", "name"]) else { return };
    let id = provider_id(&theirs);
    let builtin = BUILTIN.iter().find(|builtin| builtin.id == id);
    let sealed = KEYS.iter().find_map(|column| row.text(column));
    let base = row.text("base_url").map(|url| url.trim_end_matches('/').to_owned());
    let base = match (base, id.as_str()) {
        (Some(url), "ollama") if !url.ends_with("/v1") => Some(format!("{url}/v1")),
        (Some(url), _) => Some(url),
        (None, _) => builtin.and_then(|builtin| builtin.base_url).map(str::to_owned),
    };
    let Some(base_url) = base else {
        return found.leave(format!("provider {theirs}: it has no base_url."));
    };
    if sealed.is_none() && id != "ollama" {
        found.leave(format!(
            "provider {theirs}: it has no key in the database; set the variable that it had it from here too."
        ));
        return;
    }
    let dialect = builtin.map_or("openai_chat", |builtin| builtin.dialect.name());
    let mut body = json!({
        "dialect": dialect,
        "base_url": base_url,
        "enabled": row.is("enabled"),
    });
    if let Some(models) = row.text("models") {
        let names: Vec<&str> =
            models.split([',', ' ', '"', '[', ']']).filter(|name| !name.is_empty()).collect();
        body["models"] = json!(names);
    }
    let path = format!("/api/providers/{id}");
    found.wishes.push(Wish::Put { what: "provider", path, body });
    match sealed.map(|text| opener.open(&text)) {
        None => {}
        Some(Opened::Secret(secret)) => {
            let key = Key { secret, said: json!({ "label": "GopherGate" }) };
            found.wishes.push(Wish::Keys { of: "provider", id, keys: vec![key] });
        }
        Some(Opened::Shut) => found.leave(format!(
            "the key of provider {theirs}: it is sealed, and {VARIABLE} of this environment does not open it: give it anew."
        )),
    }
    if row.number("credit_balance").is_some() {
        found.leave(format!(
            "the credit of provider {theirs}: budgets are of clients and teams here."
        ));
    }
}

fn model(row: &Row, found: &mut Found) {
    let Some(name) = row.any(&["id", "model_id", "name"]) else { return };
    let provider = row.any(&["provider_id", "provider"]).map(|theirs| provider_id(&theirs));
    let mut price = Map::new();
    for (columns, ours) in PRICES {
        if let Some(cost) = columns.iter().find_map(|column| row.number(column)) {
            price.insert(ours.to_owned(), cost.to_string().into());
        }
    }
    if let Some(other) = row.text("mapping").filter(|other| *other != name) {
        found.leave(format!(
            "the name `{name}` for the model `{other}`: make a group of that name with this target."
        ));
        return;
    }
    let enabled = row.is("enabled");
    if price.is_empty() && enabled {
        return;
    }
    let mut body = json!({ "enabled": enabled });
    if !price.is_empty() {
        body["price"] = Value::Object(price);
    }
    if let Some(called) = row.text("display_name") {
        body["display_name"] = called.into();
    }
    let id = provider.map_or_else(|| name.clone(), |provider| format!("{provider}/{name}"));
    found.wishes.push(Wish::Put { what: "model", path: format!("/api/models/{id}"), body });
}

/// One of `heuristic_rules`.
#[derive(Deserialize)]
struct Rule {
    pattern: String,
    target: usize,
    #[serde(default)]
    case_sensitive: bool,
}

/// What its heuristic groups look for where they have no rules of their own: such a request goes to the last target.
const HARD: [&str; 10] = [
    "step by step",
    "explain in detail",
    "reason through",
    "think carefully",
    "analyze",
    "debug",
    "write code",
    "implement",
    "refactor",
    "architecture",
];

fn group(row: &Row, found: &mut Found) {
    let Some(id) = row.text("id") else { return };
    let targets: Vec<String> =
        row.text("targets").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let Some(first) = targets.first() else {
        return found.leave(format!("group {id}: it has no targets."));
    };
    let named = |target: &String| json!({ "name": target });
    let mut body = json!({
        "targets": targets.iter().map(named).collect::<Vec<_>>(),
        "primary_use": row.text("primary_use").unwrap_or_default(),
    });
    if let Some(level) = row.whole("logic_level") {
        body["logic_level"] = level.into();
    }
    if row.text("strategy").as_deref() == Some("classifier") {
        let Some(model) = row.text("selector_model") else {
            return found.leave(format!("group {id}: it names no model that rates requests."));
        };
        let usual = u32::try_from(targets.len()).unwrap_or(2);
        let scale = row.whole("complexity_threshold").unwrap_or(usual).max(2);
        body["strategy"] = "classifier".into();
        body["classifier"] = json!({ "model": model, "scale": scale });
    } else {
        body["strategy"] = "heuristic".into();
        body["default_target"] = first.as_str().into();
        body["rules"] = rules(row, &id, &targets, found);
    }
    if id_of(&id) != id {
        body["aliases"] = json!([id]);
    }
    let path = format!("/api/groups/{}", id_of(&id));
    found.wishes.push(Wish::Put { what: "group", path, body });
}

fn rules(row: &Row, id: &str, targets: &[String], found: &mut Found) -> Value {
    let own: Vec<Rule> = row
        .text("heuristic_rules")
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    if own.iter().any(|rule| rule.case_sensitive) {
        found.leave(format!("group {id}: that some of its words mind capitals; here none does."));
    }
    let mut rules = Vec::new();
    for Rule { pattern, target, .. } in own {
        match targets.get(target) {
            Some(target) => rules.push(json!({ "target": target, "keywords": [pattern] })),
            None => found.leave(format!("a rule of group {id}: it has no target {target}.")),
        }
    }
    if let (true, Some(last)) = (targets.len() > 1, targets.last()) {
        rules.push(json!({ "target": last, "keywords": HARD }));
    }
    rules.into()
}

fn client(row: &Row, found: &mut Found) {
    let Some(name) = row.any(&["name", "client_id", "id"]) else { return };
    let mut body = json!({ "name": name, "enabled": row.is("is_active") });
    if let Some(requests) = row.whole("rate_limit_per_minute") {
        body["limits"] = json!([{ "requests": requests, "per": "minute" }]);
    }
    found.wishes.push(Wish::Client { name, body });
}

fn user(row: &Row, found: &mut Found) {
    let Some(name) = row.any(&["username", "name"]) else { return };
    let role = match row.text("role").as_deref() {
        Some("admin" | "administrator") => "admin",
        _ => "viewer",
    };
    found.wishes.push(Wish::User { name, role });
}
