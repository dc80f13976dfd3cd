//! When is a second target asked beside a slow one, who answers then, and what stands on the bill?

use std::time::Duration;

use crate::common::World;
use bytes::Bytes;
use futures_channel::oneshot;
use futures_executor::block_on;
use futures_util::{FutureExt, future::join, stream};
use http::Response;
use serde_json::json;
use tidegate_core::{
    Body,
    budget::Policy,
    config::Config,
    provider::Terms,
    store::{Ended, Record},
};

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}"#;

/// A gateway whose group asks a second target after a second, under these terms.
fn hedging(more: &str, policy: &str) -> World {
    let text = format!(
        "[[group]]\nid = \"quick\"\ntargets = [\"up/gpt-4o\", \"up/gpt-4o-mini\", \"up/gpt-4.1\"]\n\
         hedge = {{ after_ms = 1000{more} }}\n"
    );
    let read = Config::read(Some(&text), &|_| None).expect("a test writes it well");
    let policy: Policy = serde_json::from_str(policy).expect("a test writes it well");
    let world = World::declaring(|config| {
        config.groups = read.groups;
        config.clients[0].policy = policy;
        config.waits.first_byte = Duration::from_mins(1);
        config.waits.total = Duration::from_mins(1);
        config.waits.idle = Duration::from_mins(1);
        for key in &mut config.providers[0].keys {
            key.terms = Terms { concurrency: Some(1), ..Terms::NONE };
        }
    });
    // A second passes at once, a minute never.
    world.clock.wake_before(Duration::from_secs(10));
    world
}

fn ask() -> String {
    let messages = json!([{ "role": "user", "content": "Prove it." }]);
    json!({ "model": "quick", "messages": messages, "max_tokens": 200 }).to_string()
}

/// Adds an answer that comes when it is told to, and is what it is told then.
fn later(world: &World) -> oneshot::Sender<Result<&'static str, std::io::Error>> {
    let (tell, told) = oneshot::channel();
    let words =
        async { told.await.unwrap_or(Ok("")).map(|text| Bytes::from_static(text.as_bytes())) };
    let response = Response::builder().header("content-type", "application/json");
    let body = Body::from_stream(stream::once(words));
    world.upstream.respond(response.body(body).expect("it is a response"));
    tell
}

fn models(world: &World) -> Vec<&'static str> {
    let known = ["gpt-4o-mini", "gpt-4.1", "gpt-4o"];
    let model = |body: &Bytes| {
        let text = String::from_utf8_lossy(body).into_owned();
        known.into_iter().find(|name| text.contains(&format!("\"{name}\"")))
    };
    world.upstream.asked().iter().filter_map(|asked| model(&asked.body)).collect()
}

async fn record(world: &World) -> Record {
    world.record().await
}

/// What the prompt costs at so many nano-dollars a token.
fn bill(record: &Record, nano: i64) -> (&str, bool, i64) {
    let side = &record.side;
    (&side.model, side.prompt > 0, side.cost_nano - side.prompt * nano)
}

#[test]
fn who_answers_first_serves_and_both_are_paid() {
    block_on(async {
        let world = hedging("", "{}");
        world.upstream.hang();
        world.upstream.answer_with(200, &[], ANSWER);
        assert_eq!(world.ask(&ask()).await.0, 200);
        assert_eq!(models(&world), ["gpt-4o", "gpt-4o-mini"]);
        let record = record(&world).await;
        assert_eq!((&*record.model, record.attempts), ("gpt-4o-mini", 2));
        assert_eq!(bill(&record, 2_500), ("up/gpt-4o", true, 0));
        assert_eq!(record.cost_nano, record.side.cost_nano + 1000 * 150 + 100 * 600);
        assert_eq!(record.ended, Ended::Done);
        let told: serde_json::Value = serde_json::from_str(&record.tried).expect("it is JSON");
        let came = |at: usize| (told[at]["to"].as_str(), told[at]["why"].as_str());
        assert_eq!(came(1), (Some("up/gpt-4o"), Some("dropped")), "{told}");
        assert_eq!(came(2), (Some("up/gpt-4o-mini"), Some("ok")), "{told}");
    });
}

#[test]
fn the_first_may_still_be_the_one() {
    block_on(async {
        let world = hedging("", "{}");
        let first = later(&world);
        world.upstream.hang();
        let (answer, told) = join(world.ask(&ask()), async { first.send(Ok(ANSWER)) }).await;
        assert!(told.is_ok() && answer.0 == 200);
        let record = record(&world).await;
        assert_eq!((&*record.model, record.attempts), ("gpt-4o", 2));
        assert_eq!(bill(&record, 150), ("up/gpt-4o-mini", true, 0));
    });
}

#[test]
fn one_that_is_quick_is_asked_alone() {
    block_on(async {
        let world = hedging("", "{}");
        world.upstream.answer_with(200, &[], ANSWER);
        assert_eq!(world.ask(&ask()).await.0, 200);
        let record = record(&world).await;
        assert_eq!((record.attempts, &*record.side.model, models(&world).len()), (1, "", 1));
    });
}

#[test]
fn the_one_that_fails_is_not_waited_for() {
    // Whichever it is, the other one answers, and nobody is paid for a failure.
    for first_fails in [true, false] {
        block_on(async {
            let world = hedging("", "{}");
            let (first, second) = (later(&world), later(&world));
            let broken = || Err(std::io::Error::other("broken off"));
            let tell = async {
                let (one, two) =
                    if first_fails { (broken(), Ok(ANSWER)) } else { (Ok(ANSWER), broken()) };
                if first_fails {
                    assert!(first.send(one).is_ok() && second.send(two).is_ok());
                } else {
                    assert!(second.send(two).is_ok() && first.send(one).is_ok());
                }
            };
            let (answer, ()) = join(world.ask(&ask()), tell).await;
            assert_eq!(answer.0, 200, "{first_fails}");
            let record = record(&world).await;
            let model = if first_fails { "gpt-4o-mini" } else { "gpt-4o" };
            assert_eq!((&*record.model, record.attempts), (model, 2));
            assert_eq!(record.ended, Ended::Done);
            assert_eq!(world.upstream.asked().len(), 2);
        });
    }
}

#[test]
fn when_both_fail_the_third_is_asked() {
    block_on(async {
        let world = hedging("", "{}");
        let first = later(&world);
        world.upstream.answer_with(503, &[], "{}");
        world.upstream.answer_with(200, &[], ANSWER);
        let tell = async { first.send(Err(std::io::Error::other("broken off"))) };
        let (answer, told) = join(world.ask(&ask()), tell).await;
        assert!(told.is_ok());
        assert_eq!((answer.0, models(&world)), (200, vec!["gpt-4o", "gpt-4o-mini", "gpt-4.1"]));
        let record = record(&world).await;
        assert_eq!((&*record.model, record.attempts, &*record.side.model), ("gpt-4.1", 3, ""));
    });
}

/// A first target that is slow, and who is asked meanwhile.
async fn asked_meanwhile(world: &World) -> Vec<&'static str> {
    let first = later(world);
    world.upstream.answer_with(200, &[], ANSWER);
    let (answer, told) = join(world.ask(&ask()), async { first.send(Ok(ANSWER)) }).await;
    // Whoever was asked second has answered at once.
    assert!(answer.0 == 200 && (told.is_ok() || models(world).len() == 2));
    models(world)
}

#[test]
fn a_second_target_has_to_be_paid_for() {
    block_on(async {
        assert_eq!(asked_meanwhile(&hedging("", "{}")).await.len(), 2);
        // Some 10 tokens at 0.15 dollars a million, and 200 at 0.60, are 121,500 nano-dollars and more.
        assert_eq!(asked_meanwhile(&hedging(", cost_nano_max = 120000", "{}")).await, ["gpt-4o"]);
        assert_eq!(asked_meanwhile(&hedging(", cost_nano_max = 200000", "{}")).await.len(), 2);
        // One such request is 2 thousandths of a dollar, and there is no room for more.
        let tight = r#"{"limits":[{"dollars":0.0021,"per":"day"}]}"#;
        assert_eq!(asked_meanwhile(&hedging("", tight)).await, ["gpt-4o"]);
        let wide = r#"{"limits":[{"dollars":0.0025,"per":"day"}]}"#;
        assert_eq!(asked_meanwhile(&hedging("", wide)).await.len(), 2);
    });
}

#[test]
fn a_request_that_is_wrong_is_not_waited_for() {
    block_on(async {
        let world = hedging("", "{}");
        let first = later(&world);
        world.upstream.hang();
        let wrong = r#"{"error":{"message":"no such voice","code":400}}"#;
        let (answer, _) = join(world.ask(&ask()), async { first.send(Ok(wrong)) }).await;
        assert_eq!(answer.0, 400, "{}", String::from_utf8_lossy(&answer.1));
        assert_eq!(record(&world).await.attempts, 2);
    });
}

#[test]
fn a_client_that_leaves_takes_both_along() {
    block_on(async {
        let world = hedging("", "{}");
        world.upstream.hang();
        world.upstream.hang();
        assert!(world.send(world.chat(&ask())).now_or_never().is_none());
        assert_eq!(models(&world).len(), 2);
        // Both keys are free again: each takes one request at a time.
        let first = later(&world);
        world.upstream.hang();
        let (answer, _) = join(world.ask(&ask()), async { first.send(Ok(ANSWER)) }).await;
        assert_eq!((answer.0, models(&world).len()), (200, 4));
        world.later.run_all().await;
        let left = world.kept.records().into_iter().find(|it| it.ended == Ended::ClientGone);
        let left = left.expect("its record is there");
        assert_eq!((left.attempts, &*left.side.model), (2, "up/gpt-4o-mini"));
    });
}
