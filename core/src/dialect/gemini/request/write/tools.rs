//! What may the model call, and must it, in this API's words?

use crate::{
    dialect::{
        Dialect, Losses, Prompt, Traits,
        gemini::{
            out::{
                CallingOut, FunctionOut, FunctionsOut, NothingOut, RunCodeOut, SchemaOut,
                SearchFields, SearchOut, ToolConfigOut, ToolOut,
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
            ToolKind::Function(given) => functions.push(function(given, traits)?),
            ToolKind::Custom { name, description, format } => {
                losses.lose_if(format.is_some(), "format");
                functions.push(free_text(name, description.as_deref(), traits));
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
                let message = format!("The target's provider has no tool `{kind}`.");
                return Err(Error::bad_request(message).at("tools").coded("unsupported_parameter"));
            }
        }
    }
    if !functions.is_empty() {
        others.insert(0, ToolOut::Functions(FunctionsOut { function_declarations: functions }));
    }
    Ok(others)
}

fn function<'p>(given: &'p Function, traits: &Traits) -> Result<FunctionOut<'p>> {
    let Function { name, description, schema, strict: _ } = given;
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
        function.parameters_json_schema = Some(SchemaOut::Given(schema));
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

/// A tool of free text: a function with one string.
fn free_text<'p>(name: &'p str, description: Option<&'p str>, traits: &Traits) -> FunctionOut<'p> {
    let text = |text: &str| Schema::Text(text.to_owned());
    let field = |name: &str, value| (name.to_owned(), value);
    let words = if traits.json_schema { ["object", "string"] } else { ["OBJECT", "STRING"] };
    let input = Schema::Map(vec![field("type", text(words[1]))]);
    let schema = Schema::Map(vec![
        field("type", text(words[0])),
        field("properties", Schema::Map(vec![field("input", input)])),
        field("required", Schema::List(vec![text("input")])),
    ]);
    let (parameters, parameters_json_schema) = if traits.json_schema {
        (None, Some(SchemaOut::Made(schema)))
    } else {
        (Some(schema), None)
    };
    FunctionOut { name, description, parameters, parameters_json_schema }
}

/// Whether the model must call. Without functions the API refuses to be told.
pub(super) fn choice<'p>(
    prompt: &'p Prompt,
    traits: &Traits,
    losses: &mut Losses,
) -> Option<ToolConfigOut<'p>> {
    let called = |tool: &Tool| matches!(tool.kind, ToolKind::Function(_) | ToolKind::Custom { .. });
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
