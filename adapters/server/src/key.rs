//! What do the `tidegate key` commands do?

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tidegate_core::{
    Body, Error, Result,
    config::{Config, RootSecret},
    identity::{Issued, Vault},
    limits::PAGE_ROWS_MAX,
    ports::{Clock, Millis, millis},
    store::{Audit, Change, sql::script},
};
use tidegate_native::{OsRandom, SystemClock};

use crate::{
    admin::Admin,
    cli::{Create, Form, Key},
    console::say,
    data::Data,
};

/// Runs one.
pub(crate) async fn run(key: Key, config: Config) -> Result<()> {
    if let Key::Create(create) = &key {
        match create.form() {
            Form::Stored => {}
            Form::Sql => return print_sql(create, &config),
            Form::Toml => return print_toml(create, &config),
        }
    }
    let admin = Admin::find(config).await?;
    let done = match key {
        Key::Create(create) => store(&create, &admin).await,
        Key::List => list(&admin).await,
        Key::Rotate { client, grace } => rotate(&client, grace, &admin).await,
        Key::Revoke { id } => revoke(&id, &admin).await,
    };
    admin.close().await;
    done
}

async fn store(create: &Create, admin: &Admin) -> Result<()> {
    let expires = create.expires.map(millis);
    let wanted = json!({ "name": create.name, "expires_in_ms": expires, "strict": create.strict });
    let created = admin.ask(Method::POST, "/api/clients", Body::from(wanted.to_string())).await?;
    say(created["key"].as_str().unwrap_or_default());
    Ok(())
}

async fn list(admin: &Admin) -> Result<()> {
    let mut after = String::new();
    loop {
        let path = format!("/api/clients?limit={PAGE_ROWS_MAX}{after}");
        let page = admin.ask(Method::GET, &path, Body::empty()).await?;
        page["data"].as_array().into_iter().flatten().for_each(|client| say(&line(client)));
        let Some(next) = page["next"].as_str() else { return Ok(()) };
        after = format!("&after={next}");
    }
}

/// By name or id: a name that is another client's id would be a strange one, and the id wins.
async fn rotate(wanted: &str, grace: Option<Duration>, admin: &Admin) -> Result<()> {
    let mut after = String::new();
    let mut named = None;
    let id = loop {
        let path = format!("/api/clients?limit={PAGE_ROWS_MAX}{after}");
        let page = admin.ask(Method::GET, &path, Body::empty()).await?;
        let clients = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if clients.iter().any(|client| client["id"] == wanted) {
            break wanted.to_owned();
        }
        let by_name = clients.iter().find(|client| client["name"] == wanted);
        named =
            named.or_else(|| by_name.and_then(|client| client["id"].as_str().map(str::to_owned)));
        match (page["next"].as_str(), &named) {
            (Some(next), _) => after = format!("&after={next}"),
            (None, Some(id)) => break id.clone(),
            (None, None) => {
                return Err(Error::not_found(format!("There is no client `{wanted}`.")));
            }
        }
    };
    let body = json!({ "grace_ms": grace.map_or(0, millis) });
    let path = format!("/api/clients/{id}/rotate");
    let rotated = admin.ask(Method::POST, &path, Body::from(body.to_string())).await?;
    say(rotated["key"].as_str().unwrap_or_default());
    Ok(())
}

fn line(client: &Value) -> String {
    let text = |name: &str| client[name].as_str().unwrap_or_default();
    let now = SystemClock.now();
    let ends = match client["expires_at_ms"].as_i64() {
        Some(end) if end <= now => "  expired".to_owned(),
        Some(end) => format!("  expires in {}", at_a_glance(end - now)),
        None => String::new(),
    };
    let flag = |name: &str, word: &'static str| if client[name] == true { word } else { "" };
    let (strict, locked) = (flag("strict", "  strict"), flag("locked", "  declared"));
    format!("{}  {}{ends}{strict}{locked}", text("id"), text("name"))
}

/// Days, or hours where these are few.
fn at_a_glance(ms: Millis) -> String {
    const HOUR_MS: Millis = 3_600_000;
    match (ms + HOUR_MS / 2) / HOUR_MS {
        ..1 => "less than an hour".to_owned(),
        hours @ 1..48 => format!("{hours} h"),
        hours => format!("{} d", (hours + 12) / 24),
    }
}

async fn revoke(id: &str, admin: &Admin) -> Result<()> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if id.is_empty() || !plain {
        return Err(Error::bad_request("An id has letters and digits only; `key list` shows it."));
    }
    admin.ask(Method::DELETE, &format!("/api/clients/{id}"), Body::empty()).await?;
    say(&format!("{id} is revoked."));
    Ok(())
}

fn print_sql(create: &Create, config: &Config) -> Result<()> {
    let Issued { client, key } = issue(create, config)?;
    let audit = Audit {
        at_ms: client.created_at_ms,
        actor: "cli".to_owned(),
        action: "create".to_owned(),
        ..Audit::default()
    };
    let statements = script(vec![Change::Put(client.to_document(0)?)], &audit);
    say(statements.trim_end());
    // A comment, so that the whole output can be run as it is.
    say(&format!("-- The key, shown this once: {}", key.expose()));
    Ok(())
}

fn print_toml(create: &Create, config: &Config) -> Result<()> {
    let Issued { client, key } = issue(create, config)?;
    // A JSON text is a TOML text as well.
    say(&format!(
        "[[client]]\nname = {}\nkey_hash = \"{}:{}\"{}",
        json!(client.name),
        client.id,
        client.hash,
        if client.strict { "\nstrict = true" } else { "" }
    ));
    say(&format!("# The key, shown this once: {}", key.expose()));
    Ok(())
}

fn issue(create: &Create, config: &Config) -> Result<Issued> {
    let vault = Vault::new(&secret(config)?);
    let expires = create.expires.map(millis);
    let mut issued = Issued::new(&create.name, SystemClock.now(), expires, &vault, &OsRandom)?;
    issued.client.strict = create.strict;
    Ok(issued)
}

/// The secret of the deployment that will check the key. One made here would fit none.
fn secret(config: &Config) -> Result<RootSecret> {
    if let Some(secret) = &config.secret {
        return Ok(secret.clone());
    }
    Data::new(&config.data).secret()?.ok_or_else(|| {
        Error::bad_request(
            "Set TIDEGATE_SECRET to the root secret of the deployment the key is for.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_at_a_glance() {
        let told = |minutes: Millis| at_a_glance(minutes * 60_000);
        assert_eq!(
            [told(1), told(29), told(31)],
            ["less than an hour", "less than an hour", "1 h"]
        );
        assert_eq!([told(24 * 60 - 1), told(47 * 60)], ["24 h", "47 h"]);
        assert_eq!([told(48 * 60 - 1), told(30 * 24 * 60 - 1)], ["2 d", "30 d"]);
    }
}
