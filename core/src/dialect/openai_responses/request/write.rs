//! How is a prompt said in this API?

mod items;
mod tools;

use std::borrow::Cow;

use super::super::wire::input::{
    Content, Entry, Format as FormatOut, Item, Reasoning, Request, Text,
};
use crate::{
    dialect::{
        ir::{Effort, Format, Losses, Part, Prompt, Role, Show, Turn},
        traits::{Structured, Thinking, Traits},
    },
    error::{Error, Result},
};

/// The provider refuses to write less than this.
const MAX_TOKENS_LEAST: u64 = 16;
/// What a schema is called when the client gave it no name.
const UNNAMED: &str = "response";
/// The longest name of a schema, in characters.
const NAME_CHARS: usize = 64;
/// The tiers that this API knows.
const TIERS: [&str; 6] = ["auto", "default", "flex", "priority", "scale", "fast"];
/// What must stand in the input before the provider promises JSON.
const JSON_NOTE: &str = "Answer in JSON.";

/// Writes a request. The provider is to keep nothing: what it must know comes along each time.
pub(crate) fn write(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Result<Vec<u8>> {
    if prompt.sampling.answers.is_some_and(|answers| answers > 1) {
        let message = "The provider gives one answer; `n` must be 1.";
        return Err(Error::bad_request(message).at("n").coded("unsupported_parameter"));
    }
    let (instructions, turns) = hoist(&prompt.turns, losses);
    let mut request = Request {
        model: &prompt.model,
        input: items::write(turns, traits, losses)?,
        max_output_tokens: max_tokens(prompt, traits),
        user: prompt.user.as_deref(),
        stream: prompt.stream.then_some(true),
        ..Request::default()
    };
    tools::write(prompt, &mut request, traits, losses)?;
    write_sampling(prompt, &mut request, traits, losses);
    write_reasoning(prompt, &mut request, traits, losses);
    let note = write_text(prompt, &mut request, turns, traits);
    losses.lose_if(prompt.verbosity.is_some() && !traits.native, "verbosity");
    let instructions: Vec<String> = instructions.into_iter().chain(note).collect();
    request.instructions = (!instructions.is_empty()).then(|| instructions.join("\n\n"));
    if traits.native {
        request.prompt_cache_key = prompt.cache_key.as_deref();
    } else {
        losses.lose_if(prompt.cache_key.is_some(), "prompt_cache_key");
    }
    match prompt.tier.as_deref() {
        Some(tier) if traits.native && TIERS.contains(&tier) => request.service_tier = Some(tier),
        Some("auto" | "default") | None => {}
        Some(_) => losses.lose("service_tier"),
    }
    losses.lose_if(prompt.cache.is_some(), "cache_control");
    serde_json::to_vec(&request).map_err(Error::internal)
}

/// Instructions that stand first, and the turns after them. Where there is nothing else, they are the input.
fn hoist<'a>(turns: &'a [Turn], losses: &mut Losses) -> (Vec<String>, &'a [Turn]) {
    let hoisted = |turn: &&Turn| {
        turn.role == Role::System && turn.parts.iter().all(|part| matches!(part, Part::Text { .. }))
    };
    let leading = turns.iter().take_while(hoisted).count();
    if leading == turns.len() {
        return (Vec::new(), turns);
    }
    let texts =
        turns[..leading].iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
            Part::Text { text, cache, .. } if !text.is_empty() => {
                losses.lose_if(cache.is_some(), "cache_control");
                Some(text.clone())
            }
            _ => None,
        });
    (texts.collect(), &turns[leading..])
}

fn max_tokens(prompt: &Prompt, traits: &Traits) -> Option<u64> {
    let asked = prompt.max_tokens?;
    let most = traits.output_max.unwrap_or(u64::MAX);
    Some(asked.min(most).max(MAX_TOKENS_LEAST))
}

fn write_sampling(
    prompt: &Prompt,
    request: &mut Request<'_>,
    traits: &Traits,
    losses: &mut Losses,
) {
    let sampling = &prompt.sampling;
    if traits.sampling {
        request.temperature = sampling.temperature;
        request.top_p = sampling.top_p;
    } else {
        losses.lose_if(sampling.temperature.is_some(), "temperature");
        losses.lose_if(sampling.top_p.is_some(), "top_p");
    }
    losses.lose_if(sampling.top_k.is_some(), "top_k");
    losses.lose_if(sampling.seed.is_some(), "seed");
    losses.lose_if(sampling.presence_penalty.is_some(), "presence_penalty");
    losses.lose_if(sampling.frequency_penalty.is_some(), "frequency_penalty");
    // The answer has no place for them once it is on its way to another dialect.
    losses.lose_if(sampling.logprobs.is_some(), "logprobs");
}

/// Effort and summary; and the state of the thoughts is asked for, because the provider does not keep it.
fn write_reasoning(
    prompt: &Prompt,
    request: &mut Request<'_>,
    traits: &Traits,
    losses: &mut Losses,
) {
    let asked = prompt.reasoning.effort;
    if traits.thinking == Thinking::Untold {
        losses.lose_if(asked.is_some_and(|effort| effort != Effort::Off), "reasoning_effort");
        return;
    }
    let effort = asked.and_then(|effort| traits.degree(effort));
    let summary = prompt.reasoning.show.and_then(|show| match show {
        Show::Hidden => None,
        Show::Summary => Some("auto"),
        Show::Detailed => Some("detailed"),
    });
    if effort.is_some() || summary.is_some() {
        request.reasoning = Some(Reasoning { effort, summary });
    }
    request.include.push("reasoning.encrypted_content");
}

/// The form of the answer, and what must be said in words because the host has no field for it.
fn write_text<'a>(
    prompt: &'a Prompt,
    request: &mut Request<'a>,
    turns: &[Turn],
    traits: &Traits,
) -> Option<String> {
    let verbosity = prompt.verbosity.as_deref().filter(|_| traits.native);
    let (format, note) = match &prompt.format {
        None => (None, None),
        Some(Format::Json) => {
            if !turns.iter().any(speaks_of_json) {
                let (role, content) = ("developer", Content::Text(Cow::Borrowed(JSON_NOTE)));
                let role = if traits.native { role } else { "system" };
                request.input.push(Entry::Item(Item::Message { role, content }));
            }
            (Some(FormatOut::JsonObject), None)
        }
        Some(Format::Schema { name, description, schema, strict }) => {
            let (description, strict) = (description.as_deref(), *strict);
            let name = schema_name(name.as_deref());
            match traits.structured {
                Structured::Schema => {
                    (Some(FormatOut::JsonSchema { name, description, schema, strict }), None)
                }
                Structured::AnyJson | Structured::ForcedTool => {
                    let schema = serde_json::to_string(schema).ok();
                    (None, schema.map(|schema| format!(
                        "Answer with one JSON object that fits this JSON schema, and nothing else: {schema}"
                    )))
                }
            }
        }
    };
    if format.is_some() || verbosity.is_some() {
        request.text = Some(Text { format, verbosity });
    }
    note
}

fn speaks_of_json(turn: &Turn) -> bool {
    turn.parts.iter().any(|part| match part {
        Part::Text { text, .. } => text.to_ascii_lowercase().contains("json"),
        _ => false,
    })
}

fn schema_name(name: Option<&str>) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match name {
        None | Some("") => Cow::Borrowed(UNNAMED),
        Some(name) if name.len() <= NAME_CHARS && name.chars().all(fits) => Cow::Borrowed(name),
        Some(name) => {
            let fitting = name.chars().map(|c| if fits(c) { c } else { '_' });
            Cow::Owned(fitting.take(NAME_CHARS).collect())
        }
    }
}

#[cfg(test)]
mod tests;
