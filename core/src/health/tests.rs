//! What does a failure do to the key and to the provider, and when do they come back?

use std::time::Duration;

use super::{sample::plain, *};
use crate::{
    limits::{BREAKER_FAILURES, BREAKER_REST},
    ports::Clock,
    testing::ManualClock,
};

struct World {
    health: Health,
    provider: Arc<Provider>,
    clock: ManualClock,
}

impl World {
    fn with(keys: usize) -> Self {
        let (health, clock) = (Health::default(), ManualClock::at(1_000_000));
        Self { health, provider: plain(keys), clock }
    }

    fn choose(&self) -> Result<Used, Refusal> {
        let wanted = Wanted { model: "m", tokens: 0, tried: &[], now: self.clock.now() };
        self.health.choose(&self.provider, &wanted)
    }

    /// One request, which ends like this. Says which key it used, and who rests by it until when.
    fn ask(&self, outcome: Outcome) -> (usize, Option<(Why, String, i64)>) {
        let mut used = self.choose().unwrap();
        let resting = self.health.note(&mut used, outcome, self.clock.now());
        self.health.release(&used, Ended { broke: false, tokens: 0 }, self.clock.now());
        let rest = resting.map(|rest| (rest.why, rest.key, rest.until - self.clock.now()));
        (used.at, rest)
    }

    fn fail(&self, fault: Fault) -> (usize, Option<(Why, String, i64)>) {
        self.ask(Outcome::Failed { fault, until: None })
    }

    /// So many seconds, and the millisecond that a rest of as many keeps.
    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds) + Duration::from_millis(1));
    }

    /// The keys that serve now, and when to come back if none does.
    fn serving(&self) -> Result<Vec<usize>, i64> {
        let keys = self.provider.keys.len().max(1);
        let serve = |_| {
            let used = self.choose()?;
            self.health.release(&used, Ended { broke: false, tokens: 0 }, self.clock.now());
            Ok(used.at)
        };
        let served: Result<Vec<usize>, Refusal> = (0..keys).map(serve).collect();
        let mut served = served.map_err(|refusal| refusal.seconds(self.clock.now()))?;
        served.sort_unstable();
        served.dedup();
        Ok(served)
    }
}

const GOOD: Outcome = Outcome::Good { spent_until: None };

#[test]
fn a_key_that_is_limited_rests_as_long_as_the_provider_says() {
    let world = World::with(3);
    let until = Some(world.clock.now() + 30_000);
    let limited = Outcome::Failed { fault: Fault::Limited, until };
    assert_eq!(world.ask(limited), (0, Some((Why::Limited, "k0".to_owned(), 30_000))));
    assert_eq!(world.serving(), Ok(vec![1, 2]));
    world.wait(29);
    assert_eq!(world.serving(), Ok(vec![1, 2]));
    world.wait(1);
    assert_eq!(world.serving(), Ok(vec![0, 1, 2]), "it comes back by itself");
}

#[test]
fn a_key_that_is_limited_without_a_word_rests_longer_each_time() {
    let world = World::with(1);
    for seconds in [1, 2, 4, 4] {
        let (_, rest) = world.fail(Fault::Limited);
        assert_eq!(rest, Some((Why::Limited, "k0".to_owned(), seconds * 1_000)));
        world.wait(seconds.unsigned_abs());
    }
    assert_eq!(world.ask(GOOD), (0, None));
    assert_eq!(world.fail(Fault::Limited).1.unwrap().2, 1_000);
}

#[test]
fn when_all_rest_the_earliest_end_is_told() {
    let world = World::with(2);
    for seconds in [30, 20] {
        let until = Some(world.clock.now() + seconds * 1_000);
        world.ask(Outcome::Failed { fault: Fault::Limited, until });
    }
    assert_eq!(world.serving(), Err(20));
}

#[test]
fn a_refused_key_is_benched_and_the_provider_serves_on() {
    let world = World::with(2);
    assert_eq!(world.fail(Fault::Refused), (0, Some((Why::Refused, "k0".to_owned(), 10_000))));
    for _ in 0..3 * BREAKER_FAILURES {
        assert_eq!(world.ask(GOOD), (1, None));
    }
    world.wait(10);
    // Its probe fails: it rests for twice as long.
    assert_eq!(world.fail(Fault::Refused), (0, Some((Why::Refused, "k0".to_owned(), 20_000))));
    world.wait(20);
    assert_eq!(world.ask(GOOD), (1, None));
    assert_eq!(world.ask(GOOD), (0, None));
    assert_eq!(world.serving(), Ok(vec![0, 1]));
}

#[test]
fn a_key_without_credit_rests_an_hour_or_until_its_reset() {
    let world = World::with(1);
    assert_eq!(world.fail(Fault::Spent).1, Some((Why::Spent, "k0".to_owned(), 3_600_000)));
    let world = World::with(1);
    let until = Some(world.clock.now() + 90_000);
    world.ask(Outcome::Failed { fault: Fault::Spent, until });
    assert_eq!(world.serving(), Err(90));
}

#[test]
fn a_limit_of_which_nothing_is_left_is_waited_for() {
    let world = World::with(2);
    let spent_until = Some(world.clock.now() + 6_000);
    let learned = Outcome::Good { spent_until };
    assert_eq!(world.ask(learned), (0, Some((Why::Exhausted, "k0".to_owned(), 6_000))));
    assert_eq!(world.serving(), Ok(vec![1]));
    world.wait(6);
    assert_eq!(world.serving(), Ok(vec![0, 1]));
}

#[test]
fn a_provider_that_breaks_down_rests_whichever_key_was_used() {
    for fault in [Fault::Down, Fault::Broke, Fault::Silent] {
        let world = World::with(3);
        for _ in 1..BREAKER_FAILURES {
            assert_eq!(world.fail(fault).1, None);
        }
        let (_, rest) = world.fail(fault);
        let (why, key, rest) = rest.unwrap();
        assert_eq!(
            (why.name(), key.as_str(), rest),
            (if fault == Fault::Silent { "silent" } else { "down" }, "", 1_000)
        );
        assert_eq!(world.serving(), Err(1));
        world.clock.advance(BREAKER_REST);
        let mut probe = world.choose().unwrap();
        assert!(world.choose().is_err(), "one probe");
        world.health.note(&mut probe, GOOD, world.clock.now());
        assert_eq!(world.serving(), Ok(vec![0, 1, 2]));
    }
}

#[test]
fn the_clients_own_faults_never_count() {
    let world = World::with(1);
    let own = [
        Fault::Request,
        Fault::TooLong,
        Fault::Filtered,
        Fault::Absent,
        Fault::Passing,
        Fault::Ours,
    ];
    for fault in own.into_iter().cycle().take(10 * BREAKER_FAILURES as usize) {
        assert_eq!(world.fail(fault), (0, None));
    }
    assert_eq!(world.serving(), Ok(vec![0]));
}

#[test]
fn answers_that_break_off_count_as_well() {
    let world = World::with(2);
    for _ in 0..BREAKER_FAILURES {
        let mut used = world.choose().unwrap();
        assert_eq!(world.health.note(&mut used, GOOD, world.clock.now()), None);
        world.health.release(&used, Ended { broke: true, tokens: 0 }, world.clock.now());
    }
    assert_eq!(world.serving(), Err(1));
}

#[test]
fn a_probe_whose_client_leaves_is_given_back() {
    let world = World::with(1);
    for _ in 0..BREAKER_FAILURES {
        world.fail(Fault::Down);
    }
    world.clock.advance(BREAKER_REST);
    let probe = world.choose().unwrap();
    world.health.release(&probe, Ended { broke: false, tokens: 0 }, world.clock.now());
    assert_eq!(world.serving(), Ok(vec![0]));
}

#[test]
fn a_provider_that_asks_to_be_left_alone_is() {
    let world = World::with(1);
    let until = Some(world.clock.now() + 30_000);
    world.ask(Outcome::Failed { fault: Fault::Down, until });
    assert_eq!(world.serving(), Err(30));
}
