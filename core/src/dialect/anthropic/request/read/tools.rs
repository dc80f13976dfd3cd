//! Which tools does a request offer, and must they be called?

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{cache, note, unknown};
use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Function, Schema, Tool, ToolKind},
        object::Object,
    },
    error::{Error, Result},
};

/// What a request says of tools.
pub(super) struct Read {
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Option<Choice>,
    pub(super) parallel: Option<bool>,
}

/// Reads tools and choice, and notes what no other dialect has.
pub(super) fn read(object: &Object<'_>, foreign: &mut Vec<String>) -> Result<Read> {
    let raw: Vec<&RawValue> = object.typed("tools")?.unwrap_or_default();
    let mut tools = Vec::with_capacity(raw.len());
    for (at, tool) in raw.into_iter().enumerate() {
        tools.push(read_tool(tool, foreign).map_err(|error| error.within("tools", at))?);
    }
    let Some(choice) = object.nested("tool_choice")? else {
        return Ok(Read { tools, choice: None, parallel: None });
    };
    let single: Option<bool> = choice.typed("disable_parallel_tool_use")?;
    let parallel = single.filter(|single| *single).map(|_| false);
    let choice = Some(read_choice(&choice)?);
    Ok(Read { tools, choice, parallel })
}

fn read_choice(choice: &Object<'_>) -> Result<Choice> {
    let kind: Cow<'_, str> = choice.typed("type")?.unwrap_or_default();
    let wrong = |text: String| Error::bad_request(text).at("tool_choice");
    Ok(match &*kind {
        "auto" => Choice::Auto,
        "any" => Choice::Required,
        "none" => Choice::Never,
        "tool" => Choice::Only(
            choice.typed("name")?.ok_or_else(|| wrong("The choice needs a `name`.".to_owned()))?,
        ),
        other => return Err(wrong(format!("`{other}` is no choice of tools."))),
    })
}

fn read_tool(raw: &RawValue, foreign: &mut Vec<String>) -> Result<Tool> {
    let tool = Object::read(raw.get().as_bytes())
        .map_err(|_| Error::bad_request("A tool must be an object."))?;
    let kind: Cow<'_, str> = tool.typed("type")?.unwrap_or(Cow::Borrowed("custom"));
    let origin = || Some((Dialect::Anthropic, raw.to_owned()));
    let kind = match &*kind {
        "custom" => function(&tool, foreign)?,
        kind if kind.starts_with("web_search_") => {
            lose(&tool, &["allowed_domains", "blocked_domains"], "tools.web_search", foreign);
            ToolKind::Search {
                allowed: tool.typed("allowed_domains")?.unwrap_or_default(),
                blocked: tool.typed("blocked_domains")?.unwrap_or_default(),
                origin: origin(),
            }
        }
        kind if kind.starts_with("code_execution_") => ToolKind::RunCode { origin: origin() },
        _ => {
            let (dialect, kind) = (Dialect::Anthropic, kind.into_owned());
            ToolKind::Opaque { dialect, kind, json: raw.to_owned() }
        }
    };
    Ok(Tool { kind, cache: cache(&tool)? })
}

fn function(tool: &Object<'_>, foreign: &mut Vec<String>) -> Result<ToolKind> {
    lose(tool, &["description", "input_schema", "strict"], "tools", foreign);
    let missing = || Error::bad_request("A tool needs a `name`.").at("name");
    Ok(ToolKind::Function(Function {
        name: tool.typed("name")?.ok_or_else(missing)?,
        description: tool.typed("description")?,
        schema: tool.present("input_schema").map(Schema::read).transpose()?,
        strict: tool.typed("strict")?,
    }))
}

/// Notes the fields of a tool that are not read, unless they say what holds without them.
fn lose(tool: &Object<'_>, read: &[&str], place: &str, foreign: &mut Vec<String>) {
    for name in unknown(tool, read) {
        let text = tool.get(&name).map_or("", RawValue::get);
        let plain = match name.as_str() {
            "type" | "name" | "cache_control" => true,
            "defer_loading" | "eager_input_streaming" | "strict" => text == "false",
            "allowed_callers" => text.contains("\"direct\""),
            _ => false,
        };
        let path = format!("{place}.{name}");
        if !plain {
            note(foreign, path);
        }
    }
}
