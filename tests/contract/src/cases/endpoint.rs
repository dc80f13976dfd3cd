//! What else can be asked for than a conversation, and where may a key stand?

use serde_json::json;
use tidegate_provider::{Framing, Script};

use super::{Case, sample::COMPLETION};
use crate::{
    Result,
    wire::{Ask, Body},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "endpoint_json_passes", run: |world| Box::pin(json_passes(world)) },
    Case { name: "endpoint_form_passes", run: |world| Box::pin(form_passes(world)) },
    Case { name: "endpoint_sound_passes", run: |world| Box::pin(sound_passes(world)) },
    Case { name: "endpoint_models_in_three_shapes", run: |world| Box::pin(models(world)) },
    Case { name: "endpoint_key_in_every_place", run: |world| Box::pin(keys(world)) },
    Case { name: "endpoint_gemini_array_stream", run: |world| Box::pin(array(world)) },
];

async fn json_passes(world: &World) -> Result {
    let answer = "{\"object\":\"list\", \"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}\n";
    world.play(Script::json(200, answer));
    for path in ["/v1/embeddings", "/v1/moderations", "/v1/images/generations", "/v1/completions"] {
        let body = json!({ "input": world.tag(), "prompt": "p", "model": "up/some" }).to_string();
        let got = world.ask(&Ask::post(path, body.clone()).bearer(&world.client.key)).await?;
        assert_eq!((got.status, got.text().as_str()), (200, answer), "{path}");
        let seen = world.seen().pop();
        let seen = seen.map(|seen| (seen.path, seen.body)).unwrap_or_default();
        assert_eq!(seen, (path.to_owned(), body.replace("up/some", "some").into()));
        assert_eq!(world.record(&got).await?["usage"]["prompt"], 5, "{path}");
    }
    Ok(())
}

async fn form_passes(world: &World) -> Result {
    world.play(Script::json(200, "{\"text\":\"hi\"}"));
    let form = |model: &str| {
        let tag = world.tag();
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n{tag}\r\n--b\r\n\
             Content-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--b--\r\n"
        )
    };
    for path in ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits"] {
        let mut ask = Ask::new("POST", path).bearer(&world.client.key);
        ask = ask.header("content-type", "multipart/form-data; boundary=b");
        let got = world.ask(&ask.body(Body::Whole(form("up/whisper").into()))).await?;
        assert_eq!((got.status, got.text().as_str()), (200, "{\"text\":\"hi\"}"), "{path}");
        let seen = world.seen().pop().map(|seen| seen.body).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&seen), form("whisper"), "{path}");
    }
    Ok(())
}

async fn sound_passes(world: &World) -> Result {
    let head = Script::head(200, &[("content-type", "audio/mpeg")], Framing::Chunked);
    world.play(head.piece(&b"\xff\xfb\x00"[..]).piece(&b"\x01\x02"[..]));
    let body = json!({ "input": world.tag(), "model": "up/tts-1", "voice": "alloy" }).to_string();
    let got = world.ask(&Ask::post("/v1/audio/speech", body).bearer(&world.client.key)).await?;
    assert_eq!(got.status, 200);
    assert_eq!(&got.body[..], b"\xff\xfb\x00\x01\x02");
    assert_eq!(got.header("content-type"), Some("audio/mpeg"));
    let record = world.record(&got).await?;
    assert_eq!((&record["bytes_out"], &record["ended"]), (&json!(5), &json!("done")), "{record}");
    Ok(())
}

async fn models(world: &World) -> Result {
    let key = world.client.key.as_str();
    let get = |path: &str| Ask::new("GET", path);
    let openai = world.ask(&get("/v1/models/mock").bearer(key)).await?.json()?;
    assert_eq!((&openai["object"], &openai["id"]), (&json!("model"), &json!("mock")), "{openai}");
    let ask = get("/v1/models").header("x-api-key", key).header("anthropic-version", "2023-06-01");
    let anthropic = world.ask(&ask).await?.json()?;
    assert_eq!(anthropic["has_more"], false, "{anthropic}");
    assert_eq!(anthropic["data"][0]["type"], "model", "{anthropic}");
    assert!(anthropic["data"][0]["created_at"].is_string(), "{anthropic}");
    let gemini = world.ask(&get("/v1beta/models").header("x-goog-api-key", key)).await?.json()?;
    assert_eq!(gemini["models"][0]["name"], "models/mock", "{gemini}");
    assert!(gemini["models"][0]["inputTokenLimit"].is_u64(), "{gemini}");
    let one = world.ask(&get("/v1beta/models/mock-gemini").header("x-goog-api-key", key)).await?;
    assert_eq!(one.json()?["name"], "models/mock-gemini");
    Ok(())
}

async fn keys(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let key = world.client.key.as_str();
    let body = json!({ "model": "mock", "messages": [{ "role": "user", "content": world.tag() }] });
    for (name, value) in [
        ("authorization", format!("Bearer {key}")),
        ("x-api-key", key.to_owned()),
        ("api-key", key.to_owned()),
        ("x-goog-api-key", key.to_owned()),
    ] {
        let ask = Ask::post("/v1/chat/completions", body.to_string()).header(name, &value);
        assert_eq!(world.ask(&ask).await?.status, 200, "{name}");
    }
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": world.tag() }] }] });
    // Some of the SDK's versions ask under /v1, others under /v1beta.
    for start in ["/v1/models/", "/v1beta/models/"] {
        let path = format!("{start}mock:generateContent?key={key}");
        let answer = world.ask(&Ask::post(path, contents.to_string())).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()?["candidates"][0]["finishReason"], "STOP", "{}", answer.text());
        let path = format!("{start}mock:streamGenerateContent?alt=sse&key={key}");
        let answer = world.ask(&Ask::post(path, contents.to_string())).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let last = answer.events().pop().unwrap_or_default();
        assert!(last.contains("\"finishReason\":\"STOP\""), "{}", answer.text());
    }
    let answer = world.ask(&Ask::post("/v1beta/models/mock:explode", "{}")).await?;
    assert_eq!((answer.status, &answer.json()?["error"]["code"]), (405, &json!(405)));
    Ok(())
}

/// A client that does not ask for events gets the elements of an array, of whatever provider.
async fn array(world: &World) -> Result {
    let own = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"model\"},\"index\":0}]}\n,\r\n\
               {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\
               \"index\":0}]}\n]\n";
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": world.tag() }] }] });
    let ask = |model: &str| {
        let path = format!("/v1beta/models/{model}:streamGenerateContent");
        Ask::post(path, contents.to_string()).header("x-goog-api-key", &world.client.key)
    };
    let head = Script::head(200, &[("content-type", "application/json")], Framing::Chunked);
    let (one, two) = own.as_bytes().split_at(own.len() / 3);
    world.play(head.piece(one).piece(two));
    let answer = world.ask(&ask("mock-gemini")).await?;
    assert_eq!(answer.text(), own);
    let chunks = [&super::sample::chunk("ab"), super::sample::FINISH, super::sample::DONE].concat();
    let head = Script::head(200, &[("content-type", "text/event-stream")], Framing::Chunked);
    world.play(head.piece(chunks));
    let answer = world.ask(&ask("mock")).await?.json()?;
    let elements = answer.as_array().cloned().unwrap_or_default();
    let text: String = elements
        .iter()
        .filter_map(|element| element["candidates"][0]["content"]["parts"][0]["text"].as_str())
        .collect();
    assert_eq!(text, "ab", "{answer}");
    assert_eq!(
        elements.last().map(|last| &last["candidates"][0]["finishReason"]),
        Some(&json!("STOP"))
    );
    Ok(())
}
