//! What does a client see when the provider fails before the answer has begun?

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_provider::{Framing, Script, Step};

use super::{
    Case,
    sample::{COMPLETION, error, refused},
};
use crate::{
    Result,
    setup::{FIRST_BYTE_WAIT_MS, IDLE_WAIT_MS, UNREACHABLE_MODEL, UPSTREAM_KEY},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "upstream_400", run: |world| Box::pin(repeated(world, 400)) },
    Case { name: "upstream_401", run: |world| Box::pin(own_key_refused(world, 401)) },
    Case { name: "upstream_403", run: |world| Box::pin(own_key_refused(world, 403)) },
    Case { name: "upstream_404", run: |world| Box::pin(repeated(world, 404)) },
    Case { name: "upstream_408", run: |world| Box::pin(repeated(world, 408)) },
    Case { name: "upstream_422", run: |world| Box::pin(repeated(world, 422)) },
    Case { name: "upstream_429_with_retry_after", run: |world| Box::pin(rate_limited(world)) },
    Case { name: "upstream_500", run: |world| Box::pin(repeated(world, 500)) },
    Case { name: "upstream_503", run: |world| Box::pin(repeated(world, 503)) },
    Case { name: "upstream_529", run: |world| Box::pin(overloaded(world)) },
    Case { name: "upstream_redirect_not_followed", run: |world| Box::pin(redirect(world)) },
    Case { name: "upstream_error_page", run: |world| Box::pin(error_page(world)) },
    Case { name: "upstream_error_of_a_stream", run: |world| Box::pin(error_of_a_stream(world)) },
    Case { name: "upstream_page_with_200", run: |world| Box::pin(page_with_200(world)) },
    Case { name: "upstream_error_with_200", run: |world| Box::pin(error_with_200(world)) },
    Case { name: "upstream_silent", run: |world| Box::pin(silent(world)) },
    Case { name: "upstream_silent_after_head", run: |world| Box::pin(silent_after_head(world)) },
    Case { name: "upstream_refuses_connection", run: |world| Box::pin(connection_refused(world)) },
    Case {
        name: "upstream_resets",
        run: |world| Box::pin(broken(world, Script::silence().then(Step::Reset))),
    },
    Case {
        name: "upstream_closes",
        run: |world| Box::pin(broken(world, Script::silence().then(Step::Close))),
    },
    Case {
        name: "upstream_half_a_whole_answer",
        run: |world| Box::pin(broken(world, half().then(Step::Close))),
    },
    Case {
        name: "upstream_resets_whole_answer",
        run: |world| Box::pin(broken(world, half().then(Step::Reset))),
    },
    Case { name: "upstream_bad_chunk_size", run: |world| Box::pin(broken(world, bad_chunk())) },
    Case { name: "upstream_not_http", run: |world| Box::pin(broken(world, not_http())) },
];

async fn answered_with(world: &World, status: u16, shown: u16) -> Result<Value> {
    let world = &world.apart();
    world.play(Script::json(status, error("something went wrong upstream")));
    let answer = world.ask(&world.chat(json!({}))).await?;
    let error = refused(&answer, shown)?;
    let record = world.record(&answer).await?;
    assert_eq!(record["status"], shown, "{record}");
    assert_eq!(
        (&record["error"], &record["ended"]),
        (&json!("upstream_status"), &json!("refused"))
    );
    assert_eq!(record["provider"], world.asked_provider(), "{record}");
    Ok(error)
}

/// The client's request was at fault, or anybody may try again: everything the provider said is said again.
async fn repeated(world: &World, status: u16) -> Result {
    let error = answered_with(world, status, status).await?;
    assert_eq!(error["message"], "something went wrong upstream");
    assert_eq!((&error["param"], &error["code"]), (&json!("some_param"), &json!("some_code")));
    assert_eq!(error["type"], "some_type");
    Ok(())
}

/// A client that saw 401 or 403 would throw its own key away.
async fn own_key_refused(world: &World, status: u16) -> Result {
    answered_with(world, status, 502).await?;
    let world = &world.apart();
    let told = error(&format!("Incorrect API key provided: {UPSTREAM_KEY}."));
    world.play(Script::json(status, told));
    // The check for secrets in every answer is what matters here.
    refused(&world.ask(&world.chat(json!({}))).await?, 502)?;
    Ok(())
}

async fn rate_limited(world: &World) -> Result {
    let world = &world.apart();
    let headers = [("content-type", "application/json"), ("retry-after", "7")];
    world.play(Script::whole(429, &headers, error("slow down")));
    let began = Instant::now();
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!(refused(&answer, 429)?["message"], "slow down");
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert!(began.elapsed() < Duration::from_secs(3), "the client waits, not the gateway");
    Ok(())
}

async fn overloaded(world: &World) -> Result {
    answered_with(world, 529, 503).await?;
    Ok(())
}

async fn redirect(world: &World) -> Result {
    let world = &world.apart();
    // The target would be tagged by the path's body only if the redirect were followed with its body.
    let elsewhere = format!("{}/elsewhere", world.provider.base_url());
    world.play(Script::whole(307, &[("location", &elsewhere)], ""));
    let answer = world.ask(&world.chat(json!({}))).await?;
    refused(&answer, 502)?;
    assert!(!answer.text().contains("elsewhere"), "{}", answer.text());
    assert_eq!(answer.header("location"), None);
    assert_eq!(world.seen_once()?.path, "/v1/chat/completions");
    Ok(())
}

async fn error_page(world: &World) -> Result {
    let world = &world.apart();
    let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    world.play(Script::whole(502, &[("content-type", "text/html")], page));
    let answer = world.ask(&world.chat(json!({}))).await?;
    refused(&answer, 502)?;
    assert!(!answer.text().contains("<h1>"), "{}", answer.text());
    Ok(())
}

async fn error_of_a_stream(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::json(400, error("no such voice")));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(refused(&answer, 400)?["message"], "no such voice");
    assert_eq!(world.record(&answer).await?["stream"], true);
    Ok(())
}

async fn page_with_200(world: &World) -> Result {
    let world = &world.apart();
    let page = "<html><body>Please log in</body></html>";
    world.play(Script::whole(200, &[("content-type", "text/html")], page));
    let answer = world.ask(&world.chat(json!({}))).await?;
    refused(&answer, 502)?;
    assert!(!answer.text().contains("log in"), "{}", answer.text());
    Ok(())
}

async fn error_with_200(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::json(200, error("no capacity")));
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert!(answer.status >= 400, "{} {}", answer.status, answer.text());
    assert_eq!(refused(&answer, answer.status)?["message"], "no capacity");
    Ok(())
}

async fn timed_out(world: &World, script: Script, wait_ms: u64) -> Result {
    let world = &world.apart();
    world.play(script);
    let began = Instant::now();
    let answer = world.ask(&world.chat(json!({}))).await?;
    let took = began.elapsed();
    refused(&answer, 504)?;
    let wait = Duration::from_millis(wait_ms);
    assert!(took > wait / 2 && took < wait * 3, "it took {took:?}, and {wait:?} was configured");
    world.seen_until(Duration::from_secs(2), |seen| seen.left.is_some()).await?;
    let record = world.record(&answer).await?;
    assert_eq!((&record["error"], &record["status"]), (&json!("upstream_timeout"), &json!(504)));
    Ok(())
}

async fn silent(world: &World) -> Result {
    timed_out(world, Script::silence().then(Step::Hang), FIRST_BYTE_WAIT_MS).await
}

async fn silent_after_head(world: &World) -> Result {
    timed_out(world, half().then(Step::Hang), IDLE_WAIT_MS).await
}

async fn connection_refused(world: &World) -> Result {
    let answer = world.ask(&world.chat(json!({ "model": UNREACHABLE_MODEL }))).await?;
    refused(&answer, 502)?;
    assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
    let record = world.record(&answer).await?;
    assert_eq!(record["error"], "upstream_unreachable", "{record}");
    assert_eq!(record["provider"], "closed");
    Ok(())
}

async fn broken(world: &World, script: Script) -> Result {
    let world = &world.apart();
    world.play(script);
    let answer = world.ask(&world.chat(json!({}))).await?;
    refused(&answer, 502)?;
    assert!(!answer.text().contains("chatcmpl"), "half an answer is none: {}", answer.text());
    let record = world.record(&answer).await?;
    let error = record["error"].as_str().unwrap_or_default();
    assert!(["upstream_broken", "upstream_unreachable"].contains(&error), "{record}");
    assert_eq!((&record["status"], &record["ended"]), (&json!(502), &json!("refused")));
    Ok(())
}

fn half() -> Script {
    let headers = [("content-type", "application/json")];
    Script::head(200, &headers, Framing::Length(COMPLETION.len())).piece(&COMPLETION[..200])
}

fn bad_chunk() -> Script {
    let head = Script::head(200, &[("content-type", "application/json")], Framing::Chunked);
    head.piece(&COMPLETION[..200]).then(Step::Raw("zz\r\n".into())).then(Step::Close)
}

fn not_http() -> Script {
    Script::silence().then(Step::Raw("220 mail.example ESMTP\r\n".into())).then(Step::Close)
}
