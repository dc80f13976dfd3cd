//! Does a chunk say nothing but text? Most do, and then a stream that passes as it came need not be read any closer.

use std::borrow::Cow;

use crate::dialect::sse;

/// The text that a chunk adds, if text is all that it says. Anything that is not plainly so is left to the reader:
/// a name that is not known here, an escape, a second text, a value where most chunks have `null`.
pub(crate) fn skim(frame: &[u8]) -> Option<&[u8]> {
    let Cow::Borrowed(data) = sse::data(frame) else { return None };
    let mut rest = data.trim_ascii();
    rest.first().filter(|first| **first == b'{')?;
    let mut text = None;
    while let Some(at) = mark(rest) {
        let (name, after) = string(&rest[at..])?;
        // Every string is a name, because a value is taken together with its name.
        let value = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        rest = match (name, value.first()?) {
            (b"content", b'"') if text.is_none() => {
                let (content, after) = string(value)?;
                text = Some(content);
                after
            }
            (
                b"id"
                | b"object"
                | b"model"
                | b"system_fingerprint"
                | b"service_tier"
                | b"role"
                | b"provider"
                | b"obfuscation",
                b'"',
            ) => string(value)?.1,
            (b"created" | b"index", b'0'..=b'9') | (b"choices", b'[') | (b"delta", b'{') => value,
            (
                b"content"
                | b"refusal"
                | b"logprobs"
                | b"finish_reason"
                | b"native_finish_reason"
                | b"usage"
                | b"error"
                | b"reasoning"
                | b"reasoning_content"
                | b"tool_calls"
                | b"function_call"
                | b"system_fingerprint"
                | b"service_tier"
                | b"role",
                b'n',
            ) => value.strip_prefix(b"null")?,
            _ => return None,
        };
    }
    Some(text.unwrap_or_default())
}

/// A string that begins here and has no escape, and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"\"")?;
    let end = mark(inner)?;
    (inner[end] == b'"').then(|| (&inner[..end], &inner[end + 1..]))
}

/// Where a string may end. They are so short that a plain loop beats a clever search.
fn mark(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Event, openai_chat::stream::Reader};

    #[track_caller]
    fn check(data: &str, expected: Option<&str>) {
        let frame = format!("data: {data}\n\n");
        assert_eq!(skim(frame.as_bytes()), expected.map(str::as_bytes), "{data}");
    }

    #[test]
    fn chunks_of_text_are_skimmed() {
        check(
            r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"Hé","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
            Some("Hé"),
        );
        check(r#"{ "choices" : [ { "delta" : { "content" : "ab" } } ] }"#, Some("ab"));
        check(r#"{"choices":[{"index":1,"delta":{"content":"ab"}}]}"#, Some("ab"));
        check(r#"{"choices":[{"delta":{}}]}"#, Some(""));
    }

    #[test]
    fn anything_else_is_left_to_the_reader() {
        for data in [
            "[DONE]",
            "",
            r#"{"choices":[{"delta":{"content":"a\"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[],"usage": 1}"#,
            r#"{"error":{"message":"no"}}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"content":["a"]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#,
            r#"{"\u0075sage":{}}"#,
            r#"{"new":"field"}"#,
            r#"{"content":"#,
            r#"{"content""#,
            r#"{"error":nope}"#,
        ] {
            check(data, None);
        }
    }

    /// What is skimmed is what the reader would have found.
    #[test]
    fn the_reader_finds_the_same_text() {
        for data in [
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"One two"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":null}}]}"#,
            r#"{"choices":[{"index":2,"delta":{"content":"other"}}]}"#,
        ] {
            let frame = format!("data: {data}\n\n");
            let mut events = Vec::new();
            Reader::default().push(frame.as_bytes(), &mut events);
            let read = events.iter().filter_map(|event| match event {
                Event::Delta { text, .. } => Some(text.as_str()),
                _ => None,
            });
            assert_eq!(skim(frame.as_bytes()), Some(read.collect::<String>().as_bytes()), "{data}");
        }
    }
}
