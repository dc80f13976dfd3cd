//! How does the owner of a server come in? By the link that is shown once, or by one that a command makes.

use http::Method;
use serde_json::{Value, json};
use tidegate_core::{Body, Error, Gateway, Result, config::Config, limits::PAGE_ROWS_MAX};

use crate::{
    admin::Admin,
    cli::{AdminCommand, UserCommand},
    console::{complain, say},
    data::Data,
};

/// Shows the set-up link while nobody has claimed the store, on standard error and in the data folder; takes it back
/// when it has served.
pub(crate) fn show_setup(gateway: &Gateway, data: &Data, url: &str) -> Result<()> {
    if let Some(token) = gateway.setup_token() {
        let link = format!("{}/setup#t={}", named(url), token.expose());
        data.write_setup(&link)?;
        let about = "Nobody has set Tidegate up yet. This link does, once, for 30 minutes:";
        complain(&format!("{about}\n  {link}"));
    } else if gateway.is_claimed() {
        data.remove_setup();
    }
    Ok(())
}

/// Browsers take `localhost` for safe, and people for a name.
fn named(url: &str) -> String {
    url.replacen("//127.0.0.1:", "//localhost:", 1).replacen("//[::1]:", "//localhost:", 1)
}

/// Runs `tidegate admin …`.
pub(crate) async fn administrate(command: AdminCommand, config: Config) -> Result<()> {
    let AdminCommand::Reset { name } = command;
    let base = base(&config);
    let admin = Admin::find(config).await?;
    let link = reset(&name, &admin).await;
    let url = admin.url().map_or(base, named);
    admin.close().await;
    say(&format!("{url}{}", link?));
    Ok(())
}

/// Where the server will be when it is started.
fn base(config: &Config) -> String {
    named(&format!("http://{}", config.listen.replacen("0.0.0.0", "127.0.0.1", 1)))
}

/// Gives an admin a fresh start, or makes them. All sessions end.
async fn reset(name: &str, admin: &Admin) -> Result<String> {
    let user = if let Some(user) = find(name, admin).await? {
        let wanted = json!({ "role": "admin", "enabled": true });
        let path = format!("/api/users/{}", id(&user));
        admin.ask(Method::PATCH, &path, Body::from(wanted.to_string())).await?
    } else {
        let wanted = json!({ "name": name, "role": "admin" });
        admin.ask(Method::POST, "/api/users", Body::from(wanted.to_string())).await?
    };
    let path = format!("/api/users/{}/reset", id(&user));
    let wanted = json!({ "sessions": "all" });
    let reset = admin.ask(Method::POST, &path, Body::from(wanted.to_string())).await?;
    Ok(reset["link"].as_str().unwrap_or_default().to_owned())
}

/// Runs `tidegate user …`.
pub(crate) async fn run(command: UserCommand, config: Config) -> Result<()> {
    let base = base(&config);
    let admin = Admin::find(config).await?;
    let url = admin.url().map_or(base, named);
    let done = match command {
        UserCommand::Create { name, role } => {
            let wanted = Body::from(json!({ "name": name, "role": role.name() }).to_string());
            let made = admin.ask(Method::POST, "/api/users", wanted).await;
            made.map(|user| say(&format!("{url}{}", user["link"].as_str().unwrap_or_default())))
        }
        UserCommand::List => list(&admin).await,
        UserCommand::Disable { name } => disable(&name, &admin).await,
    };
    admin.close().await;
    done
}

async fn list(admin: &Admin) -> Result<()> {
    for user in all(admin).await? {
        let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
        let state = match (user["enabled"].as_bool(), user["has_password"].as_bool()) {
            (Some(false), _) => "  disabled",
            (_, Some(false)) => "  no password yet",
            _ => "",
        };
        say(&format!("{}  {}  {}{state}", text("id"), text("role"), text("name")));
    }
    Ok(())
}

async fn disable(name: &str, admin: &Admin) -> Result<()> {
    let Some(user) = find(name, admin).await? else {
        return Err(Error::not_found("There is no user of this name; `user list` shows all."));
    };
    let wanted = Body::from(json!({ "enabled": false }).to_string());
    admin.ask(Method::PATCH, &format!("/api/users/{}", id(&user)), wanted).await?;
    say(&format!("{name} is disabled."));
    Ok(())
}

async fn find(name: &str, admin: &Admin) -> Result<Option<Value>> {
    let small = |text: &str| text.trim().to_lowercase();
    let is_named =
        |user: &Value| user["name"].as_str().is_some_and(|text| small(text) == small(name));
    Ok(all(admin).await?.into_iter().find(is_named))
}

async fn all(admin: &Admin) -> Result<Vec<Value>> {
    let mut users = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/users?limit={PAGE_ROWS_MAX}{after}");
        let mut page = admin.ask(Method::GET, &path, Body::empty()).await?;
        if let Some(rows) = page["data"].as_array_mut() {
            users.append(rows);
        }
        let Some(next) = page["next"].as_str() else { return Ok(users) };
        after = format!("&after={next}");
    }
}

fn id(user: &Value) -> &str {
    user["id"].as_str().unwrap_or_default()
}
