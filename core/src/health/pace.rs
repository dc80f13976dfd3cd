//! How much of a minute's worth is left? One number: the moment by which all that was taken is whole again.

use crate::ports::Millis;

const MINUTE_US: i64 = 60_000_000;

/// What was taken of a limit for a minute. Whoever has taken nothing for a minute may take all of it at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    whole_at_us: i64,
}

impl Pace {
    /// Until when there is no room for so much; `None` when there is room. What exceeds a whole minute's worth fits when
    /// nothing else was taken: it would never fit otherwise.
    pub(crate) fn full_until(self, amount: u32, per_minute: u32, now: Millis) -> Option<Millis> {
        let now_us = now.saturating_mul(1000);
        let amount = amount.min(per_minute);
        let wanted_us = self.whole_at_us.max(now_us).saturating_add(cost_us(amount, per_minute));
        let late_us = wanted_us - now_us - MINUTE_US;
        // A moment too late is better than one too early.
        (late_us > 0).then(|| now.saturating_add(late_us.saturating_add(999) / 1000))
    }

    /// Takes so much.
    pub(crate) fn take(&mut self, amount: u32, per_minute: u32, now: Millis) {
        let now_us = now.saturating_mul(1000);
        self.whole_at_us = self.whole_at_us.max(now_us).saturating_add(cost_us(amount, per_minute));
    }

    /// So much more was used than was taken, or less.
    pub(crate) fn correct(&mut self, by: i64, per_minute: u32) {
        let cost = by.saturating_mul(MINUTE_US) / i64::from(per_minute.max(1));
        self.whole_at_us = self.whole_at_us.saturating_add(cost);
    }
}

fn cost_us(amount: u32, per_minute: u32) -> i64 {
    i64::from(amount).saturating_mul(MINUTE_US) / i64::from(per_minute.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_may_be_taken_at_once_and_comes_back_little_by_little() {
        let mut pace = Pace::default();
        for _ in 0..6 {
            assert_eq!(pace.full_until(1, 6, 1_000), None);
            pace.take(1, 6, 1_000);
        }
        assert_eq!(pace.full_until(1, 6, 1_000), Some(11_000));
        assert_eq!(pace.full_until(2, 6, 1_000), Some(21_000));
        assert_eq!(pace.full_until(1, 6, 11_000), None);
    }

    #[test]
    fn what_exceeds_the_limit_fits_into_an_empty_minute_only() {
        let mut pace = Pace::default();
        assert_eq!(pace.full_until(500, 100, 0), None);
        pace.take(500, 100, 0);
        assert_eq!(pace.full_until(1, 100, 0), Some(240_600));
    }

    #[test]
    fn an_estimate_is_corrected() {
        let mut pace = Pace::default();
        pace.take(100, 100, 0);
        assert!(pace.full_until(50, 100, 0).is_some());
        pace.correct(-60, 100);
        assert_eq!(pace.full_until(50, 100, 0), None);
        pace.correct(60, 100);
        assert!(pace.full_until(50, 100, 0).is_some());
    }
}
