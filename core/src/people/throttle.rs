//! How often may somebody try a password? Less often with each wrong one, before any password is hashed.
//!
//! Nobody can lock somebody else out: what grows is the wait of one address for one name.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crate::{
    limits::{
        HASH_EVERY, HASH_EVERY_OF_KNOWN, KNOWN_ADDRESS_KEEP, SIGN_IN_BURST, SIGN_IN_EVERY,
        SIGN_IN_FREE_FAILURES, SIGN_IN_WAIT_MAX, SIGN_INS_KEPT_MAX,
    },
    network::Network,
    ports::{Millis, millis},
};

/// What is remembered of attempts.
#[derive(Default)]
pub(super) struct Throttle {
    /// By address, when the bucket is empty again.
    addresses: Table<IpAddr, Millis>,
    /// By address and name.
    pairs: Table<(IpAddr, u64), Failures>,
    /// For all of the process, when the next hash may begin.
    next_at: Millis,
    /// The same for addresses that somebody has come in from: a storm from elsewhere leaves them a place.
    next_of_known_at: Millis,
    /// Those, and until when that is remembered.
    known: Table<IpAddr, Millis>,
    seed: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    /// Until when the next attempt waits.
    until: Millis,
    /// When all of it is forgotten.
    forgotten_at: Millis,
}

/// Where an attempt comes from and whom it is for.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    address: IpAddr,
    name: u64,
}

impl Throttle {
    /// The attempt to act as `name` from `address`.
    pub(super) fn attempt(&self, address: Option<IpAddr>, name: &str) -> Attempt {
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let name = self.seed.hash_one(name.to_lowercase());
        Attempt { address: Network::of_subscriber(address), name }
    }

    /// Lets an attempt pass, or says how long to wait. One that is refused costs nothing.
    pub(super) fn admit(&mut self, attempt: Attempt, now: Millis) -> Result<(), Millis> {
        let Attempt { address, name } = attempt;
        let pair = self.pairs.get(&(address, name)).filter(|pair| pair.forgotten_at > now);
        let pair = pair.copied().unwrap_or_default();
        let every = millis(SIGN_IN_EVERY);
        let empty_at = self.addresses.get(&address).copied().unwrap_or(now).max(now);
        let of_address = empty_at - now - every * Millis::from(SIGN_IN_BURST - 1);
        let known = self.known.get(&address).is_some_and(|until| *until > now);
        let set_aside = known && self.next_at > now && self.next_of_known_at <= now;
        let of_all = if set_aside { 0 } else { self.next_at - now };
        let wait = of_address.max(pair.until - now).max(of_all);
        if wait > 0 {
            return Err(wait);
        }
        self.addresses.put(address, empty_at + every, now, |empty_at| *empty_at);
        let count = pair.count.saturating_add(1);
        let doubled = count.checked_sub(SIGN_IN_FREE_FAILURES).map_or(0, |over| {
            millis(Duration::from_secs(1))
                .saturating_mul(1 << over.min(20))
                .min(millis(SIGN_IN_WAIT_MAX))
        });
        let until = now + doubled;
        let forgotten_at = until + millis(SIGN_IN_WAIT_MAX);
        let failures = Failures { count, until, forgotten_at };
        self.pairs.put((address, name), failures, now, |failures| failures.forgotten_at);
        if set_aside {
            self.next_of_known_at = now + millis(HASH_EVERY_OF_KNOWN);
        } else {
            self.next_at = now + millis(HASH_EVERY);
        }
        Ok(())
    }

    /// The attempt was no guess: it counts for nothing, and its address is known from now on.
    pub(super) fn forgive(&mut self, attempt: Attempt, now: Millis) {
        self.known.put(attempt.address, now + millis(KNOWN_ADDRESS_KEEP), now, |until| *until);
        self.pairs.0.remove(&(attempt.address, attempt.name));
        if let Some(empty_at) = self.addresses.0.get_mut(&attempt.address) {
            *empty_at -= millis(SIGN_IN_EVERY);
        }
    }
}

struct Table<K, V>(HashMap<K, V>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// What is over goes when there is no room, and then whatever is over soonest.
    fn put(&mut self, key: K, value: V, now: Millis, over_at: impl Fn(&V) -> Millis) {
        if self.0.len() >= SIGN_INS_KEPT_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, value| over_at(value) > now);
            if self.0.len() >= SIGN_INS_KEPT_MAX {
                let mut ends: Vec<Millis> = self.0.values().map(&over_at).collect();
                let (_, middle, _) = ends.select_nth_unstable(SIGN_INS_KEPT_MAX / 2);
                let middle = *middle;
                self.0.retain(|_, value| over_at(value) > middle);
            }
        }
        self.0.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Millis = 1000;

    fn attempt(throttle: &Throttle, address: &str, name: &str) -> Attempt {
        throttle.attempt(Some(address.parse().unwrap()), name)
    }

    #[test]
    fn one_address_has_ten_tries_and_then_one_a_minute() {
        let mut throttle = Throttle::default();
        let mut now = 1_000_000;
        for at in 0..10 {
            let each = attempt(&throttle, "192.0.2.1", &format!("name {at}"));
            throttle.admit(each, now).unwrap();
            now += SECOND;
        }
        let next = attempt(&throttle, "192.0.2.1", "another");
        assert_eq!(throttle.admit(next, now), Err(50 * SECOND));
        throttle.admit(attempt(&throttle, "192.0.2.2", "another"), now).unwrap();
        throttle.admit(next, now + 50 * SECOND).unwrap();
        assert!(throttle.admit(next, now + 51 * SECOND).is_err());
    }

    #[test]
    fn wrong_passwords_for_a_name_make_their_address_wait() {
        let mut throttle = Throttle::default();
        let guess = attempt(&throttle, "192.0.2.1", "Ada");
        let mut now = 1_000_000;
        let mut waits = Vec::new();
        for _ in 0..8 {
            while let Err(wait) = throttle.admit(guess, now) {
                waits.push(wait);
                now += wait;
            }
        }
        assert_eq!(waits, [250, 250, 250, 250, 1000, 2000, 4000]);
        let elsewhere = attempt(&throttle, "192.0.2.2", "ada");
        throttle.admit(elsewhere, now + 250).unwrap();
        throttle.forgive(guess, now);
        throttle.admit(guess, now + 500).unwrap();
    }

    #[test]
    fn no_second_sees_more_than_five_hashes() {
        let mut throttle = Throttle::default();
        let mut admitted = Vec::new();
        for now in (1_000_000..1_010_000).step_by(7) {
            let address = format!("198.51.{}.{}", (now >> 8) & 255, now & 255);
            let each = attempt(&throttle, &address, "ada");
            if throttle.admit(each, now).is_ok() {
                admitted.push(now);
            }
        }
        let most = admitted
            .iter()
            .map(|from| admitted.iter().filter(|at| (*from..from + SECOND).contains(*at)).count());
        assert!(most.max().unwrap() <= 5);
        assert!(admitted.len() > 35);
    }

    #[test]
    fn a_storm_from_everywhere_leaves_a_place_for_who_was_here_before() {
        let mut throttle = Throttle::default();
        let owner = attempt(&throttle, "192.0.2.1", "owner");
        throttle.admit(owner, 1_000_000).unwrap();
        throttle.forgive(owner, 1_000_000);
        throttle.admit(attempt(&throttle, "198.51.100.1", "owner"), 1_000_250).unwrap();
        assert!(throttle.admit(attempt(&throttle, "198.51.100.2", "owner"), 1_000_251).is_err());
        throttle.admit(owner, 1_000_252).unwrap();
        assert!(throttle.admit(owner, 1_000_253).is_err());
    }

    #[test]
    fn a_whole_network_is_one_address_and_memory_is_bounded() {
        let mut throttle = Throttle::default();
        let one = attempt(&throttle, "2001:db8::1", "ada");
        assert_eq!(one.address, attempt(&throttle, "2001:db8::2", "ada").address);
        for at in 0..3 * u32::try_from(SIGN_INS_KEPT_MAX).unwrap() {
            let address = Ipv4Addr::from_bits(at).to_string();
            let now = Millis::from(at) * 250;
            throttle.admit(attempt(&throttle, &address, "ada"), now).unwrap();
        }
        assert!(throttle.addresses.0.len() <= SIGN_INS_KEPT_MAX);
        assert!(throttle.pairs.0.len() <= SIGN_INS_KEPT_MAX);
    }
}
