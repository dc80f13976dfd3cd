//! Does any API work through the gateway as it would without, with keys of the gateway's that take turns?

use serde_json::{Value, json};
use tidegate_provider::{Provider, Script};

use super::{Case, sample::problem};
use crate::{
    Result, failed,
    setup::{PROXY, PROXY_KEYS, UPSTREAM_KEY},
    wire::{Answer, Ask, Body},
    world::{Client, World},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "proxy_passes_every_method", run: |world| Box::pin(methods(world)) },
    Case { name: "proxy_keys_take_turns", run: |world| Box::pin(turns(world)) },
    Case { name: "proxy_limited_key_rests", run: |world| Box::pin(limited(world)) },
    Case { name: "proxy_all_keys_rest", run: |world| Box::pin(all_rest(world)) },
    Case { name: "proxy_places_the_key", run: |world| Box::pin(places(world)) },
    Case { name: "proxy_headers_by_list", run: |world| Box::pin(headers(world)) },
    Case { name: "proxy_refuses_what_is_not_open", run: |world| Box::pin(closed(world)) },
    Case { name: "proxy_redirect_not_followed", run: |world| Box::pin(redirect(world)) },
    Case { name: "proxy_within_limits", run: |world| Box::pin(budget(world)) },
    Case { name: "proxy_needs_a_client_key", run: |world| Box::pin(nobody(world)) },
    Case { name: "proxy_declared", run: |world| Box::pin(declared(world)) },
    Case { name: "proxy_keys_imported", run: |world| Box::pin(imported(world)) },
    Case { name: "llm_pins_the_provider", run: |world| Box::pin(pinned(world)) },
];

/// A request through a proxy, as this case's client.
pub(super) fn ask(world: &World, method: &'static str, path: &str) -> Ask {
    Ask::new(method, format!("/proxy/{path}")).header("x-tidegate-key", &world.client.key)
}

/// An id that no other case has.
pub(super) fn own(world: &World, begin: &str) -> String {
    format!("{begin}-{}", world.client.id.to_ascii_lowercase())
}

/// Makes a proxy of the provider's origin, with these keys.
pub(super) async fn proxy(world: &World, fields: Value, keys: &[&str]) -> Result<String> {
    let slug = own(world, "px");
    let base_url = world.provider.base_url().replace("/v1", "");
    let mut body = json!({ "base_url": base_url });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    made(&world.edit("PUT", &format!("/api/proxies/{slug}"), None, body).await?)?;
    if !keys.is_empty() {
        let import = json!({ "proxy": slug, "keys": keys });
        made(&world.edit("POST", "/api/keys/import", None, import).await?)?;
    }
    Ok(slug)
}

fn made(answer: &Answer) -> Result<Value> {
    if answer.status == 201 { answer.json() } else { failed(answer.text()) }
}

async fn answered(world: &World, ask: &Ask, status: u16) -> Result<Answer> {
    let answer = world.ask(ask).await?;
    if answer.status == status {
        return Ok(answer);
    }
    failed(format!("{} instead of {status}: {}", answer.status, answer.text()))
}

/// How often each key was shown.
fn counts(world: &World) -> [usize; 5] {
    let seen = world.seen();
    PROXY_KEYS.map(|key| seen.iter().filter(|seen| seen.key() == Some(key)).count())
}

async fn methods(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS[..1]).await?;
    let headers = [("content-type", "text/csv"), ("x-own", "kept"), ("etag", "\"7\"")];
    world.play(Script::whole(200, &headers, "a,b"));
    let path = format!("{slug}{}", world.path());
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let (mut request, mut body) = (ask(world, method, &path), "");
        if matches!(method, "POST" | "PUT" | "PATCH") {
            body = "x=1";
            request = request.body(Body::Whole(body.into())).header("content-type", "text/plain");
        }
        let answer = answered(world, &request, 200).await?;
        assert_eq!(answer.text(), "a,b", "{method}");
        for (name, value) in headers {
            assert_eq!(answer.header(name), Some(value), "{method} {name}");
        }
        let seen = world.seen().pop();
        let seen = seen.map(|seen| (seen.method.clone(), seen.body.clone()));
        assert_eq!(seen, Some((method.to_owned(), body.into())));
        let record = world.record(&answer).await?;
        assert_eq!(record["endpoint"], "/proxy/{slug}", "{record}");
        assert_eq!(record["provider"], format!("proxy:{slug}"), "{record}");
        assert_eq!((&record["status"], &record["attempts"]), (&json!(200), &json!(1)), "{record}");
        assert_eq!(
            (&record["bytes_out"], &record["cost_nano"]),
            (&json!(3), &json!(0)),
            "{record}"
        );
        assert_eq!((&record["ended"], &record["error"]), (&json!("done"), &json!("")), "{record}");
    }
    Ok(())
}

async fn turns(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS).await?;
    for _ in 0..10 {
        answered(world, &ask(world, "GET", &format!("{slug}{}", world.path())), 200).await?;
    }
    assert_eq!(counts(world), [2; 5]);
    Ok(())
}

fn limit(seconds: &str) -> Script {
    Script::whole(429, &[("retry-after", seconds)], "slow down")
}

async fn limited(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS).await?;
    world.play_for(PROXY_KEYS[0], limit("30"));
    for _ in 0..9 {
        answered(world, &ask(world, "GET", &format!("{slug}{}", world.path())), 200).await?;
    }
    let [limited, others @ ..] = counts(world);
    assert_eq!((limited, others.iter().sum::<usize>()), (1, 9), "it is not asked before its time");
    assert!(others.iter().all(|count| [2, 3].contains(count)), "{others:?}");
    let keys = world.admin_at(&format!("/api/keys?proxy={slug}")).await?.json()?;
    let rests = |key: &&Value| key["health"]["rest"]["why"] == "limited";
    let resting: Vec<&Value> =
        keys["data"].as_array().into_iter().flatten().filter(rests).collect();
    assert_eq!(resting.len(), 1, "{keys}");
    let health = world.admin_at("/api/health").await?.text();
    assert!(health.contains(&format!("\"proxy:{slug}\"")), "{health}");
    Ok(())
}

async fn all_rest(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS).await?;
    for (key, seconds) in PROXY_KEYS.iter().zip(["50", "40", "60", "30", "70"]) {
        world.play_for(key, limit(seconds));
    }
    let request = ask(world, "GET", &format!("{slug}{}", world.path()));
    for _ in 0..2 {
        assert_eq!(answered(world, &request, 429).await?.text(), "slow down", "the API's words");
    }
    let answer = answered(world, &request, 429).await?;
    assert_eq!(problem(&answer, 429)?["code"], "rate_limited");
    let after: u32 = answer.header("retry-after").unwrap_or_default().parse().unwrap_or(0);
    assert!((25..=30).contains(&after), "the first that comes back, not {after}");
    assert_eq!(counts(world), [1; 5], "nobody is asked");
    let record = world.record(&answer).await?;
    assert_eq!((&record["attempts"], &record["error"]), (&json!(0), &json!("rate_limited")));
    Ok(())
}

async fn places(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS[..1]).await?;
    let path = format!("/api/proxies/{slug}");
    let request = || {
        ask(world, "GET", &format!("{slug}{}", world.path())).header("authorization", "Basic own")
    };
    answered(world, &request(), 200).await?;
    let seen =
        |header: &str| world.seen().pop().and_then(|seen| seen.header(header).map(str::to_owned));
    assert_eq!(seen("authorization"), Some(format!("Bearer {}", PROXY_KEYS[0])));

    let change = json!({ "key_in": "header", "key_name": "X-Api-Token" });
    assert_eq!(world.edit("PATCH", &path, Some("*"), change).await?.status, 200);
    answered(world, &request().header("x-api-token", "the client's"), 200).await?;
    assert_eq!(seen("x-api-token").as_deref(), Some(PROXY_KEYS[0]));
    assert_eq!(seen("authorization").as_deref(), Some("Basic own"), "the API's own");

    let change = json!({ "key_in": "query", "key_name": "token" });
    assert_eq!(world.edit("PATCH", &path, Some("*"), change).await?.status, 200);
    let path = format!("{slug}{}?a=1&token=mine", world.path());
    answered(world, &ask(world, "GET", &path), 200).await?;
    assert_eq!(world.seen_behind(&format!("?a=1&token={}", PROXY_KEYS[0])).len(), 1);
    Ok(())
}

async fn headers(world: &World) -> Result {
    let slug = proxy(world, json!({ "key_in": "header", "key_name": "x-token" }), &PROXY_KEYS[..1])
        .await?;
    let answer = [
        ("set-cookie", "sid=1"),
        ("access-control-allow-origin", "*"),
        ("cdn-cache-control", "max-age=9"),
        ("cache-control", "public, max-age=60"),
        ("keep-alive", "timeout=5"),
        ("x-kept", "1"),
    ];
    world.play(Script::whole(200, &answer, "{}"));
    let mut request = ask(world, "POST", &format!("{slug}{}", world.path()))
        .body(Body::Whole("{}".into()))
        .header("x-proxy-key", &world.client.key)
        .header("x-api-key", &world.client.key)
        .header("connection", "close, x-hop");
    for name in [
        "x-hop",
        "cookie",
        "proxy-authorization",
        "te",
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "x-tidegate-strict",
        "metadata-flavor",
        "x-aws-ec2-metadata-token",
    ] {
        request = request.header(name, "1");
    }
    let passed = [
        ("authorization", "Basic own"),
        ("accept", "application/vnd.api+json"),
        ("content-type", "application/merge-patch+json"),
        ("if-match", "\"7\""),
        ("user-agent", "client/1.0"),
        ("x-custom", "kept"),
    ];
    for (name, value) in passed {
        request = request.header(name, value);
    }
    let answer = answered(world, &request, 200).await?;
    let seen = world.seen_once()?;
    for (name, value) in passed.into_iter().chain([("x-token", PROXY_KEYS[0])]) {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    // What stands there beside is of the connection, or the platform's own.
    let own = ["host", "content-length", "connection", "accept-encoding", "cf-worker"];
    let known = |name: &str| {
        own.contains(&name) || name == "x-token" || passed.iter().any(|(passed, _)| *passed == name)
    };
    let names = seen.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let strange: Vec<String> = names.filter(|name| !known(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(!format!("{:?}", seen.headers).contains(&world.client.key));
    for name in ["set-cookie", "access-control-allow-origin", "cdn-cache-control"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert_eq!(answer.header("x-kept"), Some("1"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    Ok(())
}

async fn closed(world: &World) -> Result {
    let fields = json!({ "methods": ["GET"], "paths": ["/script/open", world.path()] });
    let slug = proxy(world, fields, &PROXY_KEYS[..1]).await?;
    let path = world.path();
    answered(world, &ask(world, "GET", &format!("{slug}{path}")), 200).await?;
    problem(&world.ask(&ask(world, "DELETE", &format!("{slug}{path}"))).await?, 405)?;
    problem(&world.ask(&ask(world, "GET", &format!("{slug}/script/openly"))).await?, 403)?;
    problem(&world.ask(&ask(world, "GET", "no-such-proxy/a")).await?, 404)?;
    for hidden in [
        "/script/open/../secret",
        "/script/open/%2e%2e/secret",
        "/script/open/%252e%252e/secret",
        "/script/open/%25252e%25252e/secret",
        "/script/open%2f..%2fsecret",
        "/script/open/..%2fsecret",
        "/script/open/a%2F%2e%2E%2Fsecret",
        "/script/open/..%5csecret",
        "/script/open/..;/secret",
        "/script/open//secret",
        "/script/open/%00",
    ] {
        let answer = world.ask(&ask(world, "GET", &format!("{slug}{hidden}"))).await?;
        // A platform may take the dots out itself; what is left is not open.
        assert!([400, 403].contains(&answer.status), "{hidden}: {}", answer.status);
    }
    for secret in ["secret", "open/secret", "openly"] {
        assert!(world.provider.seen(secret).is_empty(), "{secret}");
    }
    assert_eq!(world.seen().len(), 1);
    // A slash in a name of the API's own arrives as it was written.
    let named = "/group%2Fname%2fissues?with=%2F";
    answered(world, &ask(world, "GET", &format!("{slug}{path}{named}")), 200).await?;
    assert_eq!(world.seen_behind(named).len(), 1);
    let off = json!({ "enabled": false });
    world.edit("PATCH", &format!("/api/proxies/{slug}"), Some("*"), off).await?;
    problem(&world.ask(&ask(world, "GET", &format!("{slug}{path}"))).await?, 404)?;
    Ok(())
}

async fn redirect(world: &World) -> Result {
    let canary = Provider::start().await?;
    let slug = proxy(world, json!({}), &PROXY_KEYS[..1]).await?;
    for status in [301, 302, 303, 307, 308] {
        let location = canary.url("canary");
        world.play(Script::whole(status, &[("location", location.as_str())], ""));
        let request = ask(world, "POST", &format!("{slug}{}", world.path()))
            .body(Body::Whole("x".into()))
            .header("content-type", "text/plain");
        let answer = answered(world, &request, status).await?;
        assert_eq!(answer.header("location"), Some(location.as_str()), "the client's to follow");
    }
    assert!(canary.seen("canary").is_empty());
    assert_eq!(world.seen().len(), 5);
    Ok(())
}

async fn budget(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS[..2]).await?;
    let name = format!("limited of {}", world.client.id);
    let limits = json!([{ "requests": 2, "per": "day" }]);
    let client = world.another_client(json!({ "name": name, "limits": limits })).await?;
    let request = as_client(Ask::new("GET", format!("/proxy/{slug}{}", world.path())), &client);
    for _ in 0..2 {
        answered(world, &request, 200).await?;
    }
    let answer = answered(world, &request, 429).await?;
    assert_eq!(problem(&answer, 429)?["code"], "rate_limit_exceeded");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(world.seen().len(), 2);

    let name = format!("models only of {}", world.client.id);
    let client = world.another_client(json!({ "name": name, "providers": ["up"] })).await?;
    let request = as_client(Ask::new("GET", format!("/proxy/{slug}{}", world.path())), &client);
    problem(&answered(world, &request, 403).await?, 403)?;
    assert_eq!(world.seen().len(), 2);
    Ok(())
}

fn as_client(ask: Ask, client: &Client) -> Ask {
    ask.header("x-proxy-key", &client.key)
}

async fn nobody(world: &World) -> Result {
    let path = format!("/proxy/{PROXY}{}", world.path());
    problem(&world.ask(&Ask::new("GET", path.clone())).await?, 401)?;
    for (name, value) in [
        ("x-tidegate-key", "tg_nobody"),
        ("authorization", "Bearer the-api's-own"),
        ("x-api-key", "the-api's-own"),
    ] {
        problem(&world.ask(&Ask::new("GET", path.clone()).header(name, value)).await?, 401)?;
    }
    assert!(world.seen().is_empty());
    // Where nothing else is said, a key of ours counts in its usual place and goes no further.
    answered(world, &Ask::new("GET", path).bearer(&world.client.key), 200).await?;
    assert_eq!(world.seen_once()?.key(), Some(UPSTREAM_KEY));
    Ok(())
}

async fn declared(world: &World) -> Result {
    let request = ask(world, "GET", &format!("{PROXY}{}", world.path()));
    answered(world, &request, 200).await?;
    assert_eq!(world.seen_once()?.key(), Some(UPSTREAM_KEY));
    problem(&world.ask(&ask(world, "GET", &format!("{PROXY}/v1/models"))).await?, 403)?;
    let path = format!("/api/proxies/{PROXY}");
    let shown = world.admin_at(&path).await?.json()?;
    assert_eq!(shown["paths"], json!(["/script"]), "{shown}");
    assert!(shown["declared_in"].as_str().is_some_and(|place| place.contains("[[proxy]]")));
    let change = world.edit("PATCH", &path, Some("*"), json!({ "enabled": false })).await?;
    assert_eq!(problem(&change, 409)?["code"], "locked");
    let key = json!({ "proxy": PROXY, "secret": "sk-another-0123456789" });
    assert_eq!(problem(&world.edit("POST", "/api/keys", None, key).await?, 409)?["code"], "locked");
    let keys = world.admin_at(&format!("/api/keys?proxy={PROXY}")).await?.json()?;
    assert_eq!(keys["data"][0]["id"], format!("proxy:{PROXY}-1"), "{keys}");
    assert_eq!(keys["data"][0]["proxy"], PROXY, "{keys}");
    Ok(())
}

async fn imported(world: &World) -> Result {
    let slug = proxy(world, json!({}), &[]).await?;
    let text =
        format!("# ours\n{} # first\n\n{}\n{}\n", PROXY_KEYS[0], PROXY_KEYS[1], PROXY_KEYS[0]);
    let import = json!({ "proxy": slug, "text": text });
    let told = made(&world.edit("POST", "/api/keys/import", None, import.clone()).await?)?;
    assert_eq!(told["created"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(told["duplicates"], json!([{ "line": 5, "of": null }]), "{told}");
    assert_eq!(told["blank"], json!([1, 3]), "{told}");
    let keys = world.admin_at(&format!("/api/keys?proxy={slug}")).await?.json()?;
    let labels: Vec<&Value> =
        keys["data"].as_array().into_iter().flatten().map(|key| &key["label"]).collect();
    assert!(labels.contains(&&json!("first")) && labels.len() == 2, "{keys}");
    // One commit: the audit tells of both at the same moment.
    let rows = world.admin_at("/api/audit?kind=key&limit=500").await?.json()?;
    let ids = told["created"].as_array().into_iter().flatten().map(|made| &made["id"]);
    let of = |id: &Value| {
        let rows = rows["data"].as_array().into_iter().flatten();
        rows.into_iter().find(|row| row["document"] == *id || row["id"] == *id).cloned()
    };
    let moments: Vec<_> = ids.map(|id| of(id).map(|row| row["at_ms"].clone())).collect();
    assert!(moments[0].is_some() && moments[0] == moments[1], "{moments:?} {rows}");
    for wrong in [
        json!({ "proxy": slug, "text": "sk-a-0123456789", "enabled": false }),
        json!({ "proxy": slug, "keys": [{ "secret": "sk-a-0123456789" }] }),
        json!({ "proxy": slug, "provider": "up", "text": "sk-a-0123456789" }),
        json!({ "proxy": slug, "text": "\n# nothing\n" }),
        json!({ "proxy": slug, "text": "sk-a-0123456789\n".repeat(257) }),
    ] {
        problem(&world.edit("POST", "/api/keys/import", None, wrong).await?, 400)?;
    }
    let named = json!({ "proxy": slug, "secret": "sk-a-0123456789", "models": ["m"] });
    problem(&world.edit("POST", "/api/keys", None, named).await?, 400)?;
    Ok(())
}

async fn pinned(world: &World) -> Result {
    let mut request = world.chat(json!({ "model": "not-listed-anywhere" }));
    "/llm/up/v1/chat/completions".clone_into(&mut request.path);
    let answer = answered(world, &request, 200).await?;
    let record = world.record(&answer).await?;
    assert_eq!(
        (&record["provider"], &record["model"]),
        (&json!("up"), &json!("not-listed-anywhere"))
    );
    assert_eq!(record["endpoint"], "/v1/chat/completions");
    let seen = world.seen_once()?;
    assert_eq!((seen.path.as_str(), seen.key()), ("/v1/chat/completions", Some(UPSTREAM_KEY)));

    let models = Ask::new("GET", "/llm/anthropic/v1/models").bearer(&world.client.key);
    let list = answered(world, &models, 200).await?.json()?;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    for (path, told) in [
        ("/llm/up/v1/files", "/proxy/"),
        ("/llm/up/api/clients", "/proxy/"),
        ("/llm/nobody/v1/chat/completions", "nobody/not-listed-anywhere"),
    ] {
        let mut request = request.clone();
        path.clone_into(&mut request.path);
        let answer = answered(world, &request, 404).await?;
        assert!(answer.text().contains(told), "{path}: {}", answer.text());
    }
    Ok(())
}
