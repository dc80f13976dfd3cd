//! Which texts of a document are secrets, and how are they exchanged for others? In their place, so that nothing else of
//! the document changes.

use serde_json::Value;

use crate::{
    error::{Error, Result},
    identity::is_secret,
    json,
};

/// The body with each secret exchanged. `exchange` gets the field's name and what it says.
pub(super) fn exchanged(
    body: &str,
    exchange: &mut dyn FnMut(&str, &str) -> Result<String>,
) -> Result<String> {
    let value: Value = json::read(body)
        .map_err(|error| Error::internal(format!("a document is no JSON: {error}")))?;
    let mut found = Vec::new();
    collect(&value, &mut found);
    let mut text = body.to_owned();
    for (field, secret) in found {
        let (before, after) = (quoted(secret)?, quoted(&exchange(field, secret)?)?);
        if !text.contains(&before) {
            return Err(Error::internal(format!("`{field}` is written in a way that is not ours")));
        }
        text = text.replace(&before, &after);
    }
    Ok(text)
}

/// Each once: what stands twice is exchanged everywhere at once.
fn collect<'v>(value: &'v Value, found: &mut Vec<(&'v str, &'v str)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_secret(name) && !text.is_empty() => {
                        if found.iter().all(|(_, known)| known != text) {
                            found.push((name, text));
                        }
                    }
                    other => collect(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn quoted(text: &str) -> Result<String> {
    serde_json::to_string(text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_change() {
        let body =
            r#"{ "z": 1, "hash":"ab", "previous": {"hash": "cd", "until_ms": 2}, "name": "ab c" }"#;
        let mut seen = Vec::new();
        let text = exchanged(body, &mut |field, secret| {
            seen.push(format!("{field}={secret}"));
            Ok(format!("<{secret}>"))
        });
        assert_eq!(seen, ["hash=ab", "hash=cd"]);
        assert_eq!(
            text.unwrap(),
            r#"{ "z": 1, "hash":"<ab>", "previous": {"hash": "<cd>", "until_ms": 2}, "name": "ab c" }"#
        );
    }
}
