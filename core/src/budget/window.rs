//! How long does a limit count? In calendar windows of UTC, over a span that rolls, or only for what is under way.

use crate::ports::Millis;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// A month that rolls has no calendar.
const MONTH_MS: i64 = 30 * DAY_MS;
/// 1970 began on a Thursday; weeks begin on Mondays.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;

/// The end of what never ends, within what D1 can hold.
pub(crate) const NEVER_MS: Millis = (1 << 53) - 1;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours; in a calendar from midnight UTC.
    Day,
    /// Seven days; in a calendar from Monday.
    Week,
    /// A calendar month, or 30 days that roll.
    Month,
    /// For ever.
    Total,
}

/// When what was spent no longer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// As soon as its request is over.
    Current,
    /// At the next minute, hour, day, Monday or first of the month.
    Calendar(Span),
    /// Bit by bit: after a span all of it.
    Rolling(Span),
}

/// One calendar window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first millisecond.
    pub start_ms: Millis,
    /// The first one after it.
    pub end_ms: Millis,
}

impl Span {
    /// All of them, with the words of configuration and API.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("minute", Self::Minute),
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("total", Self::Total),
    ];

    /// The word of configuration and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// How long it is.
    #[must_use]
    pub fn length_ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
            Self::Week => WEEK_MS,
            Self::Month => MONTH_MS,
            Self::Total => NEVER_MS,
        }
    }

    /// The calendar window that holds a moment.
    #[must_use]
    pub fn period(self, now_ms: Millis) -> Period {
        let whole = |length: i64, origin: i64| {
            let start_ms = now_ms - (now_ms - origin).rem_euclid(length);
            Period { start_ms, end_ms: start_ms + length }
        };
        match self {
            Self::Minute | Self::Hour | Self::Day => whole(self.length_ms(), 0),
            Self::Week => whole(WEEK_MS, FIRST_MONDAY_MS),
            Self::Month => {
                let (year, month, _) = civil(now_ms.div_euclid(DAY_MS));
                let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                Period {
                    start_ms: days(year, month) * DAY_MS,
                    end_ms: days(next_year, next) * DAY_MS,
                }
            }
            Self::Total => Period { start_ms: 0, end_ms: NEVER_MS },
        }
    }
}

/// A moment as people and clients read it, to the second, rounded up: what resets then has been reset.
pub(crate) fn rfc3339(at_ms: Millis) -> String {
    let seconds = at_ms.div_euclid(1000) + i64::from(at_ms.rem_euclid(1000) > 0);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day counted from 1970, in the proleptic Gregorian calendar: eras of 400 years that begin in March.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// The first day of a month, counted from 1970.
fn days(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(span: Span, now_ms: Millis, start: &str, end: &str) {
        let Period { start_ms, end_ms } = span.period(now_ms);
        assert_eq!((rfc3339(start_ms).as_str(), rfc3339(end_ms).as_str()), (start, end));
        assert_eq!(span.period(start_ms), span.period(end_ms - 1));
    }

    #[test]
    fn windows_begin_and_end_with_the_calendar() {
        // A Sunday.
        let now_ms = 1_709_208_000_000 + 3 * DAY_MS + 34_056_789;
        assert_eq!(rfc3339(now_ms), "2024-03-03T21:27:37Z");
        check(Span::Minute, now_ms, "2024-03-03T21:27:00Z", "2024-03-03T21:28:00Z");
        check(Span::Hour, now_ms, "2024-03-03T21:00:00Z", "2024-03-03T22:00:00Z");
        check(Span::Day, now_ms, "2024-03-03T00:00:00Z", "2024-03-04T00:00:00Z");
        check(Span::Week, now_ms, "2024-02-26T00:00:00Z", "2024-03-04T00:00:00Z");
        check(Span::Month, now_ms, "2024-03-01T00:00:00Z", "2024-04-01T00:00:00Z");
        check(Span::Month, 1_709_208_000_000, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
        check(Span::Month, 1_735_603_200_000, "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z");
        check(Span::Week, 0, "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z");
        assert_eq!(Span::Total.period(now_ms), Period { start_ms: 0, end_ms: NEVER_MS });
    }

    #[test]
    fn every_day_has_its_date() {
        let mut day = days(1970, 1);
        assert_eq!(day, 0);
        for year in 1970..2110 {
            for month in 1..=12 {
                assert_eq!(days(year, month), day, "{year}-{month}");
                let next = if month == 12 { days(year + 1, 1) } else { days(year, month + 1) };
                for of_month in 1..=next - day {
                    assert_eq!(civil(day + of_month - 1), (year, month, of_month));
                }
                day = next;
            }
        }
    }
}
