//! Which key and which provider is asked, and who is asked after a failure?

use std::time::Duration;

use crate::common::{
    World,
    keys::{asked, keys},
    read,
};
use futures_executor::block_on;
use futures_util::FutureExt;
use http::header::RETRY_AFTER;
use tidegate_core::{error::Kind, ports::Clock, provider::Terms};

const ASK: &str = r#"{"model":"mock","messages":[]}"#;
const GOOD: &str = r#"{"id":"x","choices":[]}"#;

/// So many seconds, and the millisecond that a rest of as many keeps.
fn wait(world: &World, seconds: u64) {
    world.clock.advance(Duration::from_secs(seconds) + Duration::from_millis(1));
}

/// The status, and when to come back.
async fn told(world: &World) -> (u16, Option<String>) {
    let response = world.send(world.chat(ASK)).await;
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .map(|value| value.to_str().expect("seconds are ASCII").to_owned());
    (read(response).await.0, after)
}

#[test]
fn a_limited_key_is_not_asked_before_its_time() {
    block_on(async {
        let world = World::declaring(keys(2, ""));
        world.upstream.answer_with(429, &[("retry-after", "30")], "{}");
        for _ in 0..4 {
            world.upstream.answer_with(200, &[], GOOD);
            assert_eq!(told(&world).await, (200, None));
        }
        assert_eq!(asked(&world), ["sk-1", "sk-2", "sk-2", "sk-2", "sk-2"]);
        wait(&world, 30);
        for _ in 0..2 {
            world.upstream.answer_with(200, &[], GOOD);
            told(&world).await;
        }
        assert_eq!(asked(&world)[5..], ["sk-1", "sk-2"]);
    });
}

#[test]
fn when_all_keys_rest_nobody_is_asked() {
    block_on(async {
        let world = World::declaring(keys(2, ""));
        world.upstream.answer_with(429, &[("retry-after", "30")], "{}");
        world.upstream.answer_with(429, &[("retry-after", "40")], "{}");
        assert_eq!(told(&world).await, (429, Some("30".to_owned())), "the first that comes back");
        wait(&world, 10);
        assert_eq!(told(&world).await, (429, Some("20".to_owned())));
        assert_eq!(asked(&world).len(), 2);
        world.later.run_all().await;
        let record = world.kept.records().pop().unwrap();
        assert_eq!((record.attempts, record.status), (0, 429));
        assert_eq!((record.provider.as_str(), record.error.as_str()), ("up", "rate_limited"));
    });
}

#[test]
fn refused_keys_alone_are_no_limit() {
    block_on(async {
        let world = World::declaring(keys(1, ""));
        world.upstream.answer_with(401, &[], "{}");
        assert_eq!(told(&world).await.0, 502);
        assert_eq!(told(&world).await, (503, Some("10".to_owned())));
        assert_eq!(asked(&world).len(), 1);
    });
}

#[test]
fn a_target_whose_keys_rest_is_passed_over() {
    block_on(async {
        let world = World::declaring(keys(1, "second"));
        world.upstream.answer_with(429, &[("retry-after", "30")], "{}");
        for _ in 0..3 {
            world.upstream.answer_with(200, &[], GOOD);
            assert_eq!(told(&world).await.0, 200);
        }
        assert_eq!(asked(&world), ["sk-1", "sk-second", "sk-second", "sk-second"]);
    });
}

#[test]
fn a_breakdown_is_tried_with_another_key_and_then_elsewhere() {
    block_on(async {
        let world = World::declaring(keys(2, "second"));
        world.upstream.answer_with(500, &[], "{}");
        world.upstream.fail(Kind::UpstreamUnreachable);
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
        assert_eq!(asked(&world), ["sk-1", "sk-2", "sk-second"]);
        assert_eq!(world.record().await.attempts, 3);
    });
}

#[test]
fn another_target_is_asked_at_once() {
    block_on(async {
        let world = World::declaring(keys(1, "second"));
        world.upstream.answer_with(500, &[], "{}");
        world.upstream.answer_with(200, &[], GOOD);
        let began = world.clock.now();
        assert_eq!(told(&world).await.0, 200);
        assert_eq!(world.clock.now(), began, "only the same provider is given a pause");
    });
}

#[test]
fn there_is_an_end_of_attempts() {
    block_on(async {
        let world = World::declaring(keys(9, "second"));
        for seconds in ["8", "7", "9", "5"] {
            world.upstream.answer_with(429, &[("retry-after", seconds)], "{}");
        }
        assert_eq!(told(&world).await, (429, Some("7".to_owned())), "the first that comes back");
        assert_eq!(asked(&world), ["sk-1", "sk-2", "sk-3"]);
    });
}

#[test]
fn a_request_that_is_wrong_is_asked_once() {
    for status in [400, 413, 422, 501] {
        block_on(async {
            let world = World::declaring(keys(2, "second"));
            for _ in 0..12 {
                world.upstream.answer_with(status, &[], "{}");
                world.upstream.answer_with(200, &[], GOOD);
                assert_eq!(told(&world).await.0, status);
                assert_eq!(told(&world).await.0, 200, "it does nobody any harm");
            }
            assert_eq!(asked(&world).len(), 24);
        });
    }
}

#[test]
fn silence_is_not_tried_with_another_key() {
    block_on(async {
        let world = World::declaring(|config| {
            keys(2, "second")(config);
            config.waits.total = 3 * config.waits.first_byte;
        });
        world.upstream.hang();
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
        assert_eq!(asked(&world), ["sk-1", "sk-second"]);
    });
}

#[test]
fn nothing_is_begun_when_the_time_is_over() {
    block_on(async {
        // The whole of the time is as long as one wait.
        let world = World::declaring(|config| {
            keys(1, "second")(config);
            config.waits.total = config.waits.first_byte;
        });
        world.upstream.hang();
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 504);
        assert_eq!(asked(&world), ["sk-1"]);
    });
}

#[test]
fn only_a_few_breakdowns_in_a_short_time_are_tried_again() {
    block_on(async {
        let world = World::declaring(keys(2, ""));
        let mut attempts = Vec::new();
        for _ in 0..5 {
            // What succeeds in between keeps the provider from resting.
            world.upstream.answer_with(200, &[], GOOD);
            told(&world).await;
            let before = asked(&world).len();
            world.upstream.answer_with(500, &[], "{}");
            if attempts.len() < 3 {
                world.upstream.answer_with(200, &[], GOOD);
            }
            told(&world).await;
            attempts.push(asked(&world).len() - before);
        }
        assert_eq!(attempts, [2, 2, 2, 1, 1], "three of ten seconds, of so few requests");
        wait(&world, 10);
        world.upstream.answer_with(500, &[], "{}");
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
    });
}

#[test]
fn a_provider_that_breaks_down_rests_and_recovers() {
    block_on(async {
        let world = World::declaring(keys(1, ""));
        for _ in 0..5 {
            world.upstream.answer_with(503, &[], "{}");
            assert_eq!(told(&world).await.0, 503);
        }
        assert_eq!(told(&world).await, (503, Some("1".to_owned())));
        assert_eq!(asked(&world).len(), 5, "it is left alone");
        wait(&world, 1);
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
    });
}

#[test]
fn keys_take_turns_evenly() {
    block_on(async {
        let world = World::declaring(keys(3, ""));
        for _ in 0..10 {
            world.upstream.answer_with(200, &[], GOOD);
            told(&world).await;
        }
        let count = |key: &str| asked(&world).iter().filter(|asked| *asked == key).count();
        assert_eq!([count("sk-1"), count("sk-2"), count("sk-3")], [4, 3, 3]);
    });
}

#[test]
fn a_key_is_free_again_when_its_answer_is_over() {
    block_on(async {
        let world = World::declaring(|config| {
            keys(1, "")(config);
            config.providers[0].keys[0].terms = Terms { concurrency: Some(1), ..Terms::NONE };
        });
        world.upstream.answer_with(200, &[], GOOD);
        let first = world.send(world.chat(ASK)).await;
        assert_eq!(told(&world).await, (429, Some("1".to_owned())), "it is in use");
        read(first).await;
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
        // A client that leaves gives it back as well.
        world.upstream.hang();
        world.clock.stop();
        assert!(world.send(world.chat(ASK)).now_or_never().is_none());
        world.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&world).await.0, 200);
    });
}

#[test]
fn what_one_instance_learns_others_know() {
    block_on(async {
        let one = World::declaring(keys(2, ""));
        let other = one.beside(keys(2, ""));
        // It knows nothing as yet, and asks beside its first request.
        other.upstream.answer_with(200, &[], GOOD);
        told(&other).await;
        other.later.run_all().await;
        one.upstream.answer_with(429, &[("retry-after", "30")], "{}");
        one.upstream.answer_with(200, &[], GOOD);
        told(&one).await;
        one.later.run_all().await;
        wait(&one, 1);
        other.gateway.learn_rests().await.unwrap();
        for _ in 0..4 {
            other.upstream.answer_with(200, &[], GOOD);
            told(&other).await;
        }
        assert_eq!(asked(&other), ["sk-1", "sk-2", "sk-2", "sk-2", "sk-2"]);
        wait(&one, 29);
        other.gateway.learn_rests().await.unwrap();
        for _ in 0..2 {
            other.upstream.answer_with(200, &[], GOOD);
            told(&other).await;
        }
        assert_eq!(asked(&other)[5..], ["sk-1", "sk-2"], "it comes back everywhere");
    });
}

#[test]
fn a_refused_key_that_was_changed_is_asked_by_everybody() {
    block_on(async {
        let one = World::declaring(keys(1, ""));
        one.upstream.answer_with(401, &[], "{}");
        told(&one).await;
        one.later.run_all().await;
        let other = one.beside(keys(1, ""));
        other.gateway.learn_rests().await.unwrap();
        assert_eq!(told(&other).await.0, 503);
        let changed = one.beside(|config| {
            keys(1, "")(config);
            config.providers[0].keys[0].version = 1;
        });
        changed.gateway.learn_rests().await.unwrap();
        changed.upstream.answer_with(200, &[], GOOD);
        assert_eq!(told(&changed).await.0, 200);
    });
}
