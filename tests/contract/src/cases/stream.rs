//! Does a streamed chat cross the gateway byte for byte, at once, and is it counted?

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tidegate_provider::Script;

use super::{
    Case,
    sample::{DONE, FINISH, USAGE, chunk, text_of},
};
use crate::{
    Result,
    wire::{Answer, End},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "stream_byte_for_byte", run: |world| Box::pin(byte_for_byte(world)) },
    Case { name: "stream_head", run: |world| Box::pin(head(world)) },
    Case { name: "stream_order", run: |world| Box::pin(order(world)) },
    Case { name: "stream_first_byte_before_last", run: |world| Box::pin(first_before_last(world)) },
    Case { name: "stream_utf8_cut_everywhere", run: |world| Box::pin(utf8_cut_everywhere(world)) },
    Case { name: "stream_byte_by_byte", run: |world| Box::pin(byte_by_byte(world)) },
    Case { name: "stream_crlf_frames", run: |world| Box::pin(crlf_frames(world)) },
    Case { name: "stream_long_frame", run: |world| Box::pin(long_frame(world)) },
    Case { name: "stream_usage_asked_for", run: |world| Box::pin(usage_asked_for(world)) },
    Case { name: "stream_usage_option_patched", run: |world| Box::pin(option_patched(world)) },
    Case { name: "stream_usage_stripped", run: |world| Box::pin(usage_stripped(world)) },
    Case { name: "stream_usage_passed", run: |world| Box::pin(usage_passed(world)) },
    Case { name: "stream_usage_recorded", run: |world| Box::pin(usage_recorded(world)) },
    Case { name: "stream_usage_estimated", run: |world| Box::pin(usage_estimated(world)) },
];

/// Plays `pieces` to a client that wants everything.
async fn relayed<T: Into<Bytes>>(
    world: &World,
    pieces: impl IntoIterator<Item = T>,
) -> Result<Answer> {
    world.play(Script::events().paced(pieces, Duration::from_millis(2)));
    let answer = world.ask(&world.stream()).await?;
    assert_eq!((answer.status, answer.end), (200, End::Complete), "{}", answer.text());
    Ok(answer)
}

async fn byte_for_byte(world: &World) -> Result {
    let text = [
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\
         \"usage\":null,\"obfuscation\":\"aZ9\"}\n\n",
        "id: 7\nevent: message\nretry: 10\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"caf\\u00e9\"}}],\
         \"x_unknown\":1.50}\n\n",
        ": keep-alive\n",
        "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\" 😀\"}}]}   \n\n",
        "data: {\"choices\":\ndata: []}\n\n\n\n",
        FINISH,
        USAGE,
        DONE,
    ];
    let answer = relayed(world, text).await?;
    assert_eq!(answer.text(), text.concat());
    Ok(())
}

async fn head(world: &World) -> Result {
    let answer = relayed(world, [&chunk("a"), FINISH, USAGE, DONE].map(str::to_owned)).await?;
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("content-encoding"), None);
    let cache = answer.header("cache-control").unwrap_or_default();
    assert!(cache.contains("no-cache") || cache.contains("no-store"), "{cache}");
    assert!(!answer.request_id()?.is_empty());
    Ok(())
}

async fn order(world: &World) -> Result {
    let frames: Vec<String> = (0..300).map(|number| chunk(&format!("{number} "))).collect();
    let answer = relayed(world, frames.iter().cloned().chain([FINISH.into(), DONE.into()])).await?;
    let numbers: Vec<u32> =
        text_of(&answer).split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.into_iter().eq(0..300), "{}", answer.text());
    Ok(())
}

async fn first_before_last(world: &World) -> Result {
    const PAUSE: Duration = Duration::from_millis(300);
    let frames = [chunk("a"), chunk("b"), chunk("c"), chunk("d")];
    world.play(Script::events().paced(frames, PAUSE).piece(FINISH).piece(DONE));
    let answer = world.ask(&world.stream()).await?;
    let arrived = |text: &str| {
        let at = memchr::memmem::find(&answer.body, chunk(text).as_bytes())?;
        let mut end = 0;
        let mut pieces = answer.pieces.iter();
        pieces.find_map(|(time, piece)| {
            end += piece.len();
            (end > at).then_some(*time)
        })
    };
    let times: Vec<_> = ["a", "b", "c", "d"].into_iter().filter_map(arrived).collect();
    assert_eq!(times.len(), 4, "{}", answer.text());
    for pair in times.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(
            gap > PAUSE / 2 && gap < PAUSE * 2,
            "chunks that were 300 ms apart came {gap:?} apart"
        );
    }
    let ahead = answer.end_at - times[0];
    assert!(ahead > PAUSE * 3, "the first chunk came only {ahead:?} before the end");
    Ok(())
}

async fn utf8_cut_everywhere(world: &World) -> Result {
    let frame = Bytes::from(chunk("é漢😀"));
    let script = Script::events().cut_everywhere(&frame, Duration::from_millis(1));
    world.play(script.piece(FINISH).piece(DONE));
    let answer = world.ask(&world.stream()).await?;
    let copies = frame.len() - 1;
    assert_eq!(text_of(&answer), "é漢😀".repeat(copies));
    let sent = [&frame.repeat(copies)[..], FINISH.as_bytes(), DONE.as_bytes()].concat();
    assert_eq!(answer.body, sent);
    Ok(())
}

async fn byte_by_byte(world: &World) -> Result {
    let text = [&chunk("é漢😀"), FINISH, USAGE, DONE].concat();
    let bytes: Vec<Bytes> = text.bytes().map(|byte| Bytes::from(vec![byte])).collect();
    world.play(Script::events().paced(bytes, Duration::from_micros(200)));
    let answer = world.ask(&world.chat(json!({ "stream": true }))).await?;
    assert_eq!(answer.text(), text.replace(USAGE, ""));
    Ok(())
}

async fn crlf_frames(world: &World) -> Result {
    let text = [&chunk("a"), ": ping\n\n", &chunk("b"), FINISH, USAGE, DONE].concat();
    let crlf = text.replace('\n', "\r\n");
    // Cut between the two bytes of an end of line, too.
    let pieces: Vec<Bytes> =
        crlf.split_inclusive('\r').map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect();
    let answer = relayed(world, pieces.clone()).await?;
    assert_eq!(answer.text(), crlf);
    world.play(Script::events().paced(pieces, Duration::from_millis(2)));
    let answer = world.ask(&world.chat(json!({ "stream": true }))).await?;
    assert_eq!(answer.text(), crlf.replace(&USAGE.replace('\n', "\r\n"), ""));
    Ok(())
}

async fn long_frame(world: &World) -> Result {
    let frames = [chunk(&"é".repeat(1 << 20)), FINISH.to_owned(), DONE.to_owned()];
    let answer = relayed(world, frames.clone()).await?;
    assert!(answer.body == frames.concat(), "a frame of 2 MiB was changed");
    Ok(())
}

async fn usage_asked_for(world: &World) -> Result {
    let body = format!(
        "{{\"model\":\"up/mock\", \"stream\" : true ,\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}],\"x\":1.0 }}",
        world.tag()
    );
    world.ask(&world.post(body.as_str())).await?;
    let arrived = String::from_utf8_lossy(&world.seen_once()?.body).into_owned();
    let option = "\"stream_options\":{\"include_usage\":true}";
    assert_eq!(arrived.matches(option).count(), 1, "{arrived}");
    let rest = arrived.replace(&format!(",{option}"), "").replace(&format!("{option},"), "");
    assert_eq!(rest, body.replace("up/mock", "mock"));
    Ok(())
}

async fn option_patched(world: &World) -> Result {
    let body = format!(
        "{{\"stream_options\": {{\"include_obfuscation\":false , \"include_usage\": false}},\"model\":\"mock\",\
         \"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}],\"stream\":true}}",
        world.tag()
    );
    world.ask(&world.post(body.as_str())).await?;
    let arrived = String::from_utf8_lossy(&world.seen_once()?.body).into_owned();
    assert_eq!(arrived, body.replace("\"include_usage\": false", "\"include_usage\": true"));
    Ok(())
}

async fn usage_stripped(world: &World) -> Result {
    let text = [&chunk("a"), ": ping\n\n", FINISH, USAGE, DONE];
    world.play(Script::events().paced(text.map(str::to_owned), Duration::from_millis(2)));
    let answer = world.ask(&world.chat(json!({ "stream": true }))).await?;
    assert_eq!(answer.text(), text.concat().replace(USAGE, ""));
    Ok(())
}

async fn usage_passed(world: &World) -> Result {
    let text = [&chunk("a"), FINISH, USAGE, DONE];
    let answer = relayed(world, text.map(str::to_owned)).await?;
    assert_eq!(answer.text(), text.concat());
    Ok(())
}

async fn usage_recorded(world: &World) -> Result {
    let text = [&chunk("a"), FINISH, USAGE, DONE];
    world.play(Script::events().paced(text.map(str::to_owned), Duration::from_millis(20)));
    let answer = world.ask(&world.chat(json!({ "stream": true }))).await?;
    let record = world.record(&answer).await?;
    let usage = &record["usage"];
    assert_eq!((&usage["prompt"], &usage["cached"]), (&json!(11), &json!(4)), "{record}");
    assert_eq!((&usage["completion"], &usage["reasoning"]), (&json!(7), &json!(2)), "{record}");
    assert_eq!((&record["stream"], &record["estimated"]), (&json!(true), &json!(false)));
    assert_eq!((&record["ended"], &record["status"]), (&json!("done"), &json!(200)));
    assert_eq!(record["bytes_out"], answer.body.len());
    Ok(())
}

async fn usage_estimated(world: &World) -> Result {
    let text = [&chunk("four words are here"), FINISH, DONE];
    let answer = relayed(world, text.map(str::to_owned)).await?;
    let record = world.record(&answer).await?;
    assert_eq!(record["estimated"], true, "{record}");
    assert!(record["usage"]["completion"].as_i64() > Some(0), "{record}");
    assert!(record["usage"]["prompt"].as_i64() > Some(0), "{record}");
    Ok(())
}
