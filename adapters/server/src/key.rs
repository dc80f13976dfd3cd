//! What do the `tidegate key` commands do?

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tidegate_core::{
    Body, Error, Result,
    config::{Config, RootSecret},
    identity::{Issued, Vault},
    limits::PAGE_ROWS_MAX,
    ports::{Clock, Millis},
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
        Key::Revoke { id } => revoke(&id, &admin).await,
    };
    admin.close().await;
    done
}

async fn store(create: &Create, admin: &Admin) -> Result<()> {
    let wanted = json!({ "name": create.name, "expires_in_ms": create.expires.map(millis) });
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

fn line(client: &Value) -> String {
    let text = |name: &str| client[name].as_str().unwrap_or_default();
    let now = SystemClock.now();
    let ends = match client["expires_at_ms"].as_i64() {
        Some(end) if end <= now => "  expired".to_owned(),
        Some(end) => format!("  expires in {} h", (end - now) / 3_600_000),
        None => String::new(),
    };
    let locked = if client["locked"] == true { "  declared" } else { "" };
    format!("{}  {}{ends}{locked}", text("id"), text("name"))
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
    let statements = script(vec![Change::Put(client.to_document()?)], &audit);
    say(statements.trim_end());
    // A comment, so that the whole output can be run as it is.
    say(&format!("-- The key, shown this once: {}", key.expose()));
    Ok(())
}

fn print_toml(create: &Create, config: &Config) -> Result<()> {
    let Issued { client, key } = issue(create, config)?;
    // A JSON text is a TOML text as well.
    say(&format!(
        "[[client]]\nname = {}\nkey_hash = \"{}:{}\"",
        json!(client.name),
        client.id,
        client.hash
    ));
    say(&format!("# The key, shown this once: {}", key.expose()));
    Ok(())
}

fn issue(create: &Create, config: &Config) -> Result<Issued> {
    let vault = Vault::new(&secret(config)?);
    let expires = create.expires.map(millis);
    Issued::new(&create.name, SystemClock.now(), expires, &vault, &OsRandom)
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

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
