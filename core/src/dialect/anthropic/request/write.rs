//! How is a prompt said in this API?

mod blocks;
mod cache;
mod ids;
mod schema;
mod thinking;
mod tools;
mod turns;

use serde::Serialize;

use self::{
    blocks::{Block, CacheOut},
    thinking::{Limits, Restraint, ThinkingOut},
    tools::{ChoiceOut, ToolOut},
    turns::{Conversation, Message},
};
use crate::{
    dialect::{
        ir::{Format, Losses, Prompt, Sampling, Schema},
        traits::{Structured, Traits},
    },
    error::{Error, Result},
};

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
struct OutputOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatOut>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatOut {
    JsonSchema { schema: Schema },
}

#[derive(Serialize)]
struct MetadataOut<'a> {
    user_id: &'a str,
}

/// The longest id of a user that this API takes.
const USER_CHARS_MAX: usize = 256;

/// Writes a request.
pub(crate) fn write(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Result<Vec<u8>> {
    refuse_and_drop(prompt, losses)?;
    let shape = shape(prompt, traits);
    let (mut tools, tool_choice) = tools::write(prompt, &shape, traits, losses)?;
    let Conversation { mut system, mut messages, resumes } =
        turns::write(&prompt.turns, traits, losses)?;
    system.extend(note(prompt, &shape, traits).map(Block::text));
    let restraint = match &tool_choice {
        Some(choice) if choice.is_forced() => Restraint::ForcedTool,
        _ if resumes => Restraint::LostThoughts,
        Some(_) | None => Restraint::None,
    };
    let Limits { max_tokens, thinking, effort } =
        thinking::write(prompt, traits, &restraint, losses);
    let sampling = sampling(prompt, traits, thinking.as_ref(), losses);
    let cache_control = prompt.cache.map(CacheOut::of);
    cache::restrain(cache_control.as_ref(), &mut tools, &mut system, &mut messages, losses);
    let (service_tier, speed) = tier(prompt, losses);
    let format = match shape {
        Shape::Schema(schema) => Some(FormatOut::JsonSchema { schema: schema::lower(schema) }),
        Shape::Tool(_) | Shape::Words(_) | Shape::Free => None,
    };
    let request = Request {
        model: &prompt.model,
        max_tokens,
        system,
        messages,
        tools,
        tool_choice,
        thinking,
        output_config: (effort.is_some() || format.is_some())
            .then_some(OutputOut { effort, format }),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        stop_sequences: stop(prompt, losses),
        metadata: user(prompt, losses),
        service_tier,
        speed,
        cache_control,
        stream: prompt.stream.then_some(true),
    };
    serde_json::to_vec(&request).map_err(Error::internal)
}

/// How the answer is held to the form that the client wants.
enum Shape<'a> {
    /// By the provider.
    Schema(&'a Schema),
    /// By the arguments of a tool that must be called.
    Tool(FormTool<'a>),
    /// By words among the instructions: any JSON, or JSON of a schema.
    Words(Option<&'a Schema>),
    /// Not.
    Free,
}

/// A tool whose arguments are the answer.
struct FormTool<'a> {
    name: &'a str,
    description: Option<&'a str>,
    schema: &'a Schema,
}

fn shape<'a>(prompt: &'a Prompt, traits: &Traits) -> Shape<'a> {
    let Some(format) = &prompt.format else { return Shape::Free };
    let Format::Schema { name, description, schema, strict: _ } = format else {
        return Shape::Words(None);
    };
    match traits.structured {
        Structured::Schema => Shape::Schema(schema),
        Structured::ForcedTool if schema::is_object(schema) => Shape::Tool(FormTool {
            name: name.as_deref().unwrap_or(UNNAMED),
            description: description.as_deref(),
            schema,
        }),
        Structured::ForcedTool | Structured::AnyJson => Shape::Words(Some(schema)),
    }
}

/// What a schema is called when the client gave it no name.
const UNNAMED: &str = "response";

/// What must be said in words because the API has no field for it.
fn note(prompt: &Prompt, shape: &Shape<'_>, traits: &Traits) -> Option<String> {
    match shape {
        Shape::Words(None) => Some(
            "Answer with one JSON object and nothing else: no other words, no code fence."
                .to_owned(),
        ),
        Shape::Words(Some(schema)) => {
            let schema = serde_json::to_string(schema).ok()?;
            Some(format!(
                "Answer with JSON that fits this JSON schema and nothing else: no other words, no code fence. {schema}"
            ))
        }
        Shape::Tool(tool) if !prompt.tools.is_empty() || !traits.forced_tools => {
            Some(format!("Give the final answer by calling the tool `{}`.", tool.name))
        }
        Shape::Tool(_) | Shape::Schema(_) | Shape::Free => None,
    }
}

fn refuse_and_drop(prompt: &Prompt, losses: &mut Losses) -> Result<()> {
    let sampling = &prompt.sampling;
    if sampling.answers.is_some_and(|answers| answers > 1) {
        return Err(Error::bad_request("This model gives one answer at a time.")
            .at("n")
            .coded("unsupported_parameter"));
    }
    let told = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    losses.lose_if(sampling.seed.is_some(), "seed");
    losses.lose_if(told(sampling.presence_penalty), "presence_penalty");
    losses.lose_if(told(sampling.frequency_penalty), "frequency_penalty");
    losses.lose_if(sampling.logprobs.is_some(), "logprobs");
    losses.lose_if(prompt.verbosity.is_some(), "verbosity");
    losses.lose_if(prompt.cache_key.is_some(), "prompt_cache_key");
    Ok(())
}

/// The sampling that the model takes. One that thinks chooses its words as it was trained to.
fn sampling(
    prompt: &Prompt,
    traits: &Traits,
    thinking: Option<&ThinkingOut>,
    losses: &mut Losses,
) -> Sampling {
    let asked = &prompt.sampling;
    // 1 is what holds without a word, so nothing is lost with it.
    let says = |value: &f64| (value - 1.0).abs() > f64::EPSILON;
    let (temperature, top_p) = (asked.temperature.filter(says), asked.top_p.filter(says));
    let thinks = thinking.is_some_and(ThinkingOut::is_on);
    let free = traits.sampling && !thinks;
    losses.lose_if(temperature.is_some() && !free, "temperature");
    losses.lose_if(asked.top_k.is_some() && !free, "top_k");
    losses.lose_if(temperature.is_some_and(|temperature| temperature > 1.0), "temperature");
    // The models between refuse both at once; the temperature is what clients mean.
    let narrow = |top_p: f64| if thinks { top_p >= 0.95 } else { temperature.is_none() };
    let kept = top_p.filter(|top_p| traits.sampling && narrow(*top_p));
    losses.lose_if(top_p.is_some() && kept.is_none(), "top_p");
    Sampling {
        temperature: temperature.filter(|_| free).map(|temperature| temperature.clamp(0.0, 1.0)),
        top_p: kept,
        top_k: asked.top_k.filter(|_| free),
        ..Sampling::default()
    }
}

/// Texts of white space alone are refused.
fn stop<'a>(prompt: &'a Prompt, losses: &mut Losses) -> Vec<&'a str> {
    let texts = prompt.stop.iter().map(String::as_str).filter(|text| !text.is_empty());
    let (kept, blank): (Vec<_>, Vec<_>) = texts.partition(|text| !text.trim().is_empty());
    losses.lose_if(!blank.is_empty(), "stop");
    kept
}

/// Ids that look like the address of a person are refused.
fn user<'a>(prompt: &'a Prompt, losses: &mut Losses) -> Option<MetadataOut<'a>> {
    let user_id = prompt.user.as_deref()?;
    let taken = user_id.chars().count() <= USER_CHARS_MAX && !user_id.contains('@');
    losses.lose_if(!taken, "user");
    taken.then_some(MetadataOut { user_id })
}

fn tier(prompt: &Prompt, losses: &mut Losses) -> (Option<&'static str>, Option<&'static str>) {
    match prompt.tier.as_deref() {
        Some("auto") => (Some("auto"), None),
        Some("default" | "standard_only") => (Some("standard_only"), None),
        Some("fast") => (None, Some("fast")),
        Some(_) => {
            losses.lose("service_tier");
            (None, None)
        }
        None => (None, None),
    }
}

#[cfg(test)]
mod tests;
