//! Does the gateway keep what it acknowledged, whatever ends it?

pub mod begin;
pub mod broken;
mod crowd;
pub mod even;
mod ground;
pub mod kill;
pub mod lambda;
pub mod live;
mod load;
pub mod matrix;
pub mod outage;
mod place;
pub mod race;
mod rests;
pub mod terminate;
pub mod throughput;
pub mod together;

pub use ground::Ground;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use tidegate_provider::{Provider, Script};

use crate::{
    Result,
    adapters::Server,
    failed,
    setup::Setup,
    wire::{Ask, exchange},
};

/// The script of whole answers.
const WHOLE: &str = "whole";
/// The script of short streams.
const STREAM: &str = "stream";

/// A whole answer that is a good one.
const GOOD: &str = r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;

/// Longer than a server waits between two looks at the revision.
const HEARD_WAIT: Duration = Duration::from_millis(2_500);

/// By then a server has given back what it took ahead of a limit and does not need.
const GIVEN_BACK_WAIT: Duration = Duration::from_secs(10);

/// How soon a restarted server must be ready.
const READY_WAIT: Duration = Duration::from_secs(10);

fn play_all(provider: &Provider) {
    let usage = "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}";
    provider.play(
        WHOLE,
        Script::json(200, format!("{{\"id\":\"chatcmpl-1\",\"choices\":[],{usage}}}")),
    );
    let frame = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
    let pause = Duration::from_millis(10);
    provider.play(STREAM, Script::events().paced([frame; 10], pause).piece(END));
}

/// The end of a stream that is complete.
const END: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Starts a server over the folder and waits until it is ready; returns how long that took.
async fn start_ready(setup: &Setup) -> Result<(Server, Duration)> {
    let began = Instant::now();
    let server = Server::start(setup).await?;
    while began.elapsed() < READY_WAIT {
        let answer = exchange(server.address, &Ask::new("GET", "/ready")).await;
        if answer.is_ok_and(|answer| answer.status == 200) {
            return Ok((server, began.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    failed(format!("not ready after {READY_WAIT:?}: {}", server.log()))
}

/// Asks the database engine whether the file is whole. A copy is asked, so that the engine's own repair of the
/// original is left to the server.
async fn check_integrity(setup: &Setup) -> Result {
    let side = setup.path("copy");
    fs::create_dir_all(&side)?;
    for name in ["tidegate.db", "tidegate.db-wal"] {
        if Path::exists(&setup.path(name)) {
            fs::copy(setup.path(name), side.join(name))?;
        }
    }
    let told = ask_database(&side.join("tidegate.db"), "PRAGMA integrity_check").await;
    fs::remove_dir_all(&side)?;
    match told?.as_str() {
        "ok" => Ok(()),
        fault => failed(format!("integrity_check: {fault}")),
    }
}

async fn ask_database(path: &Path, query: &str) -> Result<String> {
    let asked = async {
        let connection = libsql::Builder::new_local(path).build().await?.connect()?;
        let mut rows = connection.query(query, ()).await?;
        match rows.next().await? {
            Some(row) => row.get::<String>(0),
            None => Ok(String::new()),
        }
    };
    asked.await.or_else(|error: libsql::Error| failed(error.to_string()))
}
