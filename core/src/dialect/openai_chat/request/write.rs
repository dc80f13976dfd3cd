//! How is a prompt said in this API?

mod alternate;
mod call_id;
mod parts;
mod tools;
mod turns;

use serde::Serialize;

use crate::{
    dialect::{
        ir::{Effort, Format, Losses, Prompt, Schema, UNNAMED_SCHEMA},
        traits::{MaxTokens, Seed, Structured, Thinking, Traits},
    },
    error::{Error, Result},
};

#[derive(Serialize, Default)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<turns::Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<tools::ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_search_options: Option<tools::SearchOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Switch {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatOut<'a> {
    JsonObject,
    JsonSchema { json_schema: NamedSchema<'a> },
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Writes a request.
pub(crate) fn write(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Result<Vec<u8>> {
    if prompt.sampling.answers.is_some_and(|count| count > 1) && !traits.answers {
        let error = Error::bad_request("This model's provider gives one answer at a time.");
        return Err(error.at("n").coded("unsupported_parameter"));
    }
    let mut request = Request { model: &prompt.model, ..Request::default() };
    let note = note(prompt, traits);
    request.messages = turns::write(&prompt.turns, note, traits, losses)?;
    let called = tools::write(prompt, traits, losses)?;
    request.tools = called.list;
    request.tool_choice = called.choice;
    request.parallel_tool_calls = called.parallel;
    request.web_search_options = called.search;
    write_sampling(prompt, &mut request, traits, losses);
    write_thinking(prompt, &mut request, traits, losses);
    request.response_format = format(prompt, traits);
    if traits.stop {
        request.stop = &prompt.stop;
    }
    match traits.max_tokens {
        MaxTokens::Completion => request.max_completion_tokens = max_tokens(prompt, traits),
        MaxTokens::Plain => request.max_tokens = max_tokens(prompt, traits),
    }
    request.user = prompt.user.as_deref();
    if traits.native {
        request.verbosity = prompt.verbosity.as_deref();
        request.prompt_cache_key = prompt.cache_key.as_deref();
    } else {
        losses.lose_if(prompt.verbosity.is_some(), "verbosity");
        losses.lose_if(prompt.cache_key.is_some(), "prompt_cache_key");
    }
    match prompt.tier.as_deref() {
        Some(tier @ ("auto" | "default")) if traits.native => request.service_tier = Some(tier),
        Some("auto" | "default") | None => {}
        Some(_) => losses.lose("service_tier"),
    }
    losses.lose_if(prompt.cache.is_some(), "cache_control");
    if prompt.stream {
        request.stream = Some(true);
        request.stream_options = Some(StreamOptions { include_usage: true });
    }
    serde_json::to_vec(&request).map_err(Error::internal)
}

/// More than the model can write is an error at many hosts, and means no more than the most.
fn max_tokens(prompt: &Prompt, traits: &Traits) -> Option<u64> {
    let wanted = prompt.max_tokens.or(traits.output_usual)?;
    Some(traits.output_max.map_or(wanted, |most| wanted.min(most)))
}

/// What must be said in words because the host has no field for it.
fn note(prompt: &Prompt, traits: &Traits) -> Option<String> {
    let Some(Format::Schema { schema, .. }) = &prompt.format else { return None };
    if traits.structured == Structured::Schema {
        return None;
    }
    let schema = serde_json::to_string(schema).ok()?;
    Some(format!(
        "Answer with one JSON object that fits this JSON schema, and nothing else: {schema}"
    ))
}

fn format<'a>(prompt: &'a Prompt, traits: &Traits) -> Option<FormatOut<'a>> {
    match prompt.format.as_ref()? {
        Format::Json => Some(FormatOut::JsonObject),
        Format::Schema { .. } if traits.structured != Structured::Schema => {
            Some(FormatOut::JsonObject)
        }
        Format::Schema { name, description, schema, strict } => Some(FormatOut::JsonSchema {
            json_schema: NamedSchema {
                name: name.as_deref().unwrap_or(UNNAMED_SCHEMA),
                description: description.as_deref(),
                schema,
                strict: *strict,
            },
        }),
    }
}

fn write_sampling<'a>(
    prompt: &'a Prompt,
    request: &mut Request<'a>,
    traits: &Traits,
    losses: &mut Losses,
) {
    let sampling = &prompt.sampling;
    request.temperature = losses.keep_if(traits.sampling, sampling.temperature, "temperature");
    request.top_p = losses.keep_if(traits.sampling, sampling.top_p, "top_p");
    request.presence_penalty =
        losses.keep_if(traits.penalties, sampling.presence_penalty, "presence_penalty");
    request.frequency_penalty =
        losses.keep_if(traits.penalties, sampling.frequency_penalty, "frequency_penalty");
    losses.lose_if(sampling.top_k.is_some(), "top_k");
    request.n = sampling.answers.filter(|_| traits.answers);
    match traits.seed {
        Seed::Plain => request.seed = sampling.seed,
        Seed::Random => request.random_seed = sampling.seed,
        Seed::Absent => losses.lose_if(sampling.seed.is_some(), "seed"),
    }
    if let Some(logprobs) = losses.keep_if(traits.logprobs, sampling.logprobs, "logprobs") {
        request.logprobs = Some(true);
        request.top_logprobs = Some(logprobs.top).filter(|top| *top > 0);
    }
}

fn write_thinking(
    prompt: &Prompt,
    request: &mut Request<'_>,
    traits: &Traits,
    losses: &mut Losses,
) {
    let Some(effort) = prompt.reasoning.effort else { return };
    match traits.thinking {
        Thinking::Degree if is_off(effort) && traits.switch => {
            request.thinking = Some(Switch { kind: "disabled" });
        }
        Thinking::Degree => request.reasoning_effort = traits.degree(effort),
        Thinking::Switch => {
            let kind = if is_off(effort) { "disabled" } else { "enabled" };
            request.thinking = Some(Switch { kind });
        }
        // A model that cannot be told to think seldom does.
        Thinking::Untold | Thinking::Budget { .. } => {
            losses.lose_if(!is_off(effort), "reasoning_effort");
        }
    }
}

fn is_off(effort: Effort) -> bool {
    matches!(effort, Effort::Off | Effort::Budget(0))
}
