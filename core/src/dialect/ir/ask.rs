//! What does a client ask a model for?

use super::{Cache, Choice, Part, Schema, Tool};

/// A request for a chat answer, in no dialect's words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    /// The model, as the provider calls it when it is written.
    pub(crate) model: String,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Instructions and conversation, in order. A dialect that keeps instructions apart puts them first.
    pub(crate) turns: Vec<Turn>,
    /// What the model may call.
    pub(crate) tools: Vec<Tool>,
    /// Whether it must.
    pub(crate) choice: Option<Choice>,
    /// Whether it may call several tools at once.
    pub(crate) parallel: Option<bool>,
    /// The form of the answer.
    pub(crate) format: Option<Format>,
    /// How much it thinks, and whether that is shown.
    pub(crate) reasoning: Reasoning,
    /// How words are chosen.
    pub(crate) sampling: Sampling,
    /// Text that ends the answer.
    pub(crate) stop: Vec<String>,
    /// The most tokens of an answer, reasoning included.
    pub(crate) max_tokens: Option<u64>,
    /// `low`, `medium` or `high`: how wordy the answer is.
    pub(crate) verbosity: Option<String>,
    /// Who the client's own user is.
    pub(crate) user: Option<String>,
    /// The service tier, in the words of the chat dialect.
    pub(crate) tier: Option<String>,
    /// A breakpoint on whatever comes last.
    pub(crate) cache: Option<Cache>,
    /// A name under which prompts share a cache.
    pub(crate) cache_key: Option<String>,
    /// Fields that only the client's own dialect has, by name. They are lost in every other one.
    pub(crate) foreign: Vec<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Instructions: `system` and `developer`.
    System,
    /// The client, tool results included.
    User,
    /// The model.
    Assistant,
}

/// One turn of the conversation. Two of one role may follow each other.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// Who speaks.
    pub(crate) role: Role,
    /// What is said. Results of tools stand in turns of the user.
    pub(crate) parts: Vec<Part>,
    /// A name of the speaker.
    pub(crate) name: Option<String>,
}

impl Turn {
    /// A turn without a name.
    pub(crate) fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None }
    }
}

/// What a schema is called when the client gave it no name.
pub(crate) const UNNAMED_SCHEMA: &str = "response";

/// The form of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    /// Any JSON.
    Json,
    /// JSON that fits a schema.
    Schema {
        /// The schema's name, if it was given one.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// The schema.
        schema: Schema,
        /// Whether the provider must enforce it.
        strict: Option<bool>,
    },
}

/// How much a model thinks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reasoning {
    /// How hard; `None` leaves it to the model.
    pub(crate) effort: Option<Effort>,
    /// Whether the client wants to read it.
    pub(crate) show: Option<Show>,
}

/// How hard a model thinks: by degree, or by tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// Not at all.
    Off,
    /// As little as there is.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    Higher,
    /// As much as there is.
    Max,
    /// As much as the model sees fit.
    Adaptive,
    /// Up to so many tokens.
    Budget(u64),
}

/// How reasoning is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Not.
    Hidden,
    /// In short, or as the provider likes.
    Summary,
    /// In detail.
    Detailed,
}

/// How words are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sampling {
    /// 0 to 2; some dialects end at 1.
    pub(crate) temperature: Option<f64>,
    /// Nucleus.
    pub(crate) top_p: Option<f64>,
    /// The most likely tokens.
    pub(crate) top_k: Option<u64>,
    /// For answers that can be had again.
    pub(crate) seed: Option<i64>,
    /// -2 to 2.
    pub(crate) presence_penalty: Option<f64>,
    /// -2 to 2.
    pub(crate) frequency_penalty: Option<f64>,
    /// How many answers; one when it is absent.
    pub(crate) answers: Option<u64>,
    /// Probabilities of the tokens.
    pub(crate) logprobs: Option<Logprobs>,
}

/// Whether probabilities are wanted, and of how many alternatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Logprobs {
    /// Alternatives for each token.
    pub(crate) top: u64,
}

impl Effort {
    /// The word of the dialects that have words, from `none` to `max`. A budget becomes the degree that would spend
    /// about as much; what is left to the model is `None`.
    pub(crate) fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Off => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Higher => "xhigh",
            Self::Max => "max",
            Self::Adaptive => return None,
            Self::Budget(tokens) => return Self::degree(tokens).word(),
        })
    }

    /// The degree of a word; `None` for a word nobody knows.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::Off,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Higher,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// The tokens a degree may spend; `None` for what is left to the model. Google's table, continued.
    pub(crate) fn tokens(self) -> Option<u64> {
        Some(match self {
            Self::Off => 0,
            Self::Minimal => 512,
            Self::Low => 1_024,
            Self::Medium => 8_192,
            Self::High => 24_576,
            Self::Higher => 32_768,
            Self::Max => 65_536,
            Self::Adaptive => return None,
            Self::Budget(tokens) => tokens,
        })
    }

    /// The degree that spends about so many tokens.
    fn degree(tokens: u64) -> Self {
        match tokens {
            0 => Self::Off,
            1..=768 => Self::Minimal,
            769..=2_048 => Self::Low,
            2_049..=12_288 => Self::Medium,
            12_289..=28_672 => Self::High,
            28_673..=49_152 => Self::Higher,
            _ => Self::Max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_effort_spends_more() {
        let degrees = [
            Effort::Off,
            Effort::Minimal,
            Effort::Low,
            Effort::Medium,
            Effort::High,
            Effort::Higher,
            Effort::Max,
        ];
        assert!(degrees.windows(2).all(|pair| pair[0].tokens() < pair[1].tokens()));
        for degree in degrees {
            let tokens = degree.tokens().unwrap();
            assert_eq!(Effort::Budget(tokens).word(), degree.word());
            assert_eq!(Effort::from_word(degree.word().unwrap()), Some(degree));
        }
    }
}
