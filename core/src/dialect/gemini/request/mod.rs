//! What does a request ask for, and how is one written?

mod read;
mod write;

use std::fmt::Write;

use bytes::Bytes;

pub(crate) use read::read;
pub(crate) use write::{takes_url, write};

use crate::{
    dialect::{
        Ask, Framing,
        object::Object,
        patch::{self, Edit},
    },
    error::{Error, Result},
};

/// What stands before a model's name in this API's paths and bodies.
const MODELS: &str = "models/";

/// Reads the few things the gateway itself needs. Model and manner of answering stand in the path, and usage is always
/// told.
pub(crate) fn ask(body: &[u8]) -> Result<Ask> {
    Object::read(body)?;
    Ok(Ask { model: String::new(), stream: false, usage_wanted: true })
}

/// The request for a provider of the same dialect. Some clients repeat the model in the body, and a host refuses one
/// that it does not know.
pub(crate) fn patch(body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
    if ask.model == model {
        return Ok(body.clone());
    }
    let object = Object::read(body)?;
    let edits: Vec<Edit> = object
        .spans("model")
        .filter(|at| body[at.clone()] != *b"null")
        .map(|at| {
            let with = rename(&body[at.clone()], model)?;
            Ok(Edit { at, with })
        })
        .collect::<Result<_>>()?;
    Ok(patch::apply(body, &edits))
}

/// A model's name in the place of another one, as JSON. It may be a path, such as `publishers/google/models/x`.
pub(crate) fn rename(given: &[u8], model: &str) -> Result<String> {
    let given: String = serde_json::from_slice(given).unwrap_or_default();
    let path = given.rfind(MODELS).map_or("", |place| &given[..place + MODELS.len()]);
    let path = if model.contains(MODELS) { "" } else { path };
    serde_json::to_string(&format!("{path}{model}")).map_err(Error::internal)
}

/// What follows the base URL: model, verb and framing stand in the path.
pub(crate) fn path(ask: &Ask, model: &str, framing: Framing) -> String {
    let verb = match (ask.stream, framing) {
        (false, _) => "generateContent",
        (true, Framing::Array) => "streamGenerateContent",
        (true, Framing::Events | Framing::Lines) => "streamGenerateContent?alt=sse",
    };
    path_of(model, verb)
}

/// What follows the base URL to do something with a model.
pub(crate) fn path_of(model: &str, verb: &str) -> String {
    let name = model.strip_prefix(MODELS).unwrap_or(model);
    // A client's name of a model must not become another path, another verb or a query.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    let mut path = format!("/{MODELS}");
    for byte in name.bytes() {
        if plain(byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path.push(':');
    path.push_str(verb);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_but_a_repeated_model() {
        let check = |body: &'static str, model: &str, expected: &str| {
            let ask = Ask { model: "m".into(), stream: true, usage_wanted: true };
            let patched = patch(&Bytes::from_static(body.as_bytes()), &ask, model).unwrap();
            assert_eq!(patched, expected);
        };
        check(r#"{"contents":[{"model":"m"}]}"#, "n", r#"{"contents":[{"model":"m"}]}"#);
        check(r#"{"model":"m"}"#, "m", r#"{"model":"m"}"#);
        check(r#"{"model":"m" }"#, "n", r#"{"model":"n" }"#);
        check(r#"{"model":"models/m"}"#, "n", r#"{"model":"models/n"}"#);
        check(r#"{"model":"p/models/m"}"#, "n", r#"{"model":"p/models/n"}"#);
        check(r#"{"model":"p/models/m"}"#, "q/models/n", r#"{"model":"q/models/n"}"#);
        check(r#"{"model":null}"#, "n", r#"{"model":null}"#);
    }

    #[test]
    fn the_path_names_model_and_verb() {
        let check = |stream, framing, model: &str, expected: &str| {
            let ask = Ask { model: String::new(), stream, usage_wanted: true };
            assert_eq!(path(&ask, model, framing), expected);
        };
        let events = Framing::Events;
        check(false, events, "gemini-2.5-pro", "/models/gemini-2.5-pro:generateContent");
        check(true, events, "models/g", "/models/g:streamGenerateContent?alt=sse");
        check(true, Framing::Array, "g", "/models/g:streamGenerateContent");
        check(false, events, "../x:y?z=1", "/models/..%2Fx%3Ay%3Fz%3D1:generateContent");
    }

    #[test]
    fn a_body_must_be_an_object() {
        assert!(ask(b"{}").is_ok_and(|ask| ask.model.is_empty() && !ask.stream));
        assert!(ask(b"[]").is_err());
    }
}
