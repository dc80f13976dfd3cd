//! How is a prompt said in this API?

mod turns;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Effort, Format, Losses, Media, MediaKind, Prompt, Schema, Tool, ToolKind},
        traits::{MaxTokens, Structured, Thinking, Traits},
    },
    error::{Error, Result},
};

/// What a schema is called when the client gave it no name.
const UNNAMED: &str = "response";

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
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_search_options: Option<SearchOut<'a>>,
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

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ToolOut<'a> {
    Function { function: FunctionOut<'a> },
    Custom { custom: CustomOut<'a> },
}

#[derive(Serialize)]
struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct CustomOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ChoiceOut<'a> {
    Word(&'static str),
    Named(Named<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Named<'a> {
    Function { function: NameOut<'a> },
    Custom { custom: NameOut<'a> },
}

#[derive(Serialize)]
struct NameOut<'a> {
    name: &'a str,
}

/// The client's own options go back as they came.
#[derive(Serialize)]
#[serde(untagged)]
enum SearchOut<'a> {
    Same(&'a RawValue),
    Plain {},
}

/// Writes a request.
pub(crate) fn write(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Result<Vec<u8>> {
    let mut request = Request { model: &prompt.model, ..Request::default() };
    let note = note(prompt, traits);
    request.messages = turns::write(&prompt.turns, note, traits, losses)?;
    write_tools(prompt, &mut request, traits, losses)?;
    write_sampling(prompt, &mut request, traits, losses);
    write_thinking(prompt, &mut request, traits, losses);
    request.response_format = format(prompt, traits);
    request.stop = &prompt.stop;
    match traits.max_tokens {
        MaxTokens::Completion => request.max_completion_tokens = prompt.max_tokens,
        MaxTokens::Plain => request.max_tokens = prompt.max_tokens,
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
                name: name.as_deref().unwrap_or(UNNAMED),
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
    if traits.sampling {
        request.temperature = sampling.temperature;
        request.top_p = sampling.top_p;
        request.presence_penalty = sampling.presence_penalty;
        request.frequency_penalty = sampling.frequency_penalty;
    } else {
        losses.lose_if(sampling.temperature.is_some(), "temperature");
        losses.lose_if(sampling.top_p.is_some(), "top_p");
        losses.lose_if(sampling.presence_penalty.is_some(), "presence_penalty");
        losses.lose_if(sampling.frequency_penalty.is_some(), "frequency_penalty");
    }
    losses.lose_if(sampling.top_k.is_some(), "top_k");
    request.n = sampling.answers;
    request.seed = sampling.seed;
    if let Some(logprobs) = sampling.logprobs {
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
        Thinking::Degree => request.reasoning_effort = effort.word(),
        Thinking::Switch => {
            let kind = if effort == Effort::Off { "disabled" } else { "enabled" };
            request.thinking = Some(Switch { kind });
        }
        Thinking::Untold | Thinking::Budget { .. } => losses.lose("reasoning_effort"),
    }
}

fn write_tools<'a>(
    prompt: &'a Prompt,
    request: &mut Request<'a>,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<()> {
    let named: Option<&[String]> = match &prompt.choice {
        Some(Choice::Among { names, .. }) => Some(names),
        Some(Choice::Auto | Choice::Required | Choice::Never | Choice::Only(_)) | None => None,
    };
    for tool in &prompt.tools {
        losses.lose_if(tool.cache.is_some(), "cache_control");
        match &tool.kind {
            ToolKind::Search { origin, allowed, blocked } => {
                request.web_search_options = Some(search(origin.as_ref()));
                let own = matches!(origin, Some((Dialect::OpenAiChat, _)));
                let filtered = !allowed.is_empty() || !blocked.is_empty();
                losses.lose_if(filtered && !own, "tools.web_search.filters");
            }
            kind => request.tools.extend(tool_out(kind, named)?),
        }
    }
    if request.tools.is_empty() {
        return Ok(());
    }
    let forced = traits.forced_tools;
    request.tool_choice = prompt.choice.as_ref().map(|choice| match choice {
        Choice::Auto | Choice::Among { required: false, .. } => ChoiceOut::Word("auto"),
        Choice::Never => ChoiceOut::Word("none"),
        _ if !forced => {
            losses.lose("tool_choice");
            ChoiceOut::Word("auto")
        }
        Choice::Required | Choice::Among { required: true, .. } => ChoiceOut::Word("required"),
        Choice::Only(name) => ChoiceOut::Named(only(name, &prompt.tools)),
    });
    request.parallel_tool_calls = prompt.parallel;
    Ok(())
}

fn search(origin: Option<&(Dialect, Box<RawValue>)>) -> SearchOut<'_> {
    match origin {
        Some((Dialect::OpenAiChat, options)) => SearchOut::Same(options),
        Some(_) | None => SearchOut::Plain {},
    }
}

fn only<'a>(name: &'a str, tools: &[Tool]) -> Named<'a> {
    let custom = tools
        .iter()
        .any(|tool| matches!(&tool.kind, ToolKind::Custom { name: known, .. } if known == name));
    let name = NameOut { name };
    if custom { Named::Custom { custom: name } } else { Named::Function { function: name } }
}

fn tool_out<'a>(kind: &'a ToolKind, named: Option<&[String]>) -> Result<Option<ToolOut<'a>>> {
    let wanted = |name: &String| named.is_none_or(|names| names.contains(name));
    match kind {
        ToolKind::Function(function) if !wanted(&function.name) => Ok(None),
        ToolKind::Custom { name, .. } if !wanted(name) => Ok(None),
        ToolKind::Function(function) => Ok(Some(ToolOut::Function {
            function: FunctionOut {
                name: &function.name,
                description: function.description.as_deref(),
                parameters: function.schema.as_ref(),
                strict: function.strict,
            },
        })),
        ToolKind::Custom { name, description, format } => Ok(Some(ToolOut::Custom {
            custom: CustomOut {
                name,
                description: description.as_deref(),
                format: format.as_deref(),
            },
        })),
        ToolKind::Search { .. } => Ok(None),
        ToolKind::RunCode { .. } => Err(unknown("code_execution")),
        ToolKind::Opaque { kind, .. } => Err(unknown(kind)),
    }
}

/// What is lost with media that the model made: this API's history holds none.
fn unknown_media(media: &Media) -> &'static str {
    match media.kind {
        MediaKind::Image => "messages.image",
        MediaKind::Document => "messages.document",
        MediaKind::Audio => "messages.audio",
        MediaKind::Video => "messages.video",
    }
}

fn unknown(kind: &str) -> Error {
    let message = format!("The tool `{kind}` does not exist at this model's provider.");
    Error::bad_request(message).at("tools").coded("unsupported_parameter")
}
