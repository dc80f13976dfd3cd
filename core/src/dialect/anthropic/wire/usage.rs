//! How does this API count, and what is that in the common counters?

use serde::{Deserialize, Serialize};

use crate::store::{Service, Usage};

/// The counters of an answer. Cached input is counted beside `input_tokens`, not in it.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(in super::super) struct Counters {
    input_tokens: Option<i64>,
    cache_creation_input_tokens: Option<i64>,
    cache_read_input_tokens: Option<i64>,
    cache_creation: Option<Written>,
    output_tokens: Option<i64>,
    output_tokens_details: Option<Details>,
    server_tool_use: Option<Served>,
    iterations: Option<Vec<Iteration>>,
    service_tier: Option<String>,
    speed: Option<String>,
}

/// How long what was written to the cache is kept.
#[derive(Deserialize, Serialize, Default, Clone)]
#[serde(default)]
struct Written {
    ephemeral_5m_input_tokens: i64,
    ephemeral_1h_input_tokens: i64,
}

#[derive(Deserialize, Serialize, Default, Clone)]
#[serde(default)]
struct Details {
    thinking_tokens: i64,
}

#[derive(Deserialize, Serialize, Default, Clone)]
#[serde(default)]
struct Served {
    web_search_requests: i64,
    web_fetch_requests: i64,
}

/// One run of a model behind the answer.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Iteration {
    #[serde(rename = "type")]
    kind: String,
    input_tokens: Option<i64>,
    cache_creation_input_tokens: Option<i64>,
    cache_read_input_tokens: Option<i64>,
    cache_creation: Option<Written>,
    output_tokens: Option<i64>,
}

impl Counters {
    /// Takes later counters in: they are totals, and those that are absent have not changed.
    pub(in super::super) fn update(&mut self, later: Self) {
        let earlier = std::mem::take(self);
        *self = Self {
            input_tokens: later.input_tokens.or(earlier.input_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(earlier.cache_creation_input_tokens),
            cache_read_input_tokens: later
                .cache_read_input_tokens
                .or(earlier.cache_read_input_tokens),
            cache_creation: later.cache_creation.or(earlier.cache_creation),
            output_tokens: later.output_tokens.or(earlier.output_tokens),
            output_tokens_details: later.output_tokens_details.or(earlier.output_tokens_details),
            server_tool_use: later.server_tool_use.or(earlier.server_tool_use),
            iterations: later.iterations.or(earlier.iterations),
            service_tier: later.service_tier.or(earlier.service_tier),
            speed: later.speed.or(earlier.speed),
        };
    }

    /// The common counters.
    pub(in super::super) fn common(&self) -> Usage {
        let own = Iteration {
            kind: String::new(),
            input_tokens: self.input_tokens,
            cache_creation_input_tokens: self.cache_creation_input_tokens,
            cache_read_input_tokens: self.cache_read_input_tokens,
            cache_creation: self.cache_creation.clone(),
            output_tokens: self.output_tokens,
        };
        // Runs for a summary or for advice are charged, but the totals hold only those of the answer itself.
        let others = self.iterations.iter().flatten().filter(|run| run.kind != "message");
        let mut usage = others.fold(own.common(), |sum, run| sum.plus(&run.common()));
        let thinking = self.output_tokens_details.as_ref().map(|details| details.thinking_tokens);
        usage.reasoning = thinking.unwrap_or(0).clamp(0, usage.completion);
        // What writes faster says so in its speed, and is of the usual service beside that.
        let word = self.speed.as_deref().filter(|speed| *speed != "standard");
        let word = word.or(self.service_tier.as_deref());
        usage.service = word.map(Service::told).unwrap_or_default();
        // Pages that were fetched are not charged; searches are.
        usage.calls =
            self.server_tool_use.as_ref().map_or(0, |served| served.web_search_requests.max(0));
        usage
    }
}

impl Iteration {
    fn common(&self) -> Usage {
        let count = |value: Option<i64>| value.unwrap_or(0).max(0);
        let (short, long) = self.cache_creation.as_ref().map_or((0, 0), |written| {
            (written.ephemeral_5m_input_tokens.max(0), written.ephemeral_1h_input_tokens.max(0))
        });
        let written = count(self.cache_creation_input_tokens).max(short.saturating_add(long));
        let cached = count(self.cache_read_input_tokens);
        Usage {
            prompt: count(self.input_tokens).saturating_add(written).saturating_add(cached),
            cached,
            // Where the total has grown since the split was told, the rest is of the usual kind.
            cache_write_5m: written - long,
            cache_write_1h: long,
            completion: count(self.output_tokens),
            ..Usage::default()
        }
    }
}

/// The counters as clients want them: with every field that their types hold to be there.
#[derive(Serialize)]
pub(in super::super) struct UsageOut {
    input_tokens: i64,
    cache_creation_input_tokens: i64,
    cache_read_input_tokens: i64,
    cache_creation: Written,
    output_tokens: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Details>,
    server_tool_use: Option<Served>,
    service_tier: &'static str,
}

impl UsageOut {
    /// The counters of an answer; all 0 where nothing is known.
    pub(in super::super) fn new(usage: Option<&Usage>) -> Self {
        let none = Usage::default();
        let usage = usage.unwrap_or(&none);
        let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
        let beside = written.saturating_add(usage.cached);
        Self {
            input_tokens: usage.prompt.saturating_sub(beside).max(0),
            cache_creation_input_tokens: written,
            cache_read_input_tokens: usage.cached,
            cache_creation: Written {
                ephemeral_5m_input_tokens: usage.cache_write_5m,
                ephemeral_1h_input_tokens: usage.cache_write_1h,
            },
            output_tokens: usage.completion,
            output_tokens_details: (usage.reasoning > 0)
                .then_some(Details { thinking_tokens: usage.reasoning }),
            server_tool_use: (usage.calls > 0)
                .then_some(Served { web_search_requests: usage.calls, web_fetch_requests: 0 }),
            service_tier: "standard",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Usage) {
        let counters: Counters = serde_json::from_str(json).unwrap();
        assert_eq!(counters.common(), expected, "{json}");
    }

    #[test]
    fn cached_input_is_counted_in() {
        check(
            r#"{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":200,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":7,"output_tokens_details":{"thinking_tokens":3},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":5}}"#,
            Usage {
                prompt: 240,
                cached: 200,
                cache_write_5m: 10,
                cache_write_1h: 20,
                completion: 7,
                reasoning: 3,
                calls: 2,
                ..Usage::default()
            },
        );
        check(
            r#"{"input_tokens":1,"cache_creation_input_tokens":5,"cache_read_input_tokens":null,"output_tokens":2}"#,
            Usage { prompt: 6, cache_write_5m: 5, completion: 2, ..Usage::default() },
        );
        check(
            r#"{"input_tokens":-4,"output_tokens":1,"output_tokens_details":{"thinking_tokens":9}}"#,
            Usage { completion: 1, reasoning: 1, ..Usage::default() },
        );
    }

    #[test]
    fn runs_beside_the_answer_are_charged() {
        check(
            r#"{"input_tokens":180,"output_tokens":8,"iterations":[
                {"type":"compaction","input_tokens":100,"cache_creation_input_tokens":50,"output_tokens":82},
                {"type":"message","input_tokens":180,"output_tokens":8}]}"#,
            Usage { prompt: 330, cache_write_5m: 50, completion: 90, ..Usage::default() },
        );
    }

    #[test]
    fn later_counters_replace_earlier_ones() {
        let read = |json| serde_json::from_str::<Counters>(json).unwrap();
        let mut counters =
            read(r#"{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}"#);
        counters.update(read(r#"{"input_tokens":12,"output_tokens":30}"#));
        let expected = Usage { prompt: 16, cached: 4, completion: 30, ..Usage::default() };
        assert_eq!(counters.common(), expected);
    }

    #[test]
    fn counters_are_written() {
        let check = |usage: Option<Usage>, expected: &str| {
            let written = serde_json::to_string(&UsageOut::new(usage.as_ref())).unwrap();
            assert_eq!(written, expected);
        };
        check(
            None,
            r#"{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":0,"server_tool_use":null,"service_tier":"standard"}"#,
        );
        check(
            Some(Usage {
                prompt: 240,
                cached: 200,
                cache_write_5m: 10,
                cache_write_1h: 20,
                completion: 7,
                reasoning: 3,
                calls: 1,
                ..Usage::default()
            }),
            r#"{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":200,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":7,"output_tokens_details":{"thinking_tokens":3},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":0},"service_tier":"standard"}"#,
        );
    }
}
