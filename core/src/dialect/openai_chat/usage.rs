//! How much was used, whatever a host of this API means by its counters?

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    super::bill::{Bill, ToolCalls},
    wire::{self, Completion},
};
use crate::store::{Tariff, Usage};

/// The usage, wherever this host puts it.
pub(super) fn told(completion: &Completion<'_>) -> Option<Usage> {
    let inner = completion.choices.iter().flatten().find_map(|choice| choice.usage.as_ref());
    let groq = completion.x_groq.as_ref().and_then(|extension| extension.usage.as_ref());
    let told = completion.usage.as_ref().or(inner).or(groq)?;
    Some(with_service(told, completion.service_tier.as_deref()))
}

/// A completion of which nothing is read but how much it was, which takes a third of the time.
#[derive(Deserialize)]
pub(super) struct Brief<'a> {
    #[serde(default)]
    usage: Option<wire::Usage>,
    #[serde(borrow, default)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

/// The usage of a completion that is no error, where most hosts put it.
pub(super) fn told_briefly(brief: Brief<'_>) -> Option<Usage> {
    let Brief { usage, service_tier, error } = brief;
    usage.filter(|_| error.is_none()).map(|usage| with_service(&usage, service_tier.as_deref()))
}

fn with_service(usage: &wire::Usage, word: Option<&str>) -> Usage {
    let word = word.or(usage.service_tier.as_deref());
    Usage { tariff: word.map(Tariff::told).unwrap_or_default(), ..canonical(usage) }
}

/// Makes one set of counters of what hosts mean by them.
fn canonical(usage: &wire::Usage) -> Usage {
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    let input = usage.prompt_tokens_details.as_ref();
    let output = usage.completion_tokens_details.as_ref();
    let mut prompt = count(usage.prompt_tokens);
    let cached = input.and_then(|details| details.cached_tokens);
    let cached = count(cached.or(usage.prompt_cache_hit_tokens).or(usage.cached_tokens));
    if cached > prompt {
        // xAI has been seen to count cached input apart.
        prompt = prompt.saturating_add(cached);
    }
    let mut completion = count(usage.completion_tokens);
    let reasoning = count(output.and_then(|details| details.reasoning_tokens));
    let unexplained = count(usage.total_tokens) - count(usage.prompt_tokens) - completion;
    let audio_in = count(input.and_then(|details| details.audio_tokens));
    if audio_in > prompt && unexplained == audio_in {
        // Mistral counts sound beside the prompt.
        prompt = prompt.saturating_add(audio_in);
    } else if reasoning > 0 && unexplained == reasoning {
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
        audio_in,
        audio_out: count(output.and_then(|details| details.audio_tokens)),
        image_in: count(input.and_then(|details| details.image_tokens)),
        image_out: count(output.and_then(|details| details.image_tokens)),
        calls: usage.server_side_tool_usage_details.as_ref().map_or(0, ToolCalls::sum),
        told_nano: Bill {
            cost: usage.cost,
            ticks: usage.cost_in_usd_ticks,
            behind: usage.cost_details.as_ref().filter(|_| usage.is_byok == Some(true)),
        }
        .nanos(),
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
    fn the_service_is_told_beside_the_usage_or_in_it() {
        let tariff = |json| {
            let completion: Completion<'_> = serde_json::from_str(json).unwrap();
            told(&completion).unwrap().tariff
        };
        assert_eq!(tariff(r#"{"usage":{},"service_tier":"flex"}"#), Tariff::Flex);
        assert_eq!(tariff(r#"{"usage":{"service_tier":"batch"}}"#), Tariff::Batch);
        assert_eq!(tariff(r#"{"usage":{},"service_tier":"default"}"#), Tariff::Standard);
        assert_eq!(tariff(r#"{"usage":{},"service_tier":null}"#), Tariff::Standard);
    }

    #[test]
    fn in_brief_the_same_is_told_or_nothing() {
        for (json, brief) in [
            (
                r#"{"usage":{"prompt_tokens":3},"service_tier":"flex","choices":[{"message":{"content":"a"}}]}"#,
                true,
            ),
            (r#"{"usage":{"prompt_tokens":3,"service_tier":"batch"},"choices":null}"#, true),
            (r#"{"usage":null,"choices":[{"usage":{"prompt_tokens":3}}]}"#, false),
            (r#"{"x_groq":{"usage":{"prompt_tokens":3}}}"#, false),
            (r#"{"usage":{"prompt_tokens":3},"error":{"message":"no"}}"#, false),
        ] {
            let full = told(&serde_json::from_str(json).unwrap());
            let told = told_briefly(serde_json::from_str(json).unwrap());
            assert_eq!(told, full.filter(|_| brief), "{json}");
        }
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
        // Mistral: sound is beside the prompt.
        check_usage(
            r#"{"prompt_audio_seconds":3,"prompt_tokens":9,"total_tokens":632,"completion_tokens":248,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":375}}"#,
            Usage { prompt: 384, audio_in: 375, completion: 248, ..Usage::default() },
        );
        // DeepSeek's own word for what was cached.
        check_usage(
            r#"{"prompt_tokens":563,"completion_tokens":116,"prompt_cache_hit_tokens":512,"prompt_cache_miss_tokens":51}"#,
            Usage { prompt: 563, cached: 512, completion: 116, ..Usage::default() },
        );
        check_usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"cost_in_usd_ticks":10071500,"server_side_tool_usage_details":{"web_search_calls":2,"x_search_calls":1}}"#,
            Usage {
                prompt: 10,
                completion: 5,
                calls: 3,
                told_nano: Some(1_007_150),
                ..Usage::default()
            },
        );
        check_usage(
            r#"{"prompt_tokens":-3,"completion_tokens":null,"prompt_tokens_details":{"cached_tokens":2}}"#,
            Usage { prompt: 2, cached: 2, ..Usage::default() },
        );
    }
}
