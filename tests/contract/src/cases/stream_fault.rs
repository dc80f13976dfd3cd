//! What does a client see when the provider fails in a stream, before or after its first event?

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tidegate_provider::{Script, Step};

use super::{
    Case,
    sample::{DONE, FINISH, broken, chunk, error, refused, text_of},
};
use crate::{
    Result,
    setup::{FIRST_BYTE_WAIT_MS, IDLE_WAIT_MS, TOTAL_WAIT_MS},
    wire::{Answer, End},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "stream_error_event_first", run: |world| Box::pin(error_first(world)) },
    Case { name: "stream_error_event_later", run: |world| Box::pin(error_later(world)) },
    Case { name: "stream_empty", run: |world| Box::pin(empty(world)) },
    Case { name: "stream_comments_only", run: |world| Box::pin(comments_only(world)) },
    Case { name: "stream_silent_before_first", run: |world| Box::pin(silent_before_first(world)) },
    Case { name: "stream_silent_between", run: |world| Box::pin(silent_between(world)) },
    Case { name: "stream_reset", run: |world| Box::pin(cut(world, Step::Reset)) },
    Case { name: "stream_closed_early", run: |world| Box::pin(cut(world, Step::Close)) },
    Case {
        name: "stream_bad_chunk_size",
        run: |world| Box::pin(cut(world, Step::Raw("zz\r\n".into()))),
    },
    Case { name: "stream_half_a_frame", run: |world| Box::pin(half_a_frame(world)) },
    Case { name: "stream_malformed_frames_pass", run: |world| Box::pin(malformed_frames(world)) },
    Case { name: "stream_without_finish", run: |world| Box::pin(without_finish(world)) },
    Case { name: "stream_without_done", run: |world| Box::pin(without_done(world)) },
    Case { name: "stream_without_last_newline", run: |world| Box::pin(without_newline(world)) },
    Case { name: "stream_more_after_done", run: |world| Box::pin(more_after_done(world)) },
    Case { name: "stream_open_after_done", run: |world| Box::pin(open_after_done(world)) },
    Case { name: "stream_never_ends", run: |world| Box::pin(never_ends(world)) },
    Case { name: "stream_frame_too_long", run: |world| Box::pin(frame_too_long(world)) },
    Case { name: "stream_too_long", run: |world| Box::pin(too_long(world)) },
];

/// Checks that the provider's fault ended a stream that had begun, and that the record says so.
async fn broke(world: &World, answer: &Answer, error: &str) -> Result {
    assert_eq!(answer.end, End::Complete, "the stream must end in good order");
    broken(answer)?;
    assert!(!answer.text().contains("[DONE]"), "a broken stream is not done: {}", answer.text());
    let record = world.record(answer).await?;
    assert_eq!((&record["ended"], &record["error"]), (&json!("upstream_broke"), &json!(error)));
    assert_eq!(record["bytes_out"], answer.body.len(), "{record}");
    Ok(())
}

async fn error_first(world: &World) -> Result {
    let world = &world.apart();
    let event = format!("data: {}\n\n", error("overloaded at once"));
    world.play(Script::events().piece(": hold on\n\n").piece(event));
    let answer = world.ask(&world.stream()).await?;
    assert!(answer.status >= 400, "{} {}", answer.status, answer.text());
    assert_eq!(refused(&answer, answer.status)?["message"], "overloaded at once");
    assert_eq!(world.record(&answer).await?["ended"], "refused");
    Ok(())
}

async fn error_later(world: &World) -> Result {
    let world = &world.apart();
    let event = format!("data: {}\n\n", error("overloaded in the middle"));
    world.play(Script::events().piece(chunk("a")).pause(MOMENT).piece(event));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(broken(&answer)?["message"], "overloaded in the middle");
    assert_eq!(text_of(&answer), "a");
    assert_eq!(world.record(&answer).await?["ended"], "upstream_broke");
    Ok(())
}

async fn empty(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::events());
    let answer = world.ask(&world.stream()).await?;
    refused(&answer, 502)?;
    assert_eq!(world.record(&answer).await?["error"], "upstream_broken");
    Ok(())
}

async fn comments_only(world: &World) -> Result {
    let world = &world.apart();
    let pause = Duration::from_millis(100);
    world.play(Script::events().then(Step::Endless(": still here\n\n".into(), pause)));
    let began = Instant::now();
    let answer = world.ask(&world.stream()).await?;
    refused(&answer, 504)?;
    assert!(began.elapsed() < Duration::from_millis(FIRST_BYTE_WAIT_MS * 3));
    world.seen_until(Duration::from_secs(2), |seen| seen.left.is_some()).await?;
    Ok(())
}

async fn silent_before_first(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::events().then(Step::Hang));
    let answer = world.ask(&world.stream()).await?;
    refused(&answer, 504)?;
    assert_eq!(world.record(&answer).await?["error"], "upstream_timeout");
    Ok(())
}

async fn silent_between(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::events().piece(chunk("a")).then(Step::Hang));
    let answer = world.ask(&world.stream()).await?;
    let waited = answer.end_at - answer.head_at;
    let wait = Duration::from_millis(IDLE_WAIT_MS);
    assert!(
        waited > wait / 2 && waited < wait * 3,
        "it took {waited:?}, and {wait:?} was configured"
    );
    assert_eq!(text_of(&answer), "a");
    world.seen_until(Duration::from_secs(2), |seen| seen.left.is_some()).await?;
    broke(world, &answer, "upstream_timeout").await
}

async fn cut(world: &World, end: Step) -> Result {
    let world = &world.apart();
    let frames = [chunk("a"), chunk("b")];
    world.play(Script::events().paced(frames, MOMENT).then(end).then(Step::Close));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(text_of(&answer), "ab");
    broke(world, &answer, "upstream_broken").await
}

async fn half_a_frame(world: &World) -> Result {
    let world = &world.apart();
    let frame = chunk("never complete");
    let half = Bytes::copy_from_slice(&frame.as_bytes()[..frame.len() / 2]);
    world.play(Script::events().piece(chunk("a")).piece(half).pause(MOMENT).then(Step::Close));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(text_of(&answer), "a");
    broke(world, &answer, "upstream_broken").await
}

/// What the gateway cannot read, the client may be able to.
async fn malformed_frames(world: &World) -> Result {
    let first = chunk("a");
    let frames: [&[u8]; 7] = [
        first.as_bytes(),
        b"data: {\"choices\": [{\"delta\":\n\n",
        b"data: \xff\xfe\x00\n\n",
        b"no colon at all\n\n",
        b"data: {\"choices\":\"text\",\"usage\":{\"prompt_tokens\":-1e400}}\n\n",
        FINISH.as_bytes(),
        DONE.as_bytes(),
    ];
    let sent = frames.concat();
    world.play(Script::events().paced(frames.map(Bytes::copy_from_slice), MOMENT));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(String::from_utf8_lossy(&answer.body), String::from_utf8_lossy(&sent));
    assert!(answer.body == sent);
    assert_eq!(world.record(&answer).await?["ended"], "done");
    Ok(())
}

async fn without_finish(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::events().paced([chunk("a"), chunk("b")], MOMENT));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(text_of(&answer), "ab");
    broke(world, &answer, "upstream_broken").await
}

/// Some hosts never send `[DONE]`; their clients' SDKs wait for it all the same.
async fn without_done(world: &World) -> Result {
    world.play(Script::events().piece(chunk("a")).piece(FINISH));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(answer.text(), [&chunk("a"), FINISH, DONE].concat());
    assert_eq!(world.record(&answer).await?["ended"], "done");
    Ok(())
}

async fn without_newline(world: &World) -> Result {
    world.play(Script::events().piece(chunk("a")).piece(FINISH).piece("data: [DONE]"));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
    assert_eq!(answer.events().len(), 3, "{}", answer.text());
    assert_eq!(world.record(&answer).await?["ended"], "done");
    Ok(())
}

async fn more_after_done(world: &World) -> Result {
    let frames = [chunk("a"), FINISH.to_owned(), DONE.to_owned(), chunk("late"), DONE.to_owned()];
    world.play(Script::events().piece(frames.concat()));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(answer.text(), frames[..3].concat());
    Ok(())
}

/// A provider that says `[DONE]` and keeps the connection open must not keep the client.
async fn open_after_done(world: &World) -> Result {
    let frames = [chunk("a"), FINISH.to_owned(), DONE.to_owned()];
    world.play(Script::events().piece(frames.concat()).then(Step::Hang));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(answer.text(), frames.concat());
    let waited = answer.end_at - answer.head_at;
    // A moment is given to the provider's own end, so that its connection can be used again.
    assert!(waited < Duration::from_millis(IDLE_WAIT_MS * 3 / 4), "the end came after {waited:?}");
    assert_eq!(world.record(&answer).await?["ended"], "done");
    Ok(())
}

async fn never_ends(world: &World) -> Result {
    let world = &world.apart();
    let pause = Duration::from_millis(50);
    world.play(Script::events().then(Step::Endless(chunk("a").into(), pause)));
    let answer = world.ask(&world.stream()).await?;
    let waited = answer.end_at - answer.head_at;
    let wait = Duration::from_millis(TOTAL_WAIT_MS);
    assert!(
        waited > wait / 2 && waited < wait * 2,
        "it took {waited:?}, and {wait:?} was configured"
    );
    world.seen_until(Duration::from_secs(2), |seen| seen.left.is_some()).await?;
    broke(world, &answer, "upstream_timeout").await
}

async fn frame_too_long(world: &World) -> Result {
    let world = &world.apart();
    let world = &world.untouched().await?;
    let start = Script::events().piece(chunk("a")).pause(MOMENT).piece("data: ");
    let filler = Bytes::from(vec![b'x'; 1 << 20]);
    let script = (0..6).fold(start, |script, _| script.piece(filler.clone()));
    world.play(script.then(Step::Hang));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!(text_of(&answer), "a");
    world.seen_until(Duration::from_secs(2), |seen| seen.left.is_some()).await?;
    broke(world, &answer, "upstream_broken").await
}

/// 64 MiB is more text than any model writes.
async fn too_long(world: &World) -> Result {
    let world = &world.untouched().await?;
    let frame = Bytes::from(chunk(&"x".repeat(1 << 20)));
    let script = (0..70).fold(Script::events(), |script, _| script.piece(frame.clone()));
    world.play(script.piece(FINISH).piece(DONE));
    let answer = world.ask(&world.stream()).await?;
    assert!(answer.body.len() <= 65 << 20, "{} bytes came", answer.body.len());
    let tail = answer.body.len().saturating_sub(1000);
    let tail = String::from_utf8_lossy(&answer.body[tail..]).into_owned();
    assert!(tail.contains("data: {\"error\""), "no error at the end: {tail}");
    Ok(())
}

const MOMENT: Duration = Duration::from_millis(20);
