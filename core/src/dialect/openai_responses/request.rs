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

/// The fields of a request that an answer repeats.
pub(crate) const ECHOED: &[&str] = &[
    "background",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Reads model and manner of answering; everything else is the provider's to judge.
pub(crate) fn ask(body: &[u8]) -> Result<Ask> {
    let object = Object::read(body)?;
    let model: Option<String> = object.typed("model")?;
    let model = model.unwrap_or_default();
    if model.is_empty() || model.len() > MODEL_BYTES_MAX {
        return Err(Error::bad_request("`model` must name a model.").at("model"));
    }
    let stream = object.typed("stream")?.unwrap_or(false);
    // Every stream of this API ends with its usage.
    Ok(Ask { model, stream, usage_wanted: true })
}

/// The request as a provider of the same dialect gets it: its own name of the model.
pub(crate) fn patch(body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
    if ask.model == model {
        return Ok(body.clone());
    }
    let with = serde_json::to_string(model).map_err(Error::internal)?;
    let object = Object::read(body)?;
    let edits = object.spans("model").map(|at| Edit { at, with: with.clone() });
    Ok(patch::apply(body, &edits.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_is_renamed() {
        let check = |body: &'static str, model: &str, expected: &str| {
            let body = Bytes::from_static(body.as_bytes());
            let patched = patch(&body, &ask(&body).unwrap(), model).unwrap();
            assert_eq!(std::str::from_utf8(&patched).unwrap(), expected);
        };
        check(
            r#"{"input":[{"model":"m"}], "model" : "p/m","z":1.0e5,"stream":true}"#,
            "m",
            r#"{"input":[{"model":"m"}], "model" : "m","z":1.0e5,"stream":true}"#,
        );
        check(r#"{"model":"m","input":"x"}"#, "m", r#"{"model":"m","input":"x"}"#);
        check(r#"{"model":"a","model":"b"}"#, "c", r#"{"model":"c","model":"c"}"#);
    }

    #[test]
    fn what_cannot_be_routed_is_refused() {
        for body in ["{}", r#"{"model":""}"#, r#"{"model":1}"#, r#"{"model":"m","stream":1}"#, "[]"]
        {
            assert!(ask(body.as_bytes()).is_err(), "{body}");
        }
    }
}
