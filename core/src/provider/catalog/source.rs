//! How does models.dev's JSON become a catalogue? What is new there is passed over, what is broken left out.
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

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    error::{Error, Kind, Result},
    json,
    limits::PRICE_NANO_MAX,
    money::decimal,
};

/// The catalogue of a source, reduced to these providers.
pub(crate) fn convert(source: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<String> {
    let broken = |error| {
        Error::new(Kind::UpstreamBroken, "The new prices are not usable: they are no such JSON.")
            .because(error)
    };
    let providers: BTreeMap<String, &RawValue> = serde_json::from_slice(source).map_err(broken)?;
    let mut text = String::new();
    for (id, provider) in providers.iter().filter(|(id, _)| wanted(id)) {
        let provider: Provider<'_> = json::read(provider.get()).map_err(broken)?;
        let _ = writeln!(text, "@{id}");
        let models = provider.models.values();
        for line in models.filter_map(|model| line(model.get())) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

fn line(model: &str) -> Option<String> {
    let model: Model<'_> = json::read(model).ok()?;
    let line = model.line()?;
    // Tabs and line ends are the format's own, and so is the sign of a provider.
    let fits = line.matches('\t').count() == 8 && !line.contains(['\n', '\r']);
    (fits && !line.starts_with(['@', '*', '\t'])).then_some(line)
}

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(borrow)]
    models: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    release_date: Cow<'a, str>,
    attachment: Option<bool>,
    reasoning: Option<bool>,
    tool_call: Option<bool>,
    structured_output: Option<bool>,
    temperature: Option<bool>,
    #[serde(default)]
    reasoning_options: Vec<Steering>,
    #[serde(borrow)]
    interleaved: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    limit: Option<Limit>,
    modalities: Option<Modalities>,
    #[serde(borrow)]
    cost: Option<Cost<'a>>,
}

#[derive(Deserialize)]
struct Steering {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<Option<String>>,
    min: Option<i64>,
    max: Option<i64>,
}

#[derive(Deserialize)]
struct Field {
    field: String,
}

#[derive(Deserialize)]
struct Limit {
    context: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
}

#[derive(Deserialize)]
struct Modalities {
    #[serde(default)]
    input: Vec<String>,
    #[serde(default)]
    output: Vec<String>,
}

#[derive(Deserialize)]
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
    tier: Option<Bound>,
}

#[derive(Deserialize)]
struct Bound {
    #[serde(rename = "type")]
    kind: String,
    size: u64,
}

impl Model<'_> {
    fn line(&self) -> Option<String> {
        let name = if self.name == self.id { "" } else { &self.name };
        let limit = self.limit.as_ref();
        let limits = [
            limit.and_then(|limit| limit.context),
            limit.and_then(|limit| limit.input),
            limit.and_then(|limit| limit.output),
        ];
        // The source writes 0 for what it does not know.
        let known = |limit: Option<u64>| limit.filter(|tokens| *tokens > 0);
        let limits =
            limits.map(|it| known(it).map(|tokens| tokens.to_string()).unwrap_or_default());
        let status = self.status.as_deref().filter(|word| matches!(*word, "beta" | "deprecated"));
        let modalities = self.modalities.as_ref().map(Modalities::column);
        let cost = self.cost.as_ref().map(Cost::column);
        // A price that is none makes the whole model doubtful.
        let cost = cost.map_or(Some(String::new()), |column| column)?;
        let columns = [
            &self.id,
            name,
            &self.release_date,
            &limits.join("/"),
            &self.capabilities(),
            &modalities.unwrap_or_default(),
            &self.steering(),
            status.unwrap_or_default(),
            &cost,
        ];
        Some(columns.join("\t"))
    }

    fn capabilities(&self) -> String {
        let known = [
            ('a', self.attachment),
            ('r', self.reasoning),
            ('t', self.tool_call),
            ('s', self.structured_output),
            ('h', self.temperature),
        ];
        let letter = |(letter, known): (char, Option<bool>)| {
            known.map(|yes| if yes { letter } else { letter.to_ascii_uppercase() })
        };
        known.into_iter().filter_map(letter).collect()
    }

    fn steering(&self) -> String {
        let mut words: Vec<String> =
            self.reasoning_options.iter().filter_map(Steering::word).collect();
        let back = self.interleaved.map(RawValue::get).unwrap_or_default();
        if back == "true" {
            words.push("back=".to_owned());
        } else if let Ok(Field { field }) = json::read(back) {
            words.push(format!("back={field}"));
        }
        words.join(" ")
    }
}

impl Steering {
    fn word(&self) -> Option<String> {
        let bound = |bound: Option<i64>| bound.map(|it| it.to_string()).unwrap_or_default();
        match self.kind.as_str() {
            "toggle" => Some("toggle".to_owned()),
            "effort" => {
                let letters: String =
                    self.values.iter().flatten().filter_map(|word| effort(word)).collect();
                Some(format!("effort={letters}"))
            }
            "budget_tokens" => Some(format!("budget={}..{}", bound(self.min), bound(self.max))),
            _ => None,
        }
    }
}

fn effort(word: &str) -> Option<char> {
    match word {
        "none" => Some('n'),
        "minimal" => Some('i'),
        "low" => Some('l'),
        "medium" => Some('m'),
        "high" => Some('h'),
        "xhigh" => Some('x'),
        "max" => Some('a'),
        "default" => Some('d'),
        _ => None,
    }
}

impl Modalities {
    fn column(&self) -> String {
        let letters = |words: &[String]| -> String {
            words.iter().filter_map(|word| modality(word)).collect()
        };
        format!("{}>{}", letters(&self.input), letters(&self.output))
    }
}

fn modality(word: &str) -> Option<char> {
    match word {
        "text" => Some('t'),
        "image" => Some('i'),
        "audio" => Some('a'),
        "video" => Some('v'),
        "pdf" => Some('p'),
        _ => None,
    }
}

impl Cost<'_> {
    fn column(&self) -> Option<String> {
        let mut column = self.rates()?;
        for tier in &self.tiers {
            let Bound { kind, size } = tier.tier.as_ref()?;
            if kind != "context" {
                return None;
            }
            let _ = write!(column, " >{size} {}", tier.rates()?);
        }
        Some(column)
    }

    fn rates(&self) -> Option<String> {
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
            let Some(rate) = rate.map(RawValue::get).filter(|rate| *rate != "null") else {
                continue;
            };
            let nanos = decimal::number(rate, 9).filter(|nanos| *nanos <= PRICE_NANO_MAX)?;
            words.push(format!("{name}={}", decimal::write(nanos)));
        }
        Some(words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the catalogue is a file")]
    fn the_source_of_the_embedded_catalogue_makes_it() {
        let text = convert(include_bytes!("../../../data/models_dev.json"), &|_| true).unwrap();
        if env::var_os("UPDATE").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/catalog.tsv");
            fs::write(file, text).unwrap();
            return;
        }
        assert!(text == super::super::TEXT, "run `UPDATE=1 cargo test -p tidegate-core embedded`");
    }

    #[test]
    fn what_is_new_is_passed_over_and_what_is_broken_left_out() {
        let source = r#"{
            "a": {"env": [], "models": {
                "m": {"id":"m","name":"M","family":"f","knowledge":"2026","status":"alpha","limit":{"context":0,"output":8},"modalities":{"input":["text","smell"],"output":["text"]},"reasoning_options":[{"type":"effort","values":[null,"low","huge"]},{"type":"dial"}],"cost":{"input":2.5,"output":1e1,"cache_read":null,"odor":3}},
                "n": {"id":"n","cost":{"input":-1,"output":1}},
                "o": {"id":"o","cost":{"input":"1","output":1}},
                "p": {"id":"p\tq"},
                "q": 7,
                "r": {"id":"*","cost":{"input":1,"output":1}},
                "s": {"id":"s","cost":{"input":1e18,"output":1}},
                "t": {"id":"t"}
            }},
            "b": {"models": {}},
            "c": 7
        }"#;
        let text = convert(source.as_bytes(), &|id| id != "c").unwrap();
        assert_eq!(
            text,
            "@a\nm\tM\t\t//8\t\tt>t\teffort=l\t\tin=2.5 out=10\nt\t\t\t//\t\t\t\t\t\n@b\n"
        );
        for garbage in ["", "[]", "<html>", r#"{"a":{"models":[]}}"#] {
            assert!(convert(garbage.as_bytes(), &|_| true).is_err(), "{garbage}");
        }
    }
}
