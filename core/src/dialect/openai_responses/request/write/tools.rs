//! Which tools are offered, and must they be called?

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::super::wire::input::{
    Choice as ChoiceOut, Container, Filters, KnownTool, Named, Request, Tool as ToolOut,
};
use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Function, Losses, Prompt, Schema, Tool, ToolKind},
        object::Object,
        traits::Traits,
    },
    error::{Error, Result},
};

/// Writes the tools and the choice into the request.
pub(super) fn write<'a>(
    prompt: &'a Prompt,
    request: &mut Request<'a>,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<()> {
    for tool in &prompt.tools {
        losses.lose_if(tool.cache.is_some(), "cache_control");
        request.tools.push(written(tool, losses)?);
    }
    if request.tools.is_empty() {
        return Ok(());
    }
    request.parallel_tool_calls = prompt.parallel;
    let Some(choice) = &prompt.choice else { return Ok(()) };
    request.tool_choice = Some(match choice {
        Choice::Auto => ChoiceOut::Word("auto"),
        Choice::Never => ChoiceOut::Word("none"),
        Choice::Among { names, required } => {
            let forced = *required && traits.forced_tools;
            losses.lose_if(*required && !forced, "tool_choice");
            let mode = if forced { "required" } else { "auto" };
            let tools = names.iter().map(|name| named(name, &prompt.tools)).collect();
            ChoiceOut::Named(Named::AllowedTools { mode, tools })
        }
        Choice::Required | Choice::Only(_) if !traits.forced_tools => {
            losses.lose("tool_choice");
            ChoiceOut::Word("auto")
        }
        Choice::Required => ChoiceOut::Word("required"),
        Choice::Only(name) => ChoiceOut::Named(named(name, &prompt.tools)),
    });
    Ok(())
}

fn named<'a>(name: &'a str, tools: &[Tool]) -> Named<'a> {
    let custom = tools
        .iter()
        .any(|tool| matches!(&tool.kind, ToolKind::Custom { name: known, .. } if known == name));
    if custom { Named::Custom { name } } else { Named::Function { name } }
}

fn written<'a>(tool: &'a Tool, losses: &mut Losses) -> Result<ToolOut<'a>> {
    Ok(match &tool.kind {
        ToolKind::Function(function) => ToolOut::Known(written_function(function)),
        ToolKind::Custom { name, description, format } => {
            let description = description.as_deref();
            let format = format.as_deref().map(flat);
            ToolOut::Known(KnownTool::Custom { name, description, format })
        }
        ToolKind::Search { origin: Some((dialect, json)), .. }
        | ToolKind::RunCode { origin: Some((dialect, json)) }
            if *dialect == Dialect::OpenAiResponses =>
        {
            ToolOut::Same(json)
        }
        ToolKind::Search { allowed, blocked, .. } => {
            losses.lose_if(!blocked.is_empty(), "tools.web_search.filters");
            let filters = (!allowed.is_empty()).then_some(Filters { allowed_domains: allowed });
            ToolOut::Known(KnownTool::WebSearch { filters })
        }
        ToolKind::RunCode { .. } => {
            ToolOut::Known(KnownTool::CodeInterpreter { container: Container::Auto })
        }
        ToolKind::Opaque { dialect, json, .. } if *dialect == Dialect::OpenAiResponses => {
            ToolOut::Same(json)
        }
        ToolKind::Opaque { kind, .. } => {
            let message = format!("The provider has no tool `{kind}`.");
            return Err(Error::bad_request(message).at("tools").coded("unsupported_parameter"));
        }
    })
}

/// Unsaid, a schema would be enforced here, unlike elsewhere.
fn written_function(function: &Function) -> KnownTool<'_> {
    let Function { name, description, schema, strict } = function;
    let parameters = schema.as_ref().map_or_else(|| Cow::Owned(no_parameters()), Cow::Borrowed);
    let (description, strict) = (description.as_deref(), strict.unwrap_or(false));
    KnownTool::Function { name, description, parameters, strict }
}

fn no_parameters() -> Schema {
    let object = Schema::Text("object".to_owned());
    Schema::Map(vec![("type".to_owned(), object), ("properties".to_owned(), Schema::empty())])
}

/// The format of a custom tool. In chat a grammar has its fields in an object of its own, here beside the type.
fn flat(format: &RawValue) -> Box<RawValue> {
    let inner = || {
        let grammar = Object::read(format.get().as_bytes()).ok()?.nested("grammar").ok()??;
        let (syntax, definition) = (grammar.present("syntax")?, grammar.present("definition")?);
        let flat = format!(r#"{{"type":"grammar","syntax":{syntax},"definition":{definition}}}"#);
        RawValue::from_string(flat).ok()
    };
    inner().unwrap_or_else(|| format.to_owned())
}
