//! How is the answer to be made, in this API's words?

use crate::{
    dialect::{
        Losses, Prompt, Traits,
        gemini::{
            out::{ConfigOut, ThinkingOut},
            schema,
        },
        ir::{Effort, Format, Schema, Show, ToolKind},
        traits::{Structured, Thinking},
    },
    error::Result,
};

/// More are refused.
const STOPS_MAX: usize = 5;

/// How the answer's form is asked for.
#[derive(Default)]
pub(super) struct Form<'p> {
    pub(super) mime: Option<&'static str>,
    pub(super) whole: Option<&'p Schema>,
    pub(super) subset: Option<Schema>,
    /// What the instructions say about it, where no field does.
    pub(super) note: Option<String>,
}

/// The form of the answer.
pub(super) fn form<'p>(
    prompt: &'p Prompt,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Form<'p>> {
    let Some(format) = &prompt.format else { return Ok(Form::default()) };
    let json = Some("application/json");
    let calls = prompt.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Function(_)));
    // Models before those that think by degree refuse a form of the answer beside functions.
    let refused = calls && traits.thinking != Thinking::Degree;
    if refused {
        losses.lose("response_format");
    }
    let schema = match format {
        Format::Json if refused => {
            let note = Some("Answer only with JSON.".to_owned());
            return Ok(Form { note, ..Form::default() });
        }
        Format::Json => return Ok(Form { mime: json, ..Form::default() }),
        Format::Schema { schema, name: _, description: _, strict: _ } => schema,
    };
    let enforced = match traits.structured {
        Structured::Schema => !refused,
        Structured::AnyJson | Structured::ForcedTool => false,
    };
    if !enforced {
        let text = serde_json::to_string(schema).map_err(crate::error::Error::internal)?;
        let note = Some(format!("Answer only with JSON that fits this JSON Schema:\n{text}"));
        return Ok(Form { mime: json.filter(|_| !refused), note, ..Form::default() });
    }
    if traits.json_schema {
        return Ok(Form { mime: json, whole: Some(schema), ..Form::default() });
    }
    let subset = schema::lower(schema).map_err(|error| error.at("response_format"))?;
    Ok(Form { mime: json, subset: Some(subset), ..Form::default() })
}

/// Everything else about the answer.
pub(super) fn write<'p>(prompt: &'p Prompt, traits: &Traits, losses: &mut Losses) -> ConfigOut<'p> {
    let sampling = &prompt.sampling;
    let mut config = ConfigOut {
        seed: sampling.seed.map(seed),
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        max_output_tokens: prompt
            .max_tokens
            .map(|most| traits.output_max.map_or(most, |max| most.min(max))),
        stop_sequences: &prompt.stop[..prompt.stop.len().min(STOPS_MAX)],
        thinking_config: thinking(prompt, traits, losses),
        ..ConfigOut::default()
    };
    losses.lose_if(prompt.stop.len() > STOPS_MAX, "stop");
    if traits.sampling {
        (config.temperature, config.top_p) = (sampling.temperature, sampling.top_p);
        config.top_k = sampling.top_k;
    } else {
        losses.lose_if(sampling.temperature.is_some(), "temperature");
        losses.lose_if(sampling.top_p.is_some(), "top_p");
        losses.lose_if(sampling.top_k.is_some(), "top_k");
    }
    config
}

/// The API takes 32 bits. The same seed gives the same number, which is all that a seed is for.
fn seed(seed: i64) -> i32 {
    i32::try_from(seed)
        .unwrap_or_else(|_| i32::try_from(seed & 0x7fff_ffff).expect("it has 31 bits"))
}

/// Level or budget, never both: the API refuses that.
fn thinking(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Option<ThinkingOut> {
    let effort = prompt.reasoning.effort;
    let mut config = ThinkingOut::default();
    match traits.thinking {
        Thinking::Untold => {
            losses.lose_if(effort.is_some_and(|effort| effort != Effort::Off), "reasoning_effort");
            return None;
        }
        Thinking::Degree => config.thinking_level = effort.and_then(|effort| level(effort, traits)),
        Thinking::Budget { min, max } => {
            config.thinking_budget = effort.map(|effort| budget(effort, min, max));
        }
        Thinking::Switch => {
            config.thinking_budget =
                effort.map(|effort| if effort == Effort::Off { 0 } else { -1 });
        }
    }
    // To show the thoughts of a model that does not think is refused.
    let thinks = config.thinking_budget != Some(0);
    config.include_thoughts = prompt.reasoning.show.filter(|_| thinks).map(|show| match show {
        Show::Hidden => false,
        Show::Summary | Show::Detailed => true,
    });
    Some(config).filter(|config| *config != ThinkingOut::default())
}

/// The nearest level. There is no level for not thinking.
fn level(effort: Effort, traits: &Traits) -> Option<&'static str> {
    Some(match traits.degree(effort)? {
        "none" | "minimal" => "minimal",
        "low" => "low",
        "medium" => "medium",
        _ => "high",
    })
}

/// -1 leaves it to the model.
fn budget(effort: Effort, min: u64, max: u64) -> i64 {
    let Some(tokens) = effort.tokens() else { return -1 };
    i64::try_from(tokens.min(max).max(min)).unwrap_or(i64::MAX)
}
