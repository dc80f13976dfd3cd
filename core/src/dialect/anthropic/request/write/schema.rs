//! Which schemas does the API take?

use std::collections::HashSet;

use crate::dialect::ir::Schema;

/// The formats of a text that the provider can hold an answer to.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
/// What is said about a schema rather than by it.
const SILENT: &[&str] = &["$schema", "$id", "$comment"];

/// The schema of a tool that takes nothing.
pub(super) fn nothing() -> Schema {
    map([("type", text("object")), ("properties", Schema::empty())])
}

/// The schema of a tool that takes free text.
pub(super) fn free_text() -> Schema {
    map([
        ("type", text("object")),
        ("properties", map([("input", map([("type", text("string"))]))])),
        ("required", Schema::List(vec![text("input")])),
    ])
}

/// Whether a schema asks for an object.
pub(super) fn is_object(schema: &Schema) -> bool {
    match schema.get("type").and_then(Schema::as_text) {
        Some(kind) => kind == "object",
        None => schema.get("properties").is_some(),
    }
}

/// The schema of a tool's arguments: an object that says so, without a choice at the top, which the API refuses.
pub(super) fn object(schema: &Schema) -> Schema {
    let Schema::Map(fields) = schema else { return nothing() };
    let merged = |name: &str| is_choice(name) || matches!(name, "type" | "properties" | "required");
    let mut properties = Merged::default();
    let mut required = Merged::default();
    properties.add_fields(schema.get("properties"));
    required.add_names(schema.get("required"));
    for (name, variants) in fields.iter().filter(|(name, _)| is_choice(name)) {
        let Schema::List(variants) = variants else { continue };
        for variant in variants {
            properties.add_fields(variant.get("properties"));
            if name == "allOf" {
                required.add_names(variant.get("required"));
            }
        }
    }
    let mut object = vec![("type".to_owned(), text("object"))];
    object.extend(fields.iter().filter(|(name, _)| !merged(name)).cloned());
    object.push(("properties".to_owned(), Schema::Map(properties.items)));
    if !required.items.is_empty() {
        let names = required.items.into_iter().map(|(_, name)| name).collect();
        object.push(("required".to_owned(), Schema::List(names)));
    }
    Schema::Map(object)
}

/// What several variants of a schema have, each name once.
#[derive(Default)]
struct Merged<'s> {
    items: Vec<(String, Schema)>,
    known: HashSet<&'s str>,
}

impl<'s> Merged<'s> {
    fn add_fields(&mut self, fields: Option<&'s Schema>) {
        let Some(Schema::Map(fields)) = fields else { return };
        for (name, schema) in fields {
            self.add(name, schema);
        }
    }

    fn add_names(&mut self, names: Option<&'s Schema>) {
        let Some(Schema::List(names)) = names else { return };
        for name in names {
            self.add(name.as_text().unwrap_or_default(), name);
        }
    }

    fn add(&mut self, name: &'s str, item: &Schema) {
        if self.known.insert(name) {
            self.items.push((name.to_owned(), item.clone()));
        }
    }
}

fn is_choice(name: &str) -> bool {
    matches!(name, "anyOf" | "oneOf" | "allOf")
}

fn place_of<'o>(
    object: &'o mut Vec<(String, Schema)>,
    name: &str,
    empty: Schema,
) -> &'o mut Schema {
    let at = object.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        object.push((name.to_owned(), empty));
        object.len() - 1
    });
    &mut object[at].1
}

/// How many values of several types a schema holds.
pub(super) fn unions(schema: &Schema) -> usize {
    match schema {
        Schema::Map(fields) => {
            let here = |name: &str, value: &Schema| match name {
                "anyOf" | "oneOf" => true,
                "type" => matches!(value, Schema::List(_)),
                _ => false,
            };
            let inner =
                |(name, value): &(String, Schema)| usize::from(here(name, value)) + unions(value);
            fields.iter().map(inner).sum()
        }
        Schema::List(items) => items.iter().map(unions).sum(),
        Schema::Null | Schema::Bool(_) | Schema::Number(_) | Schema::Text(_) => 0,
    }
}

/// A schema that the provider can hold an answer to. What it cannot hold goes into the description, where the model
/// reads it.
pub(super) fn lower(schema: &Schema) -> Schema {
    let Schema::Map(fields) = schema else { return schema.clone() };
    if let Some(reference) = schema.get("$ref") {
        let mut kept = vec![("$ref".to_owned(), reference.clone())];
        kept.extend(fields.iter().filter(|(name, _)| is_definitions(name)).map(lower_definitions));
        return Schema::Map(kept);
    }
    if let Some(Schema::List(kinds)) = schema.get("type") {
        return lower(&split(fields, kinds));
    }
    let kind = kind(schema);
    let (mut kept, mut rest) = (Vec::new(), Vec::new());
    for field in fields {
        match lower_field(field, kind) {
            Lowered::Kept(field) => kept.push(field),
            Lowered::Silent => {}
            Lowered::Said => rest.push(field),
        }
    }
    if kind == Some("object") {
        if schema.get("properties").is_none() {
            kept.push(("properties".to_owned(), Schema::empty()));
        }
        if schema.get("type").is_none() {
            kept.insert(0, ("type".to_owned(), text("object")));
        }
        kept.push(("additionalProperties".to_owned(), Schema::Bool(false)));
    }
    describe(&mut kept, &rest);
    Schema::Map(kept)
}

/// What becomes of a field.
enum Lowered {
    Kept((String, Schema)),
    Silent,
    /// It goes into the description.
    Said,
}

fn kind(schema: &Schema) -> Option<&str> {
    let told = schema.get("type").and_then(Schema::as_text);
    told.or_else(|| schema.get("properties").map(|_| "object"))
}

fn lower_field(field: &(String, Schema), kind: Option<&str>) -> Lowered {
    let (name, value) = field;
    let with = |name: &str, value| Lowered::Kept((name.to_owned(), value));
    match (name.as_str(), value) {
        ("type" | "description" | "title" | "enum" | "const", _) => Lowered::Kept(field.clone()),
        ("anyOf" | "oneOf", Schema::List(variants)) => {
            with("anyOf", Schema::List(variants.iter().map(lower).collect()))
        }
        ("allOf", Schema::List(variants)) => {
            with("allOf", Schema::List(variants.iter().map(lower).collect()))
        }
        ("properties", Schema::Map(properties)) => {
            let lowered = properties.iter().map(|(name, schema)| (name.clone(), lower(schema)));
            with("properties", Schema::Map(lowered.collect()))
        }
        ("required", _) if kind == Some("object") => Lowered::Kept(field.clone()),
        ("items", Schema::Map(_)) => with("items", lower(value)),
        ("format", Schema::Text(format)) if FORMATS.contains(&format.as_str()) => {
            Lowered::Kept(field.clone())
        }
        ("minItems", Schema::Number(count)) if matches!(count.as_u64(), Some(0 | 1)) => {
            Lowered::Kept(field.clone())
        }
        (name, _) if is_definitions(name) => Lowered::Kept(lower_definitions(field)),
        ("additionalProperties", _) if kind == Some("object") => Lowered::Silent,
        (name, _) if SILENT.contains(&name) => Lowered::Silent,
        _ => Lowered::Said,
    }
}

fn is_definitions(name: &str) -> bool {
    matches!(name, "$defs" | "definitions")
}

fn lower_definitions((name, definitions): &(String, Schema)) -> (String, Schema) {
    let Schema::Map(definitions) = definitions else { return (name.clone(), Schema::empty()) };
    let lowered = definitions.iter().map(|(name, schema)| (name.clone(), lower(schema)));
    (name.clone(), Schema::Map(lowered.collect()))
}

/// A schema of several types as a choice between schemas of one.
fn split(fields: &[(String, Schema)], kinds: &[Schema]) -> Schema {
    let about = |name: &str| matches!(name, "description" | "title") || is_definitions(name);
    let variants = kinds.iter().map(|kind| {
        let mut variant = vec![("type".to_owned(), kind.clone())];
        if kind.as_text() != Some("null") {
            let own = fields.iter().filter(|(name, _)| name != "type" && !about(name));
            variant.extend(own.cloned());
        }
        Schema::Map(variant)
    });
    let mut whole: Vec<_> = fields.iter().filter(|(name, _)| about(name)).cloned().collect();
    whole.push(("anyOf".to_owned(), Schema::List(variants.collect())));
    Schema::Map(whole)
}

fn describe(kept: &mut Vec<(String, Schema)>, rest: &[&(String, Schema)]) {
    if rest.is_empty() {
        return;
    }
    let say = |(name, value): &&(String, Schema)| {
        let value = serde_json::to_string(value).unwrap_or_default();
        format!("{name}: {value}")
    };
    let said = rest.iter().map(say).collect::<Vec<_>>().join(", ");
    let place = place_of(kept, "description", text(""));
    let before = place.as_text().filter(|text| !text.is_empty());
    *place = match before {
        Some(before) => text(&format!("{before}\n\n{{{said}}}")),
        None => text(&format!("{{{said}}}")),
    };
}

fn text(text: &str) -> Schema {
    Schema::Text(text.to_owned())
}

fn map<const N: usize>(fields: [(&str, Schema); N]) -> Schema {
    Schema::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: fn(&Schema) -> Schema, schema: &str, expected: &str) {
        let schema: Schema = serde_json::from_str(schema).unwrap();
        assert_eq!(serde_json::to_string(&change(&schema)).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_held_goes_into_the_description() {
        check(
            lower,
            r#"{"type":"integer","minimum":1,"maximum":10,"description":"A number"}"#,
            r#"{"type":"integer","description":"A number\n\n{minimum: 1, maximum: 10}"}"#,
        );
        check(
            lower,
            r#"{"type":"string","pattern":"^a","format":"date"}"#,
            r#"{"type":"string","format":"date","description":"{pattern: \"^a\"}"}"#,
        );
        check(
            lower,
            r#"{"type":"string","format":"color"}"#,
            r#"{"type":"string","description":"{format: \"color\"}"}"#,
        );
        check(
            lower,
            r#"{"type":"array","minItems":2,"items":{"type":"number","multipleOf":3}}"#,
            r#"{"type":"array","items":{"type":"number","description":"{multipleOf: 3}"},"description":"{minItems: 2}"}"#,
        );
    }

    #[test]
    fn objects_are_closed() {
        check(
            lower,
            r##"{"$schema":"x","type":"object","properties":{"a":{"$ref":"#/$defs/A","title":"t"}},"required":["a"],"additionalProperties":true,"$defs":{"A":{"properties":{}}}}"##,
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"required":["a"],"$defs":{"A":{"type":"object","properties":{},"additionalProperties":false}},"additionalProperties":false}"##,
        );
    }

    #[test]
    fn several_types_are_a_choice() {
        check(
            lower,
            r#"{"type":["string","null"],"maxLength":3,"description":"d"}"#,
            r#"{"description":"d","anyOf":[{"type":"string","description":"{maxLength: 3}"},{"type":"null"}]}"#,
        );
        check(lower, r#"{"oneOf":[{"type":"null"}]}"#, r#"{"anyOf":[{"type":"null"}]}"#);
    }

    #[test]
    fn arguments_are_one_object() {
        check(object, "{}", r#"{"type":"object","properties":{}}"#);
        check(object, r#"{"type":"string"}"#, r#"{"type":"object","properties":{}}"#);
        check(
            object,
            r#"{"description":"d","anyOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{},"a":{"type":"null"}}}]}"#,
            r#"{"type":"object","description":"d","properties":{"a":{},"b":{}}}"#,
        );
        check(
            object,
            r#"{"allOf":[{"properties":{"a":{}},"required":["a"]}]}"#,
            r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
        );
    }

    #[test]
    fn unions_are_counted() {
        let schema: Schema = serde_json::from_str(
            r#"{"properties":{"a":{"anyOf":[{"type":["string","null"]}]},"b":{"type":"string"}}}"#,
        )
        .unwrap();
        assert_eq!(unions(&schema), 2);
    }
}
