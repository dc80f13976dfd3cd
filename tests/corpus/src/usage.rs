//! Are the counters of the record those that an extractor of prices reads of the same usage?

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_core::{dialect::Dialect, store};

use crate::{
    canned,
    oracle::{Usage, count},
    recording,
    tally::{Check, Failure, Verdict},
    world::{self, Framing, Turn},
};

/// Usage that was recorded, and what extractors read of it.
#[derive(Deserialize)]
pub(crate) struct Extraction {
    pub(crate) body: Map<String, Value>,
    pub(crate) extracted: Vec<Extracted>,
    #[serde(default)]
    pub(crate) model: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Extracted {
    pub(crate) extractors: Vec<Extractor>,
    usage: Value,
}

#[derive(Deserialize)]
pub(crate) struct Extractor {
    pub(crate) provider_id: String,
    pub(crate) api_flavor: String,
    #[serde(default)]
    pub(crate) input_price: Option<String>,
    #[serde(default)]
    pub(crate) output_price: Option<String>,
    #[serde(default)]
    pub(crate) total_price: Option<String>,
}

/// Judges every usage in a folder; also how many there are of dialects that are not spoken.
pub(crate) fn judge_all(folder: &Path) -> Result<(Vec<Verdict>, usize), String> {
    let (mut verdicts, mut other) = (Vec::new(), 0);
    for path in recording::usages(folder)? {
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let all: Vec<Extraction> = serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        for (at, extraction) in all.iter().enumerate() {
            match judge(at, extraction) {
                Some(verdict) => verdicts.push(verdict),
                None => other += 1,
            }
        }
    }
    Ok((verdicts, other))
}

fn judge(at: usize, extraction: &Extraction) -> Option<Verdict> {
    let file = extraction.body.get("file").and_then(Value::as_str).unwrap_or_default();
    let (dialect, name) = dialect(&extraction.body)?;
    let expected = expected(dialect, file, &extraction.extracted)?;
    let usage = &extraction.body[name];
    let failure = match record(dialect, name, usage) {
        Ok(got) if got == expected => None,
        Ok(got) => {
            let detail = format!("{usage}\n{expected:?}\n{got:?}");
            let what = format!("{} of {} differs", differing(expected, got), dialect.name());
            Some(Failure::new(what, detail))
        }
        Err(error) => Some(Failure::new(error, usage.to_string())),
    };
    Some(Verdict {
        check: Check::Usage,
        pair: "answer>record".to_owned(),
        id: format!("{file}#{at}"),
        failures: failure.into_iter().collect(),
        refused: None,
    })
}

/// The dialect of a usage, told by its counters, and the field that holds it.
pub(crate) fn dialect(body: &Map<String, Value>) -> Option<(Dialect, &'static str)> {
    if body.contains_key("usageMetadata") {
        return Some((Dialect::Gemini, "usageMetadata"));
    }
    let usage = body.get("usage")?;
    let has = |name: &str| usage.get(name).is_some();
    let dialect = if has("prompt_tokens") && has("completion_tokens") {
        Dialect::OpenAiChat
    } else if has("cache_read_input_tokens") {
        Dialect::Anthropic
    } else if has("input_tokens_details") {
        Dialect::OpenAiResponses
    } else {
        return None;
    };
    Some((dialect, "usage"))
}

/// The extractors that fit a recording, the best one first: that of the provider that was recorded, and that of the
/// dialect's own provider for hosts without one.
pub(crate) fn extractors(dialect: Dialect, file: &str) -> Vec<(&'static str, &'static str)> {
    let hosts = [
        ("xai", "x-ai", "default"),
        ("grok", "x-ai", "default"),
        ("mistral", "mistral", "default"),
        ("groq", "groq", "default"),
        ("openrouter", "openrouter", "chat"),
        ("deepseek", "deepseek", "chat"),
        ("huggingface", "huggingface_together", "chat"),
    ];
    let own = match dialect {
        Dialect::OpenAiChat | Dialect::Ollama => ("openai", "chat"),
        Dialect::OpenAiResponses => ("openai", "responses"),
        Dialect::Anthropic => ("anthropic", "default"),
        Dialect::Gemini => ("google", "default"),
    };
    let host =
        hosts.iter().find(|(word, ..)| dialect == Dialect::OpenAiChat && file.contains(word));
    host.map(|(_, provider, flavor)| (*provider, *flavor)).into_iter().chain([own]).collect()
}

/// What the best extractor reads.
fn expected(dialect: Dialect, file: &str, extracted: &[Extracted]) -> Option<Usage> {
    let by = |(provider, flavor): (&str, &str)| {
        let fits = |by: &Extractor| by.provider_id == provider && by.api_flavor == flavor;
        extracted.iter().find(|extracted| extracted.extractors.iter().any(fits))
    };
    let usage = &extractors(dialect, file).into_iter().find_map(by)?.usage;
    Some(Usage {
        prompt: count(&usage["input_tokens"]),
        cached: count(&usage["cache_read_tokens"]),
        written: count(&usage["cache_write_tokens"]),
        completion: count(&usage["output_tokens"]),
        reasoning: count(&usage["output_reasoning_tokens"]),
    })
}

/// What the gateway writes down of an answer with this usage.
fn record(dialect: Dialect, name: &str, usage: &Value) -> Result<Usage, String> {
    let usage = used(dialect, name, usage)?;
    Ok(Usage {
        prompt: usage.prompt,
        cached: usage.cached,
        written: usage.cache_write_5m + usage.cache_write_1h,
        completion: usage.completion,
        reasoning: usage.reasoning,
    })
}

/// All of it.
pub(crate) fn used(dialect: Dialect, name: &str, usage: &Value) -> Result<store::Usage, String> {
    let (content_type, body) = canned::answer(dialect, false);
    let mut answer: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    answer[name] = usage.clone();
    let turn = Turn {
        client: dialect,
        provider: dialect,
        model: "model",
        stream: false,
        request: canned::request(dialect, false, &[]),
        framing: Framing::Events,
        status: 200,
        content_type,
        pieces: vec![answer.to_string().into()],
    };
    Ok(world::run(turn)?.record.ok_or("nothing was written down")?.usage)
}

fn differing(a: Usage, b: Usage) -> &'static str {
    let counters = [
        ("prompt", a.prompt, b.prompt),
        ("cached", a.cached, b.cached),
        ("written", a.written, b.written),
        ("completion", a.completion, b.completion),
        ("reasoning", a.reasoning, b.reasoning),
    ];
    counters.into_iter().find(|(_, a, b)| a != b).map_or("nothing", |(name, ..)| name)
}
