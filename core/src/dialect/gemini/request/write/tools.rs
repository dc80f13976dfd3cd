//! What may the model call, and must it, in this API's words?

use crate::{
    dialect::{
        Dialect, Losses, Prompt, Traits,
        gemini::{
            out::{
                CallingOut, FunctionOut, FunctionsOut, NothingOut, RunCodeOut, SearchFields,
                SearchOut, ToolConfigOut, ToolOut,
            },
            schema,
        },
        ir::{Choice, Function, Schema, Tool, ToolKind},
    },
    error::{Error, Result},
};

/// All tools: functions in one object, each of the provider's own in its own.
pub(super) fn write<'p>(
    prompt: &'p Prompt,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Vec<ToolOut<'p>>> {
    let (mut functions, mut others) = (Vec::new(), Vec::new());
    for Tool { kind, cache: _ } in &prompt.tools {
        match kind {
            ToolKind::Function(given) => functions.push(function(given, traits, losses)?),
            ToolKind::Custom { .. } => {
                return Err(refused("The API has no tools of free text.".into()));
            }
            ToolKind::Search { origin: Some((Dialect::Gemini, json)), .. }
            | ToolKind::RunCode { origin: Some((Dialect::Gemini, json)) }
            | ToolKind::Opaque { dialect: Dialect::Gemini, json, .. } => {
                others.push(ToolOut::Raw(json));
            }
            ToolKind::Search { allowed, blocked, origin: _ } => {
                losses.lose_if(!allowed.is_empty(), "allowed_domains");
                let google_search = SearchFields { exclude_domains: blocked };
                others.push(ToolOut::Search(SearchOut { google_search }));
            }
            ToolKind::RunCode { .. } => {
                others.push(ToolOut::RunCode(RunCodeOut { code_execution: NothingOut {} }));
            }
            ToolKind::Opaque { kind, .. } => {
                return Err(refused(format!("The target's provider has no tool `{kind}`.")));
            }
        }
    }
    if !functions.is_empty() {
        others.insert(0, ToolOut::Functions(FunctionsOut { function_declarations: functions }));
    }
    Ok(others)
}

fn function<'p>(
    given: &'p Function,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<FunctionOut<'p>> {
    let Function { name, description, schema, strict } = given;
    losses.lose_if(*strict == Some(true), "tools.strict");
    let mut function = FunctionOut {
        name,
        description: description.as_deref(),
        parameters: None,
        parameters_json_schema: None,
    };
    // The API refuses an object without fields: a function without arguments has no schema.
    let Some(schema) = schema.as_ref().filter(|schema| !is_empty(schema)) else {
        return Ok(function);
    };
    if traits.json_schema {
        function.parameters_json_schema = Some(schema);
    } else {
        function.parameters = Some(schema::lower(schema).map_err(|error| error.at("tools"))?);
    }
    Ok(function)
}

fn is_empty(schema: &Schema) -> bool {
    let Schema::Map(fields) = schema else { return true };
    let plain = ["type", "properties", "required", "additionalProperties", "$schema", "title"];
    let bare = fields.iter().all(|(name, _)| plain.contains(&name.as_str()));
    bare && match schema.get("properties") {
        Some(Schema::Map(properties)) => properties.is_empty(),
        _ => true,
    }
}

fn refused(message: String) -> Error {
    Error::bad_request(message).at("tools").coded("unsupported_parameter")
}

/// Whether the model must call. Without functions the API refuses to be told.
pub(super) fn choice<'p>(
    prompt: &'p Prompt,
    traits: &Traits,
    losses: &mut Losses,
) -> Option<ToolConfigOut<'p>> {
    let called = |tool: &Tool| matches!(tool.kind, ToolKind::Function(_));
    if !prompt.tools.iter().any(called) {
        return None;
    }
    losses.lose_if(prompt.parallel == Some(false), "parallel_tool_calls");
    let choice = prompt.choice.as_ref()?;
    let (mode, names): (_, &[String]) = match choice {
        Choice::Auto => ("AUTO", &[]),
        Choice::Never => ("NONE", &[]),
        Choice::Among { names, required: false } => ("VALIDATED", names),
        Choice::Required | Choice::Only(_) | Choice::Among { .. } if !traits.forced_tools => {
            losses.lose("tool_choice");
            ("AUTO", &[])
        }
        Choice::Required => ("ANY", &[]),
        Choice::Only(name) => ("ANY", std::slice::from_ref(name)),
        Choice::Among { names, required: true } => ("ANY", names),
    };
    let allowed_function_names = names.iter().map(String::as_str).collect();
    Some(ToolConfigOut { function_calling_config: CallingOut { mode, allowed_function_names } })
}
