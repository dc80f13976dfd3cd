//! How is the answer to be made?

use super::{foreign, is_nothing};
use crate::{
    dialect::{
        Prompt,
        gemini::{fields::Fields, fields::wrong, schema},
        ir::{Effort, Format, Logprobs, Schema, Show},
    },
    error::Result,
    json,
};

/// Reads `generationConfig`.
pub(super) fn read(fields: &Fields<'_>, prompt: &mut Prompt) -> Result<()> {
    let Some(config) = fields.nested("generationConfig")? else { return Ok(()) };
    let count = |name: &str| -> Result<Option<u64>> {
        config
            .integer(name)?
            .map(|number| u64::try_from(number).map_err(|_| wrong(name)))
            .transpose()
    };
    prompt.max_tokens = count("maxOutputTokens")?;
    prompt.stop = config.typed("stopSequences")?.unwrap_or_default();
    let sampling = &mut prompt.sampling;
    sampling.temperature = config.number("temperature")?;
    sampling.top_p = config.number("topP")?;
    sampling.top_k = count("topK")?;
    sampling.seed = config.integer("seed")?;
    sampling.presence_penalty = config.number("presencePenalty")?;
    sampling.frequency_penalty = config.number("frequencyPenalty")?;
    sampling.answers = count("candidateCount")?.filter(|answers| *answers != 1);
    if config.typed("responseLogprobs")? == Some(true) {
        sampling.logprobs = Some(Logprobs { top: count("logprobs")?.unwrap_or(0) });
    }
    read_format(&config, prompt)?;
    if let Some(thinking) = config.nested("thinkingConfig")? {
        read_thinking(&thinking, prompt)?;
    }
    read_rest(&config, prompt);
    Ok(())
}

fn read_format(config: &Fields<'_>, prompt: &mut Prompt) -> Result<()> {
    let schema = match (config.get("responseJsonSchema"), config.get("responseSchema")) {
        (Some(whole), _) => Some(Schema::read(whole)?),
        (None, Some(subset)) => Some(schema::raise(Schema::read(subset)?)),
        (None, None) => None,
    };
    match config.text("responseMimeType")?.as_deref() {
        Some("application/json") => {
            prompt.format = Some(schema.map_or(Format::Json, |schema| Format::Schema {
                name: None,
                description: None,
                schema,
                strict: None,
            }));
        }
        None | Some("text/plain" | "") => {}
        Some(_) => foreign(prompt, "responseMimeType"),
    }
    Ok(())
}

fn read_thinking(thinking: &Fields<'_>, prompt: &mut Prompt) -> Result<()> {
    let level = thinking.text("thinkingLevel")?.map(|level| level.to_ascii_lowercase());
    let budget = thinking.integer("thinkingBudget")?.map(|budget| match u64::try_from(budget) {
        Ok(0) => Effort::Off,
        Ok(tokens) => Effort::Budget(tokens),
        Err(_) => Effort::Adaptive,
    });
    prompt.reasoning.effort = level.as_deref().and_then(Effort::from_word).or(budget);
    let shown: Option<bool> = thinking.typed("includeThoughts")?;
    prompt.reasoning.show = shown.map(|shown| if shown { Show::Summary } else { Show::Hidden });
    Ok(())
}

/// Notes what no other dialect has.
fn read_rest(config: &Fields<'_>, prompt: &mut Prompt) {
    for (name, value) in config.iter() {
        match name {
            "maxOutputTokens" | "stopSequences" | "temperature" | "topP" | "topK" | "seed"
            | "presencePenalty" | "frequencyPenalty" | "candidateCount" | "responseLogprobs"
            | "logprobs" | "responseMimeType" | "responseSchema" | "responseJsonSchema"
            | "thinkingConfig" => {}
            "responseModalities" if is_text(value.get()) => {}
            _ if is_nothing(value.get()) => {}
            name => foreign(prompt, name),
        }
    }
}

/// Whether the answer is asked for as text alone, which every dialect gives.
fn is_text(modalities: &str) -> bool {
    let list: Vec<String> = json::read(modalities).unwrap_or_default();
    list.iter().all(|modality| modality.eq_ignore_ascii_case("TEXT"))
}

/// A service tier in the words of the chat dialect.
pub(super) fn tier(tier: &str) -> Option<String> {
    let word = tier.to_ascii_lowercase();
    match word.trim_start_matches("service_tier_") {
        "standard" => Some("default".to_owned()),
        "" | "unspecified" => None,
        word => Some(word.to_owned()),
    }
}
