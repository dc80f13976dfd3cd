//! Does the same usage cost the same as with a library of prices, at that library's own prices?
//!
//! The library's figures stand beside the recorded usage, its prices in `prices/genai_prices_v2_data.json`.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_core::money::{Price, cost, decimal};

use crate::{
    recording,
    tally::{Check, Failure, Verdict},
    usage::{self, Extracted, Extraction},
};

/// What was found, beside the verdicts.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) verdicts: Vec<Verdict>,
    /// Usage that the library has no figure for.
    pub(crate) unpriced: usize,
    /// Usage of dialects that are not spoken, with a figure.
    pub(crate) unspoken: usize,
}

/// Judges every usage in a folder.
pub(crate) fn judge_all(folder: &Path) -> Result<Found, String> {
    let library = Library::read(&folder.join("corpora/prices/genai_prices_v2_data.json"))
        .or_else(|_| Library::read(&folder.join("prices/genai_prices_v2_data.json")))?;
    let mut found = Found::default();
    for path in recording::usages(folder)? {
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let all: Vec<Extraction> = serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        for (at, extraction) in all.iter().enumerate() {
            judge(at, extraction, &library, &mut found);
        }
    }
    Ok(found)
}

fn judge(at: usize, extraction: &Extraction, library: &Library, found: &mut Found) {
    let file = extraction.body.get("file").and_then(Value::as_str).unwrap_or_default();
    let dialect = usage::dialect(&extraction.body);
    let Some(figure) = figure(file, dialect.map(|(dialect, _)| dialect), &extraction.extracted)
    else {
        found.unpriced += 1;
        return;
    };
    let Some((dialect, name)) = dialect else {
        found.unspoken += 1;
        return;
    };
    let usage = &extraction.body[name];
    let model = extraction.model.as_deref().unwrap_or_default();
    let failure = match ours(dialect, name, usage, &library.prices(&figure.provider, model)) {
        Ok(costs) if costs.contains(&figure.nanos) => None,
        Ok(costs) => {
            let detail = format!("{} {model} {usage}\n{} {costs:?}", figure.provider, figure.nanos);
            Some(Failure::new(format!("the cost with {} differs", figure.provider), detail))
        }
        Err(error) => Some(Failure::new(error, format!("{} {model} {usage}", figure.provider))),
    };
    found.verdicts.push(Verdict {
        check: Check::Cost,
        pair: "answer>cost".to_owned(),
        id: format!("{file}#{at}"),
        failures: failure.into_iter().collect(),
        refused: None,
    });
}

/// Our cost by each price that may be meant.
fn ours(
    dialect: tidegate_core::dialect::Dialect,
    name: &str,
    usage: &Value,
    prices: &[Price],
) -> Result<Vec<i64>, String> {
    if prices.is_empty() {
        return Err("the library's price was not found".to_owned());
    }
    let used = usage::used(dialect, name, usage)?;
    Ok(prices.iter().map(|price| cost(price, &used, "")).collect())
}

/// What the library says that a usage costs.
struct Figure {
    provider: String,
    nanos: i64,
}

/// The figure of the extractor that fits best; `None` when none of them has one.
fn figure(
    file: &str,
    dialect: Option<tidegate_core::dialect::Dialect>,
    extracted: &[Extracted],
) -> Option<Figure> {
    let all = || extracted.iter().flat_map(|extracted| &extracted.extractors);
    let priced = || all().filter(|by| by.input_price.is_some());
    let best = dialect.and_then(|dialect| {
        let names = usage::extractors(dialect, file);
        names.into_iter().find_map(|(provider, flavor)| {
            priced().find(|by| by.provider_id == provider && by.api_flavor == flavor)
        })
    });
    let by =
        best.or_else(|| priced().find(|by| by.provider_id != "aws")).or_else(|| priced().next())?;
    let nanos = |text: &Option<String>| text.as_deref().and_then(|text| decimal::number(text, 15));
    // The parts are rounded once, as ours are: in sum.
    let total = nanos(&by.total_price)
        .or_else(|| nanos(&by.input_price)?.checked_add(nanos(&by.output_price).unwrap_or(0)))?;
    let nanos = i64::try_from((total + 500_000) / 1_000_000).ok()?;
    Some(Figure { provider: by.provider_id.clone(), nanos })
}

/// The library's prices.
struct Library(Vec<Provider>);

#[derive(Deserialize)]
struct Provider {
    id: String,
    models: Vec<Model>,
    #[serde(default)]
    fallback_model_providers: Vec<String>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "match")]
    fits: Map<String, Value>,
    prices: Value,
}

impl Library {
    fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_slice(&text)
            .map(Self)
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The prices of a model: several where they change with the date or the time of the day. When the figures were made is
    /// not told.
    fn prices(&self, provider: &str, model: &str) -> Vec<Price> {
        let model = model.to_lowercase();
        let of = |id: &str| self.0.iter().find(|provider| provider.id == id);
        let Some(provider) = of(provider) else { return Vec::new() };
        let others = provider.fallback_model_providers.iter().filter_map(|id| of(id));
        let found = [provider]
            .into_iter()
            .chain(others)
            .find_map(|provider| provider.models.iter().find(|it| fits(&it.fits, &model)));
        found.map(Model::prices).unwrap_or_default()
    }
}

impl Model {
    fn prices(&self) -> Vec<Price> {
        let Some(dated) = self.prices.as_array() else {
            return price(&self.prices).into_iter().collect();
        };
        dated.iter().filter_map(|one| price(&one["prices"])).collect()
    }
}

fn fits(clause: &Map<String, Value>, model: &str) -> bool {
    clause.iter().any(|(kind, value)| {
        let text = value.as_str().unwrap_or_default().to_lowercase();
        let inner = || value.as_array().into_iter().flatten().filter_map(Value::as_object);
        match kind.as_str() {
            "equals" => model == text,
            "starts_with" => model.starts_with(&text),
            "ends_with" => model.ends_with(&text),
            "contains" => model.contains(&text),
            "or" => inner().any(|clause| fits(clause, model)),
            "and" => inner().all(|clause| fits(clause, model)),
            // Patterns of this library are few, and of models that were not recorded.
            _ => false,
        }
    })
}

/// One of its prices, in the words of ours.
fn price(prices: &Value) -> Option<Price> {
    let mut base = BTreeMap::new();
    let mut tiers: BTreeMap<u64, BTreeMap<&str, String>> = BTreeMap::new();
    for (name, value) in prices.as_object()? {
        let Some((word, times)) = word(name) else { continue };
        base.insert(word, amount(value.get("base").unwrap_or(value), times)?);
        for tier in value["tiers"].as_array().into_iter().flatten() {
            let rates = tiers.entry(tier["start"].as_u64()?).or_default();
            rates.insert(word, amount(&tier["price"], times)?);
        }
    }
    // The library knows no long writes where it lists no price of them.
    if let (None, Some(write)) = (base.get("write1h"), base.get("write").cloned()) {
        base.insert("write1h", write);
    }
    let words = |rates: &BTreeMap<&str, String>| {
        let words: Vec<String> =
            rates.iter().map(|(word, price)| format!("{word}={price}")).collect();
        words.join(" ")
    };
    let mut column = words(&base);
    for (start, rates) in &tiers {
        write!(column, " >{start} {}", words(rates)).expect("a String takes everything");
    }
    // Models that are gone are kept without a price, and cost nothing.
    if column.is_empty() { Some(Price::default()) } else { Price::read(&column) }
}

/// Our word for a unit of its, and by how many of ours one of its is.
fn word(name: &str) -> Option<(&'static str, u64)> {
    Some(match name {
        "input_mtok" => ("in", 1),
        "output_mtok" => ("out", 1),
        "cache_read_mtok" => ("read", 1),
        "cache_write_mtok" => ("write", 1),
        "cache_write_1h_mtok" => ("write1h", 1),
        "input_audio_mtok" => ("ain", 1),
        "output_audio_mtok" => ("aout", 1),
        "cache_audio_read_mtok" => ("aread", 1),
        "input_image_mtok" => ("iin", 1),
        "output_image_mtok" => ("iout", 1),
        "output_reasoning_mtok" => ("think", 1),
        "web_searches_kcount" => ("call", 1000),
        _ => return None,
    })
}

fn amount(price: &Value, times: u64) -> Option<String> {
    Some(decimal::write(decimal::number(&price.to_string(), 9)?.checked_mul(times)?))
}
