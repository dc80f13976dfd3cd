//! What can the operator of a server do with its commands, while it runs and between two starts?

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tidegate_provider::Script;

use super::{
    Case,
    sample::{COMPLETION, problem},
};
use crate::{
    Result,
    adapters::{Server, command},
    failed,
    person::{PASSWORD, Person, asked_patiently},
    setup::{ADMIN_TOKEN, SECRET, UPSTREAM_KEY},
    wire::{Answer, Ask, exchange},
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "operator_resets_admin", run: |world| Box::pin(reset(world)) },
    Case { name: "operator_trusts_a_proxy", run: |world| Box::pin(proxy(world)) },
    Case { name: "operator_rotates_secret", run: |world| Box::pin(rotation(world)) },
];

/// Another root secret.
const NEXT_SECRET: &str = "0d15ea5e9a0b4d1f8e3c6a7b2d9f0e1c0d15ea5e9a0b4d1f8e3c6a7b2d9f0e1c";

/// While the server runs: all sessions end, and the link that is printed lets the admin in.
async fn reset(world: &World) -> Result {
    let fresh = world.fresh(world.setup()?).await?;
    let owner = Person::new(&fresh, "owner", "admin").await?;
    let viewer = Person::new(&fresh, "viewer", "viewer").await?;
    let setup = &fresh.gateway.setup;
    let printed = command(setup, &["admin", "reset", &owner.name]).await?;
    let Some((start, token)) = printed.text.trim().split_once("/setup#t=") else {
        return failed(format!("no link: {}", printed.text));
    };
    assert_eq!(start, format!("http://localhost:{}", fresh.gateway.address.port()));
    for person in [&owner, &viewer] {
        problem(&fresh.ask(&person.get("/api/session")).await?, 401)?;
    }
    let body = json!({ "token": token, "password": "after the reset" }).to_string();
    let answer = asked_patiently(&fresh, &Ask::post("/api/setup", body)).await?;
    assert_eq!(answer.json()?["role"], "admin", "{}", answer.text());
    Person::sign_in(&fresh, &viewer.name, PASSWORD).await?;
    let listed = command(setup, &["user", "list"]).await?;
    assert!(listed.text.contains(&owner.name), "{}", listed.text);
    Ok(())
}

/// A proxy that is trusted speaks for its clients: each has a throttle and a cookie of its own.
async fn proxy(world: &World) -> Result {
    let setup = world.setup()?.variable("TIDEGATE_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8");
    let behind = world.fresh(setup).await?;
    let owner = Person::new(&behind, "owner", "admin").await?;
    let attempt = |from: &str, password: &str| {
        let body = json!({ "name": owner.name, "password": password }).to_string();
        let ask = Ask::post("/api/session", body).at_host("tidegate.example");
        ask.header("x-forwarded-for", from).header("x-forwarded-proto", "https")
    };
    let mut statuses = Vec::new();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(260)).await;
        statuses.push(behind.ask(&attempt("203.0.113.9", "a wrong password")).await?.status);
    }
    assert_eq!(statuses, [401; 5]);
    // What stands first, the client may have written.
    let spoofed = behind.ask(&attempt("198.51.100.7, 203.0.113.9", "a wrong password")).await?;
    assert_eq!(spoofed.status, 429, "{}", spoofed.text());
    let elsewhere = asked_patiently(&behind, &attempt("203.0.113.10, 10.1.1.1", PASSWORD)).await?;
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.text());
    let cookie = elsewhere.header("set-cookie").unwrap_or_default();
    assert!(
        cookie.starts_with("__Host-tidegate=") && cookie.ends_with("; Secure"),
        "no safe cookie"
    );
    Ok(())
}

/// The lock on the folder is free when the process has gone.
async fn ended(mut server: Server) -> Result {
    server.signal(Signal::KILL)?;
    server.ended(Duration::from_secs(5)).await.map(drop)
}

async fn asked(server: &Server, ask: &Ask) -> Result<Answer> {
    exchange(server.address, ask).await
}

async fn made(server: &Server, method: &'static str, path: &str, body: Value) -> Result<Value> {
    let mut ask = Ask::post(path, body.to_string()).bearer(ADMIN_TOKEN);
    ask.method = method;
    let answer = asked(server, &ask).await?;
    if answer.status != 201 {
        return failed(format!("{path}: {} {}", answer.status, answer.text()));
    }
    answer.json()
}

/// A new root secret writes, the old one reads until nothing needs it, and is not let go before.
async fn rotation(world: &World) -> Result {
    let setup = world.setup()?;
    let server = Server::start(&setup).await?;
    let url = world.provider.base_url();
    let provider = json!({ "dialect": "openai_chat", "base_url": url, "models": ["turning"] });
    made(&server, "PUT", "/api/providers/turning", provider).await?;
    let key = json!({ "provider": "turning", "secret": UPSTREAM_KEY });
    made(&server, "POST", "/api/keys", key).await?;
    let client = made(&server, "POST", "/api/clients", json!({ "name": "turning" })).await?;
    let client = client["key"].as_str().unwrap_or_default().to_owned();
    world.play(Script::json(200, COMPLETION));
    let body = json!({
        "model": "turning", "messages": [{ "role": "user", "content": world.tag() }],
    });
    let chat = Ask::post(CHAT, body.to_string()).bearer(&client);
    assert_eq!(asked(&server, &chat).await?.status, 200, "before the rotation");
    ended(server).await?;

    let setup = setup.variable("TIDEGATE_SECRET", NEXT_SECRET);
    let Err(refusal) = Server::start(&setup).await else {
        return failed("a server starts without the secret that its keys are sealed under");
    };
    assert!(refusal.to_string().contains("TIDEGATE_SECRET_OLD"), "{refusal}");

    let both = setup.variable("TIDEGATE_SECRET_OLD", SECRET);
    let server = Server::start(&both).await?;
    let early = command(&both, &["secret", "rotate"]).await?;
    assert!(
        !early.success && early.text.contains("1 upstream keys are sealed anew"),
        "{}",
        early.text
    );
    assert_eq!(asked(&server, &chat).await?.status, 200, "under both secrets");
    let mut left = command(&both, &["secret", "rotate"]).await?;
    for _ in 0..50 {
        // The client's key is hashed anew beside its request; the demo's client is made anew at each start.
        if left.success {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = command(&both, &["secret", "rotate"]).await?;
    }
    assert!(left.success && left.text.contains("0 upstream keys are sealed anew"), "{}", left.text);
    ended(server).await?;

    let alone = both.variable("TIDEGATE_SECRET_OLD", "");
    let server = Server::start(&alone).await?;
    assert_eq!(asked(&server, &chat).await?.status, 200, "under the new secret alone");
    let seen = world.seen();
    let right = format!("Bearer {UPSTREAM_KEY}");
    let all = seen.iter().all(|seen| seen.headers.iter().any(|(_, value)| *value == right));
    assert!(all && seen.len() == 3, "{} requests", seen.len());
    Ok(())
}
