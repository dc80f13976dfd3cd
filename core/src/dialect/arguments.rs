//! How do a call's arguments become a JSON object? Some dialects demand one, and a model may write anything.

use serde_json::value::RawValue;

use super::object::Object;

/// The arguments as an object: as they came if they are one, empty if they are blank, and else kept under `_raw`.
pub(crate) fn object(text: &str) -> Box<RawValue> {
    let text = text.trim();
    // A model that has no arguments to give may say `null`.
    let text = if matches!(text, "" | "null") { "{}" } else { text };
    if Object::read(text.as_bytes()).is_ok() {
        return raw(text.to_owned());
    }
    wrapped("_raw", text)
}

/// Text as the only field of an object.
pub(crate) fn wrapped(name: &str, text: &str) -> Box<RawValue> {
    raw(format!("{{{}:{}}}", quoted(name), quoted(text)))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("strings always serialize")
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was read or written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_an_object() {
        let check = |text: &str, expected: &str| assert_eq!(object(text).get(), expected, "{text}");
        check("", "{}");
        check(" \n", "{}");
        check("null", "{}");
        check(r#" {"n":90071992547409931.0} "#, r#"{"n":90071992547409931.0}"#);
        check(r#"{"a":"#, r#"{"_raw":"{\"a\":"}"#);
        check("[1]", r#"{"_raw":"[1]"}"#);
        check(r#""text""#, r#"{"_raw":"\"text\""}"#);
        assert_eq!(wrapped("input", "é\"").get(), r#"{"input":"é\""}"#);
    }
}
