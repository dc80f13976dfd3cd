//! What may a request use at most? All of its prompt, and the longest answer that was asked for or can come.

use super::claim::Amounts;
use crate::{
    dialect::{Dialect, Object},
    limits::{ANSWER_TOKENS_USUAL, OUTPUT_TOKENS_DEFAULT},
    money::{Prices, estimate},
    operation::Operation,
    provider::{Provider, traits},
};

/// Where clients of all dialects say how long an answer may be.
const LENGTHS: [&str; 3] = ["max_completion_tokens", "max_output_tokens", "max_tokens"];
/// Where they say how many answers they want.
const COUNTS: [&str; 2] = ["n", "candidateCount"];
/// Gemini's own name of the length, and of the object that holds it.
const GEMINI: (&str, [&str; 2]) = ("maxOutputTokens", ["generationConfig", "generation_config"]);

/// How long a request is, and how long it lets its answer be. It does not depend on who answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// The tokens of its prompt.
    pub(crate) input: i64,
    /// What it says of its answer; `None` when that has no tokens.
    wanted: Option<Wanted>,
}

impl Size {
    /// The size of a request.
    pub(crate) fn of(operation: Operation, dialect: Dialect, body: &[u8]) -> Self {
        let wanted = match operation {
            Operation::Chat | Operation::Completions => {
                Some(Object::read(body).map(|object| asked(&object)).unwrap_or_default())
            }
            Operation::Embeddings(_)
            | Operation::Tokens(_)
            | Operation::Images(_)
            | Operation::Plain { .. } => None,
        };
        Self { input: estimate::prompt(dialect, body), wanted }
    }

    /// The most tokens of an answer, or as many as most answers have where the request does not say.
    pub(crate) fn answer(&self) -> i64 {
        let Some(wanted) = self.wanted else { return 0 };
        let length = wanted.length.unwrap_or(ANSWER_TOKENS_USUAL);
        i64::try_from(length.saturating_mul(wanted.count.max(1))).unwrap_or(i64::MAX)
    }
}

/// The tokens of a request's prompt, and of the longest answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Most {
    pub(crate) input: i64,
    pub(crate) output: i64,
}

impl Most {
    /// The most that a request may use of a provider's model.
    pub(crate) fn of(size: Size, provider: &Provider, model: &str) -> Self {
        let longest = |wanted| longest_answer(wanted, provider, model);
        Self { input: size.input, output: size.wanted.map_or(0, longest) }
    }

    /// What that comes to. A model without a price costs nothing.
    pub(crate) fn amounts(self, prices: &Prices, provider: &str, model: &str) -> Amounts {
        let Self { input, output } = self;
        Amounts {
            nano: prices.quote(provider, model, input, output).unwrap_or(0),
            tokens: input.saturating_add(output),
            requests: 1,
        }
    }
}

fn longest_answer(asked: Wanted, provider: &Provider, model: &str) -> i64 {
    let can = traits::of(provider, model).output_max;
    let length = match (asked.length, can) {
        (Some(asked), Some(can)) => asked.min(can),
        (Some(asked), None) => asked,
        (None, can) => can.unwrap_or(OUTPUT_TOKENS_DEFAULT),
    };
    i64::try_from(length.saturating_mul(asked.count.max(1))).unwrap_or(i64::MAX)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    length: Option<u64>,
    count: u64,
}

/// What the request says. What it says wrongly its provider refuses.
fn asked(object: &Object<'_>) -> Wanted {
    let number = |object: &Object<'_>, name: &str| object.typed::<u64>(name).ok().flatten();
    let (length, places) = GEMINI;
    let inner = places.iter().find_map(|place| object.nested(place).ok().flatten());
    let own = LENGTHS.iter().find_map(|name| number(object, name));
    let nested = inner.as_ref().and_then(|inner| number(inner, length));
    let count = COUNTS.iter().find_map(|name| {
        number(object, name).or_else(|| inner.as_ref().and_then(|inner| number(inner, name)))
    });
    Wanted { length: own.or(nested), count: count.unwrap_or(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_answer_is_found_in_every_dialect() {
        let check = |body: &str, length: Option<u64>, count: u64| {
            let found = asked(&Object::read(body.as_bytes()).unwrap());
            assert_eq!(found, Wanted { length, count }, "{body}");
        };
        check(r#"{"max_tokens":5,"max_completion_tokens":7}"#, Some(7), 1);
        check(r#"{"max_output_tokens":9}"#, Some(9), 1);
        check(r#"{"max_tokens":5,"n":3}"#, Some(5), 3);
        let gemini = r#"{"generationConfig":{"maxOutputTokens":4,"candidateCount":2}}"#;
        check(gemini, Some(4), 2);
        check(r#"{"max_tokens":null}"#, None, 1);
        check(r#"{"max_tokens":"many"}"#, None, 1);
    }
}
