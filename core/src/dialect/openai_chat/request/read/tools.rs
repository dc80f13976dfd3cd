//! Which tools does a chat request offer, and must they be called?

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Function, Schema, Tool, ToolKind},
        object::Object,
    },
    error::{Error, Result},
};

/// The tools and the choice, of the older `functions` too.
pub(super) fn read(object: &Object<'_>) -> Result<(Vec<Tool>, Option<Choice>)> {
    let mut tools = Vec::new();
    for tool in object.typed::<Vec<&RawValue>>("tools")?.unwrap_or_default() {
        tools.push(plain(kind(tool)?));
    }
    for function in object.typed::<Vec<&RawValue>>("functions")?.unwrap_or_default() {
        tools.push(plain(ToolKind::Function(read_function(&opened(function)?)?)));
    }
    if let Some(options) = object.nested("web_search_options")? {
        let raw = object.get("web_search_options").map(ToOwned::to_owned);
        let origin = raw.map(|raw| (Dialect::OpenAiChat, raw));
        let filters = options.nested("filters")?;
        let allowed = filters.map(|filters| filters.typed("allowed_domains")).transpose()?;
        let allowed = allowed.flatten().unwrap_or_default();
        tools.push(plain(ToolKind::Search { allowed, blocked: Vec::new(), origin }));
    }
    Ok((tools, choice(object)?))
}

fn plain(kind: ToolKind) -> Tool {
    Tool { kind, cache: None }
}

fn opened(tool: &RawValue) -> Result<Object<'_>> {
    Object::read(tool.get().as_bytes())
        .map_err(|_| Error::bad_request("A tool must be an object.").at("tools"))
}

fn kind(tool: &RawValue) -> Result<ToolKind> {
    let object = opened(tool)?;
    let word: Cow<'_, str> = object.typed("type")?.unwrap_or(Cow::Borrowed("function"));
    let missing = || Error::bad_request(format!("A tool needs `{word}`.")).at("tools");
    match &*word {
        "function" => {
            read_function(&object.nested("function")?.ok_or_else(missing)?).map(ToolKind::Function)
        }
        "custom" => {
            let custom = object.nested("custom")?.ok_or_else(missing)?;
            Ok(ToolKind::Custom {
                name: custom.typed("name")?.unwrap_or_default(),
                description: custom.typed("description")?,
                format: custom.get("format").map(ToOwned::to_owned),
            })
        }
        other => Ok(ToolKind::Opaque {
            dialect: Dialect::OpenAiChat,
            kind: other.to_owned(),
            json: tool.to_owned(),
        }),
    }
}

fn read_function(function: &Object<'_>) -> Result<Function> {
    Ok(Function {
        name: function.typed("name")?.unwrap_or_default(),
        description: function.typed("description")?,
        schema: function.present("parameters").map(Schema::read).transpose()?,
        strict: function.typed("strict")?,
    })
}

fn choice(object: &Object<'_>) -> Result<Option<Choice>> {
    let field =
        ["tool_choice", "function_call"].into_iter().find(|name| object.present(name).is_some());
    let Some(field) = field else { return Ok(None) };
    if let Ok(Some(word)) = object.typed::<Cow<'_, str>>(field) {
        return match &*word {
            "auto" => Ok(Some(Choice::Auto)),
            "required" | "any" => Ok(Some(Choice::Required)),
            "none" => Ok(Some(Choice::Never)),
            other => Err(Error::bad_request(format!("`{other}` is no tool choice.")).at(field)),
        };
    }
    let Some(chosen) = object.nested(field)? else { return Ok(None) };
    let kind: Cow<'_, str> = chosen.typed("type")?.unwrap_or(Cow::Borrowed("function"));
    if kind == "allowed_tools" {
        let allowed = chosen.nested("allowed_tools")?;
        return allowed.map(|allowed| among(&allowed)).transpose();
    }
    let named = chosen.nested(&kind)?;
    let name = named.as_ref().unwrap_or(&chosen).typed("name")?;
    let missing = || Error::bad_request("The tool choice names no tool.").at(field);
    name.map(Choice::Only).map(Some).ok_or_else(missing)
}

fn among(allowed: &Object<'_>) -> Result<Choice> {
    let mode: Option<String> = allowed.typed("mode")?;
    let mut names = Vec::new();
    for tool in allowed.typed::<Vec<&RawValue>>("tools")?.unwrap_or_default() {
        let tool = opened(tool)?;
        let kind: String = tool.typed("type")?.unwrap_or_default();
        let inner = tool.nested(&kind)?;
        names.extend(inner.as_ref().unwrap_or(&tool).typed::<String>("name")?);
    }
    Ok(Choice::Among { names, required: mode.is_some_and(|mode| mode == "required") })
}
