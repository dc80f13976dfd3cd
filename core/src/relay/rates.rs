//! How much of its rate has the provider left? Told to a client of its dialect as it came, to others in their words.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    calendar,
    dialect::{Dialect, Rates},
    health::Rate,
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
        let read = |rates| Rate::read(rates, headers, unit, now_ms);
        let rate = from.rates().map(read).unwrap_or_default();
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
    fn times_are_written_as_go_does() {
        for (ms, text) in [(12, "12ms"), (17_379, "17.379s"), (360_000, "360s"), (0, "0ms")] {
            assert_eq!(duration(ms), text);
        }
    }
}
