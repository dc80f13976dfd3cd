//! What does a request ask for, and how is one written?

mod read;
mod write;

use bytes::Bytes;

pub(crate) use read::read;
pub(crate) use write::write;

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
    let stream = object.typed("stream")?.unwrap_or(false);
    // The usage stands in events that say more than that, so it is never left out.
    Ok(Ask { model, stream, usage_wanted: true })
}

/// The request as the provider gets it: with its own name of the model.
pub(crate) fn patch(body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
    if ask.model == model {
        return Ok(body.clone());
    }
    let object = Object::read(body)?;
    let name = serde_json::to_string(model).map_err(Error::internal)?;
    let edits: Vec<Edit> =
        object.spans("model").map(|at| Edit { at, with: name.clone() }).collect();
    Ok(patch::apply(body, &edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_is_renamed() {
        let check = |body: &str, model: &str, expected: &str| {
            let body = Bytes::copy_from_slice(body.as_bytes());
            let ask = ask(&body).unwrap();
            let patched = patch(&body, &ask, model).unwrap();
            assert_eq!(std::str::from_utf8(&patched).unwrap(), expected);
        };
        let plain = r#"{ "model":"m", "max_tokens":1.0e2 }"#;
        check(plain, "m", plain);
        check(
            r#"{"a": [1,{"model":"m"}],"model" : "p/m","z":"\u00e9"}"#,
            "claude",
            r#"{"a": [1,{"model":"m"}],"model" : "claude","z":"\u00e9"}"#,
        );
        check(r#"{"model":"a","model":"b"}"#, "c", r#"{"model":"c","model":"c"}"#);
    }

    #[test]
    fn what_cannot_be_routed_is_refused() {
        for body in
            ["{}", r#"{"model":""}"#, r#"{"model":1}"#, r#"{"model":"m","stream":"yes"}"#, "[]"]
        {
            assert!(ask(body.as_bytes()).is_err(), "{body}");
        }
        assert!(ask(br#"{"model":"m","stream":true,"messages":3}"#).unwrap().stream);
    }
}
