//! Where do clients look for the limit that refused them? In headers that every dialect calls otherwise.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    budget::{Measure, rfc3339},
    dialect::Dialect,
    error::Quota,
    ports::Millis,
};

/// Adds the headers of a limit. Gemini and Ollama have none; they have `retry-after`.
pub(super) fn tell(headers: &mut HeaderMap, dialect: Dialect, quota: Quota, now_ms: Millis) {
    let unit = match quota.measure {
        Measure::Requests | Measure::Concurrent => "requests",
        Measure::Tokens => "tokens",
        // No dialect has a word for money.
        Measure::Dollars => return,
    };
    let resets = quota.resets_at_ms;
    let fields = match dialect {
        Dialect::Anthropic => [
            (format!("anthropic-ratelimit-{unit}-limit"), Some(quota.limit.to_string())),
            (format!("anthropic-ratelimit-{unit}-remaining"), Some(quota.remaining.to_string())),
            (format!("anthropic-ratelimit-{unit}-reset"), resets.map(rfc3339)),
        ],
        Dialect::OpenAiChat | Dialect::OpenAiResponses => [
            (format!("x-ratelimit-limit-{unit}"), Some(quota.limit.to_string())),
            (format!("x-ratelimit-remaining-{unit}"), Some(quota.remaining.to_string())),
            (format!("x-ratelimit-reset-{unit}"), resets.map(|at_ms| spoken(at_ms - now_ms))),
        ],
        Dialect::Gemini | Dialect::Ollama => return,
    };
    for (name, value) in fields {
        let name = HeaderName::try_from(name).ok();
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
}

/// A time as `OpenAI` writes it: `6m0s`, `1.5s`, `20ms`.
fn spoken(ms: i64) -> String {
    let ms = ms.max(0);
    let (hours, minutes, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    match (hours, minutes) {
        (0, 0) if rest < 1000 => format!("{rest}ms"),
        (0, 0) if rest % 1000 == 0 => format!("{}s", rest / 1000),
        (0, 0) => format!("{}.{:03}s", rest / 1000, rest % 1000),
        (0, _) => format!("{minutes}m{}s", rest / 1000),
        _ => format!("{hours}h{minutes}m{}s", rest / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_headers_of_its_own() {
        let quota = Quota {
            measure: Measure::Requests,
            limit: 100,
            remaining: 0,
            resets_at_ms: Some(1_800_000_000_000),
        };
        let check = |dialect: Dialect, expected: &str| {
            let mut headers = HeaderMap::new();
            tell(&mut headers, dialect, quota, 1_799_999_640_000);
            let told: Vec<String> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            assert_eq!(told.join(", "), expected);
        };
        check(
            Dialect::OpenAiChat,
            "x-ratelimit-limit-requests: 100, x-ratelimit-remaining-requests: 0, x-ratelimit-reset-requests: 6m0s",
        );
        check(
            Dialect::Anthropic,
            "anthropic-ratelimit-requests-limit: 100, anthropic-ratelimit-requests-remaining: 0, \
             anthropic-ratelimit-requests-reset: 2027-01-15T08:00:00Z",
        );
        check(Dialect::Gemini, "");
    }

    #[test]
    fn times_are_spoken_as_openai_speaks_them() {
        for (ms, said) in [
            (-5, "0ms"),
            (20, "20ms"),
            (1_500, "1.500s"),
            (2_000, "2s"),
            (360_000, "6m0s"),
            (3_661_000, "1h1m1s"),
        ] {
            assert_eq!(spoken(ms), said);
        }
    }
}
