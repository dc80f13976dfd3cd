//! What does one request take of the limits on its path, and what does it give back?

use super::{
    limit::{Limit, Measure},
    policy::{Exhausted, Policy, Unchecked},
    window::{NEVER_MS, Span, Window, rfc3339},
};
use crate::{
    error::{Error, Kind, Quota},
    ports::Millis,
    store::{Add, Record, Reservation, Settlement},
};

/// What a request is expected to take, or took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// Money.
    pub(crate) nano: i64,
    /// Tokens of prompt and answer.
    pub(crate) tokens: i64,
    /// Whether a provider was asked: 0 or 1.
    pub(crate) requests: i64,
}

impl Amounts {
    /// The sum of both.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            nano: self.nano.saturating_add(other.nano),
            tokens: self.tokens.saturating_add(other.tokens),
            requests: self.requests.max(other.requests),
        }
    }
}

/// One limit that a request falls under, with the counter of the time it came.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The counter.
    pub(crate) name: String,
    /// Whose limit it is, as a refusal says it.
    pub(crate) owner: String,
    /// The limit.
    pub(crate) limit: Limit,
    /// What happens to a stream that uses it up.
    pub(crate) on_exhausted: Exhausted,
    /// What happens while nobody counts.
    on_outage: Unchecked,
    /// When the counter's window ends.
    pub(crate) end_ms: Millis,
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Used and reserved, in the measure's unit.
    pub(crate) used: i64,
    /// What is left.
    pub(crate) remaining: i64,
    /// When all of it is there again; `None`: never, or when requests end.
    pub(crate) resets_at_ms: Option<Millis>,
}

impl Claim {
    /// The claim on a limit of a node at this time.
    pub(crate) fn new(
        node: &str,
        owner: String,
        limit: Limit,
        policy: &Policy,
        now_ms: Millis,
    ) -> Self {
        let measure = limit.measure.word();
        let (name, end_ms) = match limit.window {
            Window::Current => (format!("{node}/{measure}"), NEVER_MS),
            Window::Rolling(span) => {
                (format!("{node}/{measure}/{}/rolling", span.word()), NEVER_MS)
            }
            Window::Calendar(span) => {
                let period = span.period(now_ms);
                let name = format!("{node}/{measure}/{}/{}", span.word(), period.start_ms);
                (name, period.end_ms)
            }
        };
        let Policy { on_exhausted, on_outage, .. } = *policy;
        Self { name, owner, limit, on_exhausted, on_outage, end_ms }
    }

    /// The claim on a limit of a node, to see how much of it is used.
    pub(crate) fn watched(node: &str, limit: Limit, policy: &Policy, now_ms: Millis) -> Self {
        Self::new(node, node.to_owned(), limit, policy, now_ms)
    }

    /// The addition that takes so much, if there is room.
    fn take(&self, amounts: Amounts, now_ms: Millis, until_ms: Millis) -> Add {
        let by = self.weight(self.least(amounts)).max(1);
        let cap = match self.limit.window {
            Window::Current | Window::Calendar(_) => self.limit.amount,
            Window::Rolling(span) => micros(now_ms) + micros(span.length_ms()),
        };
        let expires_at_ms = match self.limit.window {
            // While the reservation lives there is something to count.
            Window::Current => until_ms,
            Window::Calendar(_) => self.end_ms,
            Window::Rolling(span) => now_ms + 2 * span.length_ms(),
        };
        let floor = self.floor(now_ms);
        Add { name: self.name.clone(), by, floor, cap: Some(cap), expires_at_ms }
    }

    /// The addition of what was really used.
    fn spend(&self, amounts: Amounts, now_ms: Millis) -> Add {
        let by = self.weight(self.of(amounts));
        let expires_at_ms = match self.limit.window {
            Window::Current | Window::Calendar(_) => self.end_ms,
            Window::Rolling(span) => now_ms + 2 * span.length_ms(),
        };
        Add { name: self.name.clone(), by, floor: self.floor(now_ms), cap: None, expires_at_ms }
    }

    /// What has to be left for so much. An exhausted limit stops even what takes nothing of it.
    pub(crate) fn least(&self, amounts: Amounts) -> i64 {
        self.of(amounts).max(1)
    }

    fn of(&self, amounts: Amounts) -> i64 {
        match self.limit.measure {
            Measure::Dollars => amounts.nano,
            Measure::Tokens => amounts.tokens,
            Measure::Requests => amounts.requests,
            // Over when it is settled.
            Measure::Concurrent => 0,
        }
    }

    /// Whether it counts what there will soon be more of, and not what there is once.
    fn is_rate(&self) -> bool {
        match self.limit.window {
            Window::Current | Window::Rolling(_) => true,
            Window::Calendar(_) => false,
        }
    }

    /// A counter that rolls holds the microsecond until which everything is taken (GCRA), so it never lies before now.
    fn floor(&self, now_ms: Millis) -> Option<i64> {
        match self.limit.window {
            Window::Current | Window::Calendar(_) => None,
            Window::Rolling(_) => Some(micros(now_ms)),
        }
    }

    /// An amount in the counter's unit: where it rolls, the time after which so much is there again.
    fn weight(&self, amount: i64) -> i64 {
        match self.limit.window {
            Window::Current | Window::Calendar(_) => amount,
            Window::Rolling(span) => scaled(amount, micros(span.length_ms()), self.limit.amount),
        }
    }

    /// What a counter's value means.
    pub(crate) fn tally(&self, value: i64, now_ms: Millis) -> Tally {
        let amount = self.limit.amount;
        match self.limit.window {
            Window::Current | Window::Calendar(Span::Total) => {
                Tally { used: value, remaining: (amount - value).max(0), resets_at_ms: None }
            }
            Window::Calendar(_) => Tally {
                used: value,
                remaining: (amount - value).max(0),
                resets_at_ms: Some(self.end_ms),
            },
            Window::Rolling(span) => {
                let taken = (value - micros(now_ms)).max(0);
                let used = scaled(taken, amount, micros(span.length_ms()));
                let resets_at_ms = Some(now_ms + taken.saturating_add(999) / 1000);
                Tally { used, remaining: (amount - used).max(0), resets_at_ms }
            }
        }
    }

    /// Why a request that wanted so much is refused, and when it may be tried again.
    fn refusal(&self, wanted: Amounts, value: i64, now_ms: Millis) -> Error {
        let Tally { remaining, resets_at_ms, .. } = self.tally(value, now_ms);
        let again_ms = match self.limit.window {
            Window::Current => Some(now_ms + 1000),
            Window::Calendar(_) => resets_at_ms,
            Window::Rolling(span) => {
                let add = self.take(wanted, now_ms, now_ms);
                let length = micros(span.length_ms());
                // What is more than the whole limit never fits.
                let wait = value.max(micros(now_ms)) + add.by - micros(now_ms) - length;
                (add.by <= length).then_some(now_ms + wait.max(0).saturating_add(999) / 1000)
            }
        };
        let again = match (self.limit.window, again_ms) {
            (Window::Current, _) => "try again when one of them is over".to_owned(),
            (Window::Calendar(_) | Window::Rolling(_), Some(at_ms)) => {
                format!("try again at {}", rfc3339(at_ms))
            }
            (Window::Calendar(_), None) => "it does not reset".to_owned(),
            (Window::Rolling(_), None) => "so much at once never fits".to_owned(),
        };
        let message =
            format!("The limit of the {} is reached: {}; {again}.", self.owner, self.limit);
        let mut error = Error::new(Kind::RateLimited, message).coded("rate_limit_exceeded");
        if let Some(at_ms) = again_ms {
            let seconds = (at_ms - now_ms).max(1).saturating_add(999) / 1000;
            error = error.retry_after(&seconds.to_string());
        }
        let resets_at_ms = resets_at_ms.or(again_ms);
        let (measure, limit) = (self.limit.measure, self.limit.amount);
        error.limited(Quota { measure, limit, remaining, resets_at_ms })
    }
}

fn micros(ms: i64) -> i64 {
    ms.saturating_mul(1000)
}

/// `amount · by / of`, rounded down; more than everything when there is nothing to divide by.
fn scaled(amount: i64, by: i64, of: i64) -> i64 {
    let product = i128::from(amount) * i128::from(by);
    let scaled = product.checked_div(i128::from(of)).unwrap_or(i128::from(NEVER_MS));
    i64::try_from(scaled.min(i128::from(NEVER_MS))).unwrap_or(NEVER_MS)
}

/// What a request holds of all limits on its path, until it is settled.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    id: String,
    top: String,
    claims: Vec<Claim>,
    held: Amounts,
    parts: i64,
    until_ms: Millis,
    /// Whether some of it is held where nobody else counts.
    unchecked: bool,
}

impl Hold {
    /// Nothing held yet, of the tree with this node at its top. `until_ms` is when others may take it for abandoned.
    pub(crate) fn new(id: &str, top: String, claims: Vec<Claim>, until_ms: Millis) -> Self {
        Self {
            id: id.to_owned(),
            top,
            claims,
            held: Amounts::default(),
            parts: 0,
            until_ms,
            unchecked: false,
        }
    }

    /// The node at the top of the tree of which it holds something.
    pub(crate) fn top(&self) -> &str {
        &self.top
    }

    /// What there is to take so that `wanted` is held; `None` when it already is.
    pub(crate) fn wanting(&mut self, wanted: Amounts, now_ms: Millis) -> Option<Reservation> {
        let more = Amounts {
            nano: (wanted.nano - self.held.nano).max(0),
            tokens: (wanted.tokens - self.held.tokens).max(0),
            requests: (wanted.requests - self.held.requests).max(0),
        };
        let first = self.parts == 0;
        if more == Amounts::default() && !first {
            return None;
        }
        let part = self.parts;
        // Counted before the answer is known: what may have been taken has to be given back.
        self.parts += 1;
        let grows = |claim: &&Claim| first || claim.of(more) > 0;
        let adds = self.claims.iter().filter(grows);
        let adds = adds.map(|claim| claim.take(more, now_ms, self.until_ms)).collect();
        Some(Reservation { id: self.id.clone(), part, adds, until_ms: self.until_ms })
    }

    /// The part of a reservation that a process may take by itself while nobody counts: rates. `None` when there are budgets
    /// that nobody may pass.
    pub(crate) fn unchecked(&self, reservation: &Reservation) -> Option<Reservation> {
        let hard = |claim: &Claim| !claim.is_rate() && claim.on_outage == Unchecked::Refuse;
        if self.claims.iter().any(hard) {
            return None;
        }
        let rate = |name: &str| self.claims.iter().any(|it| it.name == name && it.is_rate());
        let adds = reservation.adds.iter().filter(|add| rate(&add.name)).cloned().collect();
        Some(Reservation { adds, ..reservation.clone() })
    }

    /// Notes that `wanted` is held now, as far as this process can say.
    pub(crate) fn took_unchecked(&mut self, wanted: Amounts) {
        self.unchecked = true;
        self.took(wanted);
    }

    /// Whether some of it is held where nobody else counts.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.unchecked
    }

    /// The part of a settlement that this process has counted by itself.
    pub(crate) fn counted_alone(&self, settlement: &Settlement) -> Settlement {
        let rate = |name: &str| self.claims.iter().any(|it| it.name == name && it.is_rate());
        let adds = settlement.adds.iter().filter(|add| rate(&add.name)).cloned().collect();
        Settlement { adds, ..settlement.clone() }
    }

    /// Notes that `wanted` is held now.
    pub(crate) fn took(&mut self, wanted: Amounts) {
        self.held = Amounts {
            nano: wanted.nano.max(self.held.nano),
            tokens: wanted.tokens.max(self.held.tokens),
            requests: wanted.requests.max(self.held.requests),
        };
    }

    /// Why a reservation was refused by this counter, which holds this value.
    pub(crate) fn refusal(&self, name: &str, wanted: Amounts, value: i64, now_ms: Millis) -> Error {
        let claim = self.claims.iter().find(|claim| claim.name == name);
        let missing = || Error::internal(format!("{name} refused and was not asked"));
        claim.map_or_else(missing, |claim| claim.refusal(wanted, value, now_ms))
    }

    /// What a finished request really took. A counter of what is under way only gets back what was held.
    pub(crate) fn settlement(&self, record: &Record, now_ms: Millis) -> Settlement {
        let usage = record.usage;
        let spent = Amounts {
            nano: record.cost_nano,
            tokens: [usage.prompt, usage.completion, record.side.prompt, record.side.completion]
                .into_iter()
                .fold(0, i64::saturating_add),
            requests: i64::from(record.attempts > 0),
        };
        let adds = self.claims.iter().map(|claim| claim.spend(spent, now_ms)).collect();
        Settlement { id: self.id.clone(), adds, holds: self.parts > 0, ahead: None }
    }

    /// Whether so much is held.
    pub(crate) fn covers(&self, used: Amounts) -> bool {
        used.nano <= self.held.nano && used.tokens <= self.held.tokens
    }

    /// Whether a stream that takes more than is held has to end when there is no more.
    pub(crate) fn cuts(&self) -> bool {
        self.claims.iter().any(|claim| claim.on_exhausted == Exhausted::Cut)
    }

    /// What is held.
    pub(crate) fn held(&self) -> Amounts {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn claim(limit: &str) -> Claim {
        let limit = serde_json::from_str(limit).unwrap();
        Claim::new("team:a", "team `a`".to_owned(), limit, &Policy::default(), NOW)
    }

    fn wants(requests: i64, tokens: i64) -> Amounts {
        Amounts { nano: 5, tokens, requests }
    }

    #[test]
    fn counters_are_named_by_node_measure_and_window() {
        let check = |limit: &str, name: &str| assert_eq!(claim(limit).name, name);
        check(r#"{"dollars":1,"per":"day"}"#, "team:a/dollars/day/1799971200000");
        check(r#"{"requests":1,"per":"total"}"#, "team:a/requests/total/0");
        check(r#"{"tokens":1,"per":"minute"}"#, "team:a/tokens/minute/rolling");
        check(r#"{"concurrent":1}"#, "team:a/concurrent");
    }

    #[test]
    fn a_rolling_limit_gives_all_at_once_and_then_bit_by_bit() {
        let seven = claim(r#"{"requests":7,"per":"minute"}"#);
        let mut value = 0;
        let mut ask = |now_ms: Millis| {
            let add = seven.take(wants(1, 0), now_ms, now_ms);
            let next = value.max(add.floor.unwrap()) + add.by;
            let fits = next <= add.cap.unwrap();
            if fits {
                value = next;
            }
            (fits, value)
        };
        assert!((0..7).all(|_| ask(NOW).0));
        assert!(!ask(NOW).0);
        assert!(!ask(NOW + 8_571).0);
        assert!(ask(NOW + 8_572).0);
        let (_, value) = ask(NOW + 8_572);
        assert_eq!(seven.tally(value, NOW + 8_572).remaining, 1);
        assert_eq!(seven.tally(value, NOW + 100_000).remaining, 7);
        let error = seven.refusal(wants(1, 0), value, NOW + 8_572);
        assert_eq!(error.hints.unwrap().retry_after.as_deref(), Some("9"));
    }

    #[test]
    fn a_refusal_says_whose_limit_and_until_when() {
        let error = claim(r#"{"requests":100,"per":"day"}"#).refusal(wants(1, 0), 100, NOW);
        assert_eq!(
            error.message,
            "The limit of the team `a` is reached: 100 requests per day; try again at 2027-01-16T00:00:00Z."
        );
        assert_eq!(error.hints.unwrap().retry_after.as_deref(), Some("57600"));
        let error = claim(r#"{"dollars":0.5,"per":"total"}"#).refusal(wants(1, 0), 1, NOW);
        assert!(error.message.ends_with("$0.5 in total; it does not reset."), "{}", error.message);
        assert_eq!(error.hints.unwrap().retry_after, None);
        let error = claim(r#"{"tokens":10,"per":"minute"}"#).refusal(wants(1, 11), 0, NOW);
        assert!(error.message.ends_with("so much at once never fits."), "{}", error.message);
    }

    #[test]
    fn nothing_fits_into_a_limit_of_nothing() {
        for limit in [r#"{"requests":0,"per":"day"}"#, r#"{"requests":0,"per":"minute"}"#] {
            let add = claim(limit).take(wants(1, 0), NOW, NOW);
            assert!(add.floor.unwrap_or(0) + add.by > add.cap.unwrap(), "{limit}");
        }
    }

    #[test]
    fn more_is_taken_only_where_more_is_wanted() {
        let claims =
            [r#"{"dollars":1,"per":"day"}"#, r#"{"tokens":90,"per":"day"}"#, r#"{"concurrent":1}"#];
        let mut hold = Hold::new("r1", "team:a".to_owned(), claims.map(claim).to_vec(), NOW + 1);
        let first = hold.wanting(wants(1, 40), NOW).unwrap();
        assert_eq!(first.adds.iter().map(|add| add.by).collect::<Vec<_>>(), [5, 40, 1]);
        hold.took(wants(1, 40));
        assert!(hold.wanting(wants(1, 30), NOW).is_none());
        let second = hold.wanting(wants(1, 60), NOW).unwrap();
        assert_eq!((second.part, second.adds.len(), second.adds[0].by), (1, 1, 20));
        let record = Record { cost_nano: 3, attempts: 1, ..Record::default() };
        let settled = hold.settlement(&record, NOW);
        assert_eq!(settled.adds.iter().map(|add| add.by).collect::<Vec<_>>(), [3, 0, 0]);
    }
}
