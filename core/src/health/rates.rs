//! What do a provider's headers say of its rates? How much there is, how much is left, and when it is whole again.

use http::{HeaderMap, HeaderValue};

use crate::{calendar, dialect::Rates, ports::Millis};

/// What the headers say of one unit, such as requests.
#[derive(Default)]
pub(crate) struct Rate {
    pub(crate) limit: Option<HeaderValue>,
    pub(crate) remaining: Option<HeaderValue>,
    /// How long until it is whole again.
    pub(crate) reset_ms: Option<i64>,
}

impl Rate {
    /// Reads what is said of a unit.
    pub(crate) fn read(rates: Rates, headers: &HeaderMap, unit: &str, now_ms: Millis) -> Self {
        match rates {
            Rates::OpenAi => of_openai(headers, unit),
            Rates::Anthropic => of_anthropic(headers, unit, now_ms),
        }
    }
}

fn of_openai(headers: &HeaderMap, unit: &str) -> Rate {
    let value = |field: &str| headers.get(format!("x-ratelimit-{field}-{unit}"));
    let reset = value("reset").and_then(|value| value.to_str().ok());
    Rate {
        limit: value("limit").filter(|value| is_count(value)).cloned(),
        remaining: value("remaining").filter(|value| is_count(value)).cloned(),
        reset_ms: reset.and_then(milliseconds),
    }
}

fn of_anthropic(headers: &HeaderMap, unit: &str, now_ms: Millis) -> Rate {
    let value = |field: &str| headers.get(format!("anthropic-ratelimit-{unit}-{field}"));
    let reset = value("reset").and_then(|value| calendar::read(value.to_str().ok()?));
    Rate {
        limit: value("limit").filter(|value| is_count(value)).cloned(),
        remaining: value("remaining").filter(|value| is_count(value)).cloned(),
        reset_ms: reset.map(|at_s| at_s.saturating_mul(1000).saturating_sub(now_ms).max(0)),
    }
}

fn is_count(value: &HeaderValue) -> bool {
    !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit)
}

/// A time as Go writes it, such as `6m0s`, `17.379s` or `12ms`; Azure writes plain seconds.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    // Longer than any, and far from where a number overflows.
    const DIGITS_MAX: usize = 12;
    let (mut rest, mut sum) = (text.trim(), 0.0_f64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let number: f64 = number.get(..).filter(|text| text.len() <= DIGITS_MAX)?.parse().ok()?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let factor = match unit {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" | "" => 1_000.0,
            "ms" => 1.0,
            "us" | "µs" | "ns" => 0.0,
            _ => return None,
        };
        sum += number * factor;
        rest = after;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 16 digits")]
    (!text.trim().is_empty()).then(|| sum.ceil() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_go_are_read() {
        let check = |text: &str, expected| assert_eq!(milliseconds(text), expected, "{text}");
        check("6m0s", Some(360_000));
        check("17.379s", Some(17_379));
        check("12ms", Some(12));
        check("1h2m3s", Some(3_723_000));
        check("5", Some(5_000));
        check("", None);
        check("soon", None);
        check("1x", None);
        check("99999999999999999999s", None);
    }
}
