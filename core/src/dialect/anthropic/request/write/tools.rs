//! Which tools may or must the model call?

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Shape, blocks::CacheOut, schema};
use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Function, Losses, Prompt, Schema, Tool, ToolKind},
        traits::Traits,
    },
    error::{Error, Result},
};

/// How many tools the provider holds to their schemas at once.
const STRICT_MAX: usize = 20;
/// How many values of several types the schemas of such tools may hold in all.
const UNIONS_MAX: usize = 16;

/// A tool.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolOut<'a> {
    Function(FunctionOut<'a>),
    Served(ServedOut<'a>),
    Raw(&'a RawValue),
}

/// A tool that the client runs.
#[derive(Serialize)]
pub(super) struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<CacheOut>,
}

/// A tool that the provider runs.
#[derive(Serialize)]
pub(super) struct ServedOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    allowed_domains: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    blocked_domains: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<CacheOut>,
}

/// Whether the model must call.
#[derive(Serialize)]
pub(super) struct ChoiceOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

impl ChoiceOut<'_> {
    /// Whether a call is certain.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.kind, "any" | "tool")
    }
}

/// The tools and the choice between them, with the tool that holds the answer's form if there is one.
pub(super) fn write<'a>(
    prompt: &'a Prompt,
    shape: &Shape<'a>,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<(Vec<ToolOut<'a>>, Option<ChoiceOut<'a>>)> {
    let named: Option<&[String]> = match &prompt.choice {
        Some(Choice::Among { names, .. }) => Some(names),
        Some(Choice::Auto | Choice::Required | Choice::Never | Choice::Only(_)) | None => None,
    };
    let mut strict = Strict::default();
    let mut tools = Vec::with_capacity(prompt.tools.len() + 1);
    for tool in &prompt.tools {
        if is_wanted(&tool.kind, named) {
            tools.push(tool_out(tool, &mut strict, losses)?);
        }
    }
    let form = match shape {
        Shape::Tool(form) => Some(form),
        Shape::Schema(_) | Shape::Words(_) | Shape::Free => None,
    };
    let alone = tools.is_empty() || prompt.choice == Some(Choice::Never);
    tools.extend(form.map(|form| {
        ToolOut::Function(FunctionOut {
            name: form.name,
            description: form.description,
            input_schema: schema::object(form.schema),
            strict: None,
            cache_control: None,
        })
    }));
    if tools.is_empty() {
        return Ok((tools, None));
    }
    let must = match form {
        Some(form) if alone => Some(Must::Call(form.name)),
        Some(_) => must(prompt).filter(Must::is_named).or(Some(Must::CallAny)),
        None => must(prompt),
    };
    Ok((tools, choice_out(must, prompt.parallel, traits, losses)))
}

/// What the model must do.
#[derive(Clone, Copy)]
enum Must<'a> {
    Nothing,
    NotCall,
    CallAny,
    Call(&'a str),
}

impl Must<'_> {
    fn is_named(&self) -> bool {
        matches!(self, Self::Call(_))
    }
}

fn must(prompt: &Prompt) -> Option<Must<'_>> {
    Some(match prompt.choice.as_ref()? {
        Choice::Auto | Choice::Among { required: false, .. } => Must::Nothing,
        Choice::Never => Must::NotCall,
        Choice::Required | Choice::Among { required: true, .. } => Must::CallAny,
        Choice::Only(name) => Must::Call(name),
    })
}

fn choice_out<'a>(
    must: Option<Must<'a>>,
    parallel: Option<bool>,
    traits: &Traits,
    losses: &mut Losses,
) -> Option<ChoiceOut<'a>> {
    let single = (parallel == Some(false)).then_some(true);
    let (kind, name) = match must {
        None if single.is_none() => return None,
        None | Some(Must::Nothing) => ("auto", None),
        Some(Must::NotCall) => {
            return Some(ChoiceOut { kind: "none", name: None, disable_parallel_tool_use: None });
        }
        Some(Must::CallAny | Must::Call(_)) if !traits.forced_tools => {
            losses.lose("tool_choice");
            ("auto", None)
        }
        Some(Must::CallAny) => ("any", None),
        Some(Must::Call(name)) => ("tool", Some(name)),
    };
    Some(ChoiceOut { kind, name, disable_parallel_tool_use: single })
}

/// How many strict tools there are, and how much their schemas hold.
#[derive(Default)]
struct Strict {
    tools: usize,
    unions: usize,
}

impl Strict {
    /// Whether one more tool can be held to its schema.
    fn takes(&mut self, schema: &Schema) -> bool {
        let unions = self.unions + schema::unions(schema);
        if self.tools == STRICT_MAX || unions > UNIONS_MAX {
            return false;
        }
        (self.tools, self.unions) = (self.tools + 1, unions);
        true
    }
}

/// Of a choice among some tools, the others are not shown.
fn is_wanted(kind: &ToolKind, named: Option<&[String]>) -> bool {
    match kind {
        ToolKind::Function(Function { name, .. }) | ToolKind::Custom { name, .. } => {
            named.is_none_or(|names| names.contains(name))
        }
        ToolKind::Search { .. } | ToolKind::RunCode { .. } | ToolKind::Opaque { .. } => true,
    }
}

fn tool_out<'a>(tool: &'a Tool, strict: &mut Strict, losses: &mut Losses) -> Result<ToolOut<'a>> {
    let cache_control = tool.cache.map(CacheOut::of);
    Ok(match &tool.kind {
        ToolKind::Function(function) => ToolOut::Function(FunctionOut {
            cache_control,
            ..function_out(function, strict, losses)
        }),
        ToolKind::Custom { name, description, format } => {
            losses.lose_if(format.is_some(), "format");
            ToolOut::Function(FunctionOut {
                name,
                description: description.as_deref(),
                input_schema: schema::free_text(),
                strict: None,
                cache_control,
            })
        }
        ToolKind::Search { allowed, blocked, origin } => own(origin.as_ref()).map_or_else(
            || ToolOut::Served(search(allowed, blocked, cache_control, losses)),
            ToolOut::Raw,
        ),
        ToolKind::RunCode { origin } => own(origin.as_ref()).map_or_else(
            || {
                ToolOut::Served(ServedOut {
                    kind: "code_execution_20250825",
                    name: "code_execution",
                    allowed_domains: &[],
                    blocked_domains: &[],
                    cache_control,
                })
            },
            ToolOut::Raw,
        ),
        ToolKind::Opaque { dialect, kind, json } => {
            if *dialect == Dialect::Anthropic {
                return Ok(ToolOut::Raw(json));
            }
            let message = format!("The tool `{kind}` does not exist at this model's provider.");
            return Err(Error::bad_request(message).at("tools").coded("unsupported_parameter"));
        }
    })
}

/// The API takes one of the two lists.
fn search<'a>(
    allowed: &'a [String],
    blocked: &'a [String],
    cache_control: Option<CacheOut>,
    losses: &mut Losses,
) -> ServedOut<'a> {
    let both = !allowed.is_empty() && !blocked.is_empty();
    losses.lose_if(both, "tools.web_search.blocked_domains");
    ServedOut {
        kind: "web_search_20250305",
        name: "web_search",
        allowed_domains: allowed,
        blocked_domains: if both { &[] } else { blocked },
        cache_control,
    }
}

fn function_out<'a>(
    function: &'a Function,
    strict: &mut Strict,
    losses: &mut Losses,
) -> FunctionOut<'a> {
    let plain = function.schema.as_ref().map_or_else(schema::nothing, schema::object);
    let wanted = function.strict == Some(true);
    let held = wanted && strict.takes(&plain);
    losses.lose_if(wanted && !held, "tools.strict");
    FunctionOut {
        name: &function.name,
        description: function.description.as_deref(),
        input_schema: if held { schema::lower(&plain) } else { plain },
        strict: held.then_some(true),
        cache_control: None,
    }
}

/// The tool as the client had it, if it was this API's.
fn own(origin: Option<&(Dialect, Box<RawValue>)>) -> Option<&RawValue> {
    origin.filter(|(dialect, _)| *dialect == Dialect::Anthropic).map(|(_, tool)| &**tool)
}
