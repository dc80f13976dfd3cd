//! How is a request of this API written?

use std::borrow::Cow;

use crate::{
    dialect::{
        Losses, Prompt, Traits,
        ir::{Choice, Effort, Format, Function, Part, Schema, Tool, ToolKind},
        ollama::wire::{FormatOut, FunctionOut, OptionsOut, RequestOut, ThinkOut, ToolOut},
        traits::{Structured, Thinking},
    },
    error::{Error, Result},
};

mod messages;

/// Writes a request.
pub(crate) fn write(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Result<Vec<u8>> {
    if prompt.sampling.answers.is_some_and(|answers| answers > 1) {
        return Err(refused("The API gives one answer.").at("n"));
    }
    let (format, note) = form(prompt, traits)?;
    let options = options(prompt, traits, losses);
    note_losses(prompt, losses);
    let request = RequestOut {
        model: &prompt.model,
        messages: messages::write(prompt, note)?,
        tools: tools(prompt, losses)?,
        format,
        think: think(prompt, traits, losses),
        stream: prompt.stream,
        options: Some(options).filter(|options| *options != OptionsOut::default()),
    };
    serde_json::to_vec(&request).map_err(Error::internal)
}

fn refused(message: impl Into<Cow<'static, str>>) -> Error {
    Error::bad_request(message).coded("unsupported_parameter")
}

/// The form of the answer, and what the instructions say about it where no field does.
fn form<'p>(
    prompt: &'p Prompt,
    traits: &Traits,
) -> Result<(Option<FormatOut<'p>>, Option<String>)> {
    Ok(match (&prompt.format, traits.structured) {
        (None, _) => (None, None),
        (Some(Format::Json), _) => (Some(FormatOut::Word("json")), None),
        (Some(Format::Schema { schema, .. }), Structured::Schema) => {
            (Some(FormatOut::Schema(schema)), None)
        }
        (Some(Format::Schema { schema, .. }), Structured::AnyJson | Structured::ForcedTool) => {
            let text = serde_json::to_string(schema).map_err(Error::internal)?;
            let note = format!("Answer only with JSON that fits this JSON Schema:\n{text}");
            (Some(FormatOut::Word("json")), Some(note))
        }
    })
}

fn options<'p>(prompt: &'p Prompt, traits: &Traits, losses: &mut Losses) -> OptionsOut<'p> {
    let sampling = &prompt.sampling;
    let told = |most: u64| traits.output_max.map_or(most, |max| most.min(max));
    let mut options = OptionsOut {
        seed: sampling.seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        stop: &prompt.stop,
        num_predict: prompt.max_tokens.map(told),
        ..OptionsOut::default()
    };
    if traits.sampling {
        (options.temperature, options.top_p) = (sampling.temperature, sampling.top_p);
        options.top_k = sampling.top_k;
    } else {
        losses.lose_if(sampling.temperature.is_some(), "temperature");
        losses.lose_if(sampling.top_p.is_some(), "top_p");
        losses.lose_if(sampling.top_k.is_some(), "top_k");
    }
    options
}

/// A switch, or a degree of three.
fn think(prompt: &Prompt, traits: &Traits, losses: &mut Losses) -> Option<ThinkOut> {
    let effort = prompt.reasoning.effort?;
    let degree = traits.degree(effort).filter(|_| traits.thinking == Thinking::Degree);
    Some(match (traits.thinking, effort, degree) {
        (Thinking::Untold, effort, _) => {
            losses.lose_if(effort != Effort::Off, "reasoning_effort");
            return None;
        }
        (_, Effort::Off | Effort::Budget(0), _) => ThinkOut::Switch(false),
        (_, _, None) => ThinkOut::Switch(true),
        (_, _, Some("minimal" | "low")) => ThinkOut::Degree("low"),
        (_, _, Some("medium")) => ThinkOut::Degree("medium"),
        (_, _, Some(_)) => ThinkOut::Degree("high"),
    })
}

/// The API cannot be told to call: it is shown only what it may call.
fn tools<'p>(prompt: &'p Prompt, losses: &mut Losses) -> Result<Vec<ToolOut<'p>>> {
    losses.lose_if(prompt.parallel == Some(false), "parallel_tool_calls");
    let shown: Option<&[String]> = match &prompt.choice {
        Some(Choice::Never) => return Ok(Vec::new()),
        None | Some(Choice::Auto) => None,
        Some(Choice::Required) => {
            losses.lose("tool_choice");
            None
        }
        Some(Choice::Only(name)) => {
            losses.lose("tool_choice");
            Some(std::slice::from_ref(name))
        }
        Some(Choice::Among { names, required }) => {
            losses.lose_if(*required, "tool_choice");
            Some(names)
        }
    };
    let mut tools = Vec::with_capacity(prompt.tools.len());
    for Tool { kind, cache: _ } in &prompt.tools {
        let ToolKind::Function(function) = kind else {
            return Err(refused("The API has only tools that the client runs.").at("tools"));
        };
        if shown.is_none_or(|names| names.contains(&function.name)) {
            losses.lose_if(function.strict == Some(true), "tools.strict");
            tools.push(tool(function));
        }
    }
    Ok(tools)
}

fn tool(function: &Function) -> ToolOut<'_> {
    let Function { name, description, schema, strict: _ } = function;
    let parameters = schema.as_ref().map_or_else(|| Cow::Owned(nothing()), Cow::Borrowed);
    let function = FunctionOut { name, description: description.as_deref(), parameters };
    ToolOut { kind: "function", function }
}

/// The schema of no arguments.
fn nothing() -> Schema {
    Schema::Map(vec![
        ("type".to_owned(), Schema::Text("object".to_owned())),
        ("properties".to_owned(), Schema::empty()),
    ])
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
        }
        Part::Outcome(outcome) => {
            losses.lose_if(outcome.cache.is_some(), "cache_control");
            outcome.parts.iter().for_each(|part| note_part(part, losses));
        }
        Part::Refusal(_) | Part::Thought(_) | Part::Call(_) | Part::Opaque { .. } => {}
    }
}
