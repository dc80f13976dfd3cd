//! What does a request say, in the words that all dialects share?

mod items;
mod tools;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Carrier,
        ir::{
            Effort, Format, Logprobs, Part, Prompt, Reasoning, Role, Sampling, Schema, Show, Turn,
        },
        object::Object,
    },
    error::{Error, Result},
};

/// The fields that are read, or that only say how the answer is kept and shown. Of any other one only the name is kept,
/// because no other dialect has it.
const KNOWN: &[&str] = &[
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "temperature",
    "top_p",
    "top_logprobs",
    "max_output_tokens",
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_key",
    "metadata",
    "store",
    "previous_response_id",
    "include",
    "truncation",
    "background",
];
/// What an answer of any provider bears, or nobody can give.
const INCLUDED: &[&str] = &["reasoning.encrypted_content", LOGPROBS];
const LOGPROBS: &str = "message.output_text.logprobs";

/// Reads a request wholly. What the provider would have to remember is refused: it is another one every time.
pub(crate) fn read(body: &[u8], carrier: &Carrier) -> Result<Prompt> {
    let object = Object::read(body)?;
    refuse_memory(&object)?;
    let include: Vec<String> = object.typed("include")?.unwrap_or_default();
    let text = object.nested("text")?;
    let format = text.as_ref().map(read_format).transpose()?.flatten();
    let verbosity = text.as_ref().map(|text| text.typed("verbosity")).transpose()?.flatten();
    let mut prompt = Prompt {
        model: object.typed("model")?.unwrap_or_default(),
        stream: object.typed("stream")?.unwrap_or(false),
        turns: turns(&object, carrier)?,
        parallel: object.typed("parallel_tool_calls")?,
        format,
        reasoning: reasoning(&object)?,
        sampling: sampling(&object, &include)?,
        max_tokens: object.typed("max_output_tokens")?,
        verbosity,
        user: object.typed("safety_identifier")?.map_or_else(|| object.typed("user"), Ok)?,
        tier: object.typed("service_tier")?,
        cache_key: object.typed("prompt_cache_key")?,
        foreign: foreign(&object, &include)?,
        ..Prompt::default()
    };
    tools::read(&object, &mut prompt)?;
    Ok(prompt)
}

fn refuse_memory(object: &Object<'_>) -> Result<()> {
    let refused =
        ["conversation", "prompt"].into_iter().find(|name| object.present(name).is_some());
    let background = object.typed("background")?.unwrap_or(false).then_some("background");
    let Some(name) = refused.or(background) else { return Ok(()) };
    Err(unsupported(format!("`{name}` needs a provider that speaks this API itself."), name))
}

fn unsupported(message: String, field: &str) -> Error {
    Error::bad_request(message).at(field).coded("unsupported_parameter")
}

fn turns(object: &Object<'_>, carrier: &Carrier) -> Result<Vec<Turn>> {
    let instructions: Option<String> = object.typed("instructions")?;
    let instructions = instructions.filter(|text| !text.is_empty());
    let mut turns: Vec<Turn> = instructions
        .map(|text| Turn::new(Role::System, vec![Part::text(text)]))
        .into_iter()
        .collect();
    let Some(input) = object.present("input") else {
        return Err(Error::bad_request("`input` must say something.").at("input"));
    };
    if input.get().starts_with('"') {
        let text: String = object.typed("input")?.unwrap_or_default();
        turns.push(Turn::new(Role::User, vec![Part::text(text)]));
        return Ok(turns);
    }
    let list: Vec<&RawValue> = object.typed("input")?.unwrap_or_default();
    items::read(&list, carrier, turns)
}

fn foreign(object: &Object<'_>, include: &[String]) -> Result<Vec<String>> {
    let unknown = object.names().filter(|name| !KNOWN.contains(name));
    let mut foreign: Vec<String> = unknown.map(str::to_owned).collect();
    let mut note = |present: bool, name: &str| {
        if present {
            foreign.push(name.to_owned());
        }
    };
    let asked = include.iter().any(|name| !INCLUDED.contains(&name.as_str()));
    note(asked, "include");
    let truncation: Option<String> = object.typed("truncation")?;
    note(truncation.is_some_and(|how| how != "disabled"), "truncation");
    if let Some(reasoning) = object.nested("reasoning")? {
        let context: Option<String> = reasoning.typed("context")?;
        note(context.is_some_and(|how| how != "auto"), "reasoning.context");
        let mode: Option<String> = reasoning.typed("mode")?;
        note(mode.is_some_and(|how| how != "standard"), "reasoning.mode");
    }
    Ok(foreign)
}

fn read_format(text: &Object<'_>) -> Result<Option<Format>> {
    let at = |error: Error| error.at("text.format");
    let Some(format) = text.nested("format").map_err(at)? else { return Ok(None) };
    let kind: String = format.typed("type").map_err(at)?.unwrap_or_default();
    match kind.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::Json)),
        "json_schema" => Ok(Some(Format::Schema {
            name: format.typed("name").map_err(at)?,
            description: format.typed("description").map_err(at)?,
            schema: format.present("schema").map_or_else(|| Ok(Schema::empty()), Schema::read)?,
            strict: format.typed("strict").map_err(at)?,
        })),
        other => Err(at(Error::bad_request(format!("`{other}` is no form of an answer.")))),
    }
}

fn reasoning(object: &Object<'_>) -> Result<Reasoning> {
    let Some(reasoning) = object.nested("reasoning")? else { return Ok(Reasoning::default()) };
    let effort: Option<String> = reasoning.typed("effort")?;
    let unknown = |word: &str| {
        Error::bad_request(format!("`{word}` is no reasoning effort.")).at("reasoning.effort")
    };
    let effort = effort.map(|word| Effort::from_word(&word).ok_or_else(|| unknown(&word)));
    // `generate_summary` is the older name.
    let summary: Option<String> =
        reasoning.typed("summary")?.map_or_else(|| reasoning.typed("generate_summary"), Ok)?;
    let show = summary.map(|how| match how.as_str() {
        "detailed" => Show::Detailed,
        "none" => Show::Hidden,
        _ => Show::Summary,
    });
    Ok(Reasoning { effort: effort.transpose()?, show })
}

fn sampling(object: &Object<'_>, include: &[String]) -> Result<Sampling> {
    let top: u64 = object.typed("top_logprobs")?.unwrap_or(0);
    let wanted = top > 0 || include.iter().any(|name| name == LOGPROBS);
    Ok(Sampling {
        temperature: object.typed("temperature")?,
        top_p: object.typed("top_p")?,
        logprobs: wanted.then_some(Logprobs { top }),
        ..Sampling::default()
    })
}

#[cfg(test)]
mod tests;
