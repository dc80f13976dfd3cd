//! Who serves, and how often?

use super::*;
use crate::{
    health::sample::{plain, provider},
    identity::Secret,
};

const NOW: Millis = 1_000_000;

fn wanted(now: Millis) -> Wanted<'static> {
    Wanted { model: "m", tokens: 0, tried: &[], now }
}

/// Who is chosen, one after another, each for a moment.
fn turns(pool: &mut Pool, count: usize) -> Vec<usize> {
    let one = |_| {
        let (at, _) = pool.choose(&wanted(NOW)).unwrap();
        pool.release(at, 0);
        at
    };
    (0..count).map(one).collect()
}

fn outs(pool: &mut Pool, wanted: &Wanted<'_>) -> Vec<(Why, Option<Millis>)> {
    pool.choose(wanted).unwrap_err().iter().map(|out| (out.why, out.until)).collect()
}

#[test]
fn ten_thousand_requests_are_even_over_seven_keys() {
    let mut pool = Pool::new(&plain(7), 0);
    let mut counts = [0_i64; 7];
    for at in turns(&mut pool, 10_000) {
        counts[at] += 1;
    }
    assert!(counts.iter().all(|count| (count - 10_000 / 7).abs() <= 1), "{counts:?}");
}

#[test]
fn a_process_begins_where_the_lot_says_and_goes_on_evenly() {
    for lot in [0, 1, 6, 7, 20, u64::MAX] {
        let mut pool = Pool::new(&plain(7), lot);
        let turns = turns(&mut pool, 100);
        let expected = (0..100).map(|at| ((lot % 7) as usize + at) % 7);
        assert!(turns.into_iter().eq(expected), "{lot}");
    }
    // Many that serve one request each use all keys, each by its weight.
    let terms = [5, 1, 1].map(|weight| Terms { weight, ..Terms::NONE });
    let weighted = provider(Rotation::Weighted, terms);
    let mut counts = [0; 3];
    for lot in 0..70 {
        let mut pool = Pool::new(&weighted, lot);
        let turns = turns(&mut pool, 14);
        counts[turns[0]] += 1;
        let count = |key| turns.iter().filter(|at| **at == key).count();
        assert_eq!([0, 1, 2].map(count), [10, 2, 2], "{lot}: {turns:?}");
    }
    assert_eq!(counts, [50, 10, 10]);
}

#[test]
fn weights_are_kept_and_spread() {
    let terms = [5, 1, 1].map(|weight| Terms { weight, ..Terms::NONE });
    let mut pool = Pool::new(&provider(Rotation::Weighted, terms), 0);
    assert_eq!(turns(&mut pool, 14), [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn the_one_with_the_fewest_in_flight_serves() {
    let mut pool = Pool::new(&provider(Rotation::LeastUsed, vec![Terms::NONE; 3]), 0);
    let mut begun = Vec::new();
    for _ in 0..6 {
        begun.push(pool.choose(&wanted(NOW)).unwrap().0);
    }
    assert_eq!(begun, [0, 1, 2, 0, 1, 2]);
    pool.release(1, 0);
    assert_eq!(pool.choose(&wanted(NOW)).unwrap().0, 1);
}

#[test]
fn keys_that_rest_are_passed_over_and_come_back() {
    let mut pool = Pool::new(&plain(3), 0);
    pool.slots[1].rest_until(NOW + 30_000, Why::Limited, NOW);
    assert_eq!(turns(&mut pool, 4), [0, 2, 0, 2]);
    let mut late = |now| pool.choose(&wanted(now)).unwrap().0;
    // It began within a millisecond, so it ends within one.
    assert_eq!([late(NOW + 30_000), late(NOW + 30_000)], [0, 2]);
    assert_eq!([late(NOW + 30_001), late(NOW + 30_001)], [0, 1]);
}

#[test]
fn a_rest_is_never_cut_short_by_a_shorter_one() {
    let mut pool = Pool::new(&plain(1), 0);
    assert!(pool.slots[0].rest_until(NOW + 30_000, Why::Limited, NOW));
    assert!(!pool.slots[0].rest_until(NOW + 1_000, Why::Limited, NOW));
    assert_eq!(outs(&mut pool, &wanted(NOW)), [(Why::Limited, Some(NOW + 30_000))]);
}

#[test]
fn a_key_serves_only_its_models() {
    let for_m = Terms { models: vec!["m".to_owned()], ..Terms::NONE };
    let for_n = Terms { models: vec!["n".to_owned()], ..Terms::NONE };
    let mut pool = Pool::new(&provider(Rotation::RoundRobin, [for_m, for_n]), 0);
    assert_eq!(turns(&mut pool, 3), [0, 0, 0]);
    let other = Wanted { model: "other", ..wanted(NOW) };
    assert_eq!(outs(&mut pool, &other), [(Why::OtherModels, None); 2]);
}

#[test]
fn no_more_at_a_time_than_is_said() {
    let terms = Terms { concurrency: Some(2), ..Terms::NONE };
    let mut pool = Pool::new(&provider(Rotation::RoundRobin, [terms]), 0);
    pool.choose(&wanted(NOW)).unwrap();
    pool.choose(&wanted(NOW)).unwrap();
    assert_eq!(outs(&mut pool, &wanted(NOW)), [(Why::Busy, None)]);
    pool.release(0, 0);
    pool.choose(&wanted(NOW)).unwrap();
}

#[test]
fn no_more_in_a_minute_than_is_said() {
    let terms = Terms { rpm: Some(2), ..Terms::NONE };
    let mut pool = Pool::new(&provider(Rotation::RoundRobin, [terms]), 0);
    assert_eq!(turns(&mut pool, 2), [0, 0]);
    assert_eq!(outs(&mut pool, &wanted(NOW)), [(Why::Requests, Some(NOW + 30_000))]);
    let terms = Terms { tpm: Some(1_000), ..Terms::NONE };
    let mut pool = Pool::new(&provider(Rotation::RoundRobin, [terms]), 0);
    let large = Wanted { tokens: 800, ..wanted(NOW) };
    pool.choose(&large).unwrap();
    assert_eq!(outs(&mut pool, &large), [(Why::Tokens, Some(NOW + 36_000))]);
    // It used 100.
    pool.release(0, -700);
    pool.choose(&large).unwrap();
}

#[test]
fn a_refused_key_is_tried_once_after_its_rest() {
    let mut pool = Pool::new(&plain(1), 0);
    let until = pool.slots[0].bench.fail(Turn::Plain, super::super::breaker::Rule::KEY, NOW);
    let until = until.unwrap();
    assert_eq!(outs(&mut pool, &wanted(NOW)), [(Why::Refused, Some(until))]);
    assert_eq!(pool.choose(&wanted(until)).unwrap(), (0, Turn::Probe));
    assert_eq!(outs(&mut pool, &wanted(until))[0].0, Why::Refused);
    pool.slots[0].bench.succeed(Turn::Probe);
    assert_eq!(pool.choose(&wanted(until)).unwrap(), (0, Turn::Plain));
}

#[test]
fn a_request_asks_no_key_twice() {
    let mut pool = Pool::new(&plain(2), 0);
    let second = Wanted { tried: &[0], ..wanted(NOW) };
    assert_eq!(pool.choose(&second).unwrap().0, 1);
    let third = Wanted { tried: &[0, 1], ..wanted(NOW) };
    assert_eq!(outs(&mut pool, &third), [(Why::Tried, None); 2]);
}

#[test]
fn a_key_that_was_changed_begins_anew_and_the_others_go_on() {
    let before = plain(3);
    let mut pool = Pool::new(&before, 0);
    for slot in &mut pool.slots {
        slot.rest_until(NOW + 30_000, Why::Spent, NOW);
    }
    let mut after = Provider::clone(&before);
    after.keys.remove(0);
    after.keys[0].version = 1;
    after.keys.push(Key::new("new".to_owned(), Secret::new("sk-new".to_owned())));
    pool.follow(&Arc::new(after));
    let rests: Vec<bool> = pool.slots.iter().map(|slot| slot.rest.is_some()).collect();
    assert_eq!(rests, [false, true, false]);
    assert_eq!(pool.place(0, ("k2", 0)), Some(1));
    assert_eq!(pool.place(1, ("k1", 0)), None, "what was seen of it before says nothing now");
    assert_eq!(pool.place(0, ("k0", 0)), None);
}

#[test]
fn a_provider_without_keys_is_asked_all_the_same() {
    let mut pool = Pool::new(&plain(0), 0);
    assert_eq!(turns(&mut pool, 2), [0, 0]);
    assert_eq!(pool.place(0, ("", 0)), Some(0));
}
