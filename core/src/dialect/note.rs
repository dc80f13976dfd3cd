//! How does an instruction get into a request that gives none, and else stays as it came?

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    object::Object,
    patch::{self, Edit},
};
use crate::{
    error::{Error, Result},
    json,
};

/// Where a dialect has its instructions.
pub(super) struct Place {
    /// The list of turns, in which some dialects have them.
    pub(super) turns: &'static str,
    /// The names of the field that other dialects have for them; the first one is written.
    pub(super) fields: &'static [&'static str],
    /// What stands before and after the text.
    pub(super) around: (&'static str, &'static str),
}

#[derive(Deserialize)]
struct Speaker<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
}

/// The request with the instruction; `None` when the client gives one itself, or nothing to answer.
pub(super) fn add(body: &Bytes, place: &Place, text: &str) -> Result<Option<Bytes>> {
    let object = Object::read(body)?;
    let turns: Vec<&RawValue> = object.typed(place.turns).ok().flatten().unwrap_or_default();
    let given = place.fields.iter().any(|field| object.get(field).is_some_and(says_something));
    if given || turns.iter().any(|turn| instructs(turn)) {
        return Ok(None);
    }
    let text = serde_json::to_string(text).map_err(Error::internal)?;
    let note = format!("{}{text}{}", place.around.0, place.around.1);
    let edits = match place.fields.first() {
        Some(name) => as_field(&object, place.fields, name, &note),
        None if turns.is_empty() => return Ok(None),
        None => as_first(&object, place.turns, &note),
    };
    Ok(Some(patch::apply(body, &edits)))
}

fn as_first(object: &Object<'_>, turns: &str, note: &str) -> Vec<Edit> {
    let last = object.spans(turns).last();
    let edit = |list: std::ops::Range<usize>| {
        let at = list.start + 1;
        Edit { at: at..at, with: format!("{note},") }
    };
    last.map(edit).into_iter().collect()
}

/// In the place of a field that says nothing, or else at the end.
fn as_field(object: &Object<'_>, fields: &[&str], name: &str, note: &str) -> Vec<Edit> {
    let spans = fields.iter().flat_map(|field| object.spans(field));
    let mut edits: Vec<_> = spans.map(|at| Edit { at, with: note.to_owned() }).collect();
    edits.sort_by_key(|edit| edit.at.start);
    if edits.is_empty() {
        let (at, comma) = (object.end(), if object.is_empty() { "" } else { "," });
        edits.push(Edit { at: at..at, with: format!("{comma}\"{name}\":{note}") });
    }
    edits
}

fn says_something(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "\"\"" | "[]" | "{}")
}

fn instructs(turn: &RawValue) -> bool {
    let speaker: Option<Speaker<'_>> = json::read(turn.get()).ok();
    let role = speaker.and_then(|speaker| speaker.role);
    role.is_some_and(|role| matches!(&*role, "system" | "developer"))
}

#[cfg(test)]
mod tests {
    use crate::dialect::Dialect;

    fn check(dialect: Dialect, body: &'static str, expected: Option<&str>) {
        let body = super::Bytes::from_static(body.as_bytes());
        let added = dialect.instruct(&body, "Be \"brief\".").unwrap();
        let added = added.as_deref().map(|added| std::str::from_utf8(added).unwrap());
        assert_eq!(added, expected);
    }

    #[test]
    fn a_request_without_instructions_gets_one_and_nothing_else() {
        for chat in [Dialect::OpenAiChat, Dialect::Ollama] {
            check(
                chat,
                r#"{"messages" : [ {"role":"user","content":"\u00e9 1.0"}],"x":1e5}"#,
                Some(
                    r#"{"messages" : [{"role":"system","content":"Be \"brief\"."}, {"role":"user","content":"\u00e9 1.0"}],"x":1e5}"#,
                ),
            );
        }
        check(
            Dialect::OpenAiResponses,
            r#"{"input":"hi" }"#,
            Some(r#"{"input":"hi" ,"instructions":"Be \"brief\"."}"#),
        );
        check(
            Dialect::OpenAiResponses,
            r#"{"instructions":null,"input":[{"type":"reasoning"},{"role":"user","content":"hi"}]}"#,
            Some(
                r#"{"instructions":"Be \"brief\".","input":[{"type":"reasoning"},{"role":"user","content":"hi"}]}"#,
            ),
        );
        check(
            Dialect::Anthropic,
            r#"{"messages":[{"role":"user","content":"hi"}],"system":[]}"#,
            Some(r#"{"messages":[{"role":"user","content":"hi"}],"system":"Be \"brief\"."}"#),
        );
        check(
            Dialect::Gemini,
            r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#,
            Some(
                r#"{"contents":[{"parts":[{"text":"hi"}]}],"systemInstruction":{"parts":[{"text":"Be \"brief\"."}]}}"#,
            ),
        );
    }

    #[test]
    fn a_request_with_instructions_stays_as_it_is() {
        for role in ["system", "developer"] {
            let body = format!(
                r#"{{"messages":[{{"role":"user","content":"a"}},{{"role":"{role}","content":""}}]}}"#
            );
            check(Dialect::OpenAiChat, body.leak(), None);
        }
        check(Dialect::OpenAiResponses, r#"{"input":"hi","instructions":"x"}"#, None);
        check(Dialect::OpenAiResponses, r#"{"input":[{"role":"developer","content":"x"}]}"#, None);
        check(Dialect::Anthropic, r#"{"system":[{"type":"text","text":"x"}],"messages":[]}"#, None);
        check(
            Dialect::Anthropic,
            r#"{"messages":[{"role":"user","content":"a"},{"role":"system","content":"x"}]}"#,
            None,
        );
        for field in ["systemInstruction", "system_instruction"] {
            let body = format!(r#"{{"contents":[],"{field}":{{"parts":[{{"text":"x"}}]}}}}"#);
            check(Dialect::Gemini, body.leak(), None);
        }
    }

    #[test]
    fn a_request_that_is_wrong_is_the_providers_to_judge() {
        for body in [r#"{"model":"m"}"#, r#"{"messages":[]}"#, r#"{"messages":"x"}"#] {
            check(Dialect::OpenAiChat, body, None);
        }
        assert!(Dialect::OpenAiChat.instruct(&super::Bytes::from_static(b"x"), "x").is_err());
    }
}
