//! How long may the answer be, and how much of it may be thought?

use serde::Serialize;

use crate::{
    dialect::{
        ir::{Effort, Losses, Prompt, Show},
        traits::{Thinking, Traits},
    },
    limits::{OUTPUT_TOKENS_DEFAULT, OUTPUT_TOKENS_UNKNOWN},
};

/// The least that can be set aside for thinking.
const BUDGET_MIN: u64 = 1_024;

/// The limits of an answer.
pub(super) struct Limits {
    pub(super) max_tokens: u64,
    pub(super) thinking: Option<ThinkingOut>,
    pub(super) effort: Option<&'static str>,
}

/// How the model is told to think.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThinkingOut {
    Disabled,
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
}

impl ThinkingOut {
    /// Whether the model is told to think rather than not to.
    pub(super) fn is_on(&self) -> bool {
        match self {
            Self::Disabled => false,
            Self::Adaptive { .. } | Self::Enabled { .. } => true,
        }
    }
}

/// What keeps a model from thinking.
#[derive(PartialEq)]
pub(super) enum Restraint {
    /// Nothing.
    None,
    /// It must call a tool at once.
    ForcedTool,
    /// It would have to go on with thoughts that are gone. Only a model that thinks by tokens insists on them.
    LostThoughts,
}

/// The limits for a prompt. A model is never told to think for a client that did not ask for it.
pub(super) fn write(
    prompt: &Prompt,
    traits: &Traits,
    restraint: &Restraint,
    losses: &mut Losses,
) -> Limits {
    let max_tokens = max_tokens(prompt, traits);
    let plain = Limits { max_tokens, thinking: None, effort: None };
    let Some(effort) = prompt.reasoning.effort else { return plain };
    match traits.thinking {
        Thinking::Untold => {
            losses.lose_if(effort != Effort::Off, "reasoning_effort");
            plain
        }
        Thinking::Degree if effort == Effort::Off => off(plain, traits),
        Thinking::Degree => {
            let forced = *restraint == Restraint::ForcedTool;
            losses.lose_if(forced, "reasoning_effort");
            let display = match prompt.reasoning.show {
                Some(Show::Hidden) => Some("omitted"),
                Some(Show::Summary | Show::Detailed) => Some("summarized"),
                None => None,
            };
            let thinking = (!forced).then_some(ThinkingOut::Adaptive { display });
            Limits { thinking, effort: degree(effort, traits), ..plain }
        }
        Thinking::Switch if effort == Effort::Off => {
            Limits { thinking: Some(ThinkingOut::Disabled), ..plain }
        }
        Thinking::Budget { .. } if effort == Effort::Off => plain,
        Thinking::Budget { .. } | Thinking::Switch if *restraint != Restraint::None => {
            losses.lose("reasoning_effort");
            plain
        }
        Thinking::Budget { min, max } => budgeted(prompt, traits, (effort, min, max), losses),
        Thinking::Switch => budgeted(prompt, traits, (effort, 0, u64::MAX), losses),
    }
}

/// The least that a model can do that always thinks is little.
fn off(plain: Limits, traits: &Traits) -> Limits {
    if traits.switch {
        Limits { thinking: Some(ThinkingOut::Disabled), ..plain }
    } else {
        Limits { effort: Some("low"), ..plain }
    }
}

fn max_tokens(prompt: &Prompt, traits: &Traits) -> u64 {
    let most = traits.output_max.unwrap_or(u64::MAX);
    let default =
        traits.output_max.map_or(OUTPUT_TOKENS_UNKNOWN, |max| max.min(OUTPUT_TOKENS_DEFAULT));
    prompt.max_tokens.map_or(default, |asked| asked.min(most))
}

fn degree(effort: Effort, traits: &Traits) -> Option<&'static str> {
    Some(match traits.degree(effort)? {
        "none" | "minimal" | "low" => "low",
        word => word,
    })
}

/// The budget stays below the limit. Where the client set a limit that leaves no room to think at all, it meant the
/// words alone, and the budget comes on top; so it does where it set none.
fn budgeted(
    prompt: &Prompt,
    traits: &Traits,
    (effort, min, max): (Effort, u64, u64),
    losses: &mut Losses,
) -> Limits {
    let least = min.max(BUDGET_MIN);
    let wanted = effort.tokens().or(Effort::Medium.tokens()).unwrap_or(least);
    let wanted = wanted.clamp(least, max.max(least));
    let most = traits.output_max.unwrap_or(u64::MAX);
    let limit = max_tokens(prompt, traits);
    let (budget, limit) = match prompt.max_tokens {
        Some(_) if room(effort, limit) >= least => (wanted.min(room(effort, limit)), limit),
        Some(_) => (least, limit.saturating_add(least).min(most)),
        None => {
            let raised = limit.saturating_add(wanted).min(most);
            (wanted.min(room(effort, raised)), raised)
        }
    };
    if budget < least || budget >= limit {
        losses.lose("reasoning_effort");
        return Limits { max_tokens: limit, thinking: None, effort: None };
    }
    let display = (prompt.reasoning.show == Some(Show::Hidden)).then_some("omitted");
    let thinking = Some(ThinkingOut::Enabled { budget_tokens: budget, display });
    Limits { max_tokens: limit, thinking, effort: None }
}

/// How much of a limit may be thought: what the client has counted itself, or a tenth less than all.
fn room(effort: Effort, limit: u64) -> u64 {
    match effort {
        Effort::Max | Effort::Budget(_) => limit.saturating_sub(1),
        Effort::Off
        | Effort::Minimal
        | Effort::Low
        | Effort::Medium
        | Effort::High
        | Effort::Higher
        | Effort::Adaptive => limit - limit / 10,
    }
}
