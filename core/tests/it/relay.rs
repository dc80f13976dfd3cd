//! What does a client get, and what is written down, for each way a request can go?

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use futures_util::FutureExt;
use http::Request;
use http_body_util::BodyExt;
use tidegate_core::{Body, error::Kind, store::Ended};

const ASK: &str = r#"{"model":"mock","messages":[]}"#;
const ASK_STREAM: &str = r#"{"model":"mock","stream":true,"messages":[]}"#;

fn pieces(texts: &[&str]) -> Vec<Result<Bytes, std::io::Error>> {
    texts.iter().map(|text| Ok(Bytes::copy_from_slice(text.as_bytes()))).collect()
}

fn broken(texts: &[&str]) -> Vec<Result<Bytes, std::io::Error>> {
    let mut all = pieces(texts);
    all.push(Err(std::io::Error::other("cut")));
    all
}

#[test]
fn a_whole_answer_passes_byte_for_byte() {
    block_on(async {
        let world = World::new();
        let answer = "{ \"id\":\"x\", \"new_field\":[1.50], \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4} }\n";
        world.upstream.answer(200, "application/json", pieces(&[&answer[..7], &answer[7..]]));
        assert_eq!(world.ask(ASK).await, (200, Bytes::from(answer)));
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.usage.completion), (3, 4));
        assert_eq!((record.ended, record.status, record.estimated), (Ended::Done, 200, false));
        assert_eq!(record.provider, "up");
        assert!(record.stale, "the store was silent");
    });
}

#[test]
fn only_listed_headers_reach_the_provider() {
    block_on(async {
        let world = World::new();
        world.upstream.answer(200, "application/json", pieces(&["{}"]));
        let mut request = world.chat(ASK);
        for (name, value) in [
            ("cookie", "a=b"),
            ("x-forwarded-for", "1.2.3.4"),
            ("openai-beta", "x"),
            ("openai-organization", "o"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        world.send(request).await;
        let asked = &world.upstream.asked()[0];
        assert_eq!(asked.url, "http://up.example/v1/chat/completions");
        let mut names: Vec<_> = asked.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "accept",
            "accept-encoding",
            "authorization",
            "content-type",
            "openai-beta",
            "user-agent",
        ];
        assert_eq!(names, expected);
        assert!(asked.headers.contains(&("authorization".into(), "Bearer sk-first".into())));
        assert_eq!(asked.body, ASK);
    });
}

#[test]
fn the_usage_chunk_is_stripped_unless_it_was_asked_for() {
    block_on(async {
        let frames = [
            ": hello\r\n\r\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"hé\"}}],\"usage\":null}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}\n\n",
            "data: [DONE]\n\n",
        ];
        let without = [frames[0], frames[1], frames[2], frames[4]].concat();
        let wanted = r#"{"model":"mock","stream":true,"stream_options":{"include_usage":true}}"#;
        for (ask, expected) in [(ASK_STREAM, &without), (wanted, &frames.concat())] {
            let world = World::new();
            world.upstream.answer(200, "text/event-stream", pieces(&frames));
            assert_eq!(world.ask(ask).await, (200, Bytes::from(expected.clone())));
            let asked = String::from_utf8(world.upstream.asked()[0].body.to_vec()).unwrap();
            assert!(asked.contains(r#""stream_options":{"include_usage":true}"#), "{asked}");
            let record = world.record().await;
            assert_eq!((record.usage.prompt, record.usage.completion), (5, 6));
            assert_eq!(record.ended, Ended::Done);
            assert_eq!(record.bytes_out, expected.len() as u64);
        }
    });
}

#[test]
fn a_stream_that_breaks_ends_with_one_error_event() {
    let begun = "data: {\"choices\":[{\"delta\":{\"content\":\"abcdefgh\"}}]}\n\n";
    let half = format!("{begun}data: {{\"cho");
    let cases: [(Vec<Result<Bytes, std::io::Error>>, &str); 3] = [
        (broken(&[begun]), "upstream_broken"),
        (broken(&[&half]), "upstream_broken"),
        (pieces(&[begun]), "upstream_broken"),
    ];
    for (answer, error) in cases {
        block_on(async {
            let world = World::new();
            world.upstream.answer(200, "text/event-stream", answer);
            let (status, body) = world.ask(ASK_STREAM).await;
            assert_eq!(status, 200);
            let body = String::from_utf8(body.to_vec()).unwrap();
            let event = body.strip_prefix(begun).unwrap();
            assert!(event.starts_with("data: {\"error\":{"), "{event}");
            assert!(event.ends_with("\n\n") && !event.contains("[DONE]"), "{event}");
            let record = world.record().await;
            assert_eq!((record.ended, record.error.as_str()), (Ended::UpstreamBroke, error));
            assert!(record.estimated && record.usage.completion == 2, "{record:?}");
        });
    }
}

#[test]
fn a_failure_before_the_first_event_is_no_stream() {
    let cases = [
        pieces(&["data: {\"error\":{\"message\":\"busy\",\"code\":\"server_error\"}}\n\n"]),
        pieces(&[": only a comment\n\n"]),
        broken(&[": only a comment\n\n"]),
        pieces(&[]),
    ];
    for (at, answer) in cases.into_iter().enumerate() {
        block_on(async {
            let world = World::new();
            world.upstream.answer(200, "text/event-stream", answer);
            let (status, body) = world.ask(ASK_STREAM).await;
            assert_eq!(status, 502, "{at}");
            assert!(body.starts_with(b"{\"error\":"), "{at}");
            assert_eq!(world.record().await.ended, Ended::Refused);
        });
    }
}

#[test]
fn a_finished_stream_without_its_marker_gets_one() {
    block_on(async {
        let world = World::new();
        let frame =
            "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}";
        world.upstream.answer(200, "text/event-stream", pieces(&[frame]));
        let (_, body) = world.ask(ASK_STREAM).await;
        assert_eq!(body, Bytes::from(format!("{frame}\n\ndata: [DONE]\n\n")));
        assert_eq!(world.record().await.ended, Ended::Done);
    });
}

#[test]
fn the_next_key_is_tried_when_one_is_refused() {
    block_on(async {
        let world = World::new();
        world.upstream.answer(
            429,
            "application/json",
            pieces(&[r#"{"error":{"message":"sk-first is over"}}"#]),
        );
        world.upstream.answer(200, "application/json", pieces(&["{}"]));
        assert_eq!(world.ask(ASK).await.0, 200);
        let record = world.record().await;
        assert_eq!((record.attempts, record.key_id.as_str()), (2, "up-2"));
    });
}

#[test]
fn a_providers_error_tells_no_key() {
    block_on(async {
        let world = World::new();
        let error = r#"{"error":{"message":"key sk-first is bad"}}"#;
        world.upstream.answer(400, "application/json", pieces(&[error]));
        let (status, body) = world.ask(ASK).await;
        assert_eq!(status, 400);
        assert!(!body.windows(8).any(|window| window == b"sk-first"));
        assert_eq!(world.record().await.attempts, 1, "a bad request is not tried again");
    });
}

#[test]
fn statuses_keep_their_meaning() {
    for (upstream, shown, tries) in [
        (400, 400, 1),
        (401, 502, 2),
        (403, 502, 2),
        (404, 404, 2),
        (422, 422, 1),
        (500, 500, 2),
        (529, 503, 2),
        (302, 502, 1),
    ] {
        block_on(async {
            let world = World::new();
            for _ in 0..2 {
                world.upstream.answer(upstream, "text/html", pieces(&["<html>"]));
            }
            let (status, body) = world.ask(ASK).await;
            assert_eq!(status, shown, "{upstream}");
            assert!(!body.windows(6).any(|window| window == b"<html>"));
            let record = world.record().await;
            assert_eq!((record.attempts, record.status), (tries, shown), "{upstream}");
        });
    }
}

#[test]
fn an_unreachable_provider_is_a_bad_gateway() {
    block_on(async {
        let world = World::new();
        world.upstream.fail(Kind::UpstreamUnreachable);
        world.upstream.fail(Kind::UpstreamUnreachable);
        assert_eq!(world.ask(ASK).await.0, 502);
        assert_eq!(world.record().await.error, "upstream_unreachable");
    });
}

#[test]
fn a_whole_answer_that_breaks_is_an_error() {
    for answer in [broken(&["{\"id\":"]), pieces(&["{\"id\":"]), pieces(&[])] {
        block_on(async {
            let world = World::new();
            world.upstream.answer(200, "application/json", answer);
            assert_eq!(world.ask(ASK).await.0, 502);
            assert_eq!(world.record().await.error, "upstream_broken");
        });
    }
}

#[test]
fn a_client_that_leaves_is_written_down_once() {
    block_on(async {
        let world = World::new();
        let frame = "data: {\"choices\":[{\"delta\":{\"content\":\"abcd\"}}]}\n\n";
        world.upstream.answer(200, "text/event-stream", pieces(&[frame, frame, frame]));
        let mut body = world.send(world.chat(ASK_STREAM)).await.into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        let record = world.record().await;
        assert_eq!((record.ended, record.error.as_str()), (Ended::ClientGone, "client_gone"));
        assert!(record.estimated && record.usage.completion > 0);
    });
}

#[test]
fn a_client_that_leaves_before_the_answer_is_written_down_too() {
    block_on(async {
        let world = World::new();
        world.upstream.hang();
        world.clock.stop();
        assert!(world.send(world.chat(ASK)).now_or_never().is_none(), "dropped while it waits");
        let record = world.record().await;
        assert_eq!((record.ended, record.status, record.attempts), (Ended::ClientGone, 499, 1));
    });
}

#[test]
fn refusals_are_told_in_the_clients_dialect() {
    let check = |build: fn(&World) -> Request<Body>, status: u16, code: &str| {
        block_on(async {
            let world = World::new();
            let (found, body) = read(world.send(build(&world)).await).await;
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!(found, status, "{body}");
            assert!(body.starts_with("{\"error\":{\"message\":") && body.contains(code), "{body}");
        });
    };
    check(|world| world.chat("{"), 400, "invalid_request_error");
    check(|world| world.chat(r#"{"model":"none"}"#), 404, "model_not_found");
    check(|world| world.chat(r#"{"model":"other/mock"}"#), 404, "model_not_found");
    check(
        |_| Request::post("/v1/chat/completions").body(Body::empty()).unwrap(),
        401,
        "invalid_api_key",
    );
    check(|_| Request::get("/nowhere").body(Body::empty()).unwrap(), 404, "invalid_request_error");
    check(|_| Request::get("/v1/chat/completions").body(Body::empty()).unwrap(), 405, "takes POST");
    check(
        |_| {
            let key = tidegate_core::identity::mint(&tidegate_core::testing::SeededRandom::new(9));
            let bearer = format!("Bearer {}", key.key.expose());
            Request::post("/v1/chat/completions")
                .header("authorization", bearer)
                .body(Body::empty())
                .unwrap()
        },
        503,
        "unavailable",
    );
}

#[test]
fn the_echo_needs_no_provider() {
    block_on(async {
        let world = World::new();
        let ask =
            r#"{"model":"echo","stream":true,"messages":[{"role":"user","content":"one two"}]}"#;
        let (status, body) = world.ask(ask).await;
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(status, 200);
        assert!(
            body.contains("\"content\":\"one \"") && body.ends_with("data: [DONE]\n\n"),
            "{body}"
        );
        assert!(!body.contains("\"usage\""), "{body}");
        let record = world.record().await;
        assert!(record.usage.prompt > 0 && !record.estimated);
    });
}

#[test]
fn head_and_options_follow_from_the_table() {
    block_on(async {
        let world = World::new();
        let head = world.send(Request::head("/health").body(Body::empty()).unwrap()).await;
        assert_eq!(
            (head.status().as_u16(), head.headers()["content-length"].as_bytes()),
            (200, &b"15"[..])
        );
        assert!(read(head).await.1.is_empty());
        let options = Request::options("/v1/models").body(Body::empty()).unwrap();
        let options = world.send(options).await;
        assert_eq!(options.headers()["allow"], "GET, HEAD, OPTIONS");
        assert_eq!(options.status().as_u16(), 204);
    });
}
