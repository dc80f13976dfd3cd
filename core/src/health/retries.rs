//! May a provider that failed be asked again for the same request? A fifth of its requests may, so that a breakdown is not
//! answered with more load.

use crate::{
    limits::{RETRIES_FLOOR, RETRY_PERCENT, RETRY_WINDOW_SECONDS},
    ports::Millis,
};

/// What a provider was asked lately, second by second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retries {
    seconds: [Second; RETRY_WINDOW_SECONDS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    at: i64,
    requests: u32,
    retries: u32,
}

impl Retries {
    /// A request that asks the provider for the first time.
    pub(crate) fn request(&mut self, now: Millis) {
        let second = self.second(now);
        second.requests = second.requests.saturating_add(1);
    }

    /// Takes a retry, if one is allowed.
    pub(crate) fn take(&mut self, now: Millis) -> bool {
        let at = now.div_euclid(1000);
        let oldest = at - i64::try_from(RETRY_WINDOW_SECONDS).unwrap_or(i64::MAX);
        let recent = self.seconds.iter().filter(|second| second.at > oldest && second.at <= at);
        let (requests, retries) = recent.fold((0_u64, 0_u64), |(requests, retries), second| {
            (requests + u64::from(second.requests), retries + u64::from(second.retries))
        });
        // What ten seconds have saved up is not spent in one: that would be the load that a breakdown must not get.
        let busiest = self.seconds.iter().filter(|second| (at - 1..=at).contains(&second.at));
        let busiest = busiest.map(|second| u64::from(second.requests)).max().unwrap_or_default();
        let second = self.second(now);
        if retries >= share(requests) || u64::from(second.retries) >= share(busiest) {
            return false;
        }
        second.retries += 1;
        true
    }

    fn second(&mut self, now: Millis) -> &mut Second {
        let at = now.div_euclid(1000);
        let count = i64::try_from(RETRY_WINDOW_SECONDS).unwrap_or(i64::MAX);
        let place = usize::try_from(at.rem_euclid(count)).unwrap_or_default();
        let second = &mut self.seconds[place];
        if second.at != at {
            *second = Second { at, ..Second::default() };
        }
        second
    }
}

/// How many retries so many requests allow.
fn share(requests: u64) -> u64 {
    (requests * u64::from(RETRY_PERCENT) / 100).max(u64::from(RETRIES_FLOOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(retries: &mut Retries, now: Millis) -> u32 {
        (0..1000).map(|_| u32::from(retries.take(now))).sum()
    }

    #[test]
    fn a_few_are_always_allowed() {
        let mut retries = Retries::default();
        assert_eq!(allowed(&mut retries, 5_000), RETRIES_FLOOR);
        assert_eq!(allowed(&mut retries, 14_999), 0, "ten seconds are not over");
        assert_eq!(allowed(&mut retries, 15_000), RETRIES_FLOOR);
    }

    #[test]
    fn what_was_saved_up_is_not_spent_in_one_second() {
        let mut retries = Retries::default();
        for at in 0..1_000 {
            retries.request(at * 10);
        }
        let spent: Vec<u32> =
            (10..13).map(|second| allowed(&mut retries, second * 1_000)).collect();
        assert_eq!(spent, [20, RETRIES_FLOOR, RETRIES_FLOOR], "a fifth of the last second's");
    }

    #[test]
    fn a_fifth_of_the_requests_of_ten_seconds_may_be_repeated() {
        let mut retries = Retries::default();
        for at in 0..1_000 {
            retries.request(at * 10);
            if at % 100 == 99 {
                assert_eq!(allowed(&mut retries, at * 10), 20);
            }
        }
        assert_eq!(allowed(&mut retries, 9_999), 0);
        // A second later its hundred requests count no more.
        assert_eq!(allowed(&mut retries, 10_999), 0);
        assert_eq!(allowed(&mut retries, 40_000), RETRIES_FLOOR);
    }
}
