//! Can every client talk to every provider, whatever either speaks?

mod speech;

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_provider::{Framing, Script};

use self::speech::{Speech, TEXT, USAGE, expected};
use super::Case;
use crate::{Result, world::World};

pub(super) const CASES: &[Case] = &[
    Case { name: "dialect_chat_whole", run: |world| Box::pin(whole(world, Speech::Chat)) },
    Case { name: "dialect_chat_stream", run: |world| Box::pin(stream(world, Speech::Chat)) },
    Case {
        name: "dialect_responses_whole",
        run: |world| Box::pin(whole(world, Speech::Responses)),
    },
    Case {
        name: "dialect_responses_stream",
        run: |world| Box::pin(stream(world, Speech::Responses)),
    },
    Case {
        name: "dialect_anthropic_whole",
        run: |world| Box::pin(whole(world, Speech::Anthropic)),
    },
    Case {
        name: "dialect_anthropic_stream",
        run: |world| Box::pin(stream(world, Speech::Anthropic)),
    },
    Case { name: "dialect_gemini_whole", run: |world| Box::pin(whole(world, Speech::Gemini)) },
    Case { name: "dialect_gemini_stream", run: |world| Box::pin(stream(world, Speech::Gemini)) },
    Case { name: "dialect_same_bytes", run: |world| Box::pin(same_bytes(world)) },
    Case { name: "dialect_request_written", run: |world| Box::pin(request_written(world)) },
    Case { name: "dialect_errors", run: |world| Box::pin(errors(world)) },
    Case { name: "dialect_cut_stream_is_an_error", run: |world| Box::pin(cut(world)) },
    Case { name: "dialect_first_event_error", run: |world| Box::pin(first_event_error(world)) },
    Case { name: "dialect_loss_is_told", run: |world| Box::pin(loss_is_told(world)) },
    Case { name: "dialect_answer_in_another", run: |world| Box::pin(in_another(world)) },
    Case { name: "dialect_strict_refuses", run: |world| Box::pin(strict_refuses(world)) },
    Case { name: "dialect_strict_client", run: |world| Box::pin(strict_client(world)) },
    Case { name: "dialect_first_byte_before_last", run: |world| Box::pin(first_byte(world)) },
];

async fn whole(world: &World, client: Speech) -> Result {
    for provider in Speech::PROVIDERS {
        world.play(provider.whole());
        let answer = world.ask(&client.ask(world, &provider.model(), false)).await?;
        assert_eq!(answer.status, 200, "{client:?} to {provider:?}: {}", answer.text());
        assert_eq!(
            client.said(&answer),
            expected(),
            "{client:?} to {provider:?}: {}",
            answer.text()
        );
        counted(world, &answer).await?;
    }
    Ok(())
}

async fn counted(world: &World, answer: &crate::wire::Answer) -> Result {
    let record = world.record(answer).await?;
    let (input, output) = USAGE;
    let usage = &record["usage"];
    assert_eq!(
        (&usage["prompt"], &usage["completion"]),
        (&json!(input), &json!(output)),
        "{record}"
    );
    assert_eq!(
        (&record["ended"], &record["estimated"]),
        (&json!("done"), &json!(false)),
        "{record}"
    );
    Ok(())
}

/// Plays the frames, each cut in two in the middle of whatever stands there.
fn frames(provider: Speech, frames: &[String]) -> Script {
    let head = Script::head(200, &[("content-type", provider.stream_type())], Framing::Chunked);
    let pieces = frames.iter().flat_map(|frame| {
        let (one, two) = frame.as_bytes().split_at(frame.len() / 2);
        [bytes::Bytes::copy_from_slice(one), bytes::Bytes::copy_from_slice(two)]
    });
    head.paced(pieces.collect::<Vec<_>>(), Duration::from_millis(1))
}

async fn stream(world: &World, client: Speech) -> Result {
    for provider in Speech::PROVIDERS {
        world.play(frames(provider, &provider.frames()));
        let mut ask = client.ask(world, &provider.model(), true);
        if client == Speech::Chat {
            ask = with_field(ask, "stream_options", json!({ "include_usage": true }));
        }
        let answer = world.ask(&ask).await?;
        assert_eq!(answer.status, 200, "{client:?} to {provider:?}: {}", answer.text());
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/event-stream"), "{client:?} to {provider:?}: {kind}");
        let gathered = client.gathered(&answer);
        assert_eq!(gathered, expected(), "{client:?} to {provider:?}: {}", answer.text());
        assert!(client.ends_well(&answer), "{client:?} to {provider:?}: {}", answer.text());
        counted(world, &answer).await?;
    }
    Ok(())
}

fn with_field(mut ask: crate::wire::Ask, name: &str, value: Value) -> crate::wire::Ask {
    if let crate::wire::Body::Whole(bytes) = &ask.body {
        let mut body: Value = serde_json::from_slice(bytes).unwrap_or_default();
        body[name] = value;
        ask.body = crate::wire::Body::Whole(body.to_string().into());
    }
    ask
}

async fn same_bytes(world: &World) -> Result {
    for speech in [Speech::Responses, Speech::Anthropic, Speech::Gemini] {
        let sent = speech.frames();
        world.play(frames(speech, &sent));
        let ask = speech.ask(world, &speech.model(), true);
        let answer = world.ask(&ask).await?;
        assert_eq!(answer.text(), sent.concat(), "{speech:?}");
    }
    let asked = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap_or_default();
    for (seen, speech) in
        world.seen().iter().zip([Speech::Responses, Speech::Anthropic, Speech::Gemini])
    {
        let crate::wire::Body::Whole(bytes) = speech.ask(world, &speech.model(), true).body else {
            continue;
        };
        assert_eq!(asked(&seen.body), asked(&bytes), "{speech:?}");
    }
    Ok(())
}

/// What reaches a provider of another dialect: its path, its way of showing the key, and nothing of the client's.
async fn request_written(world: &World) -> Result {
    for provider in Speech::PROVIDERS {
        world.play(provider.whole());
        let client = if provider == Speech::Anthropic { Speech::Chat } else { Speech::Anthropic };
        world.ask(&client.ask(world, &provider.model(), false)).await?;
        let seen = world.seen().pop();
        let Some(seen) = seen else { return crate::failed("nothing reached the provider") };
        let (path, key) = match provider {
            Speech::Chat => ("/v1/chat/completions", "authorization"),
            Speech::Responses => ("/v1/responses", "authorization"),
            Speech::Anthropic => ("/v1/messages", "x-api-key"),
            Speech::Gemini => ("/v1/models/mock-gemini:generateContent", "x-goog-api-key"),
            Speech::Ollama => ("/api/chat", "authorization"),
        };
        assert_eq!(seen.path, path, "{provider:?}");
        let keys = ["authorization", "x-api-key", "x-goog-api-key"];
        let shown = seen.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let shown: Vec<_> = shown.filter(|name| keys.contains(&name.as_str())).collect();
        assert_eq!(shown, [key], "{provider:?}");
        let version =
            seen.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("anthropic-version"));
        assert_eq!(version, provider == Speech::Anthropic, "{provider:?}");
    }
    Ok(())
}

async fn errors(world: &World) -> Result {
    let body = super::sample::error("slow down");
    world.play(Script::json(429, body));
    for client in Speech::CLIENTS {
        let answer = world.ask(&client.ask(world, &Speech::Chat.spare(), false)).await?;
        assert_eq!(answer.status, 429, "{client:?}: {}", answer.text());
        assert_eq!(client.error(&answer), "slow down", "{client:?}: {}", answer.text());
        // Anthropic's SDK reads it under a name of its own.
        let own = answer.header("request-id").map(str::to_owned);
        let id = (client == Speech::Anthropic).then(|| answer.request_id()).transpose()?;
        assert_eq!(own.as_deref(), id, "{client:?}");
    }
    let anthropic =
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "busy" } });
    world.play(Script::json(529, anthropic.to_string()));
    for client in Speech::CLIENTS {
        let answer = world.ask(&client.ask(world, &Speech::Anthropic.spare(), false)).await?;
        let shown = if client == Speech::Anthropic { 529 } else { 503 };
        assert_eq!(
            (answer.status, client.error(&answer)),
            (shown, json!("busy")),
            "{client:?}: {}",
            answer.text()
        );
    }
    Ok(())
}

async fn cut(world: &World) -> Result {
    for provider in Speech::PROVIDERS {
        let mut sent = provider.frames();
        sent.truncate(2);
        world.play(frames(provider, &sent));
        for client in Speech::CLIENTS {
            let answer = world.ask(&client.ask(world, &provider.spare(), true)).await?;
            let events = answer.events();
            let last = events.last().map(String::as_str).unwrap_or_default();
            assert!(client.is_error(last), "{client:?} to {provider:?}: {}", answer.text());
            assert!(!client.ends_well(&answer), "{client:?} to {provider:?}: {}", answer.text());
            assert_eq!(world.record(&answer).await?["ended"], "upstream_broke");
        }
    }
    Ok(())
}

async fn first_event_error(world: &World) -> Result {
    let error =
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "busy" } });
    let head = Script::head(200, &[("content-type", "text/event-stream")], Framing::Chunked);
    world.play(head.piece(format!("event: error\ndata: {error}\n\n")));
    for client in Speech::CLIENTS {
        let answer = world.ask(&client.ask(world, &Speech::Anthropic.spare(), true)).await?;
        assert!(answer.status >= 500, "{client:?}: {} {}", answer.status, answer.text());
        assert_eq!(client.error(&answer), "busy", "{client:?}: {}", answer.text());
    }
    Ok(())
}

async fn loss_is_told(world: &World) -> Result {
    world.play(Speech::Anthropic.whole());
    let ask = Speech::Chat.ask(world, &Speech::Anthropic.model(), false);
    let ask = with_field(with_field(ask, "logit_bias", json!({ "1": 2 })), "seed", json!(7));
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let dropped = answer.header("x-tidegate-dropped").unwrap_or_default().to_owned();
    for name in ["logit_bias", "seed"] {
        assert!(dropped.split(',').any(|lost| lost == name), "{name} in {dropped:?}");
    }
    assert_eq!(world.record(&answer).await?["dropped"], dropped);
    let answer = world.ask(&Speech::Chat.ask(world, &Speech::Anthropic.model(), false)).await?;
    assert_eq!(answer.header("x-tidegate-dropped"), None);
    Ok(())
}

/// A client may speak one dialect and be answered in another, an error too.
async fn in_another(world: &World) -> Result {
    let names = ["openai_chat", "openai_responses", "anthropic", "gemini"];
    for (speaks, (answers, name)) in
        Speech::CLIENTS.into_iter().rev().zip(Speech::CLIENTS.into_iter().zip(names))
    {
        let ask = |model: &str, stream| {
            speaks.ask(world, model, stream).header("x-tidegate-answer", name)
        };
        // The provider speaks as the answer is to be, then as the client does.
        for provider in [answers, speaks] {
            let which = format!("{speaks:?} to {provider:?}, answered as {answers:?}");
            world.play(provider.whole());
            let answer = world.ask(&ask(&provider.model(), false)).await?;
            assert_eq!(answer.status, 200, "{which}: {}", answer.text());
            assert_eq!(answers.said(&answer), expected(), "{which}: {}", answer.text());
            counted(world, &answer).await?;
            world.play(frames(provider, &provider.frames()));
            let answer = world.ask(&ask(&provider.model(), true)).await?;
            assert_eq!(answer.status, 200, "{which}: {}", answer.text());
            assert_eq!(answers.gathered(&answer), expected(), "{which}: {}", answer.text());
            assert!(answers.ends_well(&answer), "{which}: {}", answer.text());
        }
        let refused = world.ask(&ask("nobody/has-it", false)).await?;
        assert_eq!(refused.status, 404, "{}", refused.text());
        assert!(answers.error(&refused).is_string(), "{answers:?}: {}", refused.text());
    }
    let ask = Speech::Chat.ask(world, &Speech::Chat.model(), false);
    let refused = world.ask(&ask.header("x-tidegate-answer", "klingon")).await?;
    let error = super::sample::refused(&refused, 400)?;
    assert_eq!(error["param"], "x-tidegate-answer", "{error}");
    Ok(())
}

async fn strict_refuses(world: &World) -> Result {
    world.play(Speech::Anthropic.whole());
    let ask = Speech::Chat.ask(world, &Speech::Anthropic.model(), false);
    let ask = with_field(ask, "seed", json!(7)).header("x-tidegate-strict", "true");
    let answer = world.ask(&ask).await?;
    let error = super::sample::refused(&answer, 400)?;
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("unsupported_parameter"), &json!("seed")),
        "{error}"
    );
    assert!(world.seen().is_empty(), "a refused request reached the provider");
    Ok(())
}

/// A client that was made strict is refused what it did not ask to be let go.
async fn strict_client(world: &World) -> Result {
    world.play(Speech::Anthropic.whole());
    let name = format!("strict of {}", world.client.id);
    let client = world.another_client(json!({ "name": name, "strict": true })).await?;
    let ask = || {
        let mut ask = Speech::Chat.ask(world, &Speech::Anthropic.model(), false);
        ask.headers.retain(|(name, _)| name != "authorization");
        with_field(ask, "seed", json!(7)).bearer(&client.key)
    };
    let error = super::sample::refused(&world.ask(&ask()).await?, 400)?;
    assert_eq!(error["param"], "seed", "{error}");
    assert!(world.seen().is_empty(), "a refused request reached the provider");
    let answer = world.ask(&ask().header("x-tidegate-strict", "false")).await?;
    assert_eq!((answer.status, answer.header("x-tidegate-dropped")), (200, Some("seed")));
    let listed = world.admin("GET", "/api/clients?limit=500").await?.json()?;
    let row = listed["data"].as_array().into_iter().flatten().find(|row| row["id"] == client.id);
    assert_eq!(row.map(|row| &row["strict"]), Some(&json!(true)), "{listed}");
    Ok(())
}

/// Nothing is held back while a stream is written in another dialect.
async fn first_byte(world: &World) -> Result {
    let sent = Speech::Anthropic.frames();
    let head = Script::head(200, &[("content-type", "text/event-stream")], Framing::Chunked);
    let (first, rest) = sent.split_at(4);
    let script = head.piece(first.concat()).pause(Duration::from_millis(300)).piece(rest.concat());
    world.play(script);
    let answer = world.ask(&Speech::Chat.ask(world, &Speech::Anthropic.model(), true)).await?;
    let with = |text: &str| {
        answer
            .pieces
            .iter()
            .find(|(_, piece)| String::from_utf8_lossy(piece).contains(text))
            .map(|(at, _)| *at)
    };
    let (Some(first), Some(last)) = (with("café"), with("[DONE]")) else {
        return crate::failed(format!("a piece is missing: {}", answer.text()));
    };
    assert!(last - first >= Duration::from_millis(200), "{:?}", last - first);
    assert!(answer.text().contains(&TEXT[..5]));
    Ok(())
}
