//! Does a client that leaves stop the provider's work, and is it written down once?

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_provider::{Script, Step};

use super::{
    Case,
    sample::{DONE, FINISH, chunk},
};
use crate::{
    Result, failed,
    wire::{Body, Connection},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "hang_up_before_head", run: |world| Box::pin(before_head(world, Way::Close)) },
    Case {
        name: "hang_up_before_head_by_reset",
        run: |world| Box::pin(before_head(world, Way::Reset)),
    },
    Case { name: "hang_up_in_stream", run: |world| Box::pin(in_stream(world, Way::Close)) },
    Case {
        name: "hang_up_in_stream_by_reset",
        run: |world| Box::pin(in_stream(world, Way::Reset)),
    },
    Case { name: "hang_up_in_silence_of_stream", run: |world| Box::pin(in_silence(world)) },
    Case { name: "hang_up_in_request", run: |world| Box::pin(in_request(world)) },
    Case { name: "hang_up_after_end", run: |world| Box::pin(after_end(world)) },
    Case { name: "hang_up_of_many", run: |world| Box::pin(of_many(world)) },
];

/// The upstream call must be gone within this time.
const CANCEL_WAIT: Duration = Duration::from_millis(100);

#[derive(Clone, Copy)]
enum Way {
    Close,
    Reset,
}

fn leave(connection: Connection, way: Way) -> Result<Instant> {
    match way {
        Way::Close => Ok(connection.close()),
        Way::Reset => connection.reset(),
    }
}

/// Checks that the provider saw its peer leave soon after the client had left at `at`, and that one record tells it.
async fn cancelled(world: &World, at: Instant) -> Result {
    let seen = world.seen_until(Duration::from_secs(3), |seen| seen.left.is_some()).await?;
    let Some(left) = seen.left else { return failed("the upstream call goes on") };
    let took = left.saturating_duration_since(at);
    assert!(took <= CANCEL_WAIT, "the upstream call went on for {took:?}");
    let record = world.only_record().await?;
    assert_eq!(record["ended"], "client_gone", "{record}");
    Ok(())
}

async fn before_head(world: &World, way: Way) -> Result {
    world.play(Script::silence().then(Step::Hang));
    let mut connection = Connection::open(world.gateway.address).await?;
    connection.send(&world.chat(json!({}))).await?;
    world.seen_until(Duration::from_secs(3), |_| true).await?;
    let at = leave(connection, way)?;
    cancelled(world, at).await
}

async fn in_stream(world: &World, way: Way) -> Result {
    let pause = Duration::from_millis(10);
    world.play(Script::events().then(Step::Endless(chunk("a").into(), pause)));
    let mut connection = Connection::open(world.gateway.address).await?;
    connection.send(&world.stream()).await?;
    connection.head().await?;
    connection.read_until(|body| count(body, b"data:") >= 5).await?;
    let at = leave(connection, way)?;
    cancelled(world, at).await
}

async fn in_silence(world: &World) -> Result {
    world.play(Script::events().piece(chunk("a")).then(Step::Hang));
    let mut connection = Connection::open(world.gateway.address).await?;
    connection.send(&world.stream()).await?;
    connection.head().await?;
    connection.read_until(|body| count(body, b"data:") >= 1).await?;
    let at = connection.close();
    cancelled(world, at).await?;
    let record = world.only_record().await?;
    assert_eq!((&record["status"], &record["stream"]), (&json!(200), &json!(true)), "{record}");
    assert_eq!(record["estimated"], true, "what was received is accounted: {record}");
    Ok(())
}

/// Half a request is no request: it must not reach a provider.
async fn in_request(world: &World) -> Result {
    let ask = world.chat(json!({ "padding": "x".repeat(1000) }));
    let Body::Whole(body) = &ask.body else { return failed("a chat request has a whole body") };
    let mut connection = Connection::open(world.gateway.address).await?;
    connection.send_part(&ask, body.len() - 1).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _ = connection.close();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.seen().len(), 0, "half a request reached the provider");
    Ok(())
}

/// A client that leaves with the last byte has had everything.
async fn after_end(world: &World) -> Result {
    world.play(Script::events().piece(chunk("a")).piece(FINISH).piece(DONE));
    let mut connection = Connection::open(world.gateway.address).await?;
    connection.send(&world.stream()).await?;
    connection.head().await?;
    connection.read_until(|body| count(body, b"[DONE]") == 1).await?;
    let _ = connection.close();
    let record = world.only_record().await?;
    assert_eq!(record["ended"], "done", "{record}");
    Ok(())
}

async fn of_many(world: &World) -> Result {
    const CLIENTS: usize = 30;
    let pause = Duration::from_millis(5);
    world.play(Script::events().then(Step::Endless(chunk("a").into(), pause)));
    let one = |number: usize| async move {
        let mut connection = Connection::open(world.gateway.address).await?;
        connection.send(&world.stream()).await?;
        connection.head().await?;
        connection.read_until(|body| count(body, b"data:") > number).await?;
        leave(connection, if number.is_multiple_of(2) { Way::Close } else { Way::Reset })
    };
    for left in futures_util::future::join_all((0..CLIENTS).map(one)).await {
        left?;
    }
    let records = world.until_records(CLIENTS, |_| true).await?;
    assert!(records.iter().all(|record| record["ended"] == "client_gone"), "{records:?}");
    let open = || world.seen().iter().filter(|seen| seen.left.is_none()).count();
    for _ in 0..50 {
        if open() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    failed(format!("{} upstream calls go on", open()))
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    memchr::memmem::find_iter(haystack, needle).count()
}
