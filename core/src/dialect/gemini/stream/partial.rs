//! What are the arguments of a call that come piece by piece? Each piece names its place by a JSON path.

use crate::{
    dialect::{
        gemini::wire::{FunctionCall, PartialArg},
        ir::Schema,
    },
    error::{Error, Kind, Result},
    limits::{JSON_DEPTH_MAX, SCHEMA_NODES_MAX},
};

/// A call whose arguments are not complete.
pub(super) struct Partial {
    /// The number of its part.
    pub(super) part: usize,
    arguments: Schema,
    /// How many values the arguments may still get.
    left: usize,
}

/// One step of a path.
#[derive(Debug, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Partial {
    pub(super) fn new(part: usize) -> Self {
        Self { part, arguments: Schema::empty(), left: SCHEMA_NODES_MAX }
    }

    /// Takes the next pieces in.
    pub(super) fn add(&mut self, call: &FunctionCall<'_>) -> Result<()> {
        if let Some(Schema::Map(fields)) = call.args.map(Schema::read).transpose()? {
            for (name, value) in fields {
                *self.place(&[Step::Name(name)])? = value;
            }
        }
        for piece in call.partial_args.iter().flatten() {
            self.put(piece)?;
        }
        Ok(())
    }

    /// The whole arguments.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.arguments).expect("a tree always serializes")
    }

    fn put(&mut self, piece: &PartialArg<'_>) -> Result<()> {
        let steps = steps(&piece.json_path).ok_or_else(unreadable)?;
        let place = self.place(&steps)?;
        if let Some(more) = &piece.string_value {
            match place {
                Schema::Text(text) => text.push_str(more),
                other => *other = Schema::Text(more.clone().into_owned()),
            }
        } else if let Some(value) = piece.number_value.or(piece.bool_value) {
            *place = Schema::read(value)?;
        }
        // What is left is null, or the beginning of a text that has no words yet.
        Ok(())
    }

    /// The value at a place, which is made when it is not there.
    fn place(&mut self, steps: &[Step]) -> Result<&mut Schema> {
        let mut place = &mut self.arguments;
        for step in steps {
            place = match step {
                Step::Name(name) => field(place, name, &mut self.left)?,
                Step::Index(at) => item(place, *at, &mut self.left)?,
            };
        }
        Ok(place)
    }
}

fn field<'s>(place: &'s mut Schema, name: &str, left: &mut usize) -> Result<&'s mut Schema> {
    if *place == Schema::Null {
        *place = Schema::empty();
    }
    let Schema::Map(fields) = place else { return Err(unreadable()) };
    let known = fields.iter().position(|(field, _)| field == name);
    let at = known.unwrap_or(fields.len());
    if known.is_none() {
        *left = left.checked_sub(1).ok_or_else(unreadable)?;
        fields.push((name.to_owned(), Schema::Null));
    }
    Ok(&mut fields[at].1)
}

fn item<'s>(place: &'s mut Schema, at: usize, left: &mut usize) -> Result<&'s mut Schema> {
    if *place == Schema::Null {
        *place = Schema::List(Vec::new());
    }
    let Schema::List(items) = place else { return Err(unreadable()) };
    while items.len() <= at {
        *left = left.checked_sub(1).ok_or_else(unreadable)?;
        items.push(Schema::Null);
    }
    items.get_mut(at).ok_or_else(unreadable)
}

/// The steps of `$.a.b[0]['c d']`; `None` when it is no such path, or too deep.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = rest.strip_prefix('[').map_or_else(|| named(rest), bracketed)?;
        steps.push(step);
        rest = after;
    }
    (1..=JSON_DEPTH_MAX).contains(&steps.len()).then_some(steps)
}

/// What stands after a dot.
fn named(rest: &str) -> Option<(Step, &str)> {
    let name = rest.strip_prefix('.')?;
    let (name, after) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    (!name.is_empty()).then(|| (Step::Name(name.to_owned()), after))
}

/// What stands after `[`: an index, or a name between quotes, in which a backslash takes the next letter as it is.
fn bracketed(inner: &str) -> Option<(Step, &str)> {
    let quote = inner.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let Some(quote) = quote else {
        let (index, after) = inner.split_once(']')?;
        return Some((Step::Index(index.parse().ok()?), after));
    };
    let (mut name, mut letters) = (String::new(), inner[1..].char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next()?.1),
            letter if letter == quote => {
                let after = inner.get(1 + at + 1..)?.strip_prefix(']')?;
                return Some((Step::Name(name), after));
            }
            letter => name.push(letter),
        }
    }
    None
}

fn unreadable() -> Error {
    Error::new(Kind::UpstreamBroken, "The provider's arguments of a call cannot be put together.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Event, gemini::stream::Reader};

    /// What an answer of these calls says: the deltas, and the error if there is one.
    fn told(calls: &[&str]) -> Vec<String> {
        let (mut reader, mut events) = (Reader::default(), Vec::new());
        let part = |call: &str| {
            format!(r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{call}}}]}}}}]}}"#)
        };
        let end = r#"{"candidates":[{"finishReason":"STOP"}]}"#.to_owned();
        for frame in calls.iter().map(|call| part(call)).chain([end]) {
            reader.push(frame.as_bytes(), &mut events);
        }
        reader.end(&mut events);
        let said = |event: Event| match event {
            Event::Delta { part, text } => Some(format!("{part} {text}")),
            Event::Fail(error) => Some(format!("fail {}", error.message)),
            _ => None,
        };
        events.into_iter().filter_map(said).collect()
    }

    #[test]
    fn arguments_that_come_piece_by_piece_are_put_together() {
        let begin = r#"{"id":"c1","name":"save","willContinue":true}"#;
        let first = r#"{"partialArgs":[{"jsonPath":"$.text","stringValue":"Bos","willContinue":true}],"willContinue":true}"#;
        let calls = [
            begin,
            first,
            r#"{"partialArgs":[{"jsonPath":"$.text","stringValue":"ton \u00e9"},{"jsonPath":"$.n","numberValue":50}],"willContinue":true}"#,
            r#"{"partialArgs":[{"jsonPath":"$.tags[0].on","boolValue":true},{"jsonPath":"$.tags[1]","nullValue":"NULL_VALUE"}],"willContinue":true}"#,
            "{}",
            r#"{"id":"c2","name":"stop","args":{}}"#,
        ];
        let whole = r#"0 {"text":"Boston é","n":50,"tags":[{"on":true},null]}"#;
        assert_eq!(told(&calls), [whole, "1 {}"]);
        assert_eq!(told(&[begin, first]), [r#"0 {"text":"Bos"}"#], "the end ends it");
        let lost = r#"{"name":"f","partialArgs":[{"jsonPath":"nowhere","stringValue":"x"}]}"#;
        let fails = "fail The provider's arguments of a call cannot be put together.";
        assert_eq!(told(&[lost]), [fails]);
    }

    #[test]
    fn paths_are_read() {
        let check = |path: &str, expected: &str| {
            let text = steps(path).map(|steps| {
                let step = |step: &Step| match step {
                    Step::Name(name) => format!("<{name}>"),
                    Step::Index(at) => at.to_string(),
                };
                steps.iter().map(step).collect::<String>()
            });
            assert_eq!(text.as_deref().unwrap_or("none"), expected, "{path}");
        };
        check("$.location", "<location>");
        check("$.foo.bar[0].data", "<foo><bar>0<data>");
        check(r#"$['a.b']["c]\"d"]"#, "<a.b><c]\"d>");
        for wrong in ["", "$", "location", "$..a", "$.a[", "$.a[x]", "$['a", "$.a[-1]", "$a"] {
            check(wrong, "none");
        }
        check(&format!("${}", ".a".repeat(JSON_DEPTH_MAX + 1)), "none");
    }

    #[test]
    fn a_place_that_is_far_out_is_refused() {
        let piece = |path: &str| {
            let text = format!(r#"{{"partialArgs":[{{"jsonPath":"{path}","stringValue":"x"}}]}}"#);
            Partial::new(0).add(&serde_json::from_str(&text).unwrap()).is_ok()
        };
        assert!(piece("$.a[3]"));
        assert!(!piece("$.a[99999999]"), "a list of nothing");
        assert!(!piece("$[0]"), "arguments are an object");
    }
}
