//! How does models.dev's JSON become the catalogue that the core embeds? `cargo xtask catalog` writes it anew.
//!
//! The result is text: `@provider`, then its models, both sorted by id. The columns of a model, between tabs:
//!
//! | column | example | empty |
//! |---|---|---|
//! | id | `gpt-5.4` | |
//! | name | `GPT-5.4` | the id |
//! | release | `2026-03-05` | |
//! | tokens: context / input / output | `1050000/922000/128000` | a part that is not known |
//! | capabilities, a capital for a no | `arHts` | |
//! | modalities in > out | `tip>t` | |
//! | reasoning | `toggle effort=lmh budget=1024.. back=reasoning_content` | |
//! | status | `beta`, `deprecated` | in service |
//! | dollars for a million tokens | `in=2.5 out=15 read=0.25 >272000 in=5 out=22.5` | not known |

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde::Deserialize;
use serde_json::value::RawValue;

/// What went wrong, for the person at the terminal.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Writes `core/data/catalog.tsv` from `core/data/models_dev.json`. `root` is the workspace's folder.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    let folder = root.join("core/data");
    let source = fs::read_to_string(folder.join("models_dev.json"))?;
    fs::write(folder.join("catalog.tsv"), convert(&source)?)?;
    Ok(())
}

/// The catalogue of a source.
fn convert(source: &str) -> Result<String, Error> {
    let providers: BTreeMap<&str, Provider<'_>> = serde_json::from_str(source)?;
    let mut text = String::new();
    for (id, provider) in &providers {
        writeln!(text, "@{id}")?;
        for model in provider.models.values() {
            let line = model.line()?;
            // Tabs and line ends are the format's own.
            if line.matches('\t').count() != 8 || line.contains(['\n', '\r']) {
                return Err(format!("{id}/{}: a control character", model.id).into());
            }
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(borrow)]
    models: BTreeMap<&'a str, Model<'a>>,
}

/// All that the source says of a model: a field that is new there stops the conversion instead of vanishing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model<'a> {
    id: &'a str,
    name: &'a str,
    release_date: &'a str,
    attachment: bool,
    reasoning: bool,
    tool_call: bool,
    structured_output: Option<bool>,
    temperature: Option<bool>,
    #[serde(borrow, default)]
    reasoning_options: Vec<Steering<'a>>,
    interleaved: Option<Interleaved>,
    status: Option<Status>,
    limit: Limit,
    modalities: Modalities,
    #[serde(borrow)]
    cost: Option<Cost<'a>>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Steering<'a> {
    Toggle {},
    Effort {
        #[serde(borrow)]
        values: Vec<&'a str>,
    },
    BudgetTokens {
        min: Option<i64>,
        max: Option<i64>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Interleaved {
    Named { field: String },
    Unnamed(bool),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Beta,
    Deprecated,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    context: u64,
    input: Option<u64>,
    output: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Modalities {
    input: Vec<Modality>,
    output: Vec<Modality>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Modality {
    Text,
    Image,
    Audio,
    Video,
    Pdf,
}

/// Prices stay the text that they are in the source: a float would round them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    output: &'a RawValue,
    #[serde(borrow)]
    cache_read: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_write: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    input_audio: Option<&'a RawValue>,
    #[serde(borrow)]
    output_audio: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tiers: Vec<Cost<'a>>,
    /// Of a tier: where it begins.
    tier: Option<Bound>,
    /// A copy of the one tier, kept by the source for older readers.
    #[serde(borrow, rename = "context_over_200k")]
    _copy: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    #[serde(rename = "type")]
    kind: BoundKind,
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BoundKind {
    Context,
}

impl Model<'_> {
    fn line(&self) -> Result<String, Error> {
        let name = if self.name == self.id { "" } else { self.name };
        let limits = [Some(self.limit.context), self.limit.input, Some(self.limit.output)];
        // The source writes 0 for what it does not know.
        let limits = limits.map(|limit| match limit {
            None | Some(0) => String::new(),
            Some(tokens) => tokens.to_string(),
        });
        let columns = [
            self.id,
            name,
            self.release_date,
            &limits.join("/"),
            &self.capabilities(),
            &self.modalities.column(),
            &self.steering()?,
            self.status.as_ref().map_or("", Status::word),
            &self.cost.as_ref().map(Cost::column).transpose()?.unwrap_or_default(),
        ];
        Ok(columns.join("\t"))
    }

    fn capabilities(&self) -> String {
        let known = [
            ('a', Some(self.attachment)),
            ('r', Some(self.reasoning)),
            ('t', Some(self.tool_call)),
            ('s', self.structured_output),
            ('h', self.temperature),
        ];
        let letter = |(letter, known): (char, Option<bool>)| {
            known.map(|yes| if yes { letter } else { letter.to_ascii_uppercase() })
        };
        known.into_iter().filter_map(letter).collect()
    }

    fn steering(&self) -> Result<String, Error> {
        let mut words = Vec::new();
        for steering in &self.reasoning_options {
            words.push(steering.word()?);
        }
        match &self.interleaved {
            Some(Interleaved::Named { field }) => words.push(format!("back={field}")),
            Some(Interleaved::Unnamed(true)) => words.push("back=".to_owned()),
            Some(Interleaved::Unnamed(false)) | None => {}
        }
        Ok(words.join(" "))
    }
}

impl Steering<'_> {
    fn word(&self) -> Result<String, Error> {
        match self {
            Self::Toggle {} => Ok("toggle".to_owned()),
            Self::Effort { values } => {
                let letters: Result<String, Error> =
                    values.iter().map(|word| effort(word)).collect();
                Ok(format!("effort={}", letters?))
            }
            Self::BudgetTokens { min, max } => {
                let bound = |bound: &Option<i64>| bound.map(|tokens| tokens.to_string());
                let (min, max) = (bound(min).unwrap_or_default(), bound(max).unwrap_or_default());
                Ok(format!("budget={min}..{max}"))
            }
        }
    }
}

fn effort(word: &str) -> Result<char, Error> {
    match word {
        "none" => Ok('n'),
        "minimal" => Ok('i'),
        "low" => Ok('l'),
        "medium" => Ok('m'),
        "high" => Ok('h'),
        "xhigh" => Ok('x'),
        "max" => Ok('a'),
        "default" => Ok('d'),
        _ => Err(format!("an effort that the catalogue has no letter for: {word}").into()),
    }
}

impl Status {
    fn word(&self) -> &'static str {
        match self {
            Self::Beta => "beta",
            Self::Deprecated => "deprecated",
        }
    }
}

impl Modalities {
    fn column(&self) -> String {
        let letters = |modalities: &[Modality]| -> String {
            modalities.iter().map(|modality| modality.letter()).collect()
        };
        format!("{}>{}", letters(&self.input), letters(&self.output))
    }
}

impl Modality {
    fn letter(self) -> char {
        match self {
            Self::Text => 't',
            Self::Image => 'i',
            Self::Audio => 'a',
            Self::Video => 'v',
            Self::Pdf => 'p',
        }
    }
}

impl Cost<'_> {
    fn column(&self) -> Result<String, Error> {
        let mut column = self.rates()?;
        for tier in &self.tiers {
            let Some(Bound { kind: BoundKind::Context, size }) = tier.tier else {
                return Err("a tier without a bound".into());
            };
            write!(column, " >{size} {}", tier.rates()?)?;
        }
        Ok(column)
    }

    fn rates(&self) -> Result<String, Error> {
        let rates = [
            ("in", Some(self.input)),
            ("out", Some(self.output)),
            ("read", self.cache_read),
            ("write", self.cache_write),
            ("think", self.reasoning),
            ("ain", self.input_audio),
            ("aout", self.output_audio),
        ];
        let mut words = Vec::new();
        for (name, rate) in rates {
            if let Some(rate) = rate {
                words.push(format!("{name}={}", decimal(rate.get())?));
            }
        }
        Ok(words.join(" "))
    }
}

/// A JSON number as a plain decimal of at most nine places. More are rounded: they are traces of floats, such as
/// `0.049999999999999996`.
fn decimal(number: &str) -> Result<String, Error> {
    const PLACES: i32 = 9;
    let wrong = || format!("not a price: {number}");
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| wrong())?;
    let exponent: i32 = exponent.parse().map_err(|_| wrong())?;
    let shift = PLACES + exponent - i32::try_from(fraction.len())?;
    let power = 10_u128.checked_pow(shift.unsigned_abs()).ok_or_else(wrong)?;
    let nanos = if shift < 0 { (digits + power / 2) / power } else { digits * power };
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    Ok(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_what_the_source_makes() {
        let source = include_str!("../../core/data/models_dev.json");
        let catalog = include_str!("../../core/data/catalog.tsv");
        assert!(convert(source).unwrap() == catalog, "run `cargo xtask catalog`");
    }

    #[test]
    fn prices_become_plain_decimals() {
        for (number, text) in [
            ("0", "0"),
            ("0.0", "0"),
            ("10.0", "10"),
            ("2.50", "2.5"),
            ("0.0028", "0.0028"),
            ("0.234375", "0.234375"),
            ("5e-05", "0.00005"),
            ("1.5E+2", "150"),
            ("0.049999999999999996", "0.05"),
            ("0.09999999999999999", "0.1"),
        ] {
            assert_eq!(decimal(number).unwrap(), text, "{number}");
        }
        for number in ["-1", "\"1\"", "null", "1e99"] {
            assert!(decimal(number).is_err(), "{number}");
        }
    }
}
