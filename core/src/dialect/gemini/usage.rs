//! What do this API's counters mean, and how are ours written in them?

use super::wire::{Share, ShareOut, Usage as Wire, UsageOut};
use crate::store::{Service, Usage};

/// Makes our counters of theirs. What tools brought in is further input, and thoughts are further output.
pub(super) fn read(usage: &Wire, searches: i64) -> Usage {
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    let prompt =
        count(usage.prompt_token_count).saturating_add(count(usage.tool_use_prompt_token_count));
    let thoughts = count(usage.thoughts_token_count);
    // Some models tell only the total.
    let rest = count(usage.total_token_count).saturating_sub(prompt).saturating_sub(thoughts);
    let said = usage.candidates_token_count.unwrap_or(rest).max(0);
    let read = |modality| {
        let tools = share(usage.tool_use_prompt_tokens_details.as_deref(), modality);
        share(usage.prompt_tokens_details.as_deref(), modality).saturating_add(tools)
    };
    Usage {
        prompt,
        cached: count(usage.cached_content_token_count).min(prompt),
        completion: said.saturating_add(thoughts),
        reasoning: thoughts,
        audio_in: read("AUDIO"),
        audio_out: share(usage.candidates_tokens_details.as_deref(), "AUDIO"),
        image_in: read("IMAGE"),
        image_out: share(usage.candidates_tokens_details.as_deref(), "IMAGE"),
        calls: searches,
        cached_audio: share(usage.cache_tokens_details.as_deref(), "AUDIO"),
        service: service(usage),
        ..Usage::default()
    }
}

/// Vertex tells the service as a kind of traffic, such as `ON_DEMAND_FLEX`.
fn service(usage: &Wire) -> Service {
    let traffic = usage.traffic_type.as_deref().and_then(|kind| kind.strip_prefix("ON_DEMAND_"));
    usage.service_tier.as_deref().or(traffic).map(Service::told).unwrap_or_default()
}

fn share(details: Option<&[Share]>, modality: &str) -> i64 {
    let of = |share: &&Share| share.modality.as_deref() == Some(modality);
    let counts = details.unwrap_or_default().iter().filter(of);
    counts.filter_map(|share| share.token_count).fold(0, i64::saturating_add).max(0)
}

/// Writes our counters as theirs.
pub(super) fn write(usage: &Usage) -> UsageOut {
    let said = usage.completion.saturating_sub(usage.reasoning).max(0);
    UsageOut {
        prompt_token_count: usage.prompt,
        cached_content_token_count: usage.cached,
        candidates_token_count: said,
        thoughts_token_count: usage.reasoning,
        total_token_count: usage.prompt.saturating_add(usage.completion),
        prompt_tokens_details: shares(usage.prompt, usage.audio_in, usage.image_in),
        candidates_tokens_details: shares(said, usage.audio_out, usage.image_out),
    }
}

/// The split by modality, when there is more than text.
fn shares(all: i64, audio: i64, image: i64) -> Vec<ShareOut> {
    if audio == 0 && image == 0 {
        return Vec::new();
    }
    let text = all.saturating_sub(audio).saturating_sub(image).max(0);
    [("TEXT", text), ("AUDIO", audio), ("IMAGE", image)]
        .into_iter()
        .filter(|(_, token_count)| *token_count > 0)
        .map(|(modality, token_count)| ShareOut { modality, token_count })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Usage) {
        let usage: Wire = serde_json::from_str(json).unwrap();
        assert_eq!(read(&usage, 0), expected, "{json}");
    }

    #[test]
    fn thoughts_are_output_and_tool_results_are_input() {
        check(
            r#"{"promptTokenCount":91,"candidatesTokenCount":112,"thoughtsTokenCount":265,"toolUsePromptTokenCount":898,"totalTokenCount":1366,"cachedContentTokenCount":40}"#,
            Usage { prompt: 989, cached: 40, completion: 377, reasoning: 265, ..Usage::default() },
        );
        check(
            r#"{"promptTokenCount":91,"thoughtsTokenCount":66,"totalTokenCount":157}"#,
            Usage { prompt: 91, completion: 66, reasoning: 66, ..Usage::default() },
        );
        check(
            r#"{"promptTokenCount":10,"totalTokenCount":17}"#,
            Usage { prompt: 10, completion: 7, ..Usage::default() },
        );
        check(
            r#"{"promptTokenCount":10,"candidatesTokenCount":null,"promptTokensDetails":[{"modality":"TEXT","tokenCount":2},{"modality":"IMAGE","tokenCount":8}],"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":4}]}"#,
            Usage { prompt: 10, image_in: 8, audio_out: 4, ..Usage::default() },
        );
    }

    #[test]
    fn our_counters_survive_the_way() {
        let usage = Usage {
            prompt: 100,
            cached: 60,
            completion: 50,
            reasoning: 20,
            audio_in: 5,
            image_in: 7,
            image_out: 9,
            ..Usage::default()
        };
        let json = serde_json::to_string(&write(&usage)).unwrap();
        check(&json, usage);
        assert!(json.contains(r#""totalTokenCount":150"#), "{json}");
    }
}
