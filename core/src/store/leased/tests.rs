//! Is no limit passed, is nothing lost, and does what nobody needs go back?

use futures_executor::block_on;
use futures_util::FutureExt;

use super::{super::memory::MemoryCounters, *};
use crate::testing::SeededRandom;

const NOW: Millis = 1_785_000_000_000;
const END: Millis = NOW + 3_600_000;

struct House {
    shared: Arc<MemoryCounters>,
    servers: Vec<Leased>,
}

fn house(servers: u64) -> House {
    let shared = Arc::new(MemoryCounters::default());
    let one = |seed| Leased::over(shared.clone(), Arc::new(SeededRandom::new(seed)));
    House { servers: (0..servers).map(one).collect(), shared }
}

fn add(name: &str, by: i64, cap: Option<i64>) -> Add {
    Add { name: name.to_owned(), by, floor: None, cap, expires_at_ms: END }
}

fn wanting(id: &str, part: i64, by: i64, cap: i64) -> Reservation {
    let adds = vec![add("team", by, Some(cap)), add("client", 1, Some(cap))];
    Reservation { id: id.to_owned(), part, adds, until_ms: END }
}

fn used(id: &str, by: i64) -> Settlement {
    let adds = vec![add("team", by, None), add("client", 1, None)];
    Settlement { id: id.to_owned(), adds, holds: true, ahead: None }
}

impl House {
    fn ask(&self, server: usize, reservation: &Reservation, now_ms: Millis) -> bool {
        let admission = block_on(self.servers[server].reserve(reservation, now_ms)).unwrap();
        matches!(admission, Admission::Added(_))
    }

    fn settle(&self, server: usize, settlement: Settlement, now_ms: Millis) {
        block_on(self.servers[server].settle(settlement, now_ms)).unwrap();
    }

    fn give_back(&self, server: usize, spare: Spare, now_ms: Millis) {
        block_on(self.servers[server].give_back(spare, now_ms)).unwrap();
    }

    fn team(&self, now_ms: Millis) -> i64 {
        block_on(self.shared.read(&["team".to_owned()], now_ms)).unwrap()[0]
    }
}

#[test]
fn room_is_taken_for_many_and_what_nobody_used_goes_back() {
    let house = house(1);
    assert!(house.ask(0, &wanting("r0", 0, 10, 100_000), NOW));
    assert_eq!(house.team(NOW), 10);
    // The second one takes for itself and 64 more.
    assert!(house.ask(0, &wanting("r1", 0, 10, 100_000), NOW));
    let ahead = house.team(NOW);
    assert_eq!(ahead, 10 + 10 + 640);
    for id in 2..60 {
        assert!(house.ask(0, &wanting(&format!("r{id}"), 0, 10, 100_000), NOW));
    }
    assert_eq!(house.team(NOW), ahead, "asked once for many");
    for id in 0..60 {
        house.settle(0, used(&format!("r{id}"), 3), NOW);
    }
    house.give_back(0, Spare::Idle, NOW + 1_999);
    assert!(house.team(NOW) > 180);
    house.give_back(0, Spare::Idle, NOW + 2_000);
    assert_eq!(house.team(NOW), 180);
}

#[test]
fn a_small_limit_is_asked_each_time() {
    let house = house(2);
    let mut admitted = 0;
    for id in 0..700 {
        let asked = wanting(&format!("r{id}"), 0, 1, 511);
        admitted += i64::from(house.ask(id % 2, &asked, NOW));
        assert_eq!(house.team(NOW), admitted);
    }
    assert_eq!(admitted, 511);
}

#[test]
fn who_uses_more_than_it_reserved_is_counted_in_full() {
    let house = house(1);
    for id in ["r0", "r1"] {
        assert!(house.ask(0, &wanting(id, 0, 10, 100_000), NOW));
    }
    // A later part is asked by itself, and what it holds is given back.
    assert!(house.ask(0, &wanting("r1", 1, 30, 100_000), NOW));
    for (id, by) in [("r0", 4), ("r1", 55)] {
        house.settle(0, used(id, by), NOW);
        house.settle(0, used(id, by), NOW);
    }
    house.give_back(0, Spare::All, NOW);
    assert_eq!(house.team(NOW), 59);
}

#[test]
fn a_refusal_gives_back_what_lies_here_first() {
    let house = house(1);
    for id in ["r0", "r1"] {
        assert!(house.ask(0, &wanting(id, 0, 1, 10_000), NOW));
    }
    let left = 10_000 - 2;
    assert!(house.team(NOW) > 2);
    // Another client of the team wants all that is left.
    let adds = vec![add("team", left, Some(10_000))];
    let rest = Reservation { id: "rest".to_owned(), part: 0, adds, until_ms: END };
    assert!(house.ask(0, &rest, NOW));
    assert_eq!(house.team(NOW), 10_000);
}

/// Counters that are asked, do what they are asked, and give no answer.
struct Deaf {
    shared: Arc<MemoryCounters>,
    deaf: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Counters for Deaf {
    async fn add(&self, adds: &[Add], now_ms: Millis) -> Result<Admission> {
        self.shared.add(adds, now_ms).await
    }

    async fn reserve(&self, reservation: &Reservation, now_ms: Millis) -> Result<Admission> {
        let answer = self.shared.reserve(reservation, now_ms).await;
        if self.deaf.load(std::sync::atomic::Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn settle(&self, settlement: Settlement, now_ms: Millis) -> Result<Option<Settlement>> {
        self.shared.settle(settlement, now_ms).await
    }

    async fn read(&self, names: &[String], now_ms: Millis) -> Result<Vec<i64>> {
        self.shared.read(names, now_ms).await
    }

    async fn live(&self, begin: &str, limit: u32, now_ms: Millis) -> Result<Vec<Counter>> {
        self.shared.live(begin, limit, now_ms).await
    }

    async fn expire(&self, now_ms: Millis) -> Result<u64> {
        self.shared.expire(now_ms).await
    }
}

/// Whoever waited for room has left, and it was taken all the same; and what was to be given back was, without an answer.
#[test]
fn what_was_taken_without_an_answer_goes_back() {
    use std::sync::atomic::Ordering::Relaxed;

    let shared = Arc::new(MemoryCounters::default());
    let deaf = Arc::new(Deaf { shared: shared.clone(), deaf: false.into() });
    let server = Leased::over(deaf.clone(), Arc::new(SeededRandom::new(7)));
    let team = || block_on(shared.read(&["team".to_owned()], NOW)).unwrap()[0];
    let asked = |id: &str| wanting(id, 0, 10, 100_000);
    block_on(server.reserve(&asked("r0"), NOW)).unwrap();
    deaf.deaf.store(true, Relaxed);
    assert!(server.reserve(&asked("r1"), NOW).now_or_never().is_none());
    assert_eq!(team(), 10 + 10 + 640);
    // It still does not answer, and then it does.
    assert!(server.give_back(Spare::Idle, NOW + 2_000).now_or_never().is_none());
    deaf.deaf.store(false, Relaxed);
    block_on(server.give_back(Spare::Idle, NOW + 3_000)).unwrap();
    assert_eq!(team(), 10, "r1 has nothing, and nothing is left ahead");

    for id in ["r2", "r3"] {
        block_on(server.reserve(&asked(id), NOW + 3_000)).unwrap();
    }
    deaf.deaf.store(true, Relaxed);
    assert!(server.give_back(Spare::All, NOW + 3_000).now_or_never().is_none());
    deaf.deaf.store(false, Relaxed);
    block_on(server.give_back(Spare::All, NOW + 3_000)).unwrap();
    for id in ["r0", "r2", "r3"] {
        block_on(server.settle(used(id, 10), NOW + 3_000)).unwrap();
    }
    assert_eq!(team(), 30);
}

/// While nobody answers, leases that cannot end do not grow without bound.
#[test]
fn leases_that_cannot_be_given_back_are_counted() {
    let shared = Arc::new(MemoryCounters::default());
    let deaf = Arc::new(Deaf { shared, deaf: false.into() });
    let server = Leased::over(deaf.clone(), Arc::new(SeededRandom::new(9)));
    for team in 0..LEASES_MAX + 50 {
        for (turn, silent) in [false, true].into_iter().enumerate() {
            deaf.deaf.store(silent, std::sync::atomic::Ordering::Relaxed);
            let adds = vec![add(&format!("team {team}"), 1, Some(100_000))];
            let id = format!("r{team}/{turn}");
            let asked = Reservation { id, part: 0, adds, until_ms: END };
            let answered = server.reserve(&asked, NOW).now_or_never().is_some();
            assert_eq!(answered, !silent);
        }
    }
    let books = server.books();
    assert_eq!((books.leases.len(), books.ending.len()), (0, LEASES_MAX));
}

/// Servers ask and settle in any order; the limit holds at every moment, and in the end exactly what was used is counted.
#[test]
fn no_limit_is_passed_and_nothing_is_lost() {
    for seed in 0..40 {
        let house = house(3);
        let random = SeededRandom::new(1_000 + seed);
        let pick = |sides: usize| {
            let mut bytes = [0; 8];
            random.fill(&mut bytes);
            usize::from_le_bytes(bytes) % sides
        };
        let roll = |sides: i64| i64::try_from(pick(usize::try_from(sides).unwrap())).unwrap();
        let cap = 1_000 + roll(20_000);
        let (mut open, mut spent, mut now, mut refused) = (Vec::new(), 0, NOW, 0);
        for id in 0..1_500 {
            now += roll(40);
            let (server, by) = (pick(3), 1 + roll(30));
            if roll(3) > 0 {
                let id = format!("r{id}");
                if house.ask(server, &wanting(&id, 0, by, cap), now) {
                    open.push((server, id, by));
                } else {
                    refused += 1;
                }
            } else if !open.is_empty() {
                let (server, id, by) = open.swap_remove(pick(open.len()));
                let by = roll(by + 1);
                house.settle(server, used(&id, by), now);
                spent += by;
            }
            if roll(50) == 0 {
                house.give_back(server, Spare::Idle, now);
            }
            let held: i64 = open.iter().map(|(_, _, by)| by).sum();
            let value = house.team(now);
            assert!(spent + held <= value && value <= cap, "{seed}: {spent} {held} {value} {cap}");
        }
        for (server, id, by) in open {
            house.settle(server, used(&id, by), now);
            spent += by;
        }
        (0..3).for_each(|server| house.give_back(server, Spare::All, now));
        assert_eq!(house.team(now), spent, "{seed}, {refused} refused");
    }
}
