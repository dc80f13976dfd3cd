//! What does the gateway read of a chat request, and which bytes does it change for the provider?

mod read;
mod write;

pub(crate) use read::read;
pub(super) use read::source;
pub(crate) use write::write;

#[cfg(test)]
mod crossing;

use bytes::Bytes;

use crate::{
    dialect::{
        Ask,
        object::Object,
        patch::{self, Edit},
    },
    error::{Error, Result},
    limits::MODEL_BYTES_MAX,
};

/// Reads model and manner of answering; everything else is the provider's to judge.
pub(crate) fn ask(body: &[u8]) -> Result<Ask> {
    let object = Object::read(body)?;
    let model: Option<String> = object.typed("model")?;
    let model = model.unwrap_or_default();
    if model.is_empty() || model.len() > MODEL_BYTES_MAX {
        return Err(Error::bad_request("`model` must name a model.").at("model"));
    }
    Ok(Ask {
        model,
        stream: object.typed("stream")?.unwrap_or(false),
        usage_wanted: usage_wanted(&object)?,
    })
}

fn usage_wanted(object: &Object<'_>) -> Result<bool> {
    let Some(options) = object.get("stream_options").filter(|value| value.get() != "null") else {
        return Ok(false);
    };
    let wrong = |_| Error::bad_request("`stream_options` has the wrong type.").at("stream_options");
    let options = Object::read(options.get().as_bytes()).map_err(wrong)?;
    Ok(options.typed("include_usage")?.unwrap_or(false))
}

/// The request as the provider gets it: its own name of the model, and usage asked for in every stream.
pub(crate) fn patch(body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
    let object = Object::read(body)?;
    let mut edits = Vec::with_capacity(2);
    if ask.model != model {
        let name = serde_json::to_string(model).map_err(Error::internal)?;
        edits.extend(object.spans("model").map(|at| Edit { at, with: name.clone() }));
    }
    if ask.stream && !ask.usage_wanted {
        edits.extend(ask_for_usage(body, &object)?);
    }
    edits.sort_by_key(|edit| edit.at.start);
    Ok(patch::apply(body, &edits))
}

fn ask_for_usage(body: &[u8], object: &Object<'_>) -> Result<Vec<Edit>> {
    const WANTED: &str = r#"{"include_usage":true}"#;
    let mut edits = Vec::new();
    for at in object.spans("stream_options") {
        if body[at.clone()] == *b"null" {
            edits.push(Edit { at, with: WANTED.to_owned() });
            continue;
        }
        let inner = Object::read(&body[at.clone()])?;
        let before = edits.len();
        edits.extend(inner.spans("include_usage").map(|span| Edit {
            at: at.start + span.start..at.start + span.end,
            with: "true".to_owned(),
        }));
        if edits.len() == before {
            edits.push(insert(at.start + inner.end(), inner.is_empty(), r#""include_usage":true"#));
        }
    }
    if edits.is_empty() {
        let field = format!(r#""stream_options":{WANTED}"#);
        edits.push(insert(object.end(), object.is_empty(), &field));
    }
    Ok(edits)
}

fn insert(at: usize, first: bool, field: &str) -> Edit {
    let comma = if first { "" } else { "," };
    Edit { at: at..at, with: format!("{comma}{field}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, model: &str, expected: &str) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let ask = ask(&body).unwrap();
        let patched = patch(&body, &ask, model).unwrap();
        assert_eq!(std::str::from_utf8(&patched).unwrap(), expected);
    }

    #[test]
    fn nothing_to_change_changes_nothing() {
        check(r#"{ "model":"m", "x":1.0e5 }"#, "m", r#"{ "model":"m", "x":1.0e5 }"#);
        let asked = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
        check(asked, "m", asked);
    }

    #[test]
    fn the_model_is_renamed_and_nothing_else() {
        check(
            r#"{"a": [1,{"model":"m"}],"model" : "p/m","z":"\u00e9"}"#,
            "m",
            r#"{"a": [1,{"model":"m"}],"model" : "m","z":"\u00e9"}"#,
        );
    }

    #[test]
    fn a_stream_is_asked_for_its_usage() {
        let usage = r#""stream_options":{"include_usage":true}"#;
        check(
            r#"{"model":"m","stream":true}"#,
            "m",
            &format!(r#"{{"model":"m","stream":true,{usage}}}"#),
        );
        check(
            r#"{"stream_options":null,"model":"m","stream":true}"#,
            "n",
            &format!(r#"{{{usage},"model":"n","stream":true}}"#),
        );
        check(
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":false , "x":1}}"#,
            "m",
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true , "x":1}}"#,
        );
        check(
            r#"{"model":"m","stream":true,"stream_options":{}}"#,
            "m",
            &format!(r#"{{"model":"m","stream":true,{usage}}}"#),
        );
        check(
            r#"{"model":"m","stream":true,"stream_options":{"x":1}}"#,
            "m",
            r#"{"model":"m","stream":true,"stream_options":{"x":1,"include_usage":true}}"#,
        );
    }

    #[test]
    fn a_repeated_model_is_renamed_everywhere() {
        check(r#"{"model":"a","model":"b"}"#, "c", r#"{"model":"c","model":"c"}"#);
    }

    #[test]
    fn what_cannot_be_routed_is_refused() {
        for body in [
            "{}",
            r#"{"model":""}"#,
            r#"{"model":1}"#,
            r#"{"model":"m","stream":"yes"}"#,
            r#"{"model":"m","stream_options":[]}"#,
            "[]",
            "x",
        ] {
            assert!(ask(body.as_bytes()).is_err(), "{body}");
        }
    }
}
