//! What do the counters of an answer mean?

use super::super::{
    super::bill::{Bill, ToolCalls},
    wire,
};
use crate::store::Usage;

/// Makes one set of counters of what hosts mean by them.
pub(crate) fn canonical(usage: &wire::Usage) -> Usage {
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    let input = usage.input_tokens_details.as_ref();
    let output = usage.output_tokens_details.as_ref();
    let told = count(usage.input_tokens);
    let cached = count(input.and_then(|details| details.cached_tokens));
    // xAI has been seen to count cached input apart.
    let prompt = if cached > told { told.saturating_add(cached) } else { told };
    let mut completion = count(usage.output_tokens);
    let reasoning = count(output.and_then(|details| details.reasoning_tokens));
    let unexplained = count(usage.total_tokens) - told - completion;
    if reasoning > 0 && unexplained == reasoning {
        // Some hosts leave reasoning out of the output; the total gives it away.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Usage) {
        let usage: wire::Usage = serde_json::from_str(json).unwrap();
        assert_eq!(canonical(&usage), expected, "{json}");
    }

    #[test]
    fn usage_is_made_one() {
        check(
            r#"{"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}"#,
            Usage {
                prompt: 10,
                cached: 4,
                cache_write_5m: 2,
                completion: 5,
                reasoning: 3,
                ..Usage::default()
            },
        );
        // Reasoning beside the output.
        check(
            r#"{"input_tokens":10,"output_tokens":5,"total_tokens":22,"output_tokens_details":{"reasoning_tokens":7}}"#,
            Usage { prompt: 10, completion: 12, reasoning: 7, ..Usage::default() },
        );
        // More reasoning than output, more cached than input, less than nothing.
        check(
            r#"{"input_tokens":-1,"input_tokens_details":{"cached_tokens":2},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":9}}"#,
            Usage { prompt: 2, cached: 2, completion: 5, reasoning: 5, ..Usage::default() },
        );
        check("{}", Usage::default());
    }
}
