//! How is a request of this API written?

mod config;
mod contents;
mod tools;

pub(crate) use contents::takes_url;

use crate::{
    dialect::{
        Losses, Prompt, Traits,
        gemini::{
            out::{ConfigOut, RequestOut},
            parts,
            wire::{ContentOut, PartOut},
        },
        ir::Part,
    },
    error::{Error, Result},
};

#[cfg(test)]
mod tests;

/// Writes a request.
pub(crate) fn write(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Result<Vec<u8>> {
    if prompt.sampling.answers.is_some_and(|answers| answers > 1) {
        // The API has `candidateCount`, but an answer that is converted has room for one.
        let message = "More than one answer cannot be had from a provider of another dialect.";
        return Err(Error::bad_request(message).at("n").coded("unsupported_parameter"));
    }
    let form = config::form(prompt, traits, losses)?;
    let mut contents = contents::write(prompt, traits)?;
    let note = form.note.map(|note| PartOut::Made(parts::text(note)));
    contents.system.extend(note);
    if contents.turns.is_empty() {
        // The API wants something said; instructions alone are said by the user.
        let parts = std::mem::take(&mut contents.system);
        contents.turns.push(ContentOut { parts, role: Some("user") });
    }
    let system = Some(contents.system).filter(|parts| !parts.is_empty());
    let config = ConfigOut {
        response_mime_type: form.mime,
        response_json_schema: form.whole,
        response_schema: form.subset,
        ..config::write(prompt, traits, losses)
    };
    note_losses(prompt, losses);
    let request = RequestOut {
        contents: contents.turns,
        system_instruction: system.map(|parts| ContentOut { parts, role: None }),
        tools: tools::write(prompt, traits, losses)?,
        tool_config: tools::choice(prompt, traits, losses),
        generation_config: Some(config).filter(|config| *config != ConfigOut::default()),
    };
    serde_json::to_vec(&request).map_err(Error::internal)
}

/// Names what this API has no place for.
fn note_losses(prompt: &Prompt, losses: &mut Losses) {
    losses.lose_if(prompt.sampling.logprobs.is_some(), "logprobs");
    losses.lose_if(prompt.verbosity.is_some(), "verbosity");
    losses.lose_if(prompt.user.is_some(), "user");
    let tier = prompt.tier.as_deref();
    losses.lose_if(tier.is_some_and(|tier| !matches!(tier, "auto" | "default")), "service_tier");
    losses.lose_if(prompt.cache_key.is_some(), "prompt_cache_key");
    let cached = prompt.cache.is_some() || prompt.tools.iter().any(|tool| tool.cache.is_some());
    losses.lose_if(cached, "cache_control");
    losses.lose_if(prompt.turns.iter().any(|turn| turn.name.is_some()), "name");
    for part in prompt.turns.iter().flat_map(|turn| &turn.parts) {
        note_part(part, losses);
    }
}

fn note_part(part: &Part, losses: &mut Losses) {
    match part {
        Part::Text { cache, .. } => losses.lose_if(cache.is_some(), "cache_control"),
        Part::Media(media) => {
            losses.lose_if(media.cache.is_some(), "cache_control");
            let detail = media.detail.as_deref();
            losses.lose_if(detail.is_some_and(|detail| detail != "auto"), "detail");
            losses.lose_if(media.name.is_some(), "filename");
        }
        Part::Outcome(outcome) => {
            losses.lose_if(outcome.cache.is_some(), "cache_control");
            outcome.parts.iter().for_each(|part| note_part(part, losses));
        }
        Part::Refusal(_) | Part::Thought(_) | Part::Call(_) | Part::Opaque { .. } => {}
    }
}
