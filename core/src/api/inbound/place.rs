//! Which field of a JSON text had just been read when its reader gave up? Found by its position, for to watch every
//! reader on its way costs code once for each type.

use std::fmt::Write as _;

/// Where the text is, one step for each object and list that is open.
enum Step<'t> {
    /// In an object, at this field; at none while nothing but its end or a name can follow.
    Field(Option<&'t [u8]>),
    /// In a list, at this element.
    Item(usize),
}

/// The field at a line and column as `serde_json` counts them, such as `targets[1].weight`; empty for the whole.
pub(super) fn field(json: &[u8], line: usize, column: usize) -> String {
    let newlines =
        json.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let begin = std::iter::once(0).chain(newlines).nth(line.saturating_sub(1)).unwrap_or(0);
    let read = json.get(..begin.saturating_add(column)).unwrap_or(json);
    let mut path = String::new();
    for step in steps(read) {
        match step {
            Step::Field(None) => {}
            Step::Field(Some(name)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&String::from_utf8_lossy(name));
            }
            Step::Item(number) => {
                // Writing to a String cannot fail.
                let _ = write!(path, "[{number}]");
            }
        }
    }
    path
}

/// What is open at the end of a text that was well formed so far.
fn steps(read: &[u8]) -> Vec<Step<'_>> {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = read.get(at) {
        at += 1;
        match byte {
            b'{' => open.push(Step::Field(None)),
            b'[' => open.push(Step::Item(0)),
            b'}' | b']' => {
                open.pop();
            }
            b',' => match open.last_mut() {
                Some(Step::Field(name)) => *name = None,
                Some(Step::Item(number)) => *number += 1,
                None => {}
            },
            b'"' => {
                let text = string(&read[at..]);
                at += text.len() + 1;
                if let Some(Step::Field(name @ None)) = open.last_mut() {
                    *name = Some(text);
                }
            }
            _ => {}
        }
    }
    open
}

/// The inside of a string, up to its closing quote.
fn string(rest: &[u8]) -> &[u8] {
    let mut escaped = false;
    let end = rest.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Whole {
        name: String,
        #[serde(default)]
        list: Vec<Part>,
        #[serde(default)]
        named: BTreeMap<String, Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Part {
        on: bool,
        #[serde(default)]
        kind: Kind,
        #[serde(default)]
        pair: (u8, u8),
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        #[default]
        One,
    }

    #[test]
    fn what_could_not_be_read_is_found_again() {
        for (json, expected) in [
            ("[]", ""),
            ("{}", ""),
            (r#"{"name":1}"#, "name"),
            (r#"{"name":"a\"{[,","list":{}}"#, "list"),
            (r#"{"list":[{"on":true},{"on":"yes"}],"name":""}"#, "list[1].on"),
            (r#"{"list":[{"on":true},[]]}"#, "list[1]"),
            (r#"{"list":[7]}"#, "list[0]"),
            (r#"{"list":[{}]}"#, "list[0]"),
            ("{\n \"list\": [\n  {\"on\": true, \"kind\": \"two\"}]}", "list[0].kind"),
            (r#"{"named":{"a b":{"on":false,"of":1}}}"#, "named.a b.of"),
            (r#"{"named":{"a":{"on":false,"pair":[1,300]}}}"#, "named.a.pair[1]"),
            (r#"{"named":{"ä":{"on":false,"pair":[1]}}}"#, "named.ä.pair"),
            (r#"{"name":"a","name":"b"}"#, "name"),
            (r#"{"name":[["#, "name"),
        ] {
            let error = serde_json::from_str::<Whole>(json).unwrap_err();
            let found = field(json.as_bytes(), error.line(), error.column());
            assert_eq!(found, expected, "{json}: {error}");
        }
    }

    #[test]
    fn nothing_is_too_strange_to_be_looked_at() {
        for json in ["", "\"", "\\\"", "{\"a\\", "]}", "{,,", "[,[,{\"a\":", "{\"a\":\"b\"\"c\""] {
            for column in 0..json.len() + 2 {
                field(json.as_bytes(), 1, column);
                field(json.as_bytes(), 9, column);
            }
        }
    }
}
