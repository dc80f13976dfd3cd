//! What has an administrator set for a model? Its price, whether it may be used, its name for people, its limits.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    decimal,
    price::{Price, Unit},
};
use crate::{
    error::{Error, Result},
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
    /// The price as it was set.
    told: String,
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

/// Dollars for a million of each, as numbers or as texts of decimals.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceBody<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_write_5m: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_write_1h: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    audio_in: Option<&'a RawValue>,
    #[serde(borrow)]
    audio_out: Option<&'a RawValue>,
    #[serde(borrow)]
    audio_read: Option<&'a RawValue>,
    #[serde(borrow)]
    image_in: Option<&'a RawValue>,
    #[serde(borrow)]
    image_out: Option<&'a RawValue>,
    #[serde(borrow)]
    call: Option<&'a RawValue>,
    #[serde(borrow)]
    picture: Option<&'a RawValue>,
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
        let body: Body<'_> = serde_json::from_str(json)
            .map_err(|error| Error::bad_request("This is no model.").because(error))?;
        let price = body.price.filter(|price| price.get() != "null");
        Ok(Self {
            name: name.to_owned(),
            price: price.map(|price| read_price(price.get())).transpose()?,
            enabled: body.enabled,
            display_name: body.display_name,
            context: body.context,
            output_max: body.output_max,
            told: price.map(|price| price.get().to_owned()).unwrap_or_default(),
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
        format!("{}\t{}", self.name, self.told)
    }
}

/// Reads a price: dollars for a million of each unit.
pub fn read_price(json: &str) -> Result<Price> {
    let body: PriceBody<'_> = serde_json::from_str(json)
        .map_err(|error| Error::bad_request(format!("This is no price: {error}")).at("price"))?;
    let mut price = Price::default();
    for (unit, amount) in [
        (Unit::Input, body.input),
        (Unit::Output, body.output),
        (Unit::CacheRead, body.cache_read),
        (Unit::CacheWrite5m, body.cache_write_5m),
        (Unit::CacheWrite1h, body.cache_write_1h),
        (Unit::Reasoning, body.reasoning),
        (Unit::AudioIn, body.audio_in),
        (Unit::AudioOut, body.audio_out),
        (Unit::AudioRead, body.audio_read),
        (Unit::ImageIn, body.image_in),
        (Unit::ImageOut, body.image_out),
        (Unit::Call, body.call),
        (Unit::Picture, body.picture),
    ] {
        let Some(amount) = amount.map(RawValue::get).filter(|amount| *amount != "null") else {
            continue;
        };
        let nanos = decimal::number(amount.trim_matches('"'), 9)
            .filter(|nanos| *nanos <= crate::limits::PRICE_NANO_MAX)
            .ok_or_else(|| {
                let message = "A price is a number of dollars for a million, not below zero.";
                Error::bad_request(message).at("price")
            })?;
        price.base.set(unit, nanos);
    }
    Ok(price)
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
    fn what_is_no_price_is_refused() {
        for price in ["-1", "\"x\"", "[]", "1e30", "\"\""] {
            let body = format!(r#"{{"price":{{"input":{price}}}}}"#);
            assert!(Override::read("m", &body).is_err(), "{price}");
        }
        assert!(Override::read("m", r#"{"price":{"inputs":1}}"#).is_err());
    }
}
