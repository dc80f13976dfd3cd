//! Do two schemas ask for the same? Some dialects know only a part of JSON Schema and say the rest in other words.

use std::collections::BTreeSet;

use serde_json::Value;

/// How deep a schema that refers to itself is followed.
const DEPTH_MAX: usize = 6;

/// What a schema asks for, in lines that two of one meaning share: the paths of its properties, which of them must be
/// there, their plain types and the values they may have.
pub(crate) fn lines(schema: &Value) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    walk(schema, schema, "", 0, &mut lines);
    lines
}

fn walk(root: &Value, schema: &Value, path: &str, depth: usize, lines: &mut BTreeSet<String>) {
    if depth > DEPTH_MAX {
        return;
    }
    if let Some(target) = schema["$ref"].as_str() {
        let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return walk(root, target.unwrap_or(&Value::Null), path, depth + 1, lines);
    }
    let kinds = list(&schema["type"]).iter().chain([&schema["type"]]).filter_map(Value::as_str);
    for kind in kinds.filter(|kind| !path.is_empty() && *kind != "null") {
        lines.insert(format!("{path}: {}", kind.to_lowercase()));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let inner = format!("{path}.{name}");
        lines.insert(inner.clone());
        walk(root, property, &inner, depth + 1, lines);
    }
    for name in list(&schema["required"]) {
        lines.insert(format!("{path} requires {name}"));
    }
    let values = list(&schema["enum"]).iter().chain(schema.get("const"));
    for value in values.filter(|value| !value.is_null()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        lines.insert(format!("{path} = {value}"));
    }
    if schema["items"].is_object() {
        walk(root, &schema["items"], &format!("{path}[]"), depth + 1, lines);
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        for part in list(&schema[word]) {
            if part["type"] != "null" {
                walk(root, part, path, depth, lines);
            }
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_words_ask_for_the_same() {
        let check = |a: Value, b: Value, same: bool| {
            assert_eq!(lines(&a) == lines(&b), same, "{a}\n{b}");
        };
        let plain =
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
        check(
            plain.clone(),
            json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]}),
            true,
        );
        check(
            plain.clone(),
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            false,
        );
        check(plain, json!({"type": "object", "properties": {}, "required": ["a"]}), false);
        check(
            json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "integer"}}}),
            json!({"properties": {"a": {"type": "integer"}}}),
            true,
        );
        check(
            json!({"properties": {"a": {"oneOf": [{"const": "x"}, {"type": "null"}]}}}),
            json!({"properties": {"a": {"enum": ["x"]}}}),
            true,
        );
    }
}
