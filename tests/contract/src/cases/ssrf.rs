//! Does nobody get inside, and does no key leave the place it was given for?

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tidegate_provider::{Provider, Script};

use super::{
    Case,
    proxy::{ask, own, proxy},
    sample::problem,
};
use crate::{
    Result, failed,
    setup::PROXY_KEYS,
    wire::{Answer, Ask, Body},
    world::{CHAT, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "ssrf_base_urls", run: |world| Box::pin(base_urls(world)) },
    Case { name: "ssrf_no_client_names_a_host", run: |world| Box::pin(clients(world)) },
    Case { name: "key_stays_on_its_origin_redirected", run: |world| Box::pin(redirected(world)) },
    Case { name: "key_stays_on_its_origin_moved", run: |world| Box::pin(moved(world)) },
    Case { name: "key_stays_on_its_origin_proxied", run: |world| Box::pin(proxied(world)) },
];

/// The clouds' services, and names of theirs.
const SERVICES: [[u8; 4]; 5] = [
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [192, 0, 0, 192],
];
const NAMES: [&str; 12] = [
    "metadata",
    "metadata.google.internal",
    "METADATA.google.internal",
    "metadata.google.internal.",
    "computeMetadata.metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "instance-data",
    "instance-data.ec2.internal",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
];

/// The ways in which parsers are known to let an address be written.
pub(super) fn spellings(address: [u8; 4]) -> Vec<String> {
    let v4 = Ipv4Addr::from(address);
    let ([a, b, c, d], whole) = (address, u32::from(v4));
    let tail = u32::from(c) << 8 | u32::from(d);
    let long = whole & 0x00ff_ffff;
    let (high, low) = (whole >> 16, whole & 0xffff);
    vec![
        format!("{v4}"),
        format!("{v4}."),
        format!("{whole}"),
        format!("0x{whole:x}"),
        format!("0x{whole:X}"),
        format!("0{whole:o}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("00{a}.{b}.{c}.{d}"),
        format!("{a}.{b}.{tail}"),
        format!("{a}.{long}"),
        format!("{a}.0x{long:x}"),
        format!("[::ffff:{v4}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[::{v4}]"),
        format!("[64:ff9b::{v4}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("user@{v4}"),
        format!("user:word@{v4}"),
        format!("a.example\\@{v4}"),
        format!("a.example#@{v4}"),
        format!("a.example%2f@{v4}"),
        format!("{a}%2e{b}.{c}.{d}"),
        format!("{v4}%00.a.example"),
        format!("{v4}\t"),
        v4.to_string().replace('.', "\u{3002}"),
        v4.to_string().replace('1', "\u{2460}"),
    ]
}

/// Whether the API refuses to send anything there, when it is made and when it is changed.
async fn refused(world: &World, url: &str) -> Result {
    let [evil, good, slug] = ["evil", "good", "px"].map(|word| own(world, word));
    let provider = json!({ "dialect": "openai_chat", "base_url": url });
    for (path, body) in [
        (format!("/api/providers/{evil}"), provider),
        (format!("/api/proxies/{evil}"), json!({ "base_url": url })),
        (format!("/api/providers/{good}"), json!({ "base_url": url })),
        (format!("/api/proxies/{slug}"), json!({ "base_url": url })),
    ] {
        let method = if path.contains("/evil-") { "PUT" } else { "PATCH" };
        let version = (method == "PATCH").then_some("*");
        let answer = world.edit(method, &path, version, body).await?;
        if answer.status != 400 {
            return failed(format!("{method} {path} {url:?}: {} {}", answer.status, answer.text()));
        }
        assert_eq!(problem(&answer, 400)?["field"], "base_url", "{url:?}");
    }
    Ok(())
}

async fn base_urls(world: &World) -> Result {
    proxy(world, json!({}), &[]).await?;
    let good = json!({ "dialect": "openai_chat", "base_url": "https://a.example/v1" });
    let path = format!("/api/providers/{}", own(world, "good"));
    assert_eq!(world.edit("PUT", &path, None, good).await?.status, 201);
    let mut count = 0;
    for host in SERVICES.into_iter().flat_map(spellings).chain(NAMES.map(str::to_owned)) {
        refused(world, &format!("http://{host}/latest/meta-data")).await?;
        count += 4;
    }
    // Of addresses that an administrator may use, the usual spelling alone.
    for host in spellings([127, 0, 0, 1]).into_iter().filter(|host| !host.starts_with(['1', '['])) {
        refused(world, &format!("http://{host}:9/v1")).await?;
        count += 4;
    }
    for url in [
        "file:///etc/passwd",
        "gopher://a.example/",
        "ftp://a.example/",
        "//a.example/v1",
        "data:,x",
    ] {
        refused(world, url).await?;
        count += 4;
    }
    assert!(count >= 400, "{count} questions");
    Ok(())
}

/// Nothing that a client says makes the gateway ask somebody else.
async fn clients(world: &World) -> Result {
    let canary = Provider::start().await?;
    let url = canary.base_url();
    let host = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    for name in
        ["base_url", "api_base", "custom_host", "endpoint", "url", "webhook_url", "callback"]
    {
        world.ask(&world.chat(json!({ name: url, "extra_body": { name: url } }))).await?;
    }
    for name in [
        "x-portkey-custom-host",
        "x-custom-host",
        "x-base-url",
        "x-target-url",
        "x-forwarded-host",
        "x-original-url",
        "x-rewrite-url",
        "openai-base-url",
        "forwarded",
    ] {
        world.ask(&world.chat(json!({})).header(name, &url)).await?;
    }
    for model in [format!("up@{host}/mock"), format!("{url}/mock"), format!("up/../../@{host}")] {
        world.ask(&world.chat(json!({ "model": model }))).await?;
    }
    let path = format!("{CHAT}?base_url={url}&api_base={url}");
    let body = Body::Whole("{\"model\":\"mock\",\"messages\":[]}".into());
    world.ask(&Ask::new("POST", path).bearer(&world.client.key).body(body)).await?;
    let slug = proxy(world, json!({}), &PROXY_KEYS[..1]).await?;
    for rest in [
        format!("/{url}"),
        format!("@{host}/"),
        format!("/@{host}/"),
        format!(".{host}/"),
        format!(":80@{host}/"),
        format!("/%0d%0ahost:{host}"),
        format!("?url={url}"),
        format!("/a?url={url}#@{host}"),
        format!("/..//{host}/"),
        format!("/\\{host}/"),
    ] {
        let answer = world.ask(&ask(world, "GET", &format!("{slug}{rest}"))).await;
        // A platform may end what is no HTTP by itself.
        drop(answer);
    }
    for (slug, name) in [("evil", "http:"), ("evil", &*host)] {
        drop(world.ask(&ask(world, "GET", &format!("{name}/{slug}"))).await);
    }
    assert!(canary.seen("").is_empty(), "{:?}", canary.seen(""));
    Ok(())
}

async fn redirected(world: &World) -> Result {
    let world = &world.apart();
    let canary = Provider::start().await?;
    let slug = proxy(world, json!({ "key_in": "header", "key_name": "x-token" }), &PROXY_KEYS[..1])
        .await?;
    for status in [301, 302, 303, 307, 308] {
        for location in [canary.url("canary"), canary.base_url(), "//127.0.0.1:1/x".to_owned()] {
            world.play(Script::whole(status, &[("location", location.as_str())], ""));
            assert_eq!(world.ask(&world.chat(json!({}))).await?.status, 502);
            let through = ask(world, "GET", &format!("{slug}{}", world.path()));
            assert_eq!(world.ask(&through).await?.status, status);
        }
    }
    assert!(canary.seen("canary").is_empty() && canary.seen("").is_empty());
    Ok(())
}

/// A key is bound to the place it was given for: where its provider or its proxy goes, it does not follow.
async fn moved(world: &World) -> Result {
    let canary = Provider::start().await?;
    let slug = proxy(world, json!({}), &PROXY_KEYS[..2]).await?;
    let id = own(world, "mv");
    let body =
        json!({ "dialect": "openai_chat", "base_url": world.provider.base_url(), "models": [] });
    let created = |answer: &Answer| assert_eq!(answer.status, 201, "{}", answer.text());
    created(&world.edit("PUT", &format!("/api/providers/{id}"), None, body).await?);
    let key = json!({ "provider": id, "secret": PROXY_KEYS[2] });
    created(&world.edit("POST", "/api/keys", None, key).await?);

    let elsewhere = canary.base_url();
    let change = || json!({ "base_url": elsewhere });
    for path in [format!("/api/proxies/{slug}"), format!("/api/providers/{id}")] {
        let answer = world.edit("PATCH", &path, Some("*"), change()).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    world.ask(&ask(world, "GET", &format!("{slug}/a"))).await?;
    let mut chat = world.chat(json!({ "model": "m" }));
    chat.path = format!("/llm/{id}{CHAT}");
    world.ask(&chat).await?;
    let shown: Vec<Value> = canary.seen("").iter().map(|seen| json!(seen.headers)).collect();
    let tagged = canary.seen(&world.path().replace("/script/", ""));
    let shown = format!("{shown:?} {tagged:?}");
    for key in &PROXY_KEYS[..3] {
        assert!(!shown.contains(key), "{shown}");
    }
    Ok(())
}

/// The variables that many HTTP libraries heed mean nothing here.
async fn proxied(world: &World) -> Result {
    let canary = Provider::start().await?;
    let place = canary.base_url().replace("/v1", "");
    let names =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let setup = names.iter().fold(world.setup()?, |setup, name| setup.variable(name, &place));
    let world = &world.fresh(setup).await?;
    let slug = proxy(world, json!({}), &PROXY_KEYS[..1]).await?;
    assert_eq!(world.ask(&world.chat(json!({}))).await?.status, 200);
    let through = ask(world, "GET", &format!("{slug}{}", world.path()));
    assert_eq!(world.ask(&through).await?.status, 200);
    assert_eq!(world.seen().len(), 2);
    assert!(canary.seen("").is_empty());
    Ok(())
}
