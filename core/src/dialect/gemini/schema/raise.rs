//! What does a schema in this API's subset say in JSON Schema?

use serde_json::Number;

use crate::dialect::ir::Schema;

/// The same schema in JSON Schema. What is unknown stays.
pub(in crate::dialect::gemini) fn raise(schema: Schema) -> Schema {
    let Schema::Map(fields) = schema else { return schema };
    let mut raised: Vec<(String, Schema)> = Vec::with_capacity(fields.len());
    let (mut nullable, mut order) = (false, Vec::new());
    for (name, value) in fields {
        let name = spelled(&name);
        match (name, value) {
            ("nullable", value) => nullable = value == Schema::Bool(true),
            ("propertyOrdering", Schema::List(names)) => order = names,
            ("type", Schema::Text(kind)) => {
                raised.push((name.to_owned(), Schema::Text(kind.to_ascii_lowercase())));
            }
            ("format", Schema::Text(format)) if format == "enum" => {}
            ("items" | "additionalProperties", inner) => {
                raised.push((name.to_owned(), raise(inner)));
            }
            ("anyOf" | "prefixItems", Schema::List(inner)) => {
                let inner = inner.into_iter().map(raise).collect();
                raised.push((name.to_owned(), Schema::List(inner)));
            }
            ("properties" | "$defs", Schema::Map(inner)) => {
                let inner = inner.into_iter().map(|(name, inner)| (name, raise(inner))).collect();
                raised.push((name.to_owned(), Schema::Map(inner)));
            }
            (name, Schema::Text(text)) if is_bound(name) => {
                let number = text.parse::<i64>().map(|whole| Schema::Number(Number::from(whole)));
                raised.push((name.to_owned(), number.unwrap_or(Schema::Text(text))));
            }
            (name, value) => raised.push((name.to_owned(), value)),
        }
    }
    reorder(&mut raised, &order);
    if nullable {
        admit_null(&mut raised);
    }
    Schema::Map(raised)
}

/// The camel case name of a field that may come in snake case.
fn spelled(name: &str) -> &str {
    match name {
        "any_of" => "anyOf",
        "prefix_items" => "prefixItems",
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "min_length" => "minLength",
        "max_length" => "maxLength",
        "min_properties" => "minProperties",
        "max_properties" => "maxProperties",
        "property_ordering" => "propertyOrdering",
        "additional_properties" => "additionalProperties",
        name => name,
    }
}

/// Whether a field is one of the 64 bit numbers that this API's JSON may write as text.
fn is_bound(name: &str) -> bool {
    matches!(
        name,
        "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties"
    )
}

fn reorder(fields: &mut [(String, Schema)], order: &[Schema]) {
    let properties = fields.iter_mut().find(|(name, _)| name == "properties");
    let Some((_, Schema::Map(properties))) = properties else { return };
    let places: std::collections::HashMap<&str, usize> =
        order.iter().filter_map(Schema::as_text).zip(0..).collect();
    properties.sort_by_key(|(name, _)| places.get(name.as_str()).copied().unwrap_or(usize::MAX));
}

fn admit_null(fields: &mut [(String, Schema)]) {
    let null = || Schema::Text("null".to_owned());
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("type", value @ Schema::Text(_)) => {
                let kind = std::mem::replace(value, Schema::Null);
                *value = Schema::List(vec![kind, null()]);
            }
            ("enum", Schema::List(values)) => values.push(Schema::Null),
            ("anyOf", Schema::List(alternatives)) => {
                alternatives.push(Schema::Map(vec![("type".to_owned(), null())]));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subset_is_json_schema_after_all() {
        let check = |json: &str, expected: &str| {
            let schema = Schema::read(serde_json::from_str(json).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&raise(schema)).unwrap(), expected, "{json}");
        };
        check(
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true},"b":{"type":"ARRAY","items":{"type":"INTEGER"},"min_items":"2"}},"property_ordering":["b","a"],"required":["a"]}"#,
            r#"{"type":"object","properties":{"b":{"type":"array","items":{"type":"integer"},"minItems":2},"a":{"type":["string","null"]}},"required":["a"]}"#,
        );
        check(
            r#"{"any_of":[{"type":"STRING","format":"enum","enum":["x"]},{"type":"NUMBER"}],"nullable":true}"#,
            r#"{"anyOf":[{"type":"string","enum":["x"]},{"type":"number"},{"type":"null"}]}"#,
        );
        check(r#"{"type":"string","nullable":false,"x-y":1}"#, r#"{"type":"string","x-y":1}"#);
    }
}
