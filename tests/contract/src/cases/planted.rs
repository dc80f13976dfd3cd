//! Where do secrets go that come in everywhere? Nowhere: not into a log, an error, an answer, or the database, in no writing.

use std::{fs, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde_json::json;
use tidegate_provider::Script;

use super::{Case, sample::COMPLETION};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    person::{PASSWORD, Person, asked_patiently},
    setup::{ADMIN_TOKEN, SECRET, UPSTREAM_KEY},
    wire::{Ask, exchange},
    world::World,
};

pub(super) const CASES: &[Case] =
    &[Case { name: "secrets_planted", run: |world| Box::pin(planted(world)) }];

/// A provider's key that the API is given.
const PROVIDER_KEY: &str = "sk-planted/canary+7c1d9e5f3b";

/// A secret and what it is.
struct Canary {
    name: &'static str,
    text: String,
}

async fn planted(world: &World) -> Result {
    let setup = world.setup()?.talkative();
    let loud = world.fresh(setup).await?;
    let person = Person::new(&loud, "planter", "admin").await?;
    let (_, link) = Person::invited(&loud, "invited", "viewer").await?;
    let Some((_, cookie)) = person.cookie.split_once('=') else { return failed("no cookie") };
    let mut canaries = vec![
        Canary { name: "provider key", text: PROVIDER_KEY.to_owned() },
        Canary { name: "declared provider key", text: UPSTREAM_KEY.to_owned() },
        Canary { name: "client key", text: loud.client.key.clone() },
        Canary { name: "password", text: PASSWORD.to_owned() },
        Canary { name: "cookie", text: cookie.to_owned() },
        Canary { name: "link of a user", text: link.clone() },
        Canary { name: "admin token", text: ADMIN_TOKEN.to_owned() },
        Canary { name: "root secret", text: SECRET.to_owned() },
    ];
    let mut answers = use_them(&loud, &person).await?;
    answers.extend(misuse_them(&loud, &canaries).await?);
    answers.extend(look_everywhere(&loud, &person).await?);
    if world.adapter == Adapter::Server {
        // Shown to the owner, once and by intention.
        let text = fs::read_to_string(loud.gateway.setup.path("setup-url"));
        let text = text.unwrap_or_default();
        let token = text.trim().split_once("#t=").map_or("", |(_, token)| token);
        if !token.is_empty() {
            canaries.push(Canary { name: "set-up token", text: token.to_owned() });
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let log = loud.gateway.log();
    let log: Vec<&str> = log.lines().filter(|line| !line.contains("/setup#t=")).collect();
    // The demo shows a key of its own, which is none of these.
    search("the log", log.join("\n").as_bytes(), &canaries)?;
    for (what, answer) in &answers {
        search(what, answer.as_bytes(), &canaries)?;
    }
    for name in ["tidegate.db", "tidegate.db-wal"] {
        let path = loud.gateway.setup.path(name);
        if Path::exists(&path) {
            search(name, &fs::read(&path)?, &canaries)?;
        }
    }
    Ok(())
}

type Answers = Vec<(String, String)>;

/// Everything where it belongs.
async fn use_them(world: &World, person: &Person) -> Result<Answers> {
    let mut answers = Vec::new();
    let url = world.provider.base_url();
    let provider = json!({ "dialect": "openai_chat", "base_url": url, "models": ["planted"] });
    let key = json!({ "provider": "planted", "secret": PROVIDER_KEY });
    let mut put = person.post("/api/providers/planted", &provider);
    put.method = "PUT";
    for ask in [put, person.post("/api/keys", &key)] {
        let answer = exchange(world.gateway.address, &ask).await?;
        if answer.status != 201 {
            return failed(format!("{}: {} {}", ask.path, answer.status, answer.text()));
        }
        answers.push((ask.path.clone(), answer.text()));
    }
    world.play(Script::json(200, COMPLETION));
    let answer = world.ask(&world.chat(json!({ "model": "planted" }))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answers.push(("a chat".to_owned(), answer.text()));
    let told = json!({ "error": { "message": format!("Incorrect API key: {PROVIDER_KEY}") } });
    world.play(Script::json(401, told.to_string()));
    let answer = world.ask(&world.chat(json!({ "model": "planted" }))).await?;
    answers.push(("a refused chat".to_owned(), answer.text()));
    let again = Person::sign_in(world, &person.name, PASSWORD).await?;
    let next = json!({ "current": "not this one", "password": PASSWORD });
    let change = again.post("/api/session/password", &next);
    answers.push(("a wrong change".to_owned(), asked_patiently(world, &change).await?.text()));
    Ok(answers)
}

/// Everything where it does not belong.
async fn misuse_them(world: &World, canaries: &[Canary]) -> Result<Answers> {
    let mut answers = Vec::new();
    for Canary { text, .. } in canaries {
        let encoded = each_byte(text, |byte| format!("%{byte:02X}"));
        let asks = [
            Ask::new("GET", format!("/api/clients?after={encoded}")).bearer(text),
            Ask::new("GET", format!("/v1/models?key={encoded}")),
            Ask::new("GET", format!("/v1/models/{}", text.replace(['/', ' '], "-"))).bearer(text),
            Ask::new("GET", "/api/session").header("cookie", &format!("tidegate-plain={text}")),
            Ask::new("GET", "/api/session").header("x-api-key", text),
            Ask::post("/api/session", json!({ "name": 1, "password": [text] }).to_string()),
            Ask::post("/api/session", format!("{{\"password\": \"{text}")),
            Ask::post("/api/clients", json!({ "name": { "key": text } }).to_string())
                .bearer(ADMIN_TOKEN),
            Ask::post("/api/keys", json!({ "provider": [text], "secret": text }).to_string())
                .bearer(ADMIN_TOKEN),
            Ask::post("/api/secret/rotate", json!({ "after": [text] }).to_string())
                .bearer(ADMIN_TOKEN),
            world.post(format!("{{\"model\": [\"{text}\"]}}")),
        ];
        for ask in asks {
            let path = ask.path.split(['?', '%']).next().unwrap_or_default();
            let place = format!("{} {}", ask.method, path);
            let answer = exchange(world.gateway.address, &ask).await?;
            // A name that was asked for may be repeated to whoever asked.
            if !path.starts_with("/v1/models/") {
                answers.push((place, format!("{:?} {}", answer.headers, answer.text())));
            }
        }
    }
    Ok(answers)
}

/// All that can be read.
async fn look_everywhere(world: &World, person: &Person) -> Result<Answers> {
    let mut answers = Vec::new();
    for path in [
        "/",
        "/health",
        "/ready",
        "/metrics",
        "/api/session",
        "/api/users",
        "/api/clients",
        "/api/providers",
        "/api/keys",
        "/api/records",
        "/api/records?format=csv",
        "/api/audit",
        "/api/settings",
        "/api/openapi.json",
    ] {
        let mut ask = person.get(path);
        if path == "/metrics" {
            ask = ask.bearer(ADMIN_TOKEN);
        }
        let answer = exchange(world.gateway.address, &ask).await?;
        answers.push((path.to_owned(), answer.text()));
    }
    Ok(answers)
}

/// Searches for each canary, in every writing that a program may give it.
fn search(what: &str, bytes: &[u8], canaries: &[Canary]) -> Result {
    for Canary { name, text } in canaries {
        for writing in writings(text) {
            if memchr::memmem::find(bytes, writing.as_bytes()).is_some() {
                return failed(format!("{what} shows the {name} as {writing}"));
            }
        }
    }
    Ok(())
}

fn each_byte(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

fn writings(text: &str) -> Vec<String> {
    let percent = |plain: fn(u8) -> bool| -> String {
        let byte = |byte: u8| {
            if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        text.bytes().map(byte).collect()
    };
    let mut writings = vec![
        text.to_owned(),
        percent(|byte| byte.is_ascii_alphanumeric()),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)),
        percent(|_| false),
        text.replace(' ', "+"),
    ];
    let lower = each_byte(text, |byte| format!("{byte:02x}"));
    writings.push(lower.to_uppercase());
    writings.push(lower);
    for shift in 0..3 {
        // In base64 a text looks different after one byte, two and three; its ends mix with what stands beside it.
        let shifted = [vec![0; shift], text.as_bytes().to_vec()].concat();
        for engine in [&STANDARD, &URL_SAFE] {
            let encoded = engine.encode(&shifted);
            let inner = encoded.trim_end_matches('=');
            writings.push(inner[4.min(inner.len())..inner.len().saturating_sub(2)].to_owned());
        }
    }
    writings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writing_is_found() {
        let canary = || vec![Canary { name: "canary", text: "sk-planted/canary 7".to_owned() }];
        let check = |bytes: &[u8], found: bool| {
            assert_eq!(search("here", bytes, &canary()).is_err(), found, "{bytes:?}");
        };
        check(b"nothing", false);
        check(b"it is sk-planted/canary 7.", true);
        check(b"sk-planted%2Fcanary%207", true);
        check(b"736b2d706c616e7465642f63616e6172792037", true);
        for before in ["", "a", "ab", "abc"] {
            check(
                STANDARD.encode(format!("{before}sk-planted/canary 7 and more")).as_bytes(),
                true,
            );
        }
    }
}
