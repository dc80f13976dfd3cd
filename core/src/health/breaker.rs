//! Is something asked again that has failed? Not for a while, then once to see; it recovers by itself.

use std::time::Duration;

use crate::{
    limits::{
        BENCH_REST, BENCH_REST_MAX, BREAKER_FAILURES, BREAKER_REST, BREAKER_REST_MAX,
        BREAKER_WINDOW, PROBE_WAIT,
    },
    ports::{Millis, millis},
};

/// After how many failures in a row something rests, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    failures: u32,
    rest: Duration,
    rest_max: Duration,
}

impl Rule {
    /// Of a provider that breaks down.
    pub(crate) const PROVIDER: Self =
        Self { failures: BREAKER_FAILURES, rest: BREAKER_REST, rest_max: BREAKER_REST_MAX };
    /// Of a key that is refused.
    pub(crate) const KEY: Self = Self { failures: 1, rest: BENCH_REST, rest_max: BENCH_REST_MAX };
}

/// Closed while all is well, open while it rests, half open while one request tries it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    state: State,
    /// Failures in a row while it is closed.
    failures: u32,
    /// When the last of them was.
    failed_at: Millis,
    /// Rests since it was last well.
    rests: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// Nobody asks before `until`, and one does then.
    Open { until: Millis },
    /// One asks. When nothing is known by `until`, one more may.
    HalfOpen { until: Millis },
}

/// How somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// As always.
    Plain,
    /// To see whether it is well again.
    Probe,
}

/// Whether it may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It may.
    Free(Turn),
    /// Not before then.
    Rests(Millis),
}

impl Breaker {
    /// Whether it may be asked now. Nothing changes.
    pub(crate) fn look(&self, now: Millis) -> Look {
        match self.state {
            State::Closed => Look::Free(Turn::Plain),
            State::Open { until } | State::HalfOpen { until } if until > now => Look::Rests(until),
            State::Open { .. } | State::HalfOpen { .. } => Look::Free(Turn::Probe),
        }
    }

    /// It is asked, as [`look`](Self::look) has said.
    pub(crate) fn take(&mut self, turn: Turn, now: Millis) {
        match turn {
            Turn::Plain => {}
            Turn::Probe => self.state = State::HalfOpen { until: after(now, PROBE_WAIT) },
        }
    }

    /// It has answered. What began before it rested says nothing of now.
    pub(crate) fn succeed(&mut self, turn: Turn) {
        match (self.state, turn) {
            (State::Closed, _) | (_, Turn::Probe) => *self = Self::default(),
            (State::Open { .. } | State::HalfOpen { .. }, Turn::Plain) => {}
        }
    }

    /// It has answered something easy: it is asked again, and rests on as soon as it fails once more.
    pub(crate) fn trust(&mut self, turn: Turn, rule: Rule, now: Millis) {
        if turn == Turn::Probe {
            self.state = State::Closed;
            self.failures = rule.failures - 1;
            self.failed_at = now;
        }
    }

    /// It has failed. Says until when it rests if that begins now.
    pub(crate) fn fail(&mut self, turn: Turn, rule: Rule, now: Millis) -> Option<Millis> {
        match (self.state, turn) {
            (State::Closed, _) => {
                let in_a_row = now - self.failed_at <= millis(BREAKER_WINDOW);
                self.failures = if in_a_row { self.failures + 1 } else { 1 };
                self.failed_at = now;
                if self.failures < rule.failures {
                    return None;
                }
            }
            (State::Open { .. } | State::HalfOpen { .. }, Turn::Probe) => {}
            (State::Open { .. } | State::HalfOpen { .. }, Turn::Plain) => return None,
        }
        let rest = rule.rest.saturating_mul(2_u32.saturating_pow(self.rests)).min(rule.rest_max);
        self.rests = self.rests.saturating_add(1);
        self.failures = 0;
        let until = after(now, rest);
        self.state = State::Open { until };
        Some(until)
    }

    /// The probe ended without telling anything: another one may begin.
    pub(crate) fn abandon(&mut self, turn: Turn, now: Millis) {
        if let (State::HalfOpen { .. }, Turn::Probe) = (self.state, turn) {
            self.state = State::Open { until: now };
        }
    }

    /// Somebody else has seen it fail.
    pub(crate) fn rest_until(&mut self, until: Millis) {
        let rests = matches!(self.state, State::Open { until: own } | State::HalfOpen { until: own } if own >= until);
        if !rests {
            self.state = State::Open { until };
            self.rests = self.rests.max(1);
        }
    }
}

/// A time from now.
pub(super) fn after(now: Millis, time: Duration) -> Millis {
    now.saturating_add(millis(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::Clock, testing::ManualClock};

    fn opened(clock: &ManualClock) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..BREAKER_FAILURES {
            assert_eq!(breaker.fail(Turn::Plain, Rule::PROVIDER, clock.now()), None);
            assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Plain));
        }
        let until = breaker.fail(Turn::Plain, Rule::PROVIDER, clock.now());
        assert_eq!(until, Some(clock.now() + 1_000));
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_one_success_starts_the_count_anew() {
        let clock = ManualClock::at(50_000);
        let breaker = opened(&clock);
        assert_eq!(breaker.look(clock.now()), Look::Rests(51_000));
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            for _ in 1..BREAKER_FAILURES {
                breaker.fail(Turn::Plain, Rule::PROVIDER, clock.now());
            }
            breaker.succeed(Turn::Plain);
        }
        assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Plain));
    }

    #[test]
    fn failures_far_apart_are_not_in_a_row() {
        let clock = ManualClock::at(50_000);
        let mut breaker = Breaker::default();
        for _ in 0..3 * BREAKER_FAILURES {
            clock.advance(BREAKER_WINDOW + Duration::from_millis(1));
            assert_eq!(breaker.fail(Turn::Plain, Rule::PROVIDER, clock.now()), None);
        }
    }

    #[test]
    fn exactly_one_probes_and_its_success_closes() {
        let clock = ManualClock::at(50_000);
        let mut breaker = opened(&clock);
        clock.advance(BREAKER_REST);
        assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Probe));
        breaker.take(Turn::Probe, clock.now());
        assert!(matches!(breaker.look(clock.now()), Look::Rests(_)), "a second one waits");
        // A request that began before it rested neither closes nor opens it.
        breaker.succeed(Turn::Plain);
        assert_eq!(breaker.fail(Turn::Plain, Rule::PROVIDER, clock.now()), None);
        assert!(matches!(breaker.look(clock.now()), Look::Rests(_)));
        breaker.succeed(Turn::Probe);
        assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Plain));
    }

    #[test]
    fn each_failed_probe_doubles_the_rest_up_to_the_longest() {
        let check = |rule: Rule, expected: &[i64]| {
            let clock = ManualClock::at(50_000);
            let mut breaker = Breaker::default();
            for _ in 1..rule.failures {
                breaker.fail(Turn::Plain, rule, clock.now());
            }
            let mut turn = Turn::Plain;
            for seconds in expected {
                let until = breaker.fail(turn, rule, clock.now()).unwrap();
                assert_eq!(until - clock.now(), seconds * 1_000);
                clock.advance(Duration::from_millis((until - clock.now()).unsigned_abs()));
                assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Probe));
                breaker.take(Turn::Probe, clock.now());
                turn = Turn::Probe;
            }
            breaker.succeed(Turn::Probe);
            for _ in 1..rule.failures {
                breaker.fail(Turn::Plain, rule, clock.now());
            }
            let until = breaker.fail(Turn::Plain, rule, clock.now()).unwrap();
            assert_eq!(until - clock.now(), expected[0] * 1_000, "it begins from the first");
        };
        check(Rule::PROVIDER, &[1, 2, 4, 4, 4]);
        check(Rule::KEY, &[10, 20, 40, 80, 160, 320, 600, 600]);
    }

    #[test]
    fn a_probe_that_tells_nothing_keeps_nobody_out_for_good() {
        let clock = ManualClock::at(50_000);
        let mut breaker = opened(&clock);
        clock.advance(BREAKER_REST);
        breaker.take(Turn::Probe, clock.now());
        breaker.abandon(Turn::Probe, clock.now());
        assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Probe), "its client left");
        breaker.take(Turn::Probe, clock.now());
        clock.advance(PROBE_WAIT);
        assert_eq!(breaker.look(clock.now()), Look::Free(Turn::Probe), "it takes long");
    }

    #[test]
    fn what_another_instance_saw_makes_it_rest() {
        let clock = ManualClock::at(50_000);
        let mut breaker = Breaker::default();
        breaker.rest_until(60_000);
        assert_eq!(breaker.look(clock.now()), Look::Rests(60_000));
        breaker.rest_until(55_000);
        assert_eq!(breaker.look(clock.now()), Look::Rests(60_000), "the later end holds");
        assert_eq!(breaker.look(60_000), Look::Free(Turn::Probe));
    }
}
