//! Which tools does a request offer, and must they be called?

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Function, Prompt, Schema, Tool, ToolKind},
        object::Object,
    },
    error::{Error, Result},
};

/// Reads the tools and the choice into the prompt.
pub(super) fn read(object: &Object<'_>, prompt: &mut Prompt) -> Result<()> {
    let tools: Vec<&RawValue> = object.typed("tools")?.unwrap_or_default();
    for (at, json) in tools.into_iter().enumerate() {
        let kind = kind(json).map_err(|error| error.within("tools", at))?;
        prompt.tools.push(Tool { kind, cache: None });
    }
    let Some(json) = object.present("tool_choice") else { return Ok(()) };
    if json.get().starts_with('"') {
        let word: String = object.typed("tool_choice")?.unwrap_or_default();
        prompt.choice = Some(match word.as_str() {
            "auto" => Choice::Auto,
            "required" => Choice::Required,
            "none" => Choice::Never,
            _ => return Err(unknown(&word)),
        });
        return Ok(());
    }
    let Some(chosen) = object.nested("tool_choice")? else { return Ok(()) };
    prompt.choice = named(&chosen)?;
    if prompt.choice.is_none() {
        prompt.foreign.push("tool_choice".to_owned());
    }
    Ok(())
}

fn kind(json: &RawValue) -> Result<ToolKind> {
    let tool = opened(json)?;
    let kind: Cow<'_, str> = tool.typed("type")?.unwrap_or_default();
    let origin = || Some((Dialect::OpenAiResponses, json.to_owned()));
    Ok(match &*kind {
        "function" => ToolKind::Function(function(&tool)?),
        "custom" => ToolKind::Custom {
            name: name(&tool)?,
            description: tool.typed("description")?,
            format: tool.present("format").map(ToOwned::to_owned),
        },
        // Versions of it end in a date.
        _ if kind.starts_with("web_search") => {
            let filters = tool.nested("filters")?;
            let sites = |field| {
                let sites = filters.as_ref().map(|filters| filters.typed(field));
                sites.transpose().map(|sites| sites.flatten().unwrap_or_default())
            };
            let (allowed, blocked) = (sites("allowed_domains")?, sites("blocked_domains")?);
            ToolKind::Search { allowed, blocked, origin: origin() }
        }
        "code_interpreter" => ToolKind::RunCode { origin: origin() },
        _ => ToolKind::Opaque {
            dialect: Dialect::OpenAiResponses,
            kind: kind.into_owned(),
            json: json.to_owned(),
        },
    })
}

fn function(tool: &Object<'_>) -> Result<Function> {
    let schema = tool.present("parameters").map(Schema::read).transpose()?;
    let strict: Option<bool> = tool.typed("strict")?;
    // Unsaid means yes here, and the provider makes the schema strict if it is not. Elsewhere a schema that is not
    // strict is refused with that, so nothing is said for it.
    let strict = strict.or_else(|| schema.as_ref().is_some_and(is_strict).then_some(true));
    Ok(Function { name: name(tool)?, description: tool.typed("description")?, schema, strict })
}

/// Whether every object of a schema names all its fields and takes no other.
fn is_strict(schema: &Schema) -> bool {
    let inner = match schema {
        Schema::Map(fields) => fields.iter().all(|(_, value)| is_strict(value)),
        Schema::List(items) => items.iter().all(is_strict),
        Schema::Null | Schema::Bool(_) | Schema::Number(_) | Schema::Text(_) => true,
    };
    let object = schema.get("type").and_then(Schema::as_text) == Some("object");
    inner && (!object || is_closed(schema))
}

fn is_closed(object: &Schema) -> bool {
    let required = match object.get("required") {
        Some(Schema::List(names)) => names.iter().filter_map(Schema::as_text).collect(),
        _ => Vec::new(),
    };
    let all = match object.get("properties") {
        Some(Schema::Map(fields)) => fields.iter().all(|(name, _)| required.contains(&&**name)),
        _ => true,
    };
    all && object.get("additionalProperties") == Some(&Schema::Bool(false))
}

/// The choice of an object; `None` when it names a tool that only this API's providers have.
fn named(chosen: &Object<'_>) -> Result<Option<Choice>> {
    let kind: String = chosen.typed("type")?.unwrap_or_default();
    match kind.as_str() {
        "function" | "custom" => Ok(Some(Choice::Only(name(chosen)?))),
        "allowed_tools" => {
            let mode: Option<String> = chosen.typed("mode")?;
            let required = mode.is_some_and(|mode| mode == "required");
            let mut names = Vec::new();
            for tool in chosen.typed::<Vec<&RawValue>>("tools")?.unwrap_or_default() {
                names.extend(opened(tool)?.typed::<String>("name")?);
            }
            Ok(Some(Choice::Among { names, required }))
        }
        _ => Ok(None),
    }
}

fn opened(json: &RawValue) -> Result<Object<'_>> {
    Object::read(json.get().as_bytes())
        .map_err(|_| Error::bad_request("A tool must be an object.").at("tools"))
}

fn name(object: &Object<'_>) -> Result<String> {
    object.typed("name")?.ok_or_else(|| Error::bad_request("A tool needs a `name`.").at("name"))
}

fn unknown(word: &str) -> Error {
    Error::bad_request(format!("`{word}` is no choice of a tool.")).at("tool_choice")
}
