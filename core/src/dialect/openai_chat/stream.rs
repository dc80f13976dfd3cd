//! What do the chunks of a chat stream say?

use super::wire::{self, Completion, Content, Message};
use crate::{
    dialect::{event::Event, sse},
    store::Usage,
};

/// Reads chunk after chunk. Whatever it cannot read, it passes over: an unknown chunk is the client's to judge.
#[derive(Default)]
pub(crate) struct Reader;

impl Reader {
    /// Reads one frame into `out`, which is empty, and says what it means. A chunk that exists only to tell the usage
    /// gives exactly one [`Event::Usage`].
    #[expect(clippy::unused_self, reason = "readers of other dialects hold state")]
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let data = sse::data(frame);
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            out.push(Event::Done);
            return;
        }
        if data.is_empty() {
            return;
        }
        let Ok(chunk) = serde_json::from_slice::<Completion<'_>>(data) else {
            out.push(Event::Other);
            return;
        };
        read(chunk, out);
    }

    /// The stream has ended.
    #[expect(clippy::unused_self, reason = "readers of other dialects hold state")]
    pub(crate) fn end(&mut self, _out: &mut Vec<Event>) {}
}

/// Writes event after event.
pub(crate) struct Writer;

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(_stamp: crate::dialect::Stamp) -> Self {
        Self
    }

    /// Adds what an event is in this dialect to `out`.
    pub(crate) fn push(&mut self, _event: Event, _out: &mut Vec<u8>) {}
}

fn read(chunk: Completion<'_>, out: &mut Vec<Event>) {
    if let Some(error) = chunk.error {
        out.push(Event::Fail(super::error::from_body(error, None)));
        return;
    }
    if let Some(usage) = usage_of(&chunk) {
        out.push(Event::Usage(usage));
    }
    let choices = chunk.choices.unwrap_or_default();
    if choices.is_empty() && !out.is_empty() {
        return;
    }
    let before = out.len();
    for choice in choices {
        let mut text = String::new();
        choice.delta.iter().flat_map(texts).for_each(|piece| text.push_str(piece));
        if !text.is_empty() {
            out.push(Event::Delta { part: 0, text });
        }
        if choice.finish_reason.is_some_and(|reason| !reason.is_empty()) {
            out.push(Event::Finish(crate::dialect::ir::Stop::End));
        }
    }
    if out.len() == before {
        out.push(Event::Other);
    }
}

/// How much a message says, in bytes: what an estimate of its tokens starts from.
pub(super) fn text_bytes(message: &Message<'_>) -> u64 {
    texts(message).map(|text| text.len() as u64).sum()
}

fn texts<'a>(message: &'a Message<'_>) -> impl Iterator<Item = &'a str> {
    let content = match &message.content {
        Some(Content::Text(text)) => Some(&**text),
        Some(Content::Parts(_)) | None => None,
    };
    let plain = [
        content,
        message.refusal.as_deref(),
        message.reasoning_content.as_deref(),
        message.reasoning.as_deref(),
    ];
    let calls = message.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
    let calls = calls.flat_map(|call| [call.name.as_deref(), call.arguments.as_deref()]);
    plain.into_iter().chain(calls).flatten()
}

/// The usage, wherever this host puts it.
pub(super) fn usage_of(completion: &Completion<'_>) -> Option<Usage> {
    let inner = completion.choices.iter().flatten().find_map(|choice| choice.usage.as_ref());
    let groq = completion.x_groq.as_ref().and_then(|extension| extension.usage.as_ref());
    completion.usage.as_ref().or(inner).or(groq).map(canonical)
}

/// Makes one set of counters of what hosts mean by them.
fn canonical(usage: &wire::Usage) -> Usage {
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    let input = usage.prompt_tokens_details.as_ref();
    let output = usage.completion_tokens_details.as_ref();
    let mut prompt = count(usage.prompt_tokens);
    let cached = count(input.and_then(|details| details.cached_tokens));
    if cached > prompt {
        // xAI has been seen to count cached input apart.
        prompt = prompt.saturating_add(cached);
    }
    let mut completion = count(usage.completion_tokens);
    let reasoning = count(output.and_then(|details| details.reasoning_tokens));
    let unexplained = count(usage.total_tokens) - count(usage.prompt_tokens) - completion;
    if reasoning > 0 && unexplained == reasoning {
        // xAI leaves reasoning out of the completion; the total gives it away.
        completion = completion.saturating_add(reasoning);
    }
    Usage {
        prompt,
        cached,
        cache_write_5m: count(input.and_then(|details| details.cache_write_tokens)),
        cache_write_1h: 0,
        completion,
        reasoning: reasoning.min(completion),
        audio_in: count(input.and_then(|details| details.audio_tokens)),
        audio_out: count(output.and_then(|details| details.audio_tokens)),
        image_in: count(input.and_then(|details| details.image_tokens)),
        image_out: count(output.and_then(|details| details.image_tokens)),
        calls: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(frame: &str) -> String {
        let mut out = Vec::new();
        Reader.push(frame.as_bytes(), &mut out);
        let name = |event: &Event| match event {
            Event::Delta { text, .. } => format!("delta {text}"),
            Event::Usage(usage) => format!("usage {}+{}", usage.prompt, usage.completion),
            Event::Finish(_) => "finish".into(),
            Event::Done => "done".into(),
            Event::Fail(error) => format!("fail {}", error.message),
            _ => "other".into(),
        };
        out.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn chunks_mean_what_they_say() {
        let check = |frame: &str, expected: &str| assert_eq!(events(frame), expected, "{frame}");
        check(r#"data: {"choices":[{"delta":{"content":"hé"}}]}"#, "delta hé");
        check(r#"data: {"choices":[{"delta":{"role":"assistant","content":""}}]}"#, "other");
        check(
            r#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{"}}]}}]}"#,
            "delta f{",
        );
        check(
            r#"data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
            "usage 1+2, delta x, finish",
        );
        check(r#"data: {"error":{"message":"no","code":500}}"#, "fail no");
        check("data: [DONE]", "done");
        check("data: {not json", "other");
        check(": comment", "");
    }

    #[test]
    fn only_a_chunk_without_choices_tells_nothing_but_usage() {
        let check = |frame: &str, expected: &str| assert_eq!(events(frame), expected, "{frame}");
        check(r#"data: {"choices":[],"usage":{"prompt_tokens":3}}"#, "usage 3+0");
        check(r#"data: {"choices":[],"usage":null}"#, "other");
        check(
            r#"data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":3}}"#,
            "usage 3+0, other",
        );
        check(r#"data: {"choices":[],"prompt_filter_results":[]}"#, "other");
    }

    fn check_usage(json: &str, expected: Usage) {
        let usage: wire::Usage = serde_json::from_str(json).unwrap();
        assert_eq!(canonical(&usage), expected, "{json}");
    }

    #[test]
    fn usage_is_made_one() {
        check_usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#,
            Usage { prompt: 10, cached: 4, completion: 5, reasoning: 2, ..Usage::default() },
        );
        // xAI: the completion leaves reasoning out.
        check_usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":22,"completion_tokens_details":{"reasoning_tokens":7}}"#,
            Usage { prompt: 10, completion: 12, reasoning: 7, ..Usage::default() },
        );
        // More reasoning than completion is clamped.
        check_usage(
            r#"{"prompt_tokens":1,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":9}}"#,
            Usage { prompt: 1, completion: 5, reasoning: 5, ..Usage::default() },
        );
        check_usage(
            r#"{"prompt_tokens":-3,"completion_tokens":null,"prompt_tokens_details":{"cached_tokens":2}}"#,
            Usage { prompt: 2, cached: 2, ..Usage::default() },
        );
    }
}
