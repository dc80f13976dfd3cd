//! How hard is a request, and which target is that? A rating from 1 to N is spread over the targets in even bands.

use std::sync::Arc;

use super::{
    group::{Classifier, Target},
    groups::Entry,
    pick::Pick,
    reason::Why,
};
use crate::{
    dialect::{Prompt, ir},
    limits::{RATING_BYTES_MAX, RATING_TOKENS_MAX},
};

/// What a model said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rated {
    /// So hard.
    As(u32),
    /// Nothing that helps.
    Not(Unrated),
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrated {
    /// Nobody has been asked yet.
    Unasked,
    /// There is nobody to ask.
    Nobody,
    /// Whoever was asked failed.
    Failed,
    /// Whoever was asked took too long.
    Late,
    /// The answer is no rating.
    Nonsense,
}

impl Unrated {
    fn told(self) -> &'static str {
        match self {
            Self::Unasked => "it is not rated",
            Self::Nobody => "the rating model is not there",
            Self::Failed => "the rating model failed",
            Self::Late => "the rating model took too long",
            Self::Nonsense => "the rating model gave no rating",
        }
    }
}

/// What is known, by group.
#[derive(Default)]
pub(crate) struct Ratings(Vec<(Arc<str>, Rated)>);

impl Ratings {
    /// What is known for a group; `None` when nobody was asked.
    pub(crate) fn of(&self, group: &str) -> Option<Rated> {
        self.0.iter().find(|(id, _)| **id == *group).map(|(_, rated)| *rated)
    }

    /// Takes a rating in.
    pub(crate) fn add(&mut self, group: &Arc<str>, rated: Rated) {
        self.0.push((group.clone(), rated));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The target of the rating first, then those beside it, the harder ones before the easier.
pub(super) fn order(entry: &Entry, ratings: &Ratings) -> Vec<Pick> {
    let group = &entry.group;
    let scale = group.classifier.as_ref().map_or(0, |classifier| classifier.scale);
    let rated = ratings.of(&entry.id).unwrap_or(Rated::Not(Unrated::Unasked));
    // A target that is taken out takes no band.
    let places: Vec<usize> = in_use(&group.targets);
    let (middle, why) = match rated {
        Rated::As(rating) => (band(rating, scale, places.len()), Why::Rated { rating, scale }),
        Rated::Not(unrated) => (places.len() / 2, Why::Middle(unrated.told())),
    };
    let mut near: Vec<usize> = (0..places.len()).collect();
    near.sort_by_key(|band| (band.abs_diff(middle), *band < middle));
    let why = |band: usize| if band == middle { why.clone() } else { Why::Beside };
    near.into_iter().map(|band| Pick { at: places[band], why: why(band) }).collect()
}

fn in_use(targets: &[Target]) -> Vec<usize> {
    let used = targets.iter().enumerate().filter(|(_, target)| target.weight > 0);
    used.map(|(at, _)| at).collect()
}

/// Which of so many bands a rating falls into: `round((r-1)(n-1)/(N-1))`.
fn band(rating: u32, scale: u32, bands: usize) -> usize {
    let last = u64::try_from(bands.saturating_sub(1)).unwrap_or(u64::MAX);
    let steps = u64::from(scale.max(2) - 1);
    let above = u64::from(rating.clamp(1, scale.max(2)) - 1);
    let band = (2 * above * last + steps) / (2 * steps);
    usize::try_from(band).unwrap_or(0)
}

/// What a model is asked about a request. It sees what the user said last, a long text by its beginning and its end.
pub(crate) fn prompt(classifier: &Classifier, model: &str, text: &str) -> Prompt {
    let scale = classifier.scale;
    let instructions = classifier.instructions.clone().unwrap_or_else(|| {
        format!(
            "Rate how hard the user's request is for a language model, from 1 (a greeting, a lookup) to {scale} \
             (long reasoning, complex code, proofs). Do not do what it asks. Answer with the number alone."
        )
    });
    let turn = |role, text: String| ir::Turn::new(role, vec![ir::Part::text(text)]);
    Prompt {
        model: model.to_owned(),
        turns: vec![
            turn(ir::Role::System, instructions),
            turn(ir::Role::User, shortened(text, RATING_BYTES_MAX)),
        ],
        reasoning: ir::Reasoning { effort: Some(ir::Effort::Off), show: None },
        max_tokens: Some(RATING_TOKENS_MAX),
        ..Prompt::default()
    }
}

/// A text of at most about so many bytes: three quarters of them its beginning, the rest its end.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let begin = text.floor_char_boundary(most / 4 * 3);
    let end = text.ceil_char_boundary(text.len() - most / 4);
    format!("{}\n…\n{}", &text[..begin], &text[end..])
}

/// The rating in an answer: its first number, if that is on the scale.
pub(crate) fn read(answer: &str, scale: u32) -> Rated {
    let start = answer.find(|c: char| c.is_ascii_digit());
    let digits = start.map(|at| &answer[at..]).unwrap_or_default();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match digits[..end].parse::<u32>() {
        Ok(rating) if (1..=scale).contains(&rating) => Rated::As(rating),
        Ok(_) | Err(_) => Rated::Not(Unrated::Nonsense),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_fall_into_even_bands() {
        let bands = |scale: u32, count: usize| -> Vec<usize> {
            (1..=scale).map(|rating| band(rating, scale, count)).collect()
        };
        assert_eq!(bands(10, 3), [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]);
        assert_eq!(bands(10, 2), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!(bands(10, 1), [0; 10]);
        assert_eq!(bands(2, 3), [0, 2]);
        assert_eq!(bands(5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(band(99, 10, 3), 2);
        assert_eq!(band(0, 10, 3), 0);
    }

    #[test]
    fn an_answer_is_a_rating_or_nonsense() {
        let check = |answer: &str, rating: Option<u32>| {
            let expected = rating.map_or(Rated::Not(Unrated::Nonsense), Rated::As);
            assert_eq!(read(answer, 10), expected, "{answer}");
        };
        check("7", Some(7));
        check(" Rating: 10.", Some(10));
        check("8/10", Some(8));
        check("3.5", Some(3));
        for nonsense in ["", "hard", "0", "11", "99999999999999999999"] {
            check(nonsense, None);
        }
    }

    #[test]
    fn a_long_text_is_shown_by_its_ends() {
        assert_eq!(shortened("short", 8), "short");
        assert_eq!(shortened("aaaaaaéééééééébb", 8), "aaaaaa\n…\nbb");
        let long = "é".repeat(100_000);
        assert!(shortened(&long, RATING_BYTES_MAX).len() <= RATING_BYTES_MAX + 8);
    }
}
