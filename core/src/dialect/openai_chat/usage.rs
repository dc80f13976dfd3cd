//! How much was used, whatever a host of this API means by its counters?

use serde::Serialize;

use super::wire::{self, Completion};
use crate::store::Usage;

/// The usage, wherever this host puts it.
pub(super) fn told(completion: &Completion<'_>) -> Option<Usage> {
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
        ..Usage::default()
    }
}

/// The counters as this API has them.
pub(super) fn written(usage: &Usage) -> UsageOut {
    UsageOut {
        prompt_tokens: usage.prompt,
        completion_tokens: usage.completion,
        total_tokens: usage.prompt.saturating_add(usage.completion),
        prompt_tokens_details: PromptOut {
            cached_tokens: usage.cached,
            audio_tokens: usage.audio_in,
            cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        },
        completion_tokens_details: CompletionOut {
            reasoning_tokens: usage.reasoning,
            audio_tokens: usage.audio_out,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
        },
    }
}

#[derive(Serialize)]
pub(super) struct UsageOut {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    prompt_tokens_details: PromptOut,
    completion_tokens_details: CompletionOut,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct PromptOut {
    cached_tokens: i64,
    audio_tokens: i64,
    cache_write_tokens: i64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct CompletionOut {
    reasoning_tokens: i64,
    audio_tokens: i64,
    accepted_prediction_tokens: i64,
    rejected_prediction_tokens: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

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
