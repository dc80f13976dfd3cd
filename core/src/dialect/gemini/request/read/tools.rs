//! What may the model call, and must it?

use serde_json::value::RawValue;

use super::{foreign, is_nothing};
use crate::{
    dialect::{
        Dialect, Prompt,
        gemini::{
            fields::{Fields, wrong},
            schema,
        },
        ir::{Choice, Function, Schema, Tool, ToolKind},
    },
    error::{Error, Result},
    json,
};

/// Reads tools and the choice among them.
pub(super) fn read(fields: &Fields<'_>, prompt: &mut Prompt) -> Result<()> {
    for tool in fields.list("tools")? {
        let tool = Fields::read_at(tool, "tools")?;
        for (name, value) in tool.iter() {
            read_tool(name, value, prompt)?;
        }
    }
    let Some(config) = fields.nested("toolConfig")? else { return Ok(()) };
    if let Some(calling) = config.nested("functionCallingConfig")? {
        prompt.choice = choice(&calling)?;
        for (name, value) in calling.iter() {
            let known = matches!(name, "mode" | "allowedFunctionNames");
            if !known && !is_nothing(value.get()) {
                foreign(prompt, name);
            }
        }
    }
    for (name, value) in config.iter() {
        if name != "functionCallingConfig" && !is_nothing(value.get()) {
            foreign(prompt, name);
        }
    }
    Ok(())
}

/// One object of `tools` may hold several tools, one under each name.
fn read_tool(name: &str, value: &RawValue, prompt: &mut Prompt) -> Result<()> {
    let add = |prompt: &mut Prompt, kind| prompt.tools.push(Tool { kind, cache: None });
    match name {
        "functionDeclarations" => {
            let declarations: Vec<&RawValue> =
                json::read(value.get()).map_err(|_| wrong("functionDeclarations"))?;
            for declaration in declarations {
                let function = function(declaration, prompt)?;
                add(prompt, ToolKind::Function(function));
            }
        }
        "googleSearch" | "googleSearchRetrieval" => {
            let search = Fields::read_at(value, name)?;
            let blocked = search.typed("excludeDomains")?.unwrap_or_default();
            let origin = Some((Dialect::Gemini, whole(name, value)));
            add(prompt, ToolKind::Search { allowed: Vec::new(), blocked, origin });
        }
        "codeExecution" => {
            add(prompt, ToolKind::RunCode { origin: Some((Dialect::Gemini, whole(name, value))) });
        }
        _ => {
            let json = whole(name, value);
            add(prompt, ToolKind::Opaque { dialect: Dialect::Gemini, kind: name.to_owned(), json });
        }
    }
    Ok(())
}

/// A tool as an object of its own.
fn whole(name: &str, value: &RawValue) -> Box<RawValue> {
    let name = serde_json::to_string(name).expect("strings always serialize");
    RawValue::from_string(format!("{{{name}:{value}}}")).expect("a name and a value make an object")
}

fn function(json: &RawValue, prompt: &mut Prompt) -> Result<Function> {
    let fields = Fields::read_at(json, "functionDeclarations")?;
    let name = fields.text("name")?.filter(|name| !name.is_empty()).ok_or_else(|| wrong("name"))?;
    let schema = match (fields.get("parametersJsonSchema"), fields.get("parameters")) {
        (Some(whole), _) => Some(Schema::read(whole)?),
        (None, Some(subset)) => Some(schema::raise(Schema::read(subset)?)),
        (None, None) => None,
    };
    for (name, value) in fields.iter() {
        let known = ["name", "description", "parameters", "parametersJsonSchema"].contains(&name);
        if !known && !is_nothing(value.get()) {
            foreign(prompt, name);
        }
    }
    Ok(Function { name, description: fields.text("description")?, schema, strict: None })
}

fn choice(calling: &Fields<'_>) -> Result<Option<Choice>> {
    let mut names: Vec<String> = calling.typed("allowedFunctionNames")?.unwrap_or_default();
    let mode = calling.text("mode")?.unwrap_or_default().to_ascii_uppercase();
    Ok(Some(match (mode.as_str(), names.len()) {
        ("NONE", _) => Choice::Never,
        ("ANY", 0) => Choice::Required,
        ("ANY", 1) => Choice::Only(names.remove(0)),
        ("ANY", _) => Choice::Among { names, required: true },
        ("AUTO", _) | ("VALIDATED", 0) => Choice::Auto,
        ("VALIDATED", _) => Choice::Among { names, required: false },
        ("" | "MODE_UNSPECIFIED", _) => return Ok(None),
        _ => {
            let message = "`mode` must be `AUTO`, `ANY`, `NONE` or `VALIDATED`.";
            return Err(Error::bad_request(message).at("mode"));
        }
    }))
}
