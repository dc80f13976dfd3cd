//! What becomes of a JSON Schema, with literal JSON on both sides.

use super::lower;
use crate::{dialect::ir::Schema, error::Result};

fn lowered(json: &str) -> Result<String> {
    let schema = Schema::read(serde_json::from_str(json).unwrap()).unwrap();
    lower(&schema).map(|schema| serde_json::to_string(&schema).unwrap())
}

fn check(json: &str, expected: &str) {
    assert_eq!(lowered(json).unwrap(), expected, "{json}");
}

#[test]
fn types_are_one_word() {
    check(r#"{"type":"string"}"#, r#"{"type":"STRING"}"#);
    check(r#"{"type":["string","null"]}"#, r#"{"type":"STRING","nullable":true}"#);
    check(
        r#"{"type":["string","integer","null"],"description":"d"}"#,
        r#"{"anyOf":[{"type":"STRING","description":"d","nullable":true},{"type":"INTEGER","description":"d","nullable":true}]}"#,
    );
    check("{}", r#"{"type":"STRING"}"#);
    check("true", r#"{"type":"STRING"}"#);
    check(r#"{"type":"array"}"#, r#"{"type":"ARRAY","items":{"type":"STRING"}}"#);
}

#[test]
fn objects_keep_their_order_and_lose_what_is_unknown() {
    check(
        r#"{"$schema":"x","type":"object","properties":{"b":{"type":"integer","exclusiveMinimum":0,"multipleOf":2},"a":{"type":"string","format":"email","default":"x"}},"required":["b","z"],"additionalProperties":false}"#,
        r#"{"type":"OBJECT","propertyOrdering":["b","a"],"required":["b"],"properties":{"b":{"type":"INTEGER","minimum":1},"a":{"type":"STRING"}}}"#,
    );
    check(
        r#"{"properties":{"a":{}}}"#,
        r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}"#,
    );
    check(
        r#"{"type":"number","exclusiveMaximum":1.5,"format":"double"}"#,
        r#"{"type":"NUMBER","format":"double","maximum":1.5}"#,
    );
}

#[test]
fn enumerations_are_of_strings() {
    check(r#"{"enum":["a","b"]}"#, r#"{"type":"STRING","enum":["a","b"]}"#);
    check(
        r#"{"type":"integer","enum":[1,2,null]}"#,
        r#"{"type":"STRING","enum":["1","2"],"nullable":true}"#,
    );
    check(r#"{"const":true}"#, r#"{"type":"STRING","enum":["true"]}"#);
}

#[test]
fn alternatives_stand_alone() {
    check(
        r#"{"oneOf":[{"type":"string"},{"type":"null"}],"description":"d"}"#,
        r#"{"description":"d","type":"STRING","nullable":true}"#,
    );
    check(
        r#"{"anyOf":[{"type":"string"},{"type":"number","description":"n"}],"description":"d"}"#,
        r#"{"anyOf":[{"type":"STRING","description":"d"},{"type":"NUMBER","description":"n"}]}"#,
    );
    check(
        r#"{"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]}]}"#,
        r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}"#,
    );
    check(
        r#"{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"number"}},"required":["b"]}]}"#,
        r#"{"type":"OBJECT","required":["a","b"],"properties":{"a":{"type":"STRING"},"b":{"type":"NUMBER"}}}"#,
    );
    check(
        r#"{"type":"array","prefixItems":[{"type":"string"},{"type":"number"},{"type":"string"}]}"#,
        r#"{"type":"ARRAY","items":{"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]}}"#,
    );
}

#[test]
fn references_are_put_in_place() {
    check(
        r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x~1y","description":"near"}},"$defs":{"x/y":{"type":"string","description":"far"}}}"##,
        r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","description":"near"}}}"#,
    );
    let deep = r##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}"##;
    let error = lowered(deep).unwrap_err();
    assert_eq!(error.hints.unwrap().code.unwrap(), "unsupported_parameter");
    assert!(lowered(r##"{"$ref":"#/$defs/none"}"##).is_err());
    assert!(lowered(r#"{"$ref":"https://elsewhere"}"#).is_err());
}

#[test]
fn references_that_multiply_are_bounded() {
    let defs: Vec<String> = (0..40)
        .map(|at| {
            let next = at + 1;
            format!(r##""d{at}":{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d{next}"}},"b":{{"$ref":"#/$defs/d{next}"}}}}}}"##)
        })
        .collect();
    let json = format!(
        r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d40":{{"type":"string"}}}}}}"##,
        defs.join(",")
    );
    assert!(lowered(&json).is_err());
}
