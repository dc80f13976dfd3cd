//! How much of its rate has the provider left? Told to a client of its dialect as it came, to others in their words.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    calendar,
    dialect::{Dialect, Rates},
    ports::Millis,
};

/// How names begin that pass in the same dialect. None names the gateway's account.
const PASSED: [&str; 5] = [
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "anthropic-ratelimit-",
    "retry-after",
];

/// What rates are counted in.
const UNITS: [&str; 2] = ["requests", "tokens"];

/// What the headers say of one unit.
#[derive(Default)]
struct Rate {
    limit: Option<HeaderValue>,
    remaining: Option<HeaderValue>,
    /// How long until it is whole again.
    reset_ms: Option<i64>,
}

/// The headers as they came.
pub(super) fn pass(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if PASSED.iter().any(|start| name.as_str().starts_with(start)) {
            to.append(name.clone(), value.clone());
        }
    }
}

/// The headers in the words of a client of another dialect; nothing where that has none.
pub(super) fn translate(
    (from, headers): (Dialect, &HeaderMap),
    (to, out): (Dialect, &mut HeaderMap),
    now_ms: Millis,
) {
    for unit in UNITS {
        let rate = match from.rates() {
            Some(Rates::OpenAi) => of_openai(headers, unit),
            Some(Rates::Anthropic) => of_anthropic(headers, unit, now_ms),
            None => Rate::default(),
        };
        match to.rates() {
            Some(Rates::OpenAi) => {
                let name = |field: &str| format!("x-ratelimit-{field}-{unit}");
                write(rate, name, duration, out);
            }
            Some(Rates::Anthropic) => {
                let name = |field: &str| format!("anthropic-ratelimit-{unit}-{field}");
                // A moment too late is better than one too early.
                let reset = |ms: i64| calendar::written((now_ms + ms + 999).div_euclid(1000));
                write(rate, name, reset, out);
            }
            None => {}
        }
    }
    for name in ["retry-after", "retry-after-ms"] {
        if let Some(value) = headers.get(name) {
            out.insert(HeaderName::from_static(name), value.clone());
        }
    }
}

fn write(
    rate: Rate,
    name: impl Fn(&str) -> String,
    reset: impl Fn(i64) -> String,
    out: &mut HeaderMap,
) {
    let reset = rate.reset_ms.and_then(|ms| HeaderValue::try_from(reset(ms)).ok());
    for (field, value) in [("limit", rate.limit), ("remaining", rate.remaining), ("reset", reset)] {
        if let (Some(value), Ok(name)) = (value, HeaderName::try_from(name(field))) {
            out.insert(name, value);
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
fn milliseconds(text: &str) -> Option<i64> {
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

fn duration(ms: i64) -> String {
    match (ms / 1000, ms % 1000) {
        (0, ms) => format!("{ms}ms"),
        (s, 0) => format!("{s}s"),
        (s, ms) => format!("{s}.{ms:03}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(from: Dialect, given: &[(&str, &str)], to: Dialect) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let mut out = HeaderMap::new();
        translate((from, &headers), (to, &mut out), 951_827_696_000);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<_> = out.iter().map(line).collect();
        lines.sort();
        lines.join("\n")
    }

    #[test]
    fn rates_are_told_in_the_clients_words() {
        let openai = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1m2.5s"),
            ("x-ratelimit-limit-tokens", "of account x"),
            ("retry-after", "7"),
            ("set-cookie", "a=b"),
        ];
        let anthropic = [
            ("anthropic-ratelimit-requests-limit", "60"),
            ("anthropic-ratelimit-requests-remaining", "59"),
            ("anthropic-ratelimit-requests-reset", "2000-02-29T12:35:59Z"),
            ("anthropic-organization-id", "o"),
        ];
        let (chat, messages) = (Dialect::OpenAiChat, Dialect::Anthropic);
        assert_eq!(
            translated(chat, &openai, messages),
            "anthropic-ratelimit-requests-limit: 60\nanthropic-ratelimit-requests-remaining: 59\n\
             anthropic-ratelimit-requests-reset: 2000-02-29T12:35:59Z\nretry-after: 7"
        );
        assert_eq!(
            translated(messages, &anthropic, Dialect::OpenAiResponses),
            "x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 59\n\
             x-ratelimit-reset-requests: 63s"
        );
        assert_eq!(translated(chat, &openai, Dialect::Gemini), "retry-after: 7");
        assert_eq!(translated(Dialect::Gemini, &openai, messages), "retry-after: 7");
    }

    #[test]
    fn times_of_go_are_read_and_written() {
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
        for (ms, text) in [(12, "12ms"), (17_379, "17.379s"), (360_000, "360s"), (0, "0ms")] {
            assert_eq!(duration(ms), text);
        }
    }
}
