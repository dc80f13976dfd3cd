//! Who is told of requests as they end, and for how long?

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Case, sample::problem};
use crate::{
    Result,
    adapters::Adapter,
    failed,
    person::Person,
    setup::ADMIN_TOKEN,
    wire::{Ask, Socket},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "live_tells_what_has_ended", run: |world| Box::pin(tells(world)) },
    Case { name: "live_tells_nobody_else", run: |world| Box::pin(nobody_else(world)) },
    Case { name: "live_ends_with_its_session", run: |world| Box::pin(ends(world)) },
    Case { name: "live_asks_for_a_socket", run: |world| Box::pin(asks(world)) },
];

const PATH: &str = "/api/live";

fn page(world: &World, person: &Person) -> Ask {
    person.get(PATH).header("origin", &format!("http://{}", world.gateway.address))
}

/// The record of a request, out of what a socket tells of all.
async fn told(socket: &mut Socket, id: &str) -> Result<Value> {
    loop {
        let Some(message) = socket.next().await? else { return failed("the socket has ended") };
        assert_eq!(message["skipped"], 0, "{message}");
        let records = message["records"].as_array().cloned().unwrap_or_default();
        assert!(!records.is_empty(), "{message}");
        if let Some(record) = records.into_iter().find(|record| record["id"] == id) {
            return Ok(record);
        }
    }
}

/// A page gets what the log has, whoever looks at it; so does a program.
async fn tells(world: &World) -> Result {
    let viewer = Person::new(world, "watcher", "viewer").await?;
    let by_page = page(world, &viewer);
    let by_program = Ask::new("GET", PATH).bearer(ADMIN_TOKEN);
    let mut sockets = Vec::new();
    for ask in [by_page, by_program] {
        sockets.push(Socket::open(world.gateway.address, &ask).await?);
    }
    for ask in [world.chat(json!({})), world.stream()] {
        let answer = world.ask(&ask).await?;
        let id = answer.request_id()?.to_owned();
        let record = world.record(&answer).await?;
        for socket in &mut sockets {
            assert_eq!(told(socket, &id).await?, record);
        }
    }
    Ok(())
}

async fn nobody_else(world: &World) -> Result {
    let viewer = Person::new(world, "victim", "viewer").await?;
    let own = format!("http://{}", world.gateway.address);
    let forged = viewer.cookie.replace("=1.", "=1.x");
    let nobody = || upgrading(Ask::new("GET", PATH)).header("origin", &own);
    let client = upgrading(Ask::new("GET", PATH)).bearer(&world.client.key);
    for ask in [nobody(), nobody().header("cookie", &forged), client] {
        problem(&world.ask(&ask).await?, 401)?;
    }
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let mut ask = upgrading(viewer.get(PATH));
        ask.headers.extend(origin.map(|origin| ("origin".to_owned(), origin.to_owned())));
        let told = problem(&world.ask(&ask).await?, 403)?;
        assert_eq!(told["code"], "foreign_origin", "{origin:?}");
    }
    Ok(())
}

/// Once a session has ended, its socket does so too, at the latest when there is more to tell.
async fn ends(world: &World) -> Result {
    let viewer = Person::new(world, "leaver who watched", "viewer").await?;
    let mut socket = Socket::open(world.gateway.address, &page(world, &viewer)).await?;
    let left = world.ask(&viewer.delete("/api/session")).await?;
    assert_eq!(left.status, 204, "{}", left.text());
    let deadline = Instant::now() + Duration::from_secs(15);
    let traffic = async {
        loop {
            world.ask(&world.chat(json!({}))).await?;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let listening = async {
        while socket.next().await?.is_some() {
            if Instant::now() > deadline {
                return failed("a socket outlives its session");
            }
        }
        Ok(())
    };
    tokio::select! {
        done = traffic => done,
        done = listening => done,
    }
}

/// A plain request is told what to ask for; where nothing is pushed, how to go on.
async fn asks(world: &World) -> Result {
    let plain = problem(&world.admin("GET", PATH).await?, 400)?;
    assert_eq!(plain["code"], "websocket", "{plain}");
    if world.adapter == Adapter::Lambda {
        let ask = upgrading(Ask::new("GET", PATH).bearer(ADMIN_TOKEN));
        let told = problem(&world.ask(&ask).await?, 404)?;
        assert_eq!(told["code"], "no_push", "{told}");
    }
    Ok(())
}

fn upgrading(ask: Ask) -> Ask {
    ask.header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}
