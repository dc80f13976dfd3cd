//! Does a whole chat answer cross the gateway byte for byte, and is it counted?

use std::time::Duration;

use serde_json::json;
use tidegate_provider::{Framing, Script};

use super::{
    Case,
    sample::{COMPLETION, refused},
};
use crate::{Result, setup::SLASHED_MODEL, world::World};

pub(super) const CASES: &[Case] = &[
    Case { name: "chat_whole", run: |world| Box::pin(whole(world)) },
    Case { name: "chat_whole_in_pieces", run: |world| Box::pin(in_pieces(world)) },
    Case { name: "chat_whole_until_close", run: |world| Box::pin(until_close(world)) },
    Case { name: "chat_empty_answer", run: |world| Box::pin(empty_answer(world)) },
    Case { name: "chat_request_unchanged", run: |world| Box::pin(unchanged(world)) },
    Case { name: "chat_model_patched", run: |world| Box::pin(model_patched(world)) },
    Case { name: "chat_any_model_by_prefix", run: |world| Box::pin(any_model(world)) },
    Case { name: "chat_model_with_slash", run: |world| Box::pin(slashed_model(world)) },
    Case { name: "chat_usage_recorded", run: |world| Box::pin(usage_recorded(world)) },
    Case { name: "chat_many_at_once", run: |world| Box::pin(many_at_once(world)) },
];

async fn whole(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), COMPLETION);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    Ok(())
}

async fn in_pieces(world: &World) -> Result {
    let head = Script::head(200, &[("content-type", "application/json")], Framing::Chunked);
    let pieces = COMPLETION.as_bytes().chunks(7).map(bytes::Bytes::copy_from_slice);
    world.play(head.paced(pieces, Duration::from_millis(1)));
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!((answer.status, answer.text().as_str()), (200, COMPLETION));
    Ok(())
}

async fn until_close(world: &World) -> Result {
    let head = Script::head(200, &[("content-type", "application/json")], Framing::UntilClose);
    world.play(head.piece(COMPLETION));
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!((answer.status, answer.text().as_str()), (200, COMPLETION));
    Ok(())
}

async fn empty_answer(world: &World) -> Result {
    world.play(Script::json(200, ""));
    let answer = world.ask(&world.chat(json!({}))).await?;
    refused(&answer, 502)?;
    assert_eq!(world.record(&answer).await?["error"], "upstream_broken");
    Ok(())
}

async fn unchanged(world: &World) -> Result {
    let body = format!(
        "{{ \"messages\":[{{\"role\":\"user\",\"content\":\"{} \\u00e9 😀\"}}],\n\t\"model\" : \"mock\",\
         \"temperature\":1.0,\"x_big\":12345678901234567890.10,\"x\":{{\"model\":\"other\",\"stream\":true}} }} ",
        world.tag()
    );
    world.ask(&world.post(body.as_str())).await?;
    assert_eq!(String::from_utf8_lossy(&world.seen_once()?.body), body);
    Ok(())
}

async fn model_patched(world: &World) -> Result {
    let body = |model: &str| {
        format!(
            "{{\"x\":{{\"model\":\"up/mock\"}}, \"model\" :\n \"{model}\" ,\"messages\":[{{\"role\":\"user\",\
             \"content\":\"{}\"}}],\"seed\":1e2}}",
            world.tag()
        )
    };
    world.ask(&world.post(body("up/mock"))).await?;
    assert_eq!(String::from_utf8_lossy(&world.seen_once()?.body), body("mock"));
    Ok(())
}

async fn any_model(world: &World) -> Result {
    let answer = world.ask(&world.chat(json!({ "model": "up/never/declared-9" }))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body: serde_json::Value =
        serde_json::from_slice(&world.seen_once()?.body).unwrap_or_default();
    assert_eq!(body["model"], "never/declared-9");
    let record = world.record(&answer).await?;
    assert_eq!(record["requested_model"], "up/never/declared-9");
    assert_eq!((&record["provider"], &record["model"]), (&json!("up"), &json!("never/declared-9")));
    Ok(())
}

async fn slashed_model(world: &World) -> Result {
    let answer = world.ask(&world.chat(json!({ "model": SLASHED_MODEL }))).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body: serde_json::Value =
        serde_json::from_slice(&world.seen_once()?.body).unwrap_or_default();
    assert_eq!(body["model"], SLASHED_MODEL);
    Ok(())
}

async fn usage_recorded(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let answer = world.ask(&world.chat(json!({}))).await?;
    let record = world.record(&answer).await?;
    let usage = &record["usage"];
    assert_eq!((&usage["prompt"], &usage["cached"]), (&json!(11), &json!(4)), "{record}");
    assert_eq!((&usage["completion"], &usage["reasoning"]), (&json!(7), &json!(2)), "{record}");
    assert_eq!(record["estimated"], false);
    assert_eq!(record["bytes_out"], COMPLETION.len());
    Ok(())
}

async fn many_at_once(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION).after(Duration::from_millis(30)));
    let ask = world.chat(json!({}));
    let answers = futures_util::future::join_all((0..20).map(|_| world.ask(&ask))).await;
    for answer in answers {
        let answer = answer?;
        assert_eq!((answer.status, answer.text().as_str()), (200, COMPLETION));
    }
    let records = world.until_records(20, |record| record["status"] == 200).await?;
    let mut ids: Vec<_> = records.iter().map(|record| record["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20, "each record has an id of its own");
    Ok(())
}
