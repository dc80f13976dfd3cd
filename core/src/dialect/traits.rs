//! What does a target understand? Data about its host and its model, which decides how a prompt is written for it.

use super::ir::Effort;

/// What a target understands. The default is what most of its dialect do.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(crate) struct Traits {
    /// The most tokens the model may write, if that is known.
    pub(crate) output_max: Option<u64>,
    /// How many tokens are asked for when the client names no number, because the host's own default is too few.
    pub(crate) output_usual: Option<u64>,
    /// Whether the model takes temperature, `top_p` and `top_k`.
    pub(crate) sampling: bool,
    /// Whether the model takes penalties for what was said before.
    pub(crate) penalties: bool,
    /// Whether the model tells probabilities.
    pub(crate) logprobs: bool,
    /// Whether the host ends an answer at a text by itself.
    pub(crate) stop: bool,
    /// Whether the host gives several answers at once.
    pub(crate) answers: bool,
    /// What the field for the seed is called.
    pub(crate) seed: Seed,
    /// How the model is told to think.
    pub(crate) thinking: Thinking,
    /// The degrees that it knows, where it is told by degree.
    pub(crate) efforts: Degrees,
    /// Whether thinking can be switched off by `thinking.type`, beside any degree.
    pub(crate) switch: bool,
    /// Whether the host takes tools at all.
    pub(crate) tools: bool,
    /// Whether the model can be made to call a tool.
    pub(crate) forced_tools: bool,
    /// The word that makes it call one.
    pub(crate) must_call: MustCall,
    /// What ids of calls look like.
    pub(crate) call_ids: CallIds,
    /// Whether turns of one role must not follow each other.
    pub(crate) alternating: bool,
    /// How a last turn of the model is said to be the beginning of its answer.
    pub(crate) prefill: Prefill,
    /// Whether instructions may stand between turns.
    pub(crate) late_system: bool,
    /// Whether the host is the one that the dialect was made by, and knows its newest fields.
    pub(crate) native: bool,
    /// How the answer is held to a schema.
    pub(crate) structured: Structured,
    /// Whether the host takes JSON Schema as it is, rather than a subset of its own.
    pub(crate) json_schema: bool,
    /// What the field for the most tokens is called.
    pub(crate) max_tokens: MaxTokens,
    /// Whether the host fetches media by URL.
    pub(crate) media_urls: bool,
    /// How a place is marked up to which the host may keep the prompt.
    pub(crate) breakpoints: Breakpoints,
    /// How earlier thoughts go back.
    pub(crate) thoughts_back: ThoughtsBack,
    /// How a document is shown.
    pub(crate) documents: Documents,
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It does not think, or cannot be told.
    Untold,
    /// By degree: `reasoning_effort`, `thinkingLevel`, Anthropic's adaptive thinking with an effort.
    Degree,
    /// By tokens.
    Budget {
        /// The least it takes; 0 where thinking can be off.
        min: u64,
        /// The most it takes.
        max: u64,
    },
    /// By a switch alone: `thinking.type`.
    Switch,
}

/// Degrees of thinking: a set of those from `none` to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Degrees(u8);

/// What the chat dialect's field for the seed is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seed {
    /// `seed`.
    Plain,
    /// `random_seed`.
    Random,
    /// The host has none.
    Absent,
}

/// The chat dialect's word for "call a tool, whichever".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MustCall {
    /// `required`.
    Required,
    /// `any`.
    Any,
}

/// What ids of calls look like at a chat host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallIds {
    /// Any text.
    Free,
    /// Nine letters and digits.
    Nine,
}

/// How a chat host is told that its last message is the beginning of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefill {
    /// Not at all.
    Untold,
    /// By `prefix`.
    Prefix,
    /// By `partial`.
    Partial,
}

/// How an answer is held to a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structured {
    /// The host takes the schema.
    Schema,
    /// The host takes "any JSON"; the schema goes into the instructions.
    AnyJson,
    /// The host takes neither; a tool of the schema's shape must be called.
    ForcedTool,
}

/// What the chat dialect's field for the most tokens is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaxTokens {
    /// `max_completion_tokens`.
    Completion,
    /// `max_tokens`, which older hosts know.
    Plain,
}

/// How a chat host is told where a cache may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breakpoints {
    /// Not at all: it keeps what it likes.
    Untold,
    /// By `cache_control`, as `OpenRouter` takes it.
    CacheControl,
    /// By `prompt_cache_breakpoint`, of the newest models of `OpenAI`.
    PromptCache,
}

/// How a document is shown to a chat host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    /// By `file`, with its bytes.
    File,
    /// By `document_url`, at an address or with its bytes, as Mistral takes it.
    Url,
}

/// How earlier thoughts go back to a chat host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThoughtsBack {
    /// Not at all.
    Never,
    /// As `reasoning_content` with each turn that had them.
    Field,
    /// As `reasoning_content` with every turn of the model, empty where nothing is known.
    Always,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            output_max: None,
            output_usual: None,
            sampling: true,
            penalties: true,
            logprobs: true,
            stop: true,
            answers: true,
            seed: Seed::Plain,
            thinking: Thinking::Degree,
            efforts: Degrees::ALL,
            switch: false,
            tools: true,
            forced_tools: true,
            must_call: MustCall::Required,
            call_ids: CallIds::Free,
            alternating: false,
            prefill: Prefill::Untold,
            late_system: false,
            native: false,
            structured: Structured::Schema,
            json_schema: true,
            max_tokens: MaxTokens::Completion,
            media_urls: true,
            breakpoints: Breakpoints::Untold,
            thoughts_back: ThoughtsBack::Never,
            documents: Documents::File,
        }
    }
}

impl Traits {
    /// The word for an effort, or for the nearest one that the model knows. `None` leaves it to the model.
    pub(crate) fn degree(&self, effort: Effort) -> Option<&'static str> {
        self.efforts.nearest(effort)?.word()
    }
}

impl Degrees {
    /// From not at all to as much as there is.
    pub(crate) const ALL: Self = Self(0b111_1111);

    const ORDER: [Effort; 7] = [
        Effort::Off,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Higher,
        Effort::Max,
    ];

    /// A set of these. What is no degree is left out.
    pub(crate) const fn of(efforts: &[Effort]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < efforts.len() {
            set |= match Self::place(efforts[at]) {
                Some(place) => 1 << place,
                None => 0,
            };
            at += 1;
        }
        Self(set)
    }

    /// The degree that is nearest to an effort, of two equally near ones the greater. Thinking is never switched off
    /// for somebody who asked for any.
    pub(crate) fn nearest(self, effort: Effort) -> Option<Effort> {
        let wanted = Self::place(Effort::from_word(effort.word()?)?)?;
        let known = |place: &usize| self.0 & (1 << place) != 0;
        let near = |place: &usize| (place.abs_diff(wanted), usize::MAX - place);
        let least = usize::from(wanted > 0);
        (least..Self::ORDER.len()).filter(known).min_by_key(near).map(|place| Self::ORDER[place])
    }

    const fn place(effort: Effort) -> Option<usize> {
        Some(match effort {
            Effort::Off => 0,
            Effort::Minimal => 1,
            Effort::Low => 2,
            Effort::Medium => 3,
            Effort::High => 4,
            Effort::Higher => 5,
            Effort::Max => 6,
            Effort::Adaptive | Effort::Budget(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_becomes_the_nearest_that_is_known() {
        let words = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        let check = |known: &[Effort], expected: [&str; 7]| {
            let traits = Traits { efforts: Degrees::of(known), ..Traits::default() };
            let nearest =
                words.map(|word| traits.degree(Effort::from_word(word).unwrap()).unwrap_or("-"));
            assert_eq!(nearest, expected, "{known:?}");
        };
        check(&Degrees::ORDER, words);
        check(
            &[Effort::Low, Effort::High, Effort::Max],
            ["low", "low", "low", "high", "high", "max", "max"],
        );
        check(&[Effort::Low, Effort::High], ["low", "low", "low", "high", "high", "high", "high"]);
        check(
            &[Effort::Off, Effort::High],
            ["none", "high", "high", "high", "high", "high", "high"],
        );
        check(&[Effort::Off], ["none", "-", "-", "-", "-", "-", "-"]);
        check(&[], ["-"; 7]);
    }

    #[test]
    fn a_budget_is_a_degree_and_what_is_left_to_the_model_is_none() {
        let traits = Traits::default();
        assert_eq!(traits.degree(Effort::Budget(8_192)), Some("medium"));
        assert_eq!(traits.degree(Effort::Budget(0)), Some("none"));
        assert_eq!(traits.degree(Effort::Adaptive), None);
    }
}
