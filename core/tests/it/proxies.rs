//! How does a request for another API go out, how does its answer come back, and which key is asked next?

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::common::{World, keys::asked, read};
use futures_executor::block_on;
use futures_util::stream;
use http::{Request, Response, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidegate_core::{Body, config::Config, error::Kind, store::Ended};

/// Declares `[[proxy]]` tables.
fn declaring(tables: &str) -> World {
    let file = Config::read(Some(tables), &|_| None).map_err(|wrong| format!("{wrong:?}")).unwrap();
    World::declaring(|config| config.proxies = file.proxies)
}

/// A proxy with so many keys.
fn rest(keys: usize) -> World {
    let keys: Vec<String> = (1..=keys).map(|at| format!("sk-{at}")).collect();
    declaring(&format!(
        "[[proxy]]\nid = \"rest\"\nbase_url = \"https://api.example/v2\"\nkeys = {keys:?}\n"
    ))
}

fn ask(world: &World, method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("x-tidegate-key", &world.key)
}

async fn get(world: &World, path: &str) -> Response<Body> {
    world.send(ask(world, "GET", path).body(Body::empty()).unwrap()).await
}

async fn post(world: &World, body: Body) -> Response<Body> {
    world.send(ask(world, "POST", "/proxy/rest/things").body(body).unwrap()).await
}

fn flowing(pieces: Vec<Result<&'static str, std::io::Error>>) -> Body {
    Body::from_stream(stream::iter(pieces))
}

#[test]
fn the_api_is_asked_as_the_client_asks_and_answers_as_it_likes() {
    block_on(async {
        let world = rest(1);
        let headers = [("content-type", "text/csv"), ("x-own", "1"), ("set-cookie", "a=b")];
        world.upstream.answer_with(201, &headers, "a,b");
        let request = ask(&world, "PUT", "/proxy/rest/a%20b/c%2Fd%2fe?x=1&y=%2F")
            .header("accept", "text/csv")
            .header("content-length", "4")
            .header("x-forwarded-for", "10.0.0.1")
            .body(Body::from("body"))
            .unwrap();
        let response = world.send(request).await;
        let told =
            |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(told("x-own").as_deref(), Some("1"));
        assert_eq!(told("content-type").as_deref(), Some("text/csv"));
        assert_eq!(told("cache-control").as_deref(), Some("no-store"));
        assert_eq!(told("set-cookie"), None);
        let id = told("x-request-id");
        assert_eq!(read(response).await, (201, "a,b".into()));
        let seen = &world.upstream.asked()[0];
        assert_eq!((seen.method.as_str(), &seen.body[..]), ("PUT", &b"body"[..]));
        assert_eq!(seen.url, "https://api.example/v2/a%20b/c%2Fd%2fe?x=1&y=%2F");
        let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["accept", "authorization"]);
        let record = world.record().await;
        assert_eq!((record.endpoint.as_str(), record.dialect.as_str()), ("/proxy/{slug}", ""));
        assert_eq!(
            (record.provider.as_str(), record.key_id.as_str()),
            ("proxy:rest", "proxy:rest-1")
        );
        assert_eq!((record.status, record.attempts, record.ended), (201, 1, Ended::Done));
        assert_eq!((record.bytes_in, record.bytes_out), (4, 3));
        assert_eq!((record.cost_nano, record.usage.prompt, record.estimated), (0, 0, false));
        assert_eq!(Some(record.id), id);
    });
}

#[test]
fn nobody_passes_without_a_key_of_ours() {
    block_on(async {
        let world = rest(1);
        for (name, value) in [
            ("x-none", "1"),
            ("authorization", "Bearer own-token"),
            ("x-tidegate-key", "tg_wrong"),
            ("x-proxy-key", "own"),
        ] {
            let request = Request::get("/proxy/rest/a").header(name, value);
            let response = world.send(request.body(Body::empty()).unwrap()).await;
            let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            assert_eq!((read(response).await.0, kind.as_str()), (401, "application/problem+json"));
        }
        assert!(world.upstream.asked().is_empty());
    });
}

#[test]
fn a_clients_key_is_found_and_goes_no_further_wherever_it_stands() {
    block_on(async {
        let table =
            "[[proxy]]\nid = \"rest\"\nbase_url = \"https://api.example\"\nkey_in = \"nowhere\"\n";
        let world = declaring(table);
        let bearer = format!("Bearer {}", world.key);
        for headers in [
            vec![("x-tidegate-key", world.key.as_str()), ("authorization", "Basic own")],
            vec![("x-proxy-key", world.key.as_str()), ("authorization", "Basic own")],
            vec![("authorization", bearer.as_str())],
            vec![("authorization", "Bearer own"), ("x-api-key", world.key.as_str())],
            vec![("x-tidegate-key", world.key.as_str()), ("authorization", bearer.as_str())],
        ] {
            world.upstream.answer_with(200, &[], "");
            let mut request = Request::get("/proxy/rest/a");
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let response = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(read(response).await.0, 200, "{headers:?}");
            let seen = world.upstream.asked().pop().unwrap();
            let own: Vec<_> = headers.iter().filter(|(_, value)| !value.contains("tg_")).collect();
            let seen: Vec<_> = seen.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(seen.iter().collect::<Vec<_>>(), own, "its own token passes");
        }
    });
}

#[test]
fn what_is_not_open_is_not_asked() {
    block_on(async {
        let world = declaring(
            "[[proxy]]\nid = \"rest\"\nbase_url = \"https://api.example\"\nmethods = [\"GET\"]\npaths = [\"/open\"]\n\
             [[proxy]]\nid = \"off\"\nbase_url = \"https://api.example\"\nenabled = false\n",
        );
        for (method, path, status) in [
            ("GET", "/proxy/rest/closed", 403),
            ("GET", "/proxy/rest/openly", 403),
            ("GET", "/proxy/rest/open/%2e%2e/closed", 400),
            ("GET", "/proxy/rest/open/%252e%252e/closed", 400),
            ("GET", "/proxy/rest/open%2f..%2fclosed", 400),
            ("GET", "/proxy/rest/open/a%2F..%2F..%2Fclosed", 400),
            ("GET", "/proxy/rest/open%2Fa", 403),
            ("GET", "/proxy/rest/open/..;/closed", 400),
            ("POST", "/proxy/rest/open", 405),
            ("TRACE", "/proxy/rest/open", 405),
            ("GET", "/proxy/off/open", 404),
            ("GET", "/proxy/other/open", 404),
            ("GET", "/proxy/", 404),
        ] {
            let request = ask(&world, method, path).body(Body::empty()).unwrap();
            let response = world.send(request).await;
            let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            let found = (read(response).await.0, kind.as_str());
            assert_eq!(found, (status, "application/problem+json"), "{method} {path}");
        }
        assert!(world.upstream.asked().is_empty());
    });
}

#[test]
fn another_key_answers_for_one_that_is_limited_refused_or_without_credit() {
    block_on(async {
        for status in [429, 401, 402, 403] {
            let world = rest(3);
            world.upstream.answer_with(status, &[], "no");
            world.upstream.answer_with(200, &[], "yes");
            let response = post(&world, Body::from("x")).await;
            assert_eq!(read(response).await, (200, "yes".into()), "{status}");
            assert_eq!(asked(&world), ["sk-1", "sk-2"], "{status}");
            let record = world.record().await;
            assert_eq!(record.attempts, 2);
            let tried: Value = serde_json::from_str(&record.tried).unwrap();
            let step = |at: usize| ["to", "key", "status"].map(|name| tried[at][name].clone());
            assert_eq!(step(0), [json!("proxy:rest"), json!("proxy:rest-1"), json!(status)]);
            assert_eq!(step(1), [json!("proxy:rest"), json!("proxy:rest-2"), json!(200)]);
            assert_eq!(
                (&tried[0]["why"], &tried[1]["why"]),
                (&json!("upstream_status"), &json!("ok"))
            );
        }
    });
}

#[test]
fn a_limited_key_rests_and_one_that_may_not_see_a_thing_does_not() {
    block_on(async {
        let world = rest(2);
        let limits: &[(&str, &str)] =
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")];
        for (status, headers) in [(403, limits), (200, &[]), (200, &[]), (200, &[])] {
            world.upstream.answer_with(status, headers, "");
        }
        for _ in 0..3 {
            assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 200);
        }
        assert_eq!(asked(&world), ["sk-1", "sk-2", "sk-2", "sk-2"]);

        let world = rest(2);
        for status in [403, 403, 200, 200] {
            world.upstream.answer_with(status, &[], "");
        }
        let statuses = [403, 200, 200];
        for status in statuses {
            assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, status);
        }
        assert_eq!(asked(&world), ["sk-1", "sk-2", "sk-1", "sk-2"]);
    });
}

#[test]
fn when_all_keys_rest_nobody_is_asked() {
    block_on(async {
        let world = rest(2);
        world.upstream.answer_with(429, &[("retry-after", "40")], "slow");
        world.upstream.answer_with(429, &[("retry-after", "30")], "slow");
        let told = |response: &Response<Body>| {
            response.headers()[header::RETRY_AFTER].to_str().unwrap().to_owned()
        };
        let response = get(&world, "/proxy/rest/a").await;
        assert_eq!(told(&response), "30", "the first that comes back");
        assert_eq!(read(response).await, (429, "slow".into()), "in the API's own words");
        world.clock.advance(Duration::from_secs(10));
        let response = get(&world, "/proxy/rest/a").await;
        assert_eq!((response.status().as_u16(), told(&response).as_str()), (429, "20"));
        assert_eq!(asked(&world).len(), 2);
        world.clock.advance(Duration::from_millis(20_001));
        world.upstream.answer_with(200, &[], "");
        assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 200);
        assert_eq!(asked(&world)[2], "sk-2");
    });
}

#[test]
fn what_may_have_been_done_is_not_done_again() {
    block_on(async {
        let check = async |method: &str, attempts: usize| {
            let world = rest(3);
            world.upstream.answer_with(503, &[], "down");
            world.upstream.answer_with(200, &[], "");
            let request = ask(&world, method, "/proxy/rest/a").body(Body::empty()).unwrap();
            let status = read(world.send(request).await).await.0;
            assert_eq!(status, if attempts == 1 { 503 } else { 200 }, "{method}");
            assert_eq!(world.upstream.asked().len(), attempts, "{method}");
        };
        check("GET", 2).await;
        check("PUT", 2).await;
        check("DELETE", 2).await;
        check("POST", 1).await;
        check("PATCH", 1).await;
        let world = rest(2);
        world.upstream.fail(Kind::UpstreamBroken);
        world.upstream.answer_with(200, &[], "");
        assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 502);
        assert_eq!(asked(&world).len(), 1);
    });
}

#[test]
fn a_body_that_flows_is_sent_once() {
    block_on(async {
        let world = rest(3);
        world.upstream.answer_with(429, &[("retry-after", "9")], "slow");
        world.upstream.answer_with(200, &[], "");
        let response = post(&world, flowing(vec![Ok("ab"), Ok("c")])).await;
        assert_eq!(read(response).await, (429, "slow".into()));
        let seen = world.upstream.asked();
        assert_eq!((seen.len(), &seen[0].body[..]), (1, &b"abc"[..]));
        assert_eq!(world.record().await.bytes_in, 3);
        // The key rests all the same.
        assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 200);
        assert_eq!(asked(&world)[1], "sk-2");
    });
}

#[test]
fn a_client_that_breaks_off_is_no_fault_of_the_api() {
    block_on(async {
        let world = rest(1);
        for _ in 0..6 {
            let broken = || std::io::Error::other("gone");
            let response = post(&world, flowing(vec![Ok("ab"), Err(broken())])).await;
            assert_eq!(read(response).await.0, 400);
        }
        world.upstream.answer_with(200, &[], "");
        assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 200, "nobody rests");
    });
}

#[test]
fn a_redirect_is_the_clients_and_shows_no_key() {
    block_on(async {
        let world = declaring(
            "[[proxy]]\nid = \"rest\"\nbase_url = \"https://api.example\"\nkey_in = \"query\"\n\
             key_name = \"token\"\nkeys = [\"sk-1\"]\n",
        );
        let place = "https://elsewhere.example/a?token=sk-1";
        world.upstream.answer_with(307, &[("location", place)], "");
        let response = get(&world, "/proxy/rest/a?token=mine").await;
        assert_eq!(response.headers()[header::LOCATION], "https://elsewhere.example/a?token=***");
        assert_eq!(read(response).await.0, 307);
        let seen = world.upstream.asked();
        assert_eq!((seen.len(), seen[0].url.as_str()), (1, "https://api.example/a?token=sk-1"));
    });
}

#[test]
fn an_answer_of_announced_length_is_over_when_all_of_it_has_passed() {
    block_on(async {
        for (taken, ended) in [(1, Ended::ClientGone), (2, Ended::Done)] {
            let world = rest(1);
            let pieces = flowing(vec![Ok("ab"), Ok("cd"), Ok("more")]);
            let answer = Response::builder().header("content-length", "4").body(pieces);
            world.upstream.respond(answer.unwrap());
            let mut body = get(&world, "/proxy/rest/a").await.into_body();
            for _ in 0..taken {
                body.frame().await.unwrap().unwrap();
            }
            drop(body);
            assert_eq!(world.record().await.ended, ended);
        }
    });
}

#[test]
fn a_head_without_a_body_is_a_whole_answer() {
    block_on(async {
        let world = rest(1);
        let answer = Response::builder().header("content-length", "1234").body(Body::empty());
        world.upstream.respond(answer.unwrap());
        let request = ask(&world, "HEAD", "/proxy/rest/a").body(Body::empty()).unwrap();
        let response = world.send(request).await;
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "1234");
        assert_eq!(read(response).await, (200, "".into()));
        let record = world.record().await;
        assert_eq!((record.ended, record.status), (Ended::Done, 200));
    });
}

#[test]
fn a_client_is_held_to_what_it_may() {
    block_on(async {
        let tables = "[[proxy]]\nid = \"rest\"\nbase_url = \"https://api.example\"\n";
        let proxies = || Config::read(Some(tables), &|_| None).map_or(Vec::new(), |it| it.proxies);
        let world = World::declaring(|config| {
            config.proxies = proxies();
            config.clients[0].policy = serde_json::from_str(r#"{"providers":["up"]}"#).unwrap();
        });
        assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 403);
        let world = World::declaring(|config| {
            config.proxies = proxies();
            config.clients[0].policy = serde_json::from_str(
                r#"{"providers":["proxy:*"],"limits":[{"requests":1,"per":"day"}]}"#,
            )
            .unwrap();
        });
        world.upstream.answer_with(200, &[], "");
        assert_eq!(read(get(&world, "/proxy/rest/a").await).await.0, 200);
        let response = get(&world, "/proxy/rest/a").await;
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(read(response).await.0, 429, "one call is one request");
        assert_eq!(world.upstream.asked().len(), 1);
    });
}
