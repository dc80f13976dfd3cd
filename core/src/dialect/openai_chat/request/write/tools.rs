//! What may the model call, in the words of this API?

use serde::Serialize;
use serde_json::value::RawValue;

use super::is_off;
use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Losses, Prompt, Schema, Tool, ToolKind},
        traits::{MustCall, Traits},
    },
    error::{Error, Result},
};

/// What a request says about tools.
#[derive(Default)]
pub(super) struct Tools<'a> {
    pub(super) list: Vec<ToolOut<'a>>,
    pub(super) choice: Option<ChoiceOut<'a>>,
    pub(super) parallel: Option<bool>,
    pub(super) search: Option<SearchOut<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolOut<'a> {
    Function { function: FunctionOut<'a> },
    Custom { custom: CustomOut<'a> },
}

#[derive(Serialize)]
pub(super) struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct CustomOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceOut<'a> {
    Word(&'static str),
    Named(Named<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Named<'a> {
    Function { function: NameOut<'a> },
    Custom { custom: NameOut<'a> },
}

#[derive(Serialize)]
pub(super) struct NameOut<'a> {
    name: &'a str,
}

/// The client's own options go back as they came.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum SearchOut<'a> {
    Same(&'a RawValue),
    Plain {},
}

/// The tools of a prompt, and whether they must be called.
pub(super) fn write<'a>(
    prompt: &'a Prompt,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Tools<'a>> {
    let mut out = Tools::default();
    let named: Option<&[String]> = match &prompt.choice {
        Some(Choice::Among { names, .. }) => Some(names),
        Some(Choice::Auto | Choice::Required | Choice::Never | Choice::Only(_)) | None => None,
    };
    for tool in &prompt.tools {
        losses.lose_if(tool.cache.is_some(), "cache_control");
        match &tool.kind {
            ToolKind::Search { origin, allowed, blocked } => {
                out.search = Some(search(origin.as_ref()));
                let own = matches!(origin, Some((Dialect::OpenAiChat, _)));
                let filtered = !allowed.is_empty() || !blocked.is_empty();
                losses.lose_if(filtered && !own, "tools.web_search.filters");
            }
            kind => out.list.extend(tool_out(kind, named)?),
        }
    }
    if out.list.is_empty() {
        return Ok(out);
    }
    if !traits.tools {
        out.list.clear();
        return do_without(prompt, losses).map(|()| out);
    }
    out.choice = prompt.choice.as_ref().map(|choice| choice_out(choice, prompt, traits, losses));
    out.parallel = prompt.parallel;
    Ok(out)
}

fn choice_out<'a>(
    choice: &'a Choice,
    prompt: &'a Prompt,
    traits: &Traits,
    losses: &mut Losses,
) -> ChoiceOut<'a> {
    // A model that refuses to be forced while it thinks can be forced when it does not.
    let rests = prompt.reasoning.effort.is_some_and(is_off) && traits.switch;
    let forced = traits.forced_tools || rests;
    match choice {
        Choice::Auto | Choice::Among { required: false, .. } => ChoiceOut::Word("auto"),
        Choice::Never => ChoiceOut::Word("none"),
        _ if !forced => {
            losses.lose("tool_choice");
            ChoiceOut::Word("auto")
        }
        Choice::Required | Choice::Among { required: true, .. } => {
            ChoiceOut::Word(match traits.must_call {
                MustCall::Required => "required",
                MustCall::Any => "any",
            })
        }
        Choice::Only(name) => ChoiceOut::Named(only(name, &prompt.tools)),
    }
}

/// For a host that takes none: a model that may not call one needs none.
fn do_without(prompt: &Prompt, losses: &mut Losses) -> Result<()> {
    if prompt.choice != Some(Choice::Never) {
        let error = Error::bad_request("This model's provider takes no tools.");
        return Err(error.at("tools").coded("unsupported_parameter"));
    }
    losses.lose("tools");
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

fn unknown(kind: &str) -> Error {
    let message = format!("The tool `{kind}` does not exist at this model's provider.");
    Error::bad_request(message).at("tools").coded("unsupported_parameter")
}
