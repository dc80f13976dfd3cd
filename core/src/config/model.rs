//! What does the file set for models? The same words as the API's, which cannot change them.

use super::{
    document::{Said, Table},
    mistake::Mistake,
    reading::Reading,
    unique::Unique,
};
use crate::{
    limits,
    money::{Override, Price, Rates, Tier, Unit, amount, is_model_name},
};

/// Reads every `[[model]]`.
pub(super) fn read(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Vec<Override> {
    let mut ids = Unique::default();
    let tables = reading.tables(root, "model", "[[model]]");
    tables.into_iter().filter_map(|table| read_one(table, &mut ids, reading)).collect()
}

fn read_one(mut table: Table<'_>, ids: &mut Unique, reading: &mut Reading<'_>) -> Option<Override> {
    let id = reading.needed(&mut table, "id", |said| read_id(said, ids));
    let enabled = reading.enabled(&mut table);
    let display_name = reading.optional(&mut table, "display_name", read_display_name);
    let context = reading.optional(&mut table, "context", read_tokens);
    let output_max = reading.optional(&mut table, "output_max", read_tokens);
    let price = table.has("price").then(|| {
        let table = reading.table(&mut table, "price", "[model.price]");
        read_price(table, reading)
    });
    reading.end_table(table);
    let display_name = display_name.unwrap_or_default();
    Some(Override { name: id?, price, enabled, display_name, context, output_max })
}

fn read_price(mut table: Table<'_>, reading: &mut Reading<'_>) -> Price {
    let mut price = Price::default();
    price.base = read_rates(&mut table, &Unit::ALL, reading);
    let tiers = reading.tables(&mut table, "tiers", "[[model.price.tiers]]");
    if tiers.len() > limits::PRICE_TIERS_MAX {
        let most = limits::PRICE_TIERS_MAX;
        reading.note(table.mistake(&format!("has more than {most} tiers")));
    }
    price.tiers = tiers.into_iter().filter_map(|tier| read_tier(tier, reading)).collect();
    price.tiers.sort_by_key(|tier| tier.above_tokens);
    reading.end_table(table);
    price
}

fn read_tier(mut table: Table<'_>, reading: &mut Reading<'_>) -> Option<Tier> {
    let above_tokens = reading.needed(&mut table, "above_tokens", read_tokens);
    let rates = read_rates(&mut table, &Unit::TIERED, reading);
    reading.end_table(table);
    Some(Tier { above_tokens: above_tokens?, rates })
}

fn read_rates(table: &mut Table<'_>, units: &[Unit], reading: &mut Reading<'_>) -> Rates {
    let mut rates = Rates::default();
    for unit in units {
        if let Some(nanos) = reading.optional(table, unit.name(), read_amount) {
            rates.set(*unit, nanos);
        }
    }
    rates
}

fn read_id(said: &Said<'_>, ids: &mut Unique) -> Result<String, Mistake> {
    let id = said.text()?;
    if !is_model_name(id) {
        let most = limits::DOCUMENT_ID_BYTES_MAX;
        let wanted = format!(
            "must be `model` or `provider/model`, at most {most} bytes without white space"
        );
        return Err(said.spot.mistake(wanted));
    }
    ids.first(said, id.to_owned())
}

fn read_display_name(said: &Said<'_>) -> Result<String, Mistake> {
    let (name, most) = (said.text()?, limits::NAME_BYTES_MAX);
    if name.len() > most || name.chars().any(char::is_control) {
        return Err(said.spot.mistake(format!("must be one line of at most {most} bytes")));
    }
    Ok(name.to_owned())
}

fn read_tokens(said: &Said<'_>) -> Result<u64, Mistake> {
    said.count(limits::MODEL_TOKENS_MAX).map(u64::from)
}

fn read_amount(said: &Said<'_>) -> Result<u64, Mistake> {
    let wanted = "must be dollars for a million, such as 2.5, with at most six digits before the point and nine behind it";
    amount(said.digits()?).ok_or_else(|| said.spot.mistake(wanted))
}
