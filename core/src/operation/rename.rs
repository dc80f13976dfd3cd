//! Where does a Gemini request repeat its model, beside the path? A host refuses a name there that it does not know.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    dialect::{Edit, Object, apply, gemini_rename},
    error::Result,
};

/// Renames the model in the request, in its `generateContentRequest` and in each of its `requests`.
pub(super) fn everywhere(body: &Bytes, asked: &str, model: &str) -> Result<Bytes> {
    if asked == model {
        return Ok(body.clone());
    }
    let object = Object::read(body)?;
    let mut edits = Vec::new();
    rename(body, body, model, &mut edits)?;
    for name in ["generateContentRequest", "generate_content_request"] {
        for at in object.spans(name) {
            rename(body, &body[at], model, &mut edits)?;
        }
    }
    for at in object.spans("requests") {
        // What is no list of objects is the provider's to refuse.
        let list = serde_json::from_slice::<Vec<&RawValue>>(&body[at]).unwrap_or_default();
        for request in list {
            rename(body, request.get().as_bytes(), model, &mut edits)?;
        }
    }
    edits.sort_by_key(|edit| edit.at.start);
    Ok(apply(body, &edits))
}

fn rename(body: &[u8], part: &[u8], model: &str, edits: &mut Vec<Edit>) -> Result<()> {
    let Ok(object) = Object::read(part) else { return Ok(()) };
    // The part borrows from the body, so the distance of their addresses is its offset.
    let offset = part.as_ptr().addr() - body.as_ptr().addr();
    for at in object.spans("model").filter(|at| part[at.clone()] != *b"null") {
        let with = gemini_rename(&part[at.clone()], model)?;
        edits.push(Edit { at: at.start + offset..at.end + offset, with });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_model_is_renamed_wherever_it_stands() {
        let check = |body: &'static str, expected: &str| {
            let renamed = everywhere(&Bytes::from_static(body.as_bytes()), "g/m", "m").unwrap();
            assert_eq!(std::str::from_utf8(&renamed).unwrap(), expected);
        };
        check(
            r#"{"requests": [{"model":"models/g/m","content":{"model":"g"}}, {"model":"g/m"}], "model":"g/m"}"#,
            r#"{"requests": [{"model":"models/m","content":{"model":"g"}}, {"model":"m"}], "model":"m"}"#,
        );
        check(
            r#"{"generateContentRequest":{"model":"models/g/m"}}"#,
            r#"{"generateContentRequest":{"model":"models/m"}}"#,
        );
        check(
            r#"{"requests":{"model":"x"},"model":null}"#,
            r#"{"requests":{"model":"x"},"model":null}"#,
        );
    }

    #[test]
    fn a_model_under_its_own_name_changes_nothing() {
        let body = Bytes::from_static(b"not even json");
        assert_eq!(everywhere(&body, "m", "m").unwrap().as_ptr(), body.as_ptr());
    }
}
