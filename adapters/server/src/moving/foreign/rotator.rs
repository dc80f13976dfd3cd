//! What has API Key Rotator kept? Two tables, as its models describe them (`internal/models/models.go` of its backend):
//! `proxy_configs`, each an LLM's API or any other, and `api_keys`, which belong to them and are plain.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_core::{Error, Result, identity::Secret, store::sql::Database};

use super::{
    Found, Key, Wish, id_of,
    rows::{Row, table},
};

/// Its words for an API of models, ours, and the path that its clients bring along where ours stands in the base URL.
const FORMATS: [(&str, &str, &str); 4] = [
    ("openai_compatible", "openai_chat", "/v1"),
    ("openai_responses", "openai_responses", "/v1"),
    ("anthropic_native", "anthropic", "/v1"),
    ("gemini_native", "gemini", "/v1beta"),
];

/// Reads everything.
pub(super) async fn read(database: &dyn Database) -> Result<Found> {
    let Some(configs) = table(database, "proxy_configs").await? else {
        let message = "This is no database of API Key Rotator: it has no table `proxy_configs`.";
        return Err(Error::bad_request(message));
    };
    let mut keys: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in table(database, "api_keys").await?.unwrap_or_default() {
        keys.entry(row.text("proxy_config_id").unwrap_or_default()).or_default().push(row);
    }
    let mut found = Found::default();
    for row in &configs {
        let own = row.text("id").and_then(|id| keys.remove(&id)).unwrap_or_default();
        config(row, &own, &mut found);
    }
    let lost: usize = keys.values().map(Vec::len).sum();
    if lost > 0 {
        found.leave(format!("{lost} keys: their configuration is gone."));
    }
    found.leave(
        "GLOBAL_PROXY_KEYS: callers get keys of their own, `tidegate key create --name NAME`.",
    );
    found.leave(
        "the admin's password and JWT_SECRET: they are of its environment, and of no use here.",
    );
    Ok(found)
}

fn config(row: &Row, keys: &[Row], found: &mut Found) {
    let Some(slug) = row.text("slug") else { return };
    let kind = row.text("config_type").unwrap_or_default().to_lowercase();
    let made = match kind.as_str() {
        "llm" => provider(row, &slug),
        "generic" => proxy(row, &slug, keys),
        other => Err(format!("its type `{other}` is not known")),
    };
    let (of, wish) = match made {
        Ok(made) => made,
        Err(why) => return found.leave(format!("configuration {slug}: {why}.")),
    };
    found.wishes.push(wish);
    if !keys.is_empty() {
        let keys = keys.iter().filter_map(key).collect();
        found.wishes.push(Wish::Keys { of, id: id_of(&slug), keys });
    }
    if let Some(format) = row.text("output_format").filter(|format| format != "none") {
        found.leave(format!(
            "configuration {slug}: its output format `{format}` needs no setting: the path that a client asks says it."
        ));
    }
}

type Made = std::result::Result<(&'static str, Wish), String>;

fn provider(row: &Row, slug: &str) -> Made {
    let base = row.text("target_base_url").ok_or("it has no target_base_url")?;
    let format = row.text("api_format").unwrap_or_else(|| "openai_compatible".to_owned());
    let known = FORMATS.iter().find(|(theirs, _, _)| *theirs == format);
    let (_, dialect, path) = known.ok_or(format!("its format `{format}` is not spoken here"))?;
    let body = json!({
        "dialect": dialect,
        "base_url": with_path(&base, path),
        "enabled": row.is("is_active"),
    });
    Ok(("provider", Wish::Put { what: "provider", path: at("providers", slug), body }))
}

/// The path that stands in our base URLs, where theirs has none.
fn with_path(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    let (_, behind) = base.split_once("://").unwrap_or(("", base));
    if behind.contains('/') { base.to_owned() } else { format!("{base}{path}") }
}

fn proxy(row: &Row, slug: &str, keys: &[Row]) -> Made {
    let url = row.text("target_url").ok_or("it has no target_url")?;
    let url = url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_owned();
    let mut body = json!({ "base_url": url, "enabled": row.is("is_active") });
    if let Some(method) = row.text("method") {
        body["methods"] = json!([method.to_uppercase()]);
    }
    let name = row.text("api_key_name");
    let place = row.text("api_key_location").map(|place| place.to_lowercase());
    match (place.as_deref(), name) {
        (_, None) if keys.is_empty() => body["key_in"] = "nowhere".into(),
        (Some("query"), Some(name)) => {
            body["key_in"] = "query".into();
            body["key_name"] = name.into();
        }
        // What stands there is the whole value of the header.
        (Some("header"), Some(name)) if name.eq_ignore_ascii_case("authorization") => {
            if !keys.iter().all(|key| bearer(key).is_some()) {
                return Err("its keys go into `Authorization` in a way of their own".to_owned());
            }
            body["key_in"] = "bearer".into();
        }
        (Some("header"), Some(name)) => {
            body["key_in"] = "header".into();
            body["key_name"] = name.into();
        }
        (other, _) => return Err(format!("where its key goes is not known: {other:?}")),
    }
    Ok(("proxy", Wish::Put { what: "proxy", path: at("proxies", slug), body }))
}

fn at(kind: &str, slug: &str) -> String {
    format!("/api/{kind}/{}", id_of(slug))
}

fn bearer(row: &Row) -> Option<String> {
    let text = row.text("key_value")?;
    text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")).map(str::to_owned)
}

fn key(row: &Row) -> Option<Key> {
    let secret = bearer(row).or_else(|| row.text("key_value"))?;
    let active = row.is("is_active");
    let said = if active { Value::Null } else { json!({ "enabled": false }) };
    Some(Key { secret: Secret::new(secret), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_without_a_path_gets_the_one_that_clients_bring() {
        let check = |base: &str, wanted: &str| assert_eq!(with_path(base, "/v1"), wanted);
        check("https://api.openai.com", "https://api.openai.com/v1");
        check("https://api.openai.com/v1/", "https://api.openai.com/v1");
        check("https://example.cn/api/paas/v4", "https://example.cn/api/paas/v4");
    }
}
