//! Until when does a key rest that has reached a limit? The provider says so in one of many ways, or it is learned.

use http::{HeaderMap, header};

use super::rates::{Rate, milliseconds};
use crate::{
    calendar,
    dialect::{Dialect, Rates},
    limits::COOL_ASKED_MAX,
    ports::Millis,
};

/// What limits are counted in, and the header that says how much is left.
const OPENAI: [(&str, &str); 2] =
    [("requests", "x-ratelimit-remaining-requests"), ("tokens", "x-ratelimit-remaining-tokens")];
const ANTHROPIC: [(&str, &str); 4] = [
    ("requests", "anthropic-ratelimit-requests-remaining"),
    ("tokens", "anthropic-ratelimit-tokens-remaining"),
    ("input-tokens", "anthropic-ratelimit-input-tokens-remaining"),
    ("output-tokens", "anthropic-ratelimit-output-tokens-remaining"),
];
/// Together, Moonshot and `OpenRouter` count one thing only.
const REMAINING: &str = "x-ratelimit-remaining";
const RESET: &str = "x-ratelimit-reset";
/// Beyond these, a number is no span but a moment, in seconds or in milliseconds since 1970.
const MOMENT_S: i64 = 500_000_000;
const MOMENT_MS: i64 = 500_000_000_000;

/// Until when a provider wants to be left alone. `told` is what its body says, as a `retry-after` header would.
pub(crate) fn asked(headers: &HeaderMap, told: Option<&str>, now: Millis) -> Option<Millis> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let precise = || text("retry-after-ms").and_then(|ms| ms.trim().parse::<i64>().ok());
    let usual = || text(header::RETRY_AFTER.as_str()).and_then(|value| span(value, now));
    let said = precise().or_else(usual).or_else(|| told.and_then(|told| span(told, now)));
    said.and_then(|ms| until(ms, now))
}

/// Until when a limit that refused a request holds, by the headers that tell of limits.
pub(crate) fn limited(dialect: Dialect, headers: &HeaderMap, now: Millis) -> Option<Millis> {
    let plain = || plain_span(headers.get(RESET)?.to_str().ok()?, now);
    spent_ms(dialect, headers, now).or_else(plain).and_then(|ms| until(ms, now))
}

/// Until when nothing is left of a limit, by an answer that was a good one.
pub(crate) fn spent(dialect: Dialect, headers: &HeaderMap, now: Millis) -> Option<Millis> {
    spent_ms(dialect, headers, now).and_then(|ms| until(ms, now))
}

/// The longest time until one of the limits of which nothing is left is whole again.
fn spent_ms(dialect: Dialect, headers: &HeaderMap, now: Millis) -> Option<i64> {
    let none = |name: &str| headers.get(name).is_some_and(|left| left.as_bytes() == b"0");
    let named = dialect.rates().and_then(|rates| {
        let units: &[(&str, &str)] = match rates {
            Rates::OpenAi => &OPENAI,
            Rates::Anthropic => &ANTHROPIC,
        };
        let spent = units.iter().filter(|(_, remaining)| none(remaining));
        spent.filter_map(|(unit, _)| Rate::read(rates, headers, unit, now).reset_ms).max()
    });
    let plain = headers.get(RESET).filter(|_| none(REMAINING)).and_then(|at| at.to_str().ok());
    named.max(plain.and_then(|value| plain_span(value, now)))
}

fn until(ms: i64, now: Millis) -> Option<Millis> {
    let longest = i64::try_from(COOL_ASKED_MAX.as_millis()).unwrap_or(i64::MAX);
    (ms > 0).then(|| now.saturating_add(ms.min(longest)))
}

/// Seconds, or a date of HTTP.
fn span(text: &str, now: Millis) -> Option<i64> {
    milliseconds(text).or_else(|| Some(date(text)?.saturating_mul(1000).saturating_sub(now)))
}

/// A span as elsewhere, or the moment itself.
fn plain_span(text: &str, now: Millis) -> Option<i64> {
    match text.trim().parse::<i64>() {
        Ok(moment) if moment >= MOMENT_MS => Some(moment.saturating_sub(now)),
        Ok(moment) if moment >= MOMENT_S => Some(moment.saturating_mul(1000).saturating_sub(now)),
        Ok(_) | Err(_) => milliseconds(text),
    }
}

/// Such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    calendar::read(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const NOW: Millis = 951_827_696_000;

    fn headers(given: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        given.iter().map(pair).collect()
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let check = |dialect, given: &[(&str, &str)], told, expected: Option<i64>| {
            let given = headers(given);
            let until = asked(&given, told, NOW).or_else(|| limited(dialect, &given, NOW));
            assert_eq!(until.map(|until| until - NOW), expected, "{given:?} {told:?}");
        };
        let chat = Dialect::OpenAiChat;
        check(chat, &[("retry-after", "30")], None, Some(30_000));
        check(chat, &[("retry-after", "0.5")], None, Some(500));
        check(chat, &[("retry-after", "Tue, 29 Feb 2000 12:35:26 GMT")], None, Some(30_000));
        check(chat, &[("retry-after", "Tue, 29 Feb 2000 12:34:26 GMT")], None, None);
        check(chat, &[("retry-after", "0")], None, None);
        check(chat, &[("retry-after", "soon")], None, None);
        check(chat, &[("retry-after", "9999999")], None, Some(86_400_000));
        // The more precise one wins.
        check(chat, &[("retry-after", "2"), ("retry-after-ms", "1200")], None, Some(1_200));
        // Google says it in the body.
        check(Dialect::Gemini, &[], Some("34"), Some(34_000));
        let spent = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")];
        check(chat, &spent, None, Some(360_000));
        let left = [("x-ratelimit-remaining-tokens", "9"), ("x-ratelimit-reset-tokens", "6m0s")];
        check(chat, &left, None, None);
        check(chat, &[("x-ratelimit-reset", "951827706")], None, Some(10_000));
        check(chat, &[("x-ratelimit-reset", "951827697500")], None, Some(1_500));
        check(chat, &[("x-ratelimit-reset", "7")], None, Some(7_000));
        check(chat, &[], None, None);
    }

    #[test]
    fn a_limit_of_which_nothing_is_left_is_learned() {
        let check = |dialect, given: &[(&str, &str)], expected: Option<i64>| {
            let until = spent(dialect, &headers(given), NOW);
            assert_eq!(until.map(|until| until - NOW), expected, "{given:?}");
        };
        let both = [
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2000-02-29T12:34:58Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ("anthropic-ratelimit-output-tokens-reset", "2000-02-29T12:35:06Z"),
        ];
        check(Dialect::Anthropic, &both, Some(10_000));
        check(Dialect::OpenAiChat, &both, None);
        let one = [("x-ratelimit-remaining-requests", "1"), ("x-ratelimit-reset-requests", "1s")];
        check(Dialect::OpenAiChat, &one, None);
        let none = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1s")];
        check(Dialect::OpenAiResponses, &none, Some(1_000));
        check(Dialect::OpenAiChat, &[("x-ratelimit-remaining-requests", "0")], None);
        let plain = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3")];
        check(Dialect::OpenAiChat, &plain, Some(3_000));
        // It is no refusal, so how long to wait is not said.
        check(Dialect::OpenAiChat, &[("retry-after", "9")], None);
    }
}
