//! Who is asked for a list of models, to see how it is, and what comes of that?

use std::time::Duration;

use crate::common::{
    World,
    keys::{asked, keys},
    read,
};
use futures_executor::block_on;
use tidegate_core::config::Config;

const ASK: &str = r#"{"model":"mock","messages":[]}"#;
const GOOD: &str = r#"{"id":"x","choices":[]}"#;

/// So many keys of one provider, and no other provider.
fn alone(count: usize) -> impl FnOnce(&mut Config) {
    move |config| {
        keys(count, "")(config);
        config.providers.truncate(1);
    }
}

fn wait(world: &World, seconds: u64) {
    world.clock.advance(Duration::from_secs(seconds));
}

async fn status(world: &World, provider_says: u16) -> u16 {
    world.upstream.answer_with(provider_says, &[], GOOD);
    read(world.send(world.chat(ASK)).await).await.0
}

/// How many lists were asked for when this is what a provider answers.
async fn probed(world: &World, provider_says: u16) -> usize {
    let before = world.upstream.asked().len();
    world.upstream.answer_with(provider_says, &[], "{}");
    world.gateway.probe().await;
    let asked = world.upstream.asked().split_off(before);
    for one in &asked {
        assert!(one.url.ends_with("/models") || one.url.ends_with("/api/tags"), "{}", one.url);
        assert!(one.body.is_empty());
    }
    asked.len()
}

/// Looks who is to be asked, when it should be nobody.
async fn nobody_is_probed(world: &World) {
    let before = world.upstream.asked().len();
    world.gateway.probe().await;
    assert_eq!(world.upstream.asked().len(), before);
}

#[test]
fn a_refused_key_that_is_good_again_is_found_out_beside_all_requests() {
    block_on(async {
        let world = World::declaring(alone(2));
        world.upstream.answer_with(401, &[], "{}");
        assert_eq!(status(&world, 200).await, 200);
        wait(&world, 10);
        assert_eq!(probed(&world, 200).await, 1);
        for _ in 0..2 {
            assert_eq!(status(&world, 200).await, 200);
        }
        assert_eq!(asked(&world), ["sk-1", "sk-2", "sk-1", "sk-1", "sk-2"]);
    });
}

#[test]
fn a_key_that_is_still_refused_rests_longer() {
    block_on(async {
        let world = World::declaring(alone(2));
        world.upstream.answer_with(401, &[], "{}");
        status(&world, 200).await;
        nobody_is_probed(&world).await;
        wait(&world, 10);
        assert_eq!(probed(&world, 401).await, 1);
        wait(&world, 19);
        // Twice as long as before.
        nobody_is_probed(&world).await;
        wait(&world, 1);
        assert_eq!(probed(&world, 401).await, 1);
        let keys = asked(&world);
        assert_eq!(keys.iter().filter(|key| *key == "sk-1").count(), 3, "{keys:?}");
    });
}

#[test]
fn a_provider_that_is_down_is_tried_and_not_trusted_at_once() {
    block_on(async {
        let world = World::declaring(alone(1));
        for _ in 0..5 {
            assert_eq!(status(&world, 503).await, 503);
        }
        wait(&world, 1);
        assert_eq!(probed(&world, 503).await, 1);
        let response = world.send(world.chat(ASK)).await;
        assert_eq!(response.headers()["retry-after"], "2", "it rests on");
        wait(&world, 2);
        assert_eq!(probed(&world, 200).await, 1);
        assert_eq!(status(&world, 503).await, 503, "it is asked again");
        let response = world.send(world.chat(ASK)).await;
        assert_eq!(response.headers()["retry-after"], "4", "one more failure is enough");
        wait(&world, 4);
        assert_eq!(probed(&world, 404).await, 1, "whoever says no is there");
        assert_eq!(status(&world, 200).await, 200);
        assert_eq!(status(&world, 503).await, 503);
        assert_eq!(status(&world, 200).await, 200, "and it is as before");
    });
}

#[test]
fn a_list_that_is_not_there_says_nothing() {
    for says in [404, 405, 429, 500, 501] {
        block_on(async {
            let world = World::declaring(alone(2));
            world.upstream.answer_with(401, &[], "{}");
            status(&world, 200).await;
            wait(&world, 10);
            assert_eq!(probed(&world, says).await, 1, "{says}");
            for _ in 0..2 {
                nobody_is_probed(&world).await;
                wait(&world, 2);
            }
            for _ in 0..2 {
                assert_eq!(status(&world, 200).await, 200, "{says}");
            }
            let keys = asked(&world);
            assert_eq!(keys[3..], ["sk-1", "sk-2"], "{says}: requests find out, {keys:?}");
        });
    }
}

#[test]
fn a_key_that_may_not_list_may_do_everything_else() {
    block_on(async {
        let world = World::declaring(alone(1));
        wait(&world, 300);
        assert_eq!(probed(&world, 403).await, 1);
        assert_eq!(status(&world, 200).await, 200);
    });
}

#[test]
fn whoever_was_not_asked_for_long_is_asked_once() {
    block_on(async {
        let world = World::new();
        world.gateway.probe().await;
        assert!(world.upstream.asked().is_empty(), "a process that begins asks nobody");
        wait(&world, 300);
        for _ in 0..3 {
            world.upstream.answer_with(200, &[], "{}");
        }
        assert_eq!(probed(&world, 200).await, 4, "one for each provider but the demo");
        let urls: Vec<String> = world.upstream.asked().into_iter().map(|one| one.url).collect();
        assert!(urls.contains(&"http://up.example/v1/models".to_owned()), "{urls:?}");
        wait(&world, 299);
        world.gateway.probe().await;
        assert_eq!(world.upstream.asked().len(), 4);
    });
}

#[test]
fn nobody_is_asked_who_does_not_want_it() {
    block_on(async {
        let world = World::declaring(|config| {
            alone(1)(config);
            config.providers[0].probe = false;
        });
        world.upstream.answer_with(401, &[], "{}");
        assert_eq!(read(world.send(world.chat(ASK)).await).await.0, 502);
        wait(&world, 3_600);
        world.gateway.probe().await;
        assert_eq!(world.upstream.asked().len(), 1);
    });
}
