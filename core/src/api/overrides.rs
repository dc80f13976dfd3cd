//! What is set for a model beyond the catalogue? Its price, whether it may be used, its name for people, its limits.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    document::{Declared, Resource},
    prices,
};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    limits::{DOCUMENT_ID_BYTES_MAX, MODEL_TOKENS_MAX, NAME_BYTES_MAX, PRICE_TIERS_MAX},
    money::{Override, amount, is_model_name},
    store::Kind,
};

/// What is set for a model. Its id is `model` for every provider, or `provider/model`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Model {
    /// What it costs; as the catalogue has it unless said.
    #[serde(default)]
    price: Option<Price>,
    /// A disabled model is refused.
    #[serde(default = "yes")]
    enabled: bool,
    /// The name for people.
    #[serde(default)]
    display_name: String,
    /// Tokens of prompt and reply together.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000_000)))]
    context: Option<u64>,
    /// Tokens of the reply.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000_000)))]
    output_max: Option<u64>,
}

/// Dollars for a million tokens, for a thousand calls of tools or for a picture, as decimals such as `"2.5"`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(default)]
struct Price {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_5m: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_1h: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_out: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_out: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    /// Other prices for long requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Tier>,
}

/// What a request of more than so many tokens costs.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Tier {
    /// From one token more on.
    #[cfg_attr(test, schemars(range(max = 1_000_000_000)))]
    above_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_read: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write_5m: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write_1h: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audio_in: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audio_out: Option<String>,
}

fn yes() -> bool {
    true
}

#[async_trait]
impl Resource for Model {
    const KIND: Kind = Kind::Model;
    const WORD: &'static str = "model";

    fn check_id(id: &str) -> Result<()> {
        if !is_model_name(id) {
            let message = format!(
                "A model's id has at most {DOCUMENT_ID_BYTES_MAX} bytes and no white space."
            );
            return Err(Error::bad_request(message).at("id"));
        }
        Ok(())
    }

    fn check(&self, id: &str) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::bad_request(message).at(field));
        let name = &self.display_name;
        if name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return wrong("display_name", "A name is one short line.".to_owned());
        }
        for (field, tokens) in [("context", self.context), ("output_max", self.output_max)] {
            if !tokens.is_none_or(|tokens| (1..=MODEL_TOKENS_MAX.into()).contains(&tokens)) {
                return wrong(
                    field,
                    format!("A number of tokens goes from 1 to {MODEL_TOKENS_MAX}."),
                );
            }
        }
        let Some(price) = &self.price else { return Ok(()) };
        if price.tiers.len() > PRICE_TIERS_MAX {
            return wrong("price.tiers", format!("A price has at most {PRICE_TIERS_MAX} tiers."));
        }
        if price.tiers.iter().any(|tier| tier.above_tokens > MODEL_TOKENS_MAX.into()) {
            let message = format!("A tier begins at {MODEL_TOKENS_MAX} tokens at most.");
            return wrong("price.tiers", message);
        }
        if let Some(amount) = price.amounts().find(|text| amount(text).is_none()) {
            let amount: String = amount.chars().take(20).collect();
            let message = format!(
                "`{amount}` is no price: a price is a decimal such as \"2.5\" with at most six digits before the point and nine behind it."
            );
            return wrong("price", message);
        }
        // What is kept is read by the rules of money alone.
        let body = serde_json::to_string(self).map_err(Error::internal)?;
        Override::read(id, &body).map(drop)
    }

    fn declared(gateway: &Gateway) -> Vec<Declared<Self>> {
        let declared = |set: &Override| Declared {
            id: set.name.clone(),
            place: "`[[model]]` of the configuration",
            body: shown(set),
        };
        gateway.state.config.models.iter().map(declared).collect()
    }
}

/// What is declared, in the shape of what is kept.
fn shown(set: &Override) -> Model {
    let price = set.price.as_ref().map(|price| {
        let price = serde_json::to_value(prices::shown(price)).and_then(serde_json::from_value);
        price.expect("a price is shown in the words in which it is set")
    });
    Model {
        price,
        enabled: set.enabled,
        display_name: set.display_name.clone(),
        context: set.context,
        output_max: set.output_max,
    }
}

impl Price {
    fn amounts(&self) -> impl Iterator<Item = &String> {
        let own = [
            &self.input,
            &self.output,
            &self.cache_read,
            &self.cache_write_5m,
            &self.cache_write_1h,
            &self.reasoning,
            &self.audio_in,
            &self.audio_out,
            &self.audio_read,
            &self.image_in,
            &self.image_out,
            &self.call,
            &self.picture,
        ];
        own.into_iter().chain(self.tiers.iter().flat_map(Tier::amounts)).flatten()
    }
}

impl Tier {
    fn amounts(&self) -> [&Option<String>; 7] {
        [
            &self.input,
            &self.output,
            &self.cache_read,
            &self.cache_write_5m,
            &self.cache_write_1h,
            &self.audio_in,
            &self.audio_out,
        ]
    }
}
