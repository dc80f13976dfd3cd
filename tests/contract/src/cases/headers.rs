//! Which headers cross the gateway? Only those of a list, in both directions.

use serde_json::json;
use tidegate_provider::{Script, Seen};

use super::{
    Case,
    sample::{COMPLETION, DONE, FINISH, chunk, error},
};
use crate::{
    Result,
    adapters::Adapter,
    setup::UPSTREAM_KEY,
    wire::{Answer, Ask},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "headers_to_provider", run: |world| Box::pin(to_provider(world)) },
    Case {
        name: "headers_to_provider_of_a_stream",
        run: |world| Box::pin(to_provider_of_a_stream(world)),
    },
    Case { name: "headers_to_client", run: |world| Box::pin(to_client(world)) },
    Case {
        name: "headers_to_client_of_a_stream",
        run: |world| Box::pin(to_client_of_a_stream(world)),
    },
    Case {
        name: "headers_to_client_of_an_error",
        run: |world| Box::pin(to_client_of_an_error(world)),
    },
    Case { name: "whole_answer_not_compressed", run: |world| Box::pin(not_compressed(world)) },
    Case { name: "stream_not_compressed", run: |world| Box::pin(stream_not_compressed(world)) },
];

/// What a client may send and a provider must not see.
const FROM_CLIENT: [(&str, &str); 27] = [
    ("x-api-key", "sk-of-the-client"),
    ("api-key", "sk-of-the-client"),
    ("x-goog-api-key", "sk-of-the-client"),
    ("proxy-authorization", "Basic c2VjcmV0"),
    ("cookie", "session=of-the-client"),
    ("forwarded", "for=192.0.2.1"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-real-ip", "192.0.2.1"),
    ("cf-connecting-ip", "192.0.2.1"),
    ("true-client-ip", "192.0.2.1"),
    ("via", "1.1 somewhere"),
    ("te", "trailers"),
    ("keep-alive", "timeout=5"),
    ("x-hop", "named by connection"),
    ("x-custom", "of the client"),
    ("user-agent", "client/1.0"),
    ("origin", "https://page.example"),
    ("referer", "https://page.example/here"),
    ("accept-language", "de"),
    ("metadata-flavor", "Google"),
    ("x-aws-ec2-metadata-token", "token"),
    ("x-stainless-os", "Linux"),
    ("openai-organization", "org-of-the-client"),
    ("openai-project", "proj-of-the-client"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
];

/// What a provider may send and a client must not see.
const FROM_PROVIDER: [(&str, &str); 14] = [
    ("set-cookie", "__cf_bm=abc; path=/"),
    ("server", "cloudflare"),
    ("alt-svc", "h3=\":443\""),
    ("strict-transport-security", "max-age=1"),
    ("access-control-allow-origin", "https://provider.example"),
    ("access-control-expose-headers", "x-request-id"),
    ("via", "1.1 provider"),
    ("cf-ray", "0123456789abcdef"),
    ("openai-organization", "org-of-the-gateway"),
    ("anthropic-organization-id", "org-of-the-gateway"),
    ("x-request-id", "req_of_the_provider"),
    ("x-custom", "of the provider"),
    ("www-authenticate", "Bearer"),
    ("link", "<https://provider.example>; rel=preload"),
];

fn dressed(ask: Ask) -> Ask {
    let ask = ask.header("connection", "x-hop, te").header("accept", "*/*");
    FROM_CLIENT.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

async fn to_provider(world: &World) -> Result {
    let ask = world.chat(json!({}));
    let answer = world.ask(&dressed(ask)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    arrived_clean(world, &world.seen_once()?);
    Ok(())
}

async fn to_provider_of_a_stream(world: &World) -> Result {
    world.play(Script::events().piece(chunk("a")).piece(FINISH).piece(DONE));
    let answer = world.ask(&dressed(world.stream())).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    arrived_clean(world, &world.seen_once()?);
    Ok(())
}

fn arrived_clean(world: &World, seen: &Seen) {
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/chat/completions"));
    let mut names: Vec<String> =
        seen.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    let mut allowed = vec![
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ];
    match world.adapter {
        // The platform adds its own mark to every fetch, and sends `connection: keep-alive` over HTTP/1.1.
        Adapter::Worker => allowed.extend(["cf-worker", "connection"]),
        Adapter::Server | Adapter::Lambda => {}
    }
    let foreign: Vec<_> = names.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(foreign.is_empty(), "{foreign:?} reached the provider: {:?}", seen.headers);
    let mut unique = names.clone();
    unique.dedup();
    assert_eq!(unique, names, "a header arrived twice");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {UPSTREAM_KEY}").as_str()));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    let agent = seen.header("user-agent").unwrap_or_default();
    assert!(agent.starts_with("tidegate/"), "{agent}");
}

/// The headers of `FROM_PROVIDER` beside the content type.
fn noisy(content_type: &'static str) -> Vec<(&'static str, &'static str)> {
    [("content-type", content_type)].into_iter().chain(FROM_PROVIDER).collect()
}

async fn to_client(world: &World) -> Result {
    world.play(Script::whole(200, &noisy("application/json"), COMPLETION));
    returned_clean(world, &world.ask(&world.chat(json!({}))).await?);
    Ok(())
}

async fn to_client_of_a_stream(world: &World) -> Result {
    let headers = noisy("text/event-stream");
    let head = Script::head(200, &headers, tidegate_provider::Framing::Chunked);
    world.play(head.piece(chunk("a")).piece(FINISH).piece(DONE));
    returned_clean(world, &world.ask(&world.stream()).await?);
    Ok(())
}

async fn to_client_of_an_error(world: &World) -> Result {
    let world = &world.apart();
    world.play(Script::whole(429, &noisy("application/json"), error("slow down")));
    let answer = world.ask(&world.chat(json!({}))).await?;
    assert_eq!(answer.status, 429);
    let mut answer = answer;
    // The gateway says when it will ask again.
    answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("retry-after"));
    returned_clean(world, &answer);
    Ok(())
}

fn returned_clean(world: &World, answer: &Answer) {
    let mut allowed = vec![
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "transfer-encoding",
        "vary",
        "x-accel-buffering",
        "x-request-id",
        "x-tidegate-attempts",
        "x-tidegate-cached",
        "x-tidegate-cost",
        "x-tidegate-model",
        "x-tidegate-provider",
    ];
    match world.adapter {
        // The function URL names the invocation.
        Adapter::Lambda => allowed.push("x-amzn-requestid"),
        Adapter::Server | Adapter::Worker => {}
    }
    let names: Vec<String> =
        answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let foreign: Vec<_> = names.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(foreign.is_empty(), "{foreign:?} reached the client: {:?}", answer.headers);
    for (name, value) in FROM_PROVIDER {
        assert_ne!(answer.header(name), Some(value), "of the provider");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{:?}", answer.headers);
    let vary = answer.header("vary").unwrap_or_default().to_ascii_lowercase();
    assert!(vary.contains("authorization"), "{:?}", answer.headers);
}

/// A provider's bytes are promised as they are.
async fn not_compressed(world: &World) -> Result {
    world.play(Script::json(200, COMPLETION));
    let ask = world.chat(json!({})).header("accept-encoding", "gzip, br, zstd");
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.text(), COMPLETION);
    Ok(())
}

/// Compressing a stream would hold its events back.
async fn stream_not_compressed(world: &World) -> Result {
    world.play(Script::events().piece(chunk("a")).piece(FINISH).piece(DONE));
    let ask = world.stream().header("accept-encoding", "gzip, br, zstd");
    let answer = world.ask(&ask).await?;
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.text(), [&chunk("a"), FINISH, DONE].concat());
    Ok(())
}
