//! What does a host itself say that an answer cost, and which of its own tools it used for it?

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{json, money::decimal};

/// Dollars as a number, or the total of an object. A float never holds them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dollars(Option<i64>);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if !text.starts_with('{') {
            return Ok(Self(nanos(text)));
        }
        let parts: Parts = json::read(text).unwrap_or_default();
        Ok(Self(parts.total_cost.and_then(|total| nanos(total.get()))))
    }
}

/// The parts of a cost.
#[derive(Deserialize, Default)]
struct Parts {
    #[serde(default)]
    total_cost: Option<Box<RawValue>>,
}

fn nanos(number: &str) -> Option<i64> {
    i64::try_from(decimal::number(number, 9)?).ok()
}

/// What was paid to the host behind, where a router uses the customer's own key.
#[derive(Deserialize, Default)]
pub(crate) struct Behind {
    #[serde(default)]
    upstream_inference_cost: Option<Dollars>,
}

/// How often each of the host's own tools was called.
#[derive(Deserialize, Default)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(crate) struct ToolCalls {
    web_search_calls: i64,
    x_search_calls: i64,
    code_interpreter_calls: i64,
    file_search_calls: i64,
    document_search_calls: i64,
}

impl ToolCalls {
    /// All calls.
    pub(crate) fn sum(&self) -> i64 {
        let each = [
            self.web_search_calls,
            self.x_search_calls,
            self.code_interpreter_calls,
            self.file_search_calls,
            self.document_search_calls,
        ];
        each.into_iter().map(|calls| calls.max(0)).fold(0, i64::saturating_add)
    }
}

/// What a host's usage says of money.
pub(crate) struct Bill<'a> {
    /// `cost`.
    pub(crate) cost: Option<Dollars>,
    /// `cost_in_usd_ticks`: ten thousand millionths of a dollar each.
    pub(crate) ticks: Option<i64>,
    /// `cost_details`, where the customer's own key was used.
    pub(crate) behind: Option<&'a Behind>,
}

impl Bill<'_> {
    /// Nano-dollars, rounded half up. Hosts that charge by other ways tell 0, which says nothing.
    pub(crate) fn nanos(&self) -> Option<i64> {
        let ticks = self.ticks.map(|ticks| ticks.saturating_add(5).div_euclid(10));
        let told = self.cost.and_then(|cost| cost.0).or(ticks);
        let behind = self.behind.and_then(|behind| behind.upstream_inference_cost?.0);
        let sum = told.unwrap_or(0).saturating_add(behind.unwrap_or(0));
        Some(sum).filter(|sum| *sum > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_read_without_a_float() {
        let cost = |json| {
            let cost: Dollars = serde_json::from_str(json).unwrap();
            Bill { cost: Some(cost), ticks: None, behind: None }.nanos()
        };
        assert_eq!(cost("0.000151"), Some(151_000));
        assert_eq!(cost("1.2e-08"), Some(12));
        assert_eq!(cost(r#"{"currency":"USD","total_cost":0.00571}"#), Some(5_710_000));
        for silent in ["0", "-1", "null", "\"1\"", "[]", "{}", r#"{"total_cost":0}"#] {
            assert_eq!(cost(silent), None, "{silent}");
        }
    }

    #[test]
    fn ticks_and_what_was_paid_behind_are_nano_dollars_too() {
        let ticks = |ticks| Bill { cost: None, ticks: Some(ticks), behind: None }.nanos();
        assert_eq!(ticks(10_071_500), Some(1_007_150));
        assert_eq!(ticks(5), Some(1));
        assert_eq!(ticks(0), None);
        let behind: Behind = serde_json::from_str(r#"{"upstream_inference_cost":0.02}"#).unwrap();
        let cost = serde_json::from_str("0.001").unwrap();
        let bill = Bill { cost: Some(cost), ticks: None, behind: Some(&behind) };
        assert_eq!(bill.nanos(), Some(21_000_000));
    }
}
