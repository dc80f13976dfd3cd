//! How is a rule about hosts and models written down? As a row that says to whom it applies and what it answers.

use crate::dialect::{
    Dialect, Traits,
    traits::{
        Breakpoints, CallIds, Degrees, Documents, MaxTokens, MustCall, Prefill, Seed, Structured,
        Thinking, ThoughtsBack,
    },
};

/// A rule. What it leaves open is a later row's to answer.
pub(super) struct Row {
    /// At which [built-in](crate::provider::builtin) providers; at any when there are none.
    pub(super) at: &'static [&'static str],
    /// In which dialects; in any when there are none.
    pub(super) spoken: &'static [Dialect],
    /// Of which models; of any when there are none. See [`Name`].
    pub(super) models: &'static [&'static str],
    /// The answers.
    pub(super) says: Says,
}

/// Answers to the questions that [`Traits`] asks.
#[derive(Clone, Debug)]
pub(super) struct Says {
    pub(super) output_max: Option<u64>,
    pub(super) output_usual: Option<u64>,
    pub(super) sampling: Option<bool>,
    pub(super) penalties: Option<bool>,
    pub(super) logprobs: Option<bool>,
    pub(super) stop: Option<bool>,
    pub(super) answers: Option<bool>,
    pub(super) seed: Option<Seed>,
    pub(super) thinking: Option<Thinking>,
    pub(super) efforts: Option<Degrees>,
    pub(super) switch: Option<bool>,
    pub(super) tools: Option<bool>,
    pub(super) forced_tools: Option<bool>,
    pub(super) must_call: Option<MustCall>,
    pub(super) call_ids: Option<CallIds>,
    pub(super) alternating: Option<bool>,
    pub(super) prefill: Option<Prefill>,
    pub(super) late_system: Option<bool>,
    pub(super) native: Option<bool>,
    pub(super) structured: Option<Structured>,
    pub(super) json_schema: Option<bool>,
    pub(super) max_tokens: Option<MaxTokens>,
    pub(super) media_urls: Option<bool>,
    pub(super) breakpoints: Option<Breakpoints>,
    pub(super) thoughts_back: Option<ThoughtsBack>,
    pub(super) documents: Option<Documents>,
}

/// No answer to anything.
pub(super) const UNSAID: Says = Says {
    output_max: None,
    output_usual: None,
    sampling: None,
    penalties: None,
    logprobs: None,
    stop: None,
    answers: None,
    seed: None,
    thinking: None,
    efforts: None,
    switch: None,
    tools: None,
    forced_tools: None,
    must_call: None,
    call_ids: None,
    alternating: None,
    prefill: None,
    late_system: None,
    native: None,
    structured: None,
    json_schema: None,
    max_tokens: None,
    media_urls: None,
    breakpoints: None,
    thoughts_back: None,
    documents: None,
};

/// A row that applies everywhere and says nothing: what a row leaves out.
pub(super) const ROW: Row = Row { at: &[], spoken: &[], models: &[], says: UNSAID };

impl Says {
    /// Takes the answers of another one to what is still open.
    pub(super) fn fill(&mut self, other: &Self) {
        fn open<T: Copy>(mine: &mut Option<T>, other: Option<T>) {
            *mine = mine.or(other);
        }
        open(&mut self.output_max, other.output_max);
        open(&mut self.output_usual, other.output_usual);
        open(&mut self.sampling, other.sampling);
        open(&mut self.penalties, other.penalties);
        open(&mut self.logprobs, other.logprobs);
        open(&mut self.stop, other.stop);
        open(&mut self.answers, other.answers);
        open(&mut self.seed, other.seed);
        open(&mut self.thinking, other.thinking);
        open(&mut self.efforts, other.efforts);
        open(&mut self.switch, other.switch);
        open(&mut self.tools, other.tools);
        open(&mut self.forced_tools, other.forced_tools);
        open(&mut self.must_call, other.must_call);
        open(&mut self.call_ids, other.call_ids);
        open(&mut self.alternating, other.alternating);
        open(&mut self.prefill, other.prefill);
        open(&mut self.late_system, other.late_system);
        open(&mut self.native, other.native);
        open(&mut self.structured, other.structured);
        open(&mut self.json_schema, other.json_schema);
        open(&mut self.max_tokens, other.max_tokens);
        open(&mut self.media_urls, other.media_urls);
        open(&mut self.breakpoints, other.breakpoints);
        open(&mut self.thoughts_back, other.thoughts_back);
        open(&mut self.documents, other.documents);
    }

    /// The traits; what nobody answered is as usual.
    pub(super) fn traits(self) -> Traits {
        let usual = Traits::default();
        let sampling = self.sampling.unwrap_or(usual.sampling);
        Traits {
            output_max: self.output_max,
            output_usual: self.output_usual,
            sampling,
            // A model whose choice of words is its own refuses all that would steer or show it.
            penalties: self.penalties.unwrap_or(sampling),
            logprobs: self.logprobs.unwrap_or(sampling),
            stop: self.stop.unwrap_or(usual.stop),
            answers: self.answers.unwrap_or(usual.answers),
            seed: self.seed.unwrap_or(usual.seed),
            thinking: self.thinking.unwrap_or(usual.thinking),
            efforts: self.efforts.unwrap_or(usual.efforts),
            switch: self.switch.unwrap_or(usual.switch),
            tools: self.tools.unwrap_or(usual.tools),
            forced_tools: self.forced_tools.unwrap_or(usual.forced_tools),
            must_call: self.must_call.unwrap_or(usual.must_call),
            call_ids: self.call_ids.unwrap_or(usual.call_ids),
            alternating: self.alternating.unwrap_or(usual.alternating),
            prefill: self.prefill.unwrap_or(usual.prefill),
            late_system: self.late_system.unwrap_or(usual.late_system),
            native: self.native.unwrap_or(usual.native),
            structured: self.structured.unwrap_or(usual.structured),
            json_schema: self.json_schema.unwrap_or(usual.json_schema),
            max_tokens: self.max_tokens.unwrap_or(usual.max_tokens),
            media_urls: self.media_urls.unwrap_or(usual.media_urls),
            breakpoints: self.breakpoints.unwrap_or(usual.breakpoints),
            thoughts_back: self.thoughts_back.unwrap_or(usual.thoughts_back),
            documents: self.documents.unwrap_or(usual.documents),
        }
    }
}

impl Row {
    /// Whether it applies.
    pub(super) fn fits(&self, place: &str, dialect: Dialect, model: &Name) -> bool {
        (self.at.is_empty() || self.at.contains(&place))
            && (self.spoken.is_empty() || self.spoken.contains(&dialect))
            && (self.models.is_empty() || self.models.iter().any(|words| model.has(words)))
    }
}

/// A model's name as hosts spell it, made one: small letters, and `-` between the words. `claude-opus-4-7` is found in
/// `anthropic/claude-opus-4.7`, `us.anthropic.claude-opus-4-7-v1:0` and `claude-opus-4-7@20260416`.
pub(super) struct Name(String);

impl Name {
    pub(super) fn of(model: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let words: String = model.chars().map(plain).collect();
        Self(format!("-{words}-"))
    }

    /// Whether these whole words stand in the name, in this order and without others between them.
    pub(super) fn has(&self, words: &str) -> bool {
        self.0.match_indices(words).any(|(at, _)| {
            let around = (self.0.as_bytes()[at - 1], self.0.as_bytes()[at + words.len()]);
            around == (b'-', b'-')
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found_however_a_name_is_spelled() {
        for (model, words, found) in [
            ("claude-opus-4-7", "claude-opus-4-7", true),
            ("anthropic/claude-opus-4.7", "claude-opus-4-7", true),
            ("us.anthropic.claude-opus-4-7-v1:0", "claude-opus-4-7", true),
            ("claude-opus-4-7@20260416", "claude-opus-4-7", true),
            ("claude-opus-4-70", "claude-opus-4-7", false),
            ("claude-opus-4-20250514", "claude-opus-4-2", false),
            ("claude-opus-4-20250514", "claude-opus-4", true),
            ("DeepSeek-AI/DeepSeek-R1-0528", "deepseek-r1", true),
            ("gpt-5.4-mini", "gpt-5", true),
            ("gpt-50", "gpt-5", false),
            ("", "gpt-5", false),
            ("é", "gpt-5", false),
        ] {
            assert_eq!(Name::of(model).has(words), found, "{model} {words}");
        }
    }
}
