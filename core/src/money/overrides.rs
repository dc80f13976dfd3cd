//! What has an administrator set for a model? Its price, whether it may be used, its name for people, its limits.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    decimal,
    price::{Price, Rates, Tier, Unit},
};
use crate::{
    error::{Error, Result},
    json,
    limits::{DOCUMENT_ID_BYTES_MAX, PRICE_NANO_MAX},
    store::Document,
};

/// What was set for one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// `model` for every provider, or `provider/model`.
    pub name: String,
    /// What it costs; `None` leaves it as listed.
    pub price: Option<Price>,
    /// Whether it may be asked for.
    pub enabled: bool,
    /// The name for people; empty when it is the listed one.
    pub display_name: String,
    /// Tokens of prompt and reply together.
    pub context: Option<u64>,
    /// Tokens of the reply.
    pub output_max: Option<u64>,
}

/// A model's document.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    price: Option<&'a RawValue>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    context: Option<u64>,
    #[serde(default)]
    output_max: Option<u64>,
}

fn yes() -> bool {
    true
}

impl Override {
    /// Reads a model's document. Its name is `model` or `provider/model`.
    pub fn from_document(document: &Document) -> Result<Self> {
        Self::read(&document.name, &document.body)
    }

    /// Reads what is set for a model of this name from JSON.
    pub fn read(name: &str, json: &str) -> Result<Self> {
        let body: Body<'_> = json::read(json)
            .map_err(|error| Error::bad_request("This is no model.").because(error))?;
        let price = body.price.filter(|price| price.get() != "null");
        Ok(Self {
            name: name.to_owned(),
            price: price.map(|price| read_price(price.get())).transpose()?,
            enabled: body.enabled,
            display_name: body.display_name,
            context: body.context,
            output_max: body.output_max,
        })
    }

    /// Whether it is about this model of this provider.
    #[must_use]
    pub fn is_of(&self, provider: &str, model: &str) -> bool {
        let own = || {
            let rest = self.name.strip_prefix(provider)?.strip_prefix('/')?;
            (rest == model).then_some(())
        };
        self.name == model || own().is_some()
    }

    /// Whether it sets the price of this model of this provider.
    pub(super) fn prices(&self, provider: &str, model: &str) -> bool {
        self.price.is_some() && self.is_of(provider, model)
    }

    /// What tells these prices from others.
    pub(super) fn told(&self) -> String {
        format!("{}\t{}", self.name, self.price.as_ref().map(Price::told).unwrap_or_default())
    }
}

/// Whether this may be the name of what is set for a model: `model` or `provider/model`.
#[must_use]
pub fn is_model_name(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    !text.is_empty() && text.len() <= DOCUMENT_ID_BYTES_MAX && text.chars().all(plain)
}

/// Nano-dollars from an amount as people write it: a decimal with at most six digits before the point and nine behind it.
#[must_use]
pub fn amount(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || decimals.is_empty() || whole.len() > 6 {
        return None;
    }
    decimal::read(text)
}

/// Reads a price: dollars for a million of each unit, as numbers or as texts of decimals, and `tiers` of the same with
/// `above_tokens`.
pub fn read_price(json: &str) -> Result<Price> {
    let mut price = Price::default();
    for (name, value) in fields(json)? {
        if name == "tiers" {
            let tiers: Vec<&RawValue> = json::read(value.get()).map_err(no_price)?;
            for tier in tiers {
                price.tiers.push(read_tier(tier.get())?);
            }
            price.tiers.sort_by_key(|tier| tier.above_tokens);
        } else {
            set(&mut price.base, name, value.get())?;
        }
    }
    Ok(price)
}

fn read_tier(json: &str) -> Result<Tier> {
    let mut tier = Tier { above_tokens: 0, rates: Rates::default() };
    for (name, value) in fields(json)? {
        if name == "above_tokens" {
            tier.above_tokens = json::read(value.get()).map_err(no_price)?;
        } else {
            set(&mut tier.rates, name, value.get())?;
        }
    }
    Ok(tier)
}

fn fields(json: &str) -> Result<BTreeMap<&str, &RawValue>> {
    json::read(json).map_err(no_price)
}

fn set(rates: &mut Rates, name: &str, amount: &str) -> Result<()> {
    let unit = Unit::ALL.into_iter().find(|unit| unit.name() == name);
    let unit = unit.ok_or_else(|| no_price(format!("there is no `{name}`")))?;
    if amount == "null" {
        return Ok(());
    }
    let nanos = decimal::number(amount.trim_matches('"'), 9);
    let nanos = nanos.filter(|nanos| *nanos <= PRICE_NANO_MAX).ok_or_else(|| {
        no_price(format!("`{name}` is a number of dollars for a million, not below zero"))
    })?;
    rates.set(unit, nanos);
    Ok(())
}

fn no_price(why: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("This is no price: {why}.")).at("price")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_exactly() {
        let set = Override::read(
            "openai/gpt-4o",
            r#"{"price":{"input":"2.5","output":10,"cache_read":0.000000001},"enabled":false}"#,
        )
        .unwrap();
        let price = set.price.as_ref().unwrap();
        assert_eq!(price.base.get(Unit::Input), Some(2_500_000_000));
        assert_eq!(price.base.get(Unit::Output), Some(10_000_000_000));
        assert_eq!(price.base.get(Unit::CacheRead), Some(1));
        assert!(!set.enabled);
        assert!(set.is_of("openai", "gpt-4o"));
        assert!(!set.is_of("azure", "gpt-4o"));
        assert!(Override::read("gpt-4o", "{}").unwrap().is_of("azure", "gpt-4o"));
    }

    #[test]
    fn prices_are_told_apart_by_what_they_are() {
        let told =
            |price: &str| Override::read("m", &format!(r#"{{"price":{price}}}"#)).unwrap().told();
        let price = told(r#"{"input":"2.50","tiers":[{"above_tokens":9,"output":"1"}]}"#);
        assert_eq!(price, "m\tin=2.5 >9 out=1");
        assert_eq!(price, told(r#"{"tiers":[{"output":1,"above_tokens":9}],"input":2.5}"#));
        assert_ne!(price, told(r#"{"input":2.5}"#));
        assert_eq!(told("null"), "m\t");
    }

    #[test]
    fn an_amount_is_a_plain_decimal() {
        for (text, nanos) in
            [("0", 0), ("2.5", 2_500_000_000), ("0.000000001", 1), ("999999", 999_999_000_000_000)]
        {
            assert_eq!(amount(text), Some(nanos), "{text}");
        }
        for wrong in ["", ".5", "1.", "-1", "1e3", "1,5", "1000000", "0.0000000001", "NaN"] {
            assert_eq!(amount(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_price_may_have_tiers() {
        let price = read_price(r#"{"input":1,"tiers":[{"above_tokens":200000,"input":"2"}]}"#);
        assert_eq!(price.unwrap().rates(200_001).get(Unit::Input), Some(2_000_000_000));
        assert!(read_price(r#"{"tiers":[{"above_tokens":-1}]}"#).is_err());
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for price in ["-1", "\"x\"", "[]", "1e30", "\"\""] {
            let body = format!(r#"{{"price":{{"input":{price}}}}}"#);
            assert!(Override::read("m", &body).is_err(), "{price}");
        }
        assert!(Override::read("m", r#"{"price":{"inputs":1}}"#).is_err());
    }
}
