//! What does a model at a provider understand? Rows about hosts, the catalogue, and rows about families of models: the
//! first that answers a question counts.

mod claude;
mod families;
mod hosts;
mod row;

#[cfg(test)]
mod tests;

use row::{Name, Says, UNSAID};

use super::{Provider, builtin, catalog};
use crate::dialect::{
    Dialect, Traits,
    ir::Effort,
    traits::{Degrees, Structured, Thinking, ThoughtsBack},
};

/// The traits of a target.
pub(crate) fn of(provider: &Provider, model: &str) -> Traits {
    let place = builtin::of(provider).map_or("", |row| row.id);
    let name = Name::of(model);
    let mut says = UNSAID;
    for row in hosts::ROWS.iter().chain(claude::ROWS) {
        if row.fits(place, provider.dialect, &name) {
            says.fill(&row.says);
        }
    }
    if let Some(known) = known(provider, model) {
        says.fill(&listed(&known));
    }
    for row in families::ROWS.iter().filter(|row| row.fits(place, provider.dialect, &name)) {
        says.fill(&row.says);
    }
    let mut traits = says.traits();
    if traits.thinking == Thinking::Switch && !traits.switch {
        // Hosts switch in ways of their own, and only some by `thinking.type`.
        traits.thinking = Thinking::Untold;
    }
    traits
}

/// The model's line in the catalogue: that of its host, or else that of the maker whose dialect is spoken.
fn known(provider: &Provider, model: &str) -> Option<catalog::Model<'static>> {
    let maker = match provider.dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "openai",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "google",
        Dialect::Ollama => "ollama-cloud",
    };
    let last = model.rsplit('/').next().unwrap_or(model);
    let listed = catalog::find(builtin::catalog_id(provider), model);
    listed.or_else(|| catalog::find(maker, last))
}

/// What the catalogue answers.
fn listed(model: &catalog::Model<'_>) -> Says {
    use catalog::{Capability, Interleaved};
    let has = |capability| model.capabilities.has(capability);
    let reasoning = model.reasoning;
    let efforts: Vec<Effort> = reasoning.efforts().filter_map(effort).collect();
    let thinking = if has(Capability::Reasoning) == Some(false) {
        Some(Thinking::Untold)
    } else if let Some(budget) = reasoning.budget().filter(|_| efforts.is_empty()) {
        let tokens = |bound: Option<i64>| bound.and_then(|tokens| u64::try_from(tokens).ok());
        let min = tokens(budget.min).filter(|_| !reasoning.toggle()).unwrap_or(0);
        Some(Thinking::Budget { min, max: tokens(budget.max).unwrap_or(u64::MAX) })
    } else if !efforts.is_empty() {
        Some(Thinking::Degree)
    } else if reasoning.toggle() {
        Some(Thinking::Switch)
    } else {
        has(Capability::Reasoning).map(|_| Thinking::Untold)
    };
    Says {
        output_max: model.output_max,
        sampling: has(Capability::Temperature),
        thinking,
        efforts: (!efforts.is_empty()).then(|| Degrees::of(&efforts)),
        structured: has(Capability::StructuredOutput)
            .map(|taken| if taken { Structured::Schema } else { Structured::AnyJson }),
        thoughts_back: match reasoning.interleaved() {
            Some(Interleaved::Content) => Some(ThoughtsBack::Field),
            Some(Interleaved::Details | Interleaved::Unnamed) | None => None,
        },
        ..UNSAID
    }
}

/// The catalogue's word as a degree. "As the provider thinks fit" is none.
fn effort(known: catalog::Effort) -> Option<Effort> {
    Effort::from_word(known.name())
}
