//! What is one limit? So much of something in a window, as it is declared: `{ dollars = 5, per = "day" }`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::window::{Span, Window};
use crate::money::decimal;

/// What is wrong with a limit, as whoever wrote it is told.
type Result<T> = std::result::Result<T, &'static str>;

const NANOS: f64 = 1e9;
/// The most that a counter holds exactly everywhere: D1 has floats.
const AMOUNT_MAX: i64 = (1 << 53) - 1;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Money, in nano-dollars.
    Dollars,
    /// Tokens of prompt and answer.
    Tokens,
    /// Requests that reach a provider.
    Requests,
    /// Requests under way.
    Concurrent,
}

/// So much of something in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limit {
    /// What is counted.
    pub measure: Measure,
    /// How much there is, in the measure's unit.
    pub amount: i64,
    /// For how long.
    pub window: Window,
}

/// A limit as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dollars: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) concurrent: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) per: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<String>,
}

impl Measure {
    /// The word of configuration, API and counters.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dollars => "dollars",
            Self::Tokens => "tokens",
            Self::Requests => "requests",
            Self::Concurrent => "concurrent",
        }
    }
}

impl Limit {
    /// Whether two limits would share a counter.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        (self.measure, self.window) == (other.measure, other.window)
    }
}

impl TryFrom<Form> for Limit {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self> {
        let whole = |measure, amount: Option<i64>| amount.map(|amount| (measure, amount));
        let dollars = form.dollars.map(nanos).transpose()?;
        let mut said = [
            whole(Measure::Dollars, dollars),
            whole(Measure::Tokens, form.tokens),
            whole(Measure::Requests, form.requests),
            whole(Measure::Concurrent, form.concurrent),
        ]
        .into_iter()
        .flatten();
        let (Some((measure, amount)), None) = (said.next(), said.next()) else {
            return Err("A limit says one of dollars, tokens, requests and concurrent.");
        };
        if !(0..=AMOUNT_MAX).contains(&amount) {
            return Err("A limit is 0 or more, and no more than a counter can hold.");
        }
        let window = match (measure, form.per.as_deref()) {
            (Measure::Concurrent, None) if form.window.is_none() => Window::Current,
            (Measure::Concurrent, _) => {
                return Err("A limit on concurrent requests has no `per` and no `window`.");
            }
            (_, None) => return Err("A limit says `per` what: minute, …, month or total."),
            (_, Some(word)) => window(word, form.window.as_deref())?,
        };
        Ok(Self { measure, amount, window })
    }
}

/// A limit per minute rolls, as rates do; every other one goes by the calendar, as people count.
fn window(per: &str, window: Option<&str>) -> Result<Window> {
    let found = Span::WORDS.iter().find(|(word, _)| *word == per);
    let Some((_, span)) = found else {
        return Err("`per` is minute, hour, day, week, month or total.");
    };
    match (window, span) {
        (Some("rolling"), Span::Total) => Err("What counts in total does not roll."),
        (Some("rolling"), _) | (None, Span::Minute) => Ok(Window::Rolling(*span)),
        (Some("calendar"), _)
        | (None, Span::Hour | Span::Day | Span::Week | Span::Month | Span::Total) => {
            Ok(Window::Calendar(*span))
        }
        (Some(_), _) => Err("`window` is calendar or rolling."),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be within 2^53")]
fn nanos(dollars: f64) -> Result<i64> {
    let nanos = (dollars * NANOS).round();
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
    let fits = nanos.is_finite() && nanos.abs() <= AMOUNT_MAX as f64;
    if fits { Ok(nanos as i64) } else { Err("A limit in dollars is at most 9,007,199.") }
}

impl From<Limit> for Form {
    fn from(limit: Limit) -> Self {
        let mut form = Self::default();
        match limit.measure {
            #[expect(clippy::cast_precision_loss, reason = "amounts are within 2^53")]
            Measure::Dollars => form.dollars = Some(limit.amount as f64 / NANOS),
            Measure::Tokens => form.tokens = Some(limit.amount),
            Measure::Requests => form.requests = Some(limit.amount),
            Measure::Concurrent => form.concurrent = Some(limit.amount),
        }
        let (per, window) = match limit.window {
            Window::Current => (None, None),
            Window::Calendar(span) => (Some(span), Some("calendar")),
            Window::Rolling(span) => (Some(span), Some("rolling")),
        };
        form.per = per.map(|span| span.word().to_owned());
        form.window = window.map(str::to_owned);
        form
    }
}

/// As a refusal names it: `$5 per day`, `100 requests in total`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measure {
            Measure::Dollars => {
                let nanos = u64::try_from(self.amount).unwrap_or_default();
                write!(f, "${}", decimal::write(nanos))?;
            }
            Measure::Tokens => write!(f, "{} tokens", self.amount)?,
            Measure::Requests => write!(f, "{} requests", self.amount)?,
            Measure::Concurrent => write!(f, "{} concurrent requests", self.amount)?,
        }
        match self.window {
            Window::Current => Ok(()),
            Window::Calendar(Span::Total) | Window::Rolling(Span::Total) => {
                f.write_str(" in total")
            }
            Window::Calendar(span) => write!(f, " per {}", span.word()),
            Window::Rolling(span) => write!(f, " per rolling {}", span.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<Limit, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_read_back_and_say_what_they_are() {
        let check = |text: &str, written: &str, said: &str| {
            let limit = read(text).unwrap();
            assert_eq!(serde_json::to_string(&limit).unwrap(), written);
            assert_eq!(read(written).unwrap(), limit);
            assert_eq!(limit.to_string(), said);
        };
        check(
            r#"{"dollars":0.1,"per":"day"}"#,
            r#"{"dollars":0.1,"per":"day","window":"calendar"}"#,
            "$0.1 per day",
        );
        check(
            r#"{"requests":60,"per":"minute"}"#,
            r#"{"requests":60,"per":"minute","window":"rolling"}"#,
            "60 requests per rolling minute",
        );
        check(
            r#"{"tokens":9007199254740991,"per":"total"}"#,
            r#"{"tokens":9007199254740991,"per":"total","window":"calendar"}"#,
            "9007199254740991 tokens in total",
        );
        check(r#"{"concurrent":3}"#, r#"{"concurrent":3}"#, "3 concurrent requests");
        assert_eq!(read(r#"{"dollars":1e-9,"per":"week"}"#).unwrap().amount, 1);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "{}",
            r#"{"dollars":1}"#,
            r#"{"dollars":1,"tokens":1,"per":"day"}"#,
            r#"{"dollars":-1,"per":"day"}"#,
            r#"{"dollars":1e10,"per":"day"}"#,
            r#"{"tokens":9007199254740992,"per":"day"}"#,
            r#"{"requests":1,"per":"fortnight"}"#,
            r#"{"requests":1,"per":"total","window":"rolling"}"#,
            r#"{"requests":1,"per":"day","window":"sliding"}"#,
            r#"{"concurrent":1,"per":"day"}"#,
            r#"{"requests":1,"per":"day","model":"x"}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
