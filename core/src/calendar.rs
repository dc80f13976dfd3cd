//! How is a time written and read as RFC 3339 has it?

const DAY_S: i64 = 86_400;

/// The text of a time, in seconds since the Unix epoch.
pub(crate) fn written(at_s: i64) -> String {
    let (days, rest) = (at_s.div_euclid(DAY_S), at_s.rem_euclid(DAY_S));
    // Years that begin in March end with the leap day; 400 of them have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The time of a text; fractions of a second are left out.
pub(crate) fn read(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, offset_s) = zone(time)?;
    let mut clock = clock.split('.').next()?.splitn(3, ':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let known = (1..=9_999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !known {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some(days * DAY_S + hour * 3_600 + minute * 60 + second - offset_s)
}

/// The time of day, and how far its zone is ahead.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at(at);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let ahead_s = number(hours)? * 3_600 + number(minutes)? * 60;
    Some((clock, if offset.starts_with('-') { -ahead_s } else { ahead_s }))
}

fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 4;
    digits.bytes().all(|byte| byte.is_ascii_digit() && plain).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (at_s, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
        ] {
            assert_eq!(written(at_s), text);
            assert_eq!(read(text), Some(at_s));
        }
        assert_eq!(read("2000-02-29T14:34:56.789+02:00"), Some(951_827_696));
        for wrong in ["", "2000-02-29", "2000-13-01T00:00:00Z", "x-1-1T0:0:0Z", "2000-01-01T0:0Z"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
