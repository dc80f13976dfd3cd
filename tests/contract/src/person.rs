//! What does a browser hold that somebody has signed in with?

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    Result, failed,
    setup::ADMIN_TOKEN,
    wire::{Answer, Ask, exchange},
    world::World,
};

/// What people in these cases choose.
pub const PASSWORD: &str = "a password canary 9c41";

/// Attempts of all cases meet in one throttle.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub id: String,
    /// The user's name.
    pub name: String,
    /// Name and value of the session's cookie.
    pub cookie: String,
}

impl Person {
    /// Makes a user through the API; returns the user and the token of the link.
    pub async fn invited(world: &World, name: &str, role: &str) -> Result<(Value, String)> {
        let name = format!("{name} of {}", world.client.id);
        let body = json!({ "name": name, "role": role }).to_string();
        let ask = Ask::post("/api/users", body).bearer(ADMIN_TOKEN);
        let answer = exchange(world.gateway.address, &ask).await?;
        if answer.status != 201 {
            return failed(format!("no user was made: {} {}", answer.status, answer.text()));
        }
        let user = answer.json()?;
        match user["link"].as_str().and_then(|link| link.split_once("/setup#t=")) {
            Some((_, token)) => Ok((user.clone(), token.to_owned())),
            None => failed(format!("no link: {user}")),
        }
    }

    /// Makes a user who has chosen [`PASSWORD`].
    pub async fn new(world: &World, name: &str, role: &str) -> Result<Self> {
        let (user, token) = Self::invited(world, name, role).await?;
        let body = json!({ "token": token, "password": PASSWORD }).to_string();
        let answer = asked_patiently(world, &Ask::post("/api/setup", body)).await?;
        Self::of(&answer, user["name"].as_str().unwrap_or_default())
    }

    /// Signs somebody in.
    pub async fn sign_in(world: &World, name: &str, password: &str) -> Result<Self> {
        let body = json!({ "name": name, "password": password }).to_string();
        let answer = asked_patiently(world, &Ask::post("/api/session", body)).await?;
        Self::of(&answer, name)
    }

    fn of(answer: &Answer, name: &str) -> Result<Self> {
        if answer.status != 200 {
            return failed(format!("{name} is not let in: {} {}", answer.status, answer.text()));
        }
        let id = answer.json()?["id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { id, name: name.to_owned(), cookie: session_of(answer)? })
    }

    /// A request as a browser sends it for a page of the gateway.
    #[must_use]
    pub fn ask(&self, method: &'static str, path: &str) -> Ask {
        let ask = Ask::new(method, path).header("cookie", &self.cookie);
        ask.header("sec-fetch-site", "same-origin")
    }

    /// A GET.
    #[must_use]
    pub fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    /// A DELETE.
    #[must_use]
    pub fn delete(&self, path: &str) -> Ask {
        self.ask("DELETE", path)
    }

    /// A POST with JSON.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Ask {
        let ask = Ask::post(path, body.to_string()).header("cookie", &self.cookie);
        ask.header("sec-fetch-site", "same-origin")
    }
}

/// Name and value of the cookie that an answer gives.
pub fn session_of(answer: &Answer) -> Result<String> {
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    match cookie {
        Some(cookie) => Ok(cookie.to_owned()),
        None => failed(format!("no cookie: {} {}", answer.status, answer.text())),
    }
}

/// Asks again while there are too many attempts.
pub async fn asked_patiently(world: &World, ask: &Ask) -> Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = exchange(world.gateway.address, ask).await?;
        if answer.status != 429 || Instant::now() > deadline {
            return Ok(answer);
        }
        if answer.header("retry-after").is_none() {
            return failed("too many attempts, and not how long to wait");
        }
        tokio::time::sleep(Duration::from_millis(260)).await;
    }
}
