//! How does a decimal number become a whole one, without a float between?

/// A plain decimal of at most nine places, in billionths: `2.5` is 2,500,000,000.
#[must_use]
pub(super) fn read(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let nanos: u64 = format!("{decimals:0<9}").parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// A JSON number in units of 10^-`places`, rounded half up: floats leave traces such as `0.049999999999999996`.
#[must_use]
pub(crate) fn number(json: &str, places: u32) -> Option<u64> {
    let (mantissa, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 36 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u128 = digits.parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let shift = i32::try_from(places).ok()?.checked_add(exponent)?;
    let shift = shift.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let Some(power) = 10_u128.checked_pow(shift.unsigned_abs()) else {
        // So far to the right that nothing is left of it, or too large.
        return (shift < 0 || digits == 0).then_some(0);
    };
    let scaled =
        if shift < 0 { (digits + power / 2) / power } else { digits.checked_mul(power)? };
    u64::try_from(scaled).ok()
}

/// Billionths as a plain decimal without zeros at its end.
#[must_use]
pub(crate) fn write(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, nanos) in [
            ("0", 0),
            ("2.5", 2_500_000_000),
            ("0.0028", 2_800_000),
            ("0.234375", 234_375_000),
            ("600", 600_000_000_000),
            ("0.000000001", 1),
        ] {
            assert_eq!(read(text), Some(nanos), "{text}");
            assert_eq!(number(text, 9), Some(nanos), "{text}");
            assert_eq!(write(nanos), text);
        }
        for text in ["", ".", "-1", "+1", "1e3", "x", "0.0000000001", "1.-2"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn traces_of_floats_are_rounded_away() {
        for (text, nanos) in [
            ("0.049999999999999996", Some(50_000_000)),
            ("5e-05", Some(50_000)),
            ("1.5E+2", Some(150_000_000_000)),
            ("1e-99", Some(0)),
            ("1e99", None),
            ("1e2147483647", None),
            ("-1", None),
            ("null", None),
            ("\"1\"", None),
            ("", None),
        ] {
            assert_eq!(number(text, 9), nanos, "{text}");
        }
    }
}
