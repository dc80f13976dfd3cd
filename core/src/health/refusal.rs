//! What is said when nobody may be asked? When to come back, without having asked anybody.

use super::pool::{Out, Why};
use crate::{
    error::{Error, Kind},
    ports::Millis,
};

/// Why no key of a request's targets can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The mildest of what was found.
    sort: Sort,
    /// When the first of them can be used again.
    pub(crate) until: Option<Millis>,
}

/// The mildest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    /// There is no key for the model.
    None,
    /// They are refused, without credit, or their provider is down.
    Benched,
    /// They have reached a limit.
    Limited,
}

impl Refusal {
    /// Why none of these can be used.
    pub(crate) fn of(outs: &[Out]) -> Self {
        let one = |out: &Out| {
            let sort = match out.why {
                Why::OtherModels | Why::Tried => Sort::None,
                Why::Down | Why::Silent | Why::Refused | Why::Spent => Sort::Benched,
                Why::Limited | Why::Exhausted | Why::Busy | Why::Requests | Why::Tokens => {
                    Sort::Limited
                }
            };
            Self { sort, until: out.until }
        };
        outs.iter().map(one).fold(Self { sort: Sort::None, until: None }, Self::or)
    }

    /// Neither these nor those can be used.
    pub(crate) fn or(self, other: Self) -> Self {
        let until = match (self.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { sort: self.sort.max(other.sort), until }
    }

    /// In how many seconds to come back; at least one.
    pub(crate) fn seconds(&self, now: Millis) -> i64 {
        let left = self.until.map_or(0, |until| until.saturating_sub(now));
        left.saturating_add(999).div_euclid(1000).max(1)
    }

    /// What a client is told of it.
    pub(crate) fn error(&self, model: &str, now: Millis) -> Error {
        match self.sort {
            Sort::None => {
                let message = format!("No key here may be used for the model `{model}`.");
                Error::not_found(message).at("model").coded("model_not_found")
            }
            Sort::Benched => {
                let message = format!("The providers of `{model}` cannot be used just now.");
                self.timed(Error::new(Kind::Overloaded, message).coded("providers_rest"), now)
            }
            Sort::Limited => {
                let message = format!("All keys for `{model}` have reached their limits.");
                self.timed(Error::new(Kind::RateLimited, message), now)
            }
        }
    }

    fn timed(&self, error: Error, now: Millis) -> Error {
        error.retry_after(&self.seconds(now).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_reset_and_the_mildest_reason_are_told() {
        let check = |outs: &[(Why, Option<Millis>)], status: u16, after: Option<&str>| {
            let outs: Vec<_> =
                outs.iter().map(|(why, until)| Out { why: *why, until: *until }).collect();
            let error = Refusal::of(&outs).error("m", 1_000);
            let told = error.hints.as_ref().and_then(|hints| hints.retry_after.as_deref());
            assert_eq!((error.kind.status().as_u16(), told), (status, after), "{outs:?}");
        };
        let until = |seconds: i64| Some(1_000 + seconds * 1_000);
        check(&[(Why::Limited, until(30)), (Why::Limited, until(20))], 429, Some("20"));
        check(&[(Why::Refused, until(5)), (Why::Limited, until(30))], 429, Some("5"));
        check(&[(Why::Refused, until(9)), (Why::Spent, until(3_600))], 503, Some("9"));
        check(&[(Why::Down, Some(1_400))], 503, Some("1"));
        check(&[(Why::Busy, None)], 429, Some("1"));
        check(&[(Why::OtherModels, None), (Why::Limited, until(2))], 429, Some("2"));
        check(&[(Why::OtherModels, None)], 404, None);
    }
}
