//! Is an answer given again to whoever asked, and to nobody else? And what is never kept?

use std::{sync::Arc, time::Duration};

use crate::common::{
    World,
    papers::{Papers, document},
    read,
};
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use tidegate_core::{
    Body,
    budget::Policy,
    config::{Config, DeclaredClient, DeclaredKey},
    dialect::Dialect,
    identity::{Secret, mint},
    store::{Ended, Kind, Record},
    testing::SeededRandom,
};

const ASK: &str = r#"{"model":"mock","messages":[{"role":"user","content":"hello"}]}"#;
const ASK_STREAM: &str = r#"{"model":"mock","stream":true,"messages":[]}"#;
const ANSWER: &str =
    "{ \"id\":\"x\", \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}, \"choices\":[] }\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";
const EVERYBODY: &str = r#"{"recall":{"everybody":true,"seconds":60}}"#;

/// A world with these settings.
fn set(settings: &str, change: impl FnOnce(&mut Config)) -> World {
    let papers = Papers::default();
    papers.apply(vec![document(Kind::Setting, "gateway", settings)]).expect("it is new");
    World::over(Arc::new(papers), change)
}

fn everybody() -> World {
    set(EVERYBODY, |_| {})
}

fn good(world: &World, text: &str) {
    world.upstream.answer(200, "application/json", vec![Ok(text.to_owned().into())]);
}

/// What a client is told: what the cache said, how old it is, and the body.
struct Told {
    status: u16,
    cache: Option<String>,
    age: Option<String>,
    kind: String,
    body: Bytes,
}

impl Told {
    fn is(&self, cache: Option<&str>, body: &str) {
        assert_eq!((self.status, self.cache.as_deref()), (200, cache), "{:?}", self.body);
        assert_eq!(self.body, body.as_bytes());
    }
}

/// Asks, and does what is done after the response.
async fn ask(world: &World, request: Request<Body>) -> Told {
    let response = world.send(request).await;
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let (cache, age) = (header("x-tidegate-cache"), header("age"));
    let kind = header("content-type").unwrap_or_default();
    let (status, body) = read(response).await;
    world.later.run_all().await;
    Told { status, cache, age, kind, body }
}

async fn chat(world: &World, body: &str) -> Told {
    ask(world, world.chat(body)).await
}

fn with(world: &World, body: &str, name: &'static str, value: &'static str) -> Request<Body> {
    let mut request = world.chat(body);
    request.headers_mut().insert(name, http::HeaderValue::from_static(value));
    request
}

fn last(world: &World) -> Record {
    world.kept.records().pop().expect("there is one")
}

/// Providers were asked so often.
fn asked(world: &World, times: usize) {
    assert_eq!(world.upstream.asked().len(), times);
}

#[test]
fn a_whole_answer_is_given_again() {
    block_on(async {
        let world = everybody();
        good(&world, ANSWER);
        chat(&world, ASK).await.is(Some("miss"), ANSWER);
        let first = last(&world);
        assert_eq!((first.recalled, first.attempts, first.usage.prompt), (false, 1, 3));
        world.clock.advance(Duration::from_millis(7_900));
        let again = chat(&world, ASK).await;
        again.is(Some("hit"), ANSWER);
        assert_eq!((again.age.as_deref(), again.kind.as_str()), (Some("7"), "application/json"));
        asked(&world, 1);
        let record = last(&world);
        assert_eq!((record.recalled, record.attempts, record.status), (true, 0, 200));
        assert_eq!((record.usage, record.cost_nano), (tidegate_core::store::Usage::default(), 0));
        assert_eq!((record.provider.as_str(), record.model.as_str()), ("up", "mock"));
        assert_eq!((record.ended, record.estimated), (Ended::Done, false));
        assert_eq!(record.bytes_out, ANSWER.len() as u64);
    });
}

#[test]
fn nothing_is_kept_unless_said() {
    block_on(async {
        let other = r#"{"recall":{"clients":["somebody"],"teams":["sales"]}}"#;
        for world in [World::new(), set("{}", |_| {}), set(other, |_| {})] {
            for _ in 0..2 {
                good(&world, ANSWER);
                chat(&world, ASK).await.is(None, ANSWER);
            }
            asked(&world, 2);
        }
    });
}

#[test]
fn a_stream_is_given_again_byte_for_byte() {
    block_on(async {
        let world = everybody();
        let frames = [
            "data: {\"choices\":[{\"delta\":{\"content\":\"hé\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: [DONE]\n\n",
        ];
        let pieces = frames.iter().map(|frame| Ok(Bytes::from_static(frame.as_bytes())));
        world.upstream.answer(200, "text/event-stream; charset=utf-8", pieces.collect());
        chat(&world, ASK_STREAM).await.is(Some("miss"), &frames.concat());
        let again = chat(&world, ASK_STREAM).await;
        again.is(Some("hit"), &frames.concat());
        assert_eq!(again.kind, "text/event-stream; charset=utf-8");
        asked(&world, 1);
        // Whole is another question.
        good(&world, ANSWER);
        chat(&world, r#"{"model":"mock","stream":false,"messages":[]}"#)
            .await
            .is(Some("miss"), ANSWER);
    });
}

#[test]
fn what_was_lost_on_the_way_is_told_again() {
    block_on(async {
        let world = everybody();
        let reply = r#"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
        good(&world, reply);
        let body = r#"{"model":"anthropic/c","seed":7,"messages":[{"role":"user","content":"x"}]}"#;
        let dropped = async || {
            let response = world.send(world.chat(body)).await;
            let header = |name: &str| response.headers().get(name).cloned();
            let told = [header("x-tidegate-dropped"), header("x-tidegate-model")];
            let (_, body) = read(response).await;
            world.later.run_all().await;
            (told, body)
        };
        let first = dropped().await;
        assert!(first.0[0].as_ref().is_some_and(|names| names == "seed"), "{first:?}");
        assert_eq!(first, dropped().await);
        asked(&world, 1);
        assert!(last(&world).recalled && last(&world).dropped == "seed");
    });
}

#[test]
fn another_client_asks_anew() {
    block_on(async {
        let others = mint(&SeededRandom::new(9)).key.expose().to_owned();
        let client = DeclaredClient {
            name: "other".to_owned(),
            key: DeclaredKey::Plain(Secret::new(others.clone())),
            enabled: true,
            strict: false,
            team: String::new(),
            policy: Policy::default(),
        };
        let world = set(EVERYBODY, |config| config.clients.push(client));
        good(&world, ANSWER);
        chat(&world, ASK).await.is(Some("miss"), ANSWER);
        let theirs = || {
            let mut request = world.chat(ASK);
            let key = format!("Bearer {others}").parse().unwrap();
            request.headers_mut().insert("authorization", key);
            request
        };
        good(&world, "{\"n\":2}");
        ask(&world, theirs()).await.is(Some("miss"), "{\"n\":2}");
        ask(&world, theirs()).await.is(Some("hit"), "{\"n\":2}");
        chat(&world, ASK).await.is(Some("hit"), ANSWER);
        asked(&world, 2);
    });
}

#[test]
fn what_differs_in_anything_is_asked_anew() {
    block_on(async {
        let world = everybody();
        good(&world, ANSWER);
        chat(&world, ASK).await.is(Some("miss"), ANSWER);
        let mut pinned = world.chat(ASK);
        *pinned.uri_mut() = "/llm/up/v1/chat/completions".parse().unwrap();
        for request in [
            world.chat(&ASK.replace("hello", "Hello")),
            world.chat(&ASK.replace(':', ": ")),
            world.chat(&ASK.replace("mock", "up/mock")),
            with(&world, ASK, "openai-beta", "x"),
            with(&world, ASK, "x-tidegate-strict", "true"),
            pinned,
        ] {
            good(&world, ANSWER);
            let shown = format!("{request:?}");
            let told = ask(&world, request).await;
            assert_eq!(told.cache.as_deref(), Some("miss"), "{shown}");
        }
        // No provider gets to see this one.
        ask(&world, with(&world, ASK, "x-request-tag", "y")).await.is(Some("hit"), ANSWER);
    });
}

#[test]
fn clients_say_what_they_want() {
    block_on(async {
        let world = everybody();
        good(&world, ANSWER);
        chat(&world, ASK).await.is(Some("miss"), ANSWER);
        let wanting = |wish| with(&world, ASK, "cache-control", wish);
        good(&world, "{\"n\":2}");
        ask(&world, wanting("no-store")).await.is(None, "{\"n\":2}");
        ask(&world, wanting("max-age=1")).await.is(Some("hit"), ANSWER);
        good(&world, "{\"n\":3}");
        ask(&world, wanting("no-cache")).await.is(Some("miss"), "{\"n\":3}");
        chat(&world, ASK).await.is(Some("hit"), "{\"n\":3}");
        world.clock.advance(Duration::from_secs(5));
        ask(&world, wanting("max-age=6")).await.is(Some("hit"), "{\"n\":3}");
        good(&world, "{\"n\":4}");
        ask(&world, wanting("max-age=5")).await.is(Some("miss"), "{\"n\":4}");
        world.clock.advance(Duration::from_secs(60));
        good(&world, "{\"n\":5}");
        chat(&world, ASK).await.is(Some("miss"), "{\"n\":5}");
    });
}

#[test]
fn only_good_and_whole_answers_are_kept() {
    block_on(async {
        let world = everybody();
        world.upstream.answer(400, "application/json", vec![Ok("{\"error\":{}}".into())]);
        assert_eq!(chat(&world, ASK).await.cache, None);
        good(&world, ANSWER);
        chat(&world, ASK).await.is(Some("miss"), ANSWER);

        let begun = || "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".into();
        let cut = || Err(std::io::Error::other("cut"));
        let failed = || Ok("data: {\"error\":{\"message\":\"no\"}}\n\n".into());
        for end in [cut, failed] {
            world.upstream.answer(200, "text/event-stream", vec![Ok(begun()), end()]);
            let told = chat(&world, ASK_STREAM).await;
            assert_eq!((told.status, told.cache.as_deref()), (200, Some("miss")));
            assert_eq!(last(&world).ended, Ended::UpstreamBroke);
        }
        // Somebody who leaves has not seen the end.
        world.upstream.answer(200, "text/event-stream", vec![Ok(begun())]);
        drop(world.send(world.chat(ASK_STREAM)).await);
        world.later.run_all().await;

        let whole =
            ["data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n", "data: [DONE]\n\n"];
        let pieces = whole.iter().map(|frame| Ok(Bytes::from_static(frame.as_bytes())));
        world.upstream.answer(200, "text/event-stream", pieces.collect());
        chat(&world, ASK_STREAM).await.is(Some("miss"), &whole.concat());
        chat(&world, ASK_STREAM).await.is(Some("hit"), &whole.concat());
    });
}

#[test]
fn a_long_answer_is_not_kept() {
    block_on(async {
        let world = everybody();
        let long = format!("{{\"text\":\"{}\"}}", "x".repeat(2 << 20));
        for _ in 0..2 {
            good(&world, &long);
            chat(&world, ASK).await.is(None, &long);
        }
        let piece = format!("data: {{\"choices\":[],\"x\":\"{}\"}}\n\n", "x".repeat(400 << 10));
        let frames = [&piece, &piece, &piece, "data: [DONE]\n\n"];
        for _ in 0..2 {
            let pieces = frames.iter().map(|frame| Ok(Bytes::from((*frame).to_owned())));
            world.upstream.answer(200, "text/event-stream", pieces.collect());
            chat(&world, ASK_STREAM).await.is(Some("miss"), &frames.concat());
        }
        asked(&world, 4);
    });
}

#[test]
fn policy_comes_first() {
    block_on(async {
        let requests = |count: i64| {
            let policy = format!(r#"{{"limits":[{{"tokens":{count},"per":"day"}}]}}"#);
            let policy: Policy = serde_json::from_str(&policy).unwrap();
            set(EVERYBODY, |config| config.clients[0].policy = policy)
        };
        let ask = ASK.replace("{\"model", "{\"max_tokens\":1,\"model");
        let world = requests(30);
        good(&world, ANSWER);
        chat(&world, &ask).await.is(Some("miss"), ANSWER);
        for _ in 0..20 {
            chat(&world, &ask).await.is(Some("hit"), ANSWER);
        }
        // Another request uses it up, and what is kept is not given either.
        good(&world, &ANSWER.replace(":4}", ":400}"));
        assert_eq!(chat(&world, &ask.replace("hello", "more")).await.status, 200);
        let refused = chat(&world, &ask).await;
        assert_eq!((refused.status, refused.cache), (429, None));
        assert!(!last(&world).recalled);
    });
}

#[test]
fn what_is_stored_or_goes_on_is_asked_anew() {
    block_on(async {
        let world = set(EVERYBODY, |config| {
            config.providers[0].dialect = Dialect::OpenAiResponses;
        });
        let answer = r#"{"id":"resp_1","object":"response","status":"completed","output":[]}"#;
        let ask_responses = |store: bool| {
            let body = format!(r#"{{"model":"mock","store":{store},"input":"hello"}}"#);
            let mut request = world.chat(&body);
            *request.uri_mut() = "/v1/responses".parse().unwrap();
            request
        };
        for _ in 0..2 {
            good(&world, answer);
            assert_eq!(ask(&world, ask_responses(true)).await.cache, None);
        }
        good(&world, answer);
        assert_eq!(ask(&world, ask_responses(false)).await.cache.as_deref(), Some("miss"));
        assert_eq!(ask(&world, ask_responses(false)).await.cache.as_deref(), Some("hit"));
        asked(&world, 3);
    });
}

#[test]
fn texts_are_kept_and_pictures_and_speech_are_not() {
    block_on(async {
        for (path, body, kept) in [
            ("/v1/embeddings", r#"{"model":"mock","input":"a"}"#, true),
            ("/v1/moderations", r#"{"model":"mock","input":"a"}"#, true),
            ("/v1/completions", r#"{"model":"mock","prompt":"a"}"#, true),
            ("/v1/images/generations", r#"{"model":"mock","prompt":"a"}"#, false),
            ("/v1/audio/speech", r#"{"model":"mock","input":"a"}"#, false),
            ("/v1/audio/transcriptions", r#"{"model":"mock"}"#, false),
        ] {
            let world = everybody();
            for _ in 0..2 {
                good(&world, "{\"data\":[]}");
                let mut request = world.chat(body);
                *request.uri_mut() = path.parse().unwrap();
                assert_eq!(ask(&world, request).await.status, 200, "{path}");
            }
            assert_eq!(world.upstream.asked().len(), if kept { 1 } else { 2 }, "{path}");
        }
    });
}

#[test]
fn what_may_be_otherwise_by_the_next_time_is_not_kept() {
    block_on(async {
        let world = everybody();
        // The provider takes no addresses, so the gateway looks what is there.
        let show = r#"{"model":"ollama/m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example/cat"}}]}]}"#;
        for _ in 0..2 {
            world.media.answer(200, "image/png", vec![Ok(Bytes::from_static(PNG))]);
            good(
                &world,
                r#"{"model":"m","message":{"role":"assistant","content":"a cat"},"done":true}"#,
            );
            let told = chat(&world, show).await;
            assert_eq!((told.status, told.cache), (200, None), "{:?}", told.body);
        }
        asked(&world, 2);
    });
}

#[test]
fn an_answer_that_leaves_state_for_the_next_turn_is_not_kept() {
    block_on(async {
        let world = everybody();
        let call = r#"{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}"#;
        let thought = r#"{"type":"thinking","thinking":"Rain?","signature":"sig"},"#;
        let ask = r#"{"model":"anthropic/claude-sonnet-4-5","max_tokens":20000,"reasoning_effort":"high","messages":[{"role":"user","content":"What is the weather?"}],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{}}}}]}"#;
        for (thoughts, cache) in [(thought, None), (thought, None), ("", Some("miss"))] {
            good(
                &world,
                &format!(
                    r#"{{"id":"m","type":"message","role":"assistant","model":"m","content":[{thoughts}{call}],"stop_reason":"tool_use","usage":{{"input_tokens":1,"output_tokens":1}}}}"#
                ),
            );
            let told = chat(&world, ask).await;
            assert_eq!((told.status, told.cache.as_deref()), (200, cache), "{:?}", told.body);
        }
        assert_eq!(chat(&world, ask).await.cache.as_deref(), Some("hit"));
        asked(&world, 3);
    });
}

const NAMED: &str = r#"
[[group]]
id = "named"
targets = ["mock"]
context_fallbacks = ["anthropic/wide"]
"#;

#[test]
fn an_answer_from_elsewhere_than_the_route_is_not_kept() {
    block_on(async {
        let groups = Config::read(Some(NAMED), &|_| None).expect("a test writes it well").groups;
        let world = set(EVERYBODY, |config| config.groups = groups);
        let ask = ASK.replace("mock", "named");
        let long = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
        let wide = r#"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
        for _ in 0..2 {
            world.upstream.answer(400, "application/json", vec![Ok(long.into())]);
            good(&world, wide);
            let told = chat(&world, &ask).await;
            assert_eq!((told.status, told.cache), (200, None), "{:?}", told.body);
            assert_eq!(last(&world).provider, "anthropic");
        }
        good(&world, ANSWER);
        chat(&world, &ask).await.is(Some("miss"), ANSWER);
        chat(&world, &ask).await.is(Some("hit"), ANSWER);
        asked(&world, 5);
    });
}
