//! How do people come in, and what may they do then?

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Case, sample::problem};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    person::{PASSWORD, Person, asked_patiently, session_of},
    setup::ADMIN_TOKEN,
    wire::{Answer, Ask, exchange},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "people_unclaimed", run: |world| Box::pin(unclaimed(world)) },
    Case { name: "people_first_admin_by_link", run: |world| Box::pin(first_admin(world)) },
    Case { name: "people_choose_a_password", run: |world| Box::pin(chosen(world)) },
    Case { name: "people_sign_in", run: |world| Box::pin(sign_in(world)) },
    Case { name: "people_viewer_and_admin", run: |world| Box::pin(roles(world)) },
    Case { name: "people_sign_out", run: |world| Box::pin(sign_out(world)) },
    Case { name: "people_end_one_session", run: |world| Box::pin(one_session(world)) },
    Case { name: "people_other_sites", run: |world| Box::pin(other_sites(world)) },
    Case { name: "people_change_password", run: |world| Box::pin(change_password(world)) },
    Case { name: "people_disabled", run: |world| Box::pin(disabled(world)) },
    Case { name: "people_users", run: |world| Box::pin(users(world)) },
    Case { name: "people_made_at_once", run: |world| Box::pin(made_at_once(world)) },
    Case { name: "people_last_admin", run: |world| Box::pin(last_admin(world)) },
    Case { name: "people_unencrypted", run: |world| Box::pin(unencrypted(world)) },
    Case { name: "people_page_headers", run: |world| Box::pin(page_headers(world)) },
];

fn code(answer: &Answer, status: u16) -> Result<String> {
    let told = problem(answer, status)?;
    Ok(told["code"].as_str().unwrap_or_default().to_owned())
}

/// A store that nobody has claimed lets nobody in, whatever they try.
async fn unclaimed(world: &World) -> Result {
    let fresh = world.fresh(world.setup()?).await?;
    for path in ["/api/session", "/api/clients", "/api/users"] {
        assert_eq!(code(&fresh.ask(&Ask::new("GET", path)).await?, 401)?, "unclaimed", "{path}");
    }
    let guess = json!({ "token": "guess", "name": "me", "password": PASSWORD }).to_string();
    let answer = fresh.ask(&Ask::post("/api/setup", guess)).await?;
    assert_eq!(code(&answer, 401)?, "link_spent");
    let guess = json!({ "name": "admin", "password": "admin123" }).to_string();
    let answer = asked_patiently(&fresh, &Ask::post("/api/session", guess)).await?;
    assert_eq!(code(&answer, 401)?, "wrong_credentials");
    Ok(())
}

/// A server shows a link; elsewhere a declared password makes the first admin.
async fn first_admin(world: &World) -> Result {
    if world.adapter != Adapter::Server {
        return declared_admin(world).await;
    }
    let fresh = world.fresh(world.setup()?).await?;
    let link = fresh.gateway.setup.path("setup-url");
    let deadline = Instant::now() + Duration::from_secs(5);
    while !link.exists() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let text = fs::read_to_string(&link)?;
    let Some((_, token)) = text.trim().split_once("/setup#t=") else {
        return failed(format!("no link: {text}"));
    };
    assert!(fresh.gateway.log().contains(token), "the link is shown at the start");
    let claim = |token: &str, name: &str| {
        let body = json!({ "token": token, "name": name, "password": PASSWORD });
        Ask::post("/api/setup", body.to_string())
    };
    let answer = fresh.ask(&claim("guess", "intruder")).await?;
    assert_eq!(code(&answer, 401)?, "link_spent");
    let answer = asked_patiently(&fresh, &claim(token, "owner")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()?["role"], "admin");
    let again = asked_patiently(&fresh, &claim(token, "second")).await?;
    assert_eq!(code(&again, 401)?, "link_spent");
    let stranger = fresh.ask(&Ask::new("GET", "/api/session")).await?;
    assert_eq!(code(&stranger, 401)?, "signed_out");
    let deadline = Instant::now() + Duration::from_secs(8);
    while link.exists() {
        if Instant::now() > deadline {
            return failed("a link that has served stays in the data folder");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    declared_admin(world).await
}

async fn declared_admin(world: &World) -> Result {
    let setup = world.setup()?.variable("TIDEGATE_ADMIN_PASSWORD", PASSWORD);
    let fresh = world.fresh(setup).await?;
    let stranger = fresh.ask(&Ask::new("GET", "/api/session")).await?;
    assert_eq!(code(&stranger, 401)?, "signed_out");
    let person = Person::sign_in(&fresh, "admin", PASSWORD).await?;
    let answer = fresh.ask(&person.get("/api/session")).await?;
    assert_eq!(answer.json()?["role"], "admin", "{}", answer.text());
    Ok(())
}

/// A link chooses a password once, and begins a session.
async fn chosen(world: &World) -> Result {
    let (user, link) = Person::invited(world, "chooser", "viewer").await?;
    let choose = |password: &str| {
        Ask::post("/api/setup", json!({ "token": link, "password": password }).to_string())
    };
    for weak in ["short", "password1234", "aaaaaaaaaaaaaaaa"] {
        problem(&asked_patiently(world, &choose(weak)).await?, 400)?;
    }
    let answer = asked_patiently(world, &choose(PASSWORD)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()?["name"], user["name"]);
    let cookie = answer.header("set-cookie").unwrap_or_default();
    for attribute in ["; Path=/; ", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(attribute), "{attribute} is missing");
    }
    let safe = cookie.starts_with("__Host-tidegate=") && cookie.contains("; Secure");
    let plain = cookie.starts_with("tidegate-plain=") && !cookie.contains("Secure");
    assert!(safe || plain, "a cookie that is neither");
    let again = asked_patiently(world, &choose("another long password")).await?;
    assert_eq!(code(&again, 401)?, "link_spent");
    Ok(())
}

async fn sign_in(world: &World) -> Result {
    let person = Person::new(world, "signer", "viewer").await?;
    let attempt = |name: &str, password: &str| {
        Ask::post("/api/session", json!({ "name": name, "password": password }).to_string())
    };
    let wrong = asked_patiently(world, &attempt(&person.name, "not the password")).await?;
    let unknown = asked_patiently(world, &attempt("nobody at all", "not the password")).await?;
    assert_eq!(code(&wrong, 401)?, "wrong_credentials");
    assert_eq!(wrong.body, unknown.body, "an answer tells which names exist");
    let capitals = person.name.to_uppercase();
    let answer = asked_patiently(world, &attempt(&capitals, PASSWORD)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(session_of(&answer)?, person.cookie, "each session has an id of its own");
    let shown = world.ask(&person.get("/api/session")).await?.json()?;
    assert_eq!((&shown["name"], &shown["role"]), (&json!(person.name), &json!("viewer")));
    assert!(shown["expires_at_ms"].is_i64(), "{shown}");
    let forged = person.cookie.replace("=1.", "=1.x");
    let answer = world.ask(&Ask::new("GET", "/api/session").header("cookie", &forged)).await?;
    problem(&answer, 401)?;
    Ok(())
}

async fn roles(world: &World) -> Result {
    let viewer = Person::new(world, "looker", "viewer").await?;
    for path in ["/api/clients", "/api/providers", "/api/records", "/api/session"] {
        assert_eq!(world.ask(&viewer.get(path)).await?.status, 200, "{path}");
    }
    let wanted = json!({ "name": format!("made by {}", viewer.name) });
    let answer = world.ask(&viewer.post("/api/clients", &wanted)).await?;
    assert_eq!(code(&answer, 403)?, "admin_only");
    problem(&world.ask(&viewer.get("/api/users")).await?, 403)?;
    let admin = Person::new(world, "changer", "admin").await?;
    let wanted = json!({ "name": format!("made by {}", admin.name) });
    let made = exchange(world.gateway.address, &admin.post("/api/clients", &wanted)).await?;
    assert_eq!(made.status, 201);
    assert_eq!(world.ask(&admin.get("/api/users")).await?.status, 200);
    Ok(())
}

/// The process that is told knows at once; any other learns it when its entry is re-checked.
async fn ended(world: &World, person: &Person) -> Result {
    let deadline = Instant::now() + Duration::from_secs(8);
    loop {
        let answer = world.ask(&person.get("/api/session")).await?;
        if answer.status == 401 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return failed("a session that has ended goes on");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn sign_out(world: &World) -> Result {
    let person = Person::new(world, "leaver", "viewer").await?;
    let elsewhere = Person::sign_in(world, &person.name, PASSWORD).await?;
    let answer = world.ask(&person.delete("/api/session")).await?;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(
        answer.header("set-cookie").is_some_and(|cookie| cookie.contains("=; Path=/; Max-Age=0"))
    );
    ended(world, &person).await?;
    ended(world, &elsewhere).await?;
    Person::sign_in(world, &person.name, PASSWORD).await.map(drop)
}

/// People see their own sessions, and end one of them without the others.
async fn one_session(world: &World) -> Result {
    let person = Person::new(world, "commuter", "viewer").await?;
    let elsewhere = Person::sign_in(world, &person.name, PASSWORD).await?;
    let stranger = Person::new(world, "stranger", "viewer").await?;
    let listed = |person: &Person| {
        let ask = person.get("/api/sessions");
        async move { world.ask(&ask).await?.json() }
    };
    let seen = listed(&person).await?;
    let rows = seen["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(rows.len(), 2, "{seen}");
    for secret in [&person.cookie, &elsewhere.cookie] {
        let signature = secret.rsplit('.').next().unwrap_or_default();
        assert!(!signature.is_empty() && !seen.to_string().contains(signature), "{seen}");
    }
    let other = rows.iter().find(|row| row["mine"] == false);
    let other = other.and_then(|row| row["id"].as_str()).unwrap_or_default().to_owned();
    assert_eq!(rows.iter().filter(|row| row["mine"] == true).count(), 1, "{seen}");
    assert!(rows.iter().all(|row| row["began_at_ms"].is_i64() && row["seen_at_ms"].is_i64()));
    let path = format!("/api/sessions/{other}");
    problem(&world.ask(&stranger.delete(&path)).await?, 404)?;
    let program = world.admin("GET", "/api/sessions").await?;
    assert_eq!(code(&program, 409)?, "no_session");
    let answer = world.ask(&person.delete(&path)).await?;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(answer.header("set-cookie").is_none(), "one's own goes on");
    ended(world, &elsewhere).await?;
    let left = listed(&person).await?;
    assert_eq!(left["data"].as_array().map(Vec::len), Some(1), "{left}");
    let own = left["data"][0]["id"].as_str().unwrap_or_default();
    let answer = world.ask(&person.delete(&format!("/api/sessions/{own}"))).await?;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(answer.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    ended(world, &person).await
}

async fn other_sites(world: &World) -> Result {
    let admin = Person::new(world, "target", "admin").await?;
    let body = json!({ "name": "by another site", "role": "admin" });
    let mut ask = admin.post("/api/users", &body);
    ask.headers.retain(|(name, _)| name != "sec-fetch-site");
    for header in [
        None,
        Some(("sec-fetch-site", "cross-site")),
        Some(("sec-fetch-site", "same-site")),
        Some(("origin", "https://evil.example")),
        Some(("origin", "null")),
    ] {
        let ask = match header {
            Some((name, value)) => ask.clone().header(name, value),
            None => ask.clone(),
        };
        assert_eq!(code(&world.ask(&ask).await?, 403)?, "foreign_origin", "{header:?}");
    }
    let mut form = admin.post("/api/users", &body);
    form.headers.retain(|(name, _)| name != "content-type");
    problem(&world.ask(&form.header("content-type", "text/plain")).await?, 415)?;
    let begin = json!({ "name": admin.name, "password": PASSWORD }).to_string();
    let begin = Ask::post("/api/session", begin).header("sec-fetch-site", "cross-site");
    assert_eq!(code(&world.ask(&begin).await?, 403)?, "foreign_origin");
    let preflight = Ask::new("OPTIONS", "/api/users").header("origin", "https://evil.example");
    let answer = world.ask(&preflight).await?;
    assert!(answer.header("access-control-allow-origin").is_none(), "{:?}", answer.headers);
    let own = ask.header("origin", &format!("http://{}", world.gateway.address));
    let made = world.ask(&own).await?;
    assert_eq!(made.status, 201, "{}", made.text());
    Ok(())
}

async fn change_password(world: &World) -> Result {
    let person = Person::new(world, "renewer", "viewer").await?;
    let change = |current: &str, next: &str| {
        person.post("/api/session/password", &json!({ "current": current, "password": next }))
    };
    let wrong = asked_patiently(world, &change("not the password", "a new long password")).await?;
    assert_eq!(code(&wrong, 403)?, "wrong_password");
    problem(&asked_patiently(world, &change(PASSWORD, "short")).await?, 400)?;
    let answer = asked_patiently(world, &change(PASSWORD, "a new long password")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let next = Person { cookie: session_of(&answer)?, ..person.clone() };
    assert_eq!(world.ask(&next.get("/api/session")).await?.status, 200);
    ended(world, &person).await?;
    Person::sign_in(world, &person.name, "a new long password").await.map(drop)
}

async fn disabled(world: &World) -> Result {
    // The last admin cannot be disabled.
    Person::new(world, "staying", "admin").await?;
    let person = Person::new(world, "leaving", "admin").await?;
    let patch = |fields: Value| {
        let mut ask = Ask::post(format!("/api/users/{}", person.id), fields.to_string());
        ask.method = "PATCH";
        ask.bearer(ADMIN_TOKEN).header("if-match", "*")
    };
    let answer = world.ask(&patch(json!({ "enabled": false }))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    ended(world, &person).await?;
    let body = json!({ "name": person.name, "password": PASSWORD }).to_string();
    let answer = asked_patiently(world, &Ask::post("/api/session", body)).await?;
    assert_eq!(code(&answer, 401)?, "wrong_credentials");
    world.ask(&patch(json!({ "enabled": true, "role": "viewer" }))).await?;
    let again = Person::sign_in(world, &person.name, PASSWORD).await?;
    let shown = world.ask(&again.get("/api/session")).await?;
    assert_eq!(shown.json()?["role"], "viewer", "{}", shown.text());
    Ok(())
}

async fn users(world: &World) -> Result {
    let person = Person::new(world, "Listed", "viewer").await?;
    let path = format!("/api/users/{}", person.id);
    let shown = world.admin("GET", &path).await?;
    assert_eq!(shown.json()?["has_password"], true, "{}", shown.text());
    for word in ["argon2", "hash", "epoch", "#t="] {
        assert!(!shown.text().contains(word), "{}", shown.text());
    }
    let same_name = json!({ "name": person.name.to_uppercase(), "role": "viewer" }).to_string();
    let answer = world.ask(&Ask::post("/api/users", same_name).bearer(ADMIN_TOKEN)).await?;
    problem(&answer, 409)?;
    let reset = Ask::post(format!("{path}/reset"), "{}").bearer(ADMIN_TOKEN);
    let answer = world.ask(&reset).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let link = answer.json()?["link"].as_str().unwrap_or_default().to_owned();
    ended(world, &person).await?;
    let Some((_, token)) = link.split_once("#t=") else { return failed("no link") };
    let body = json!({ "token": token, "password": "after the reset" }).to_string();
    let answer = asked_patiently(world, &Ask::post("/api/setup", body)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.admin("DELETE", &path).await?.status, 204);
    assert_eq!(world.admin("GET", &path).await?.status, 404);
    Ok(())
}

/// Everybody's changes meet in the roster of admins, and none is refused for another one's.
async fn made_at_once(world: &World) -> Result {
    const ADMINS: usize = 4;
    let asks: Vec<Ask> = (0..ADMINS)
        .map(|at| {
            let name = format!("admin {at} of {}", world.tag());
            let body = json!({ "name": name, "role": "admin" }).to_string();
            Ask::post("/api/users", body).bearer(ADMIN_TOKEN)
        })
        .collect();
    let mut ids = Vec::with_capacity(ADMINS);
    for made in join_all(asks.iter().map(|ask| world.ask(ask))).await {
        let made = made?;
        assert_eq!(made.status, 201, "{}", made.text());
        ids.push(made.json()?["id"].as_str().unwrap_or_default().to_owned());
    }
    // One stays: nobody may take the last one away.
    let paths: Vec<String> = ids.iter().skip(1).map(|id| format!("/api/users/{id}")).collect();
    for gone in join_all(paths.iter().map(|path| world.admin("DELETE", path))).await {
        let gone = gone?;
        assert_eq!(gone.status, 204, "{}", gone.text());
    }
    Ok(())
}

/// Two admins who remove each other at the same time do not leave none.
async fn last_admin(world: &World) -> Result {
    let fresh = world.fresh(world.setup()?).await?;
    let one = Person::new(&fresh, "one", "admin").await?;
    let path = |person: &Person| format!("/api/users/{}", person.id);
    assert_eq!(code(&fresh.admin("DELETE", &path(&one)).await?, 409)?, "last_admin");
    for fields in [json!({ "role": "viewer" }), json!({ "enabled": false })] {
        let answer = fresh.edit("PATCH", &path(&one), Some("*"), fields).await?;
        assert_eq!(code(&answer, 409)?, "last_admin");
    }
    let two = Person::new(&fresh, "two", "admin").await?;
    let gone = |by: &Person, whom: &Person| by.delete(&path(whom)).header("if-match", "*");
    let (left, right) = (gone(&one, &two), gone(&two, &one));
    let (left, right) = tokio::join!(fresh.ask(&left), fresh.ask(&right));
    let statuses = [left?.status, right?.status];
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    let list = fresh.admin("GET", "/api/users").await?.json()?;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    Ok(())
}

/// Beyond this machine and without https nobody signs in; Lambda and the edge have https only.
async fn unencrypted(world: &World) -> Result {
    let person = Person::new(world, "traveller", "viewer").await?;
    let plain = person.cookie.starts_with("tidegate-plain=");
    let body = json!({ "name": person.name, "password": PASSWORD }).to_string();
    // A server takes the first of two hosts for an attack, so this one stands alone.
    let ask = Ask::post("/api/session", body).at_host("tidegate.example");
    let answer = asked_patiently(world, &ask).await?;
    if plain && world.adapter == Adapter::Server {
        assert_eq!(code(&answer, 403)?, "insecure_transport");
        assert!(answer.text().contains("insecure_cookies"), "{}", answer.text());
    }
    Ok(())
}

async fn page_headers(world: &World) -> Result {
    for path in ["/", "/api/session", "/api/nothing"] {
        let answer = world.ask(&Ask::new("GET", path)).await?;
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert_eq!(policy, tidegate_core::http::CONTENT_SECURITY_POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
    Ok(())
}
