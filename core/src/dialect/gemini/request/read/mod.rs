//! What does a request of this API say, in no dialect's words?

mod config;
mod contents;
mod tools;

use crate::{
    dialect::{Carrier, Prompt, gemini::fields::Fields},
    error::{Error, Result},
    limits::FOREIGN_FIELDS_MAX,
};

#[cfg(test)]
mod tests;

/// Reads a request wholly.
pub(crate) fn read(body: &[u8], carrier: &Carrier) -> Result<Prompt> {
    let fields = Fields::read(body)?;
    if fields.get("cachedContent").is_some() {
        // It holds part of the conversation, and only the provider that made it knows what.
        let message = "`cachedContent` cannot be used with a model of another provider.";
        return Err(Error::bad_request(message).at("cachedContent").coded("unsupported_parameter"));
    }
    let mut prompt = Prompt::default();
    contents::read(&fields, carrier, &mut prompt)?;
    tools::read(&fields, &mut prompt)?;
    config::read(&fields, &mut prompt)?;
    prompt.tier = fields.text("serviceTier")?.and_then(|tier| config::tier(&tier));
    for (name, value) in fields.iter() {
        match name {
            "contents" | "systemInstruction" | "tools" | "toolConfig" | "generationConfig"
            | "model" | "serviceTier" => {}
            _ if is_nothing(value.get()) => {}
            name => foreign(&mut prompt, name),
        }
    }
    Ok(prompt)
}

/// Notes a field that only this dialect has.
fn foreign(prompt: &mut Prompt, name: &str) {
    let known = &mut prompt.foreign;
    if known.len() < FOREIGN_FIELDS_MAX && !known.iter().any(|noted| noted == name) {
        known.push(name.to_owned());
    }
}

/// Whether a value says no more than its absence.
fn is_nothing(json: &str) -> bool {
    matches!(json, "false" | "[]" | "{}" | "\"\"" | "0")
}
