//! Why does a request go there? One step for each group on the way, in words that a person can follow.

use std::{fmt, sync::Arc};

use super::group::StickyBy;
use crate::ports::Millis;

/// A group and the target that it picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The group.
    pub(crate) group: Arc<str>,
    /// The target, as the group names it.
    pub(crate) target: String,
    /// Why this one.
    pub(crate) why: Why,
}

/// Why a target stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// A rule fits.
    Rule {
        /// Its number, from 1.
        number: usize,
        /// What of it fits.
        because: String,
    },
    /// No rule fits, or none that can be followed.
    Default,
    /// It comes next in the list.
    Listed,
    /// It was drawn by lot.
    Drawn {
        /// Its share,
        weight: u32,
        /// of so many.
        of: u64,
    },
    /// By what the request would cost there.
    Cost(Option<i64>),
    /// By how long it took lately until its first byte.
    Latency(Option<Millis>),
    /// Whoever asks stays with it.
    Stays(StickyBy),
    /// A model has rated the request.
    Rated {
        /// So hard,
        rating: u32,
        /// of at most.
        scale: u32,
    },
    /// It lies beside what the rating says.
    Beside,
    /// Nobody has rated the request: the middle.
    Middle(&'static str),
    /// All targets before it failed.
    Fallback,
    /// The request was too long for the target before it.
    TooLong,
    /// A filter of the target before it took offence.
    Filtered,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, target, why } = self;
        write!(f, "{group} → {target} ({why})")
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { number, because } => write!(f, "rule {number}: {because}"),
            Self::Default => f.write_str("the default target"),
            Self::Listed => f.write_str("next in the list"),
            Self::Drawn { weight, of } => write!(f, "drawn with a share of {weight} in {of}"),
            Self::Cost(Some(nano)) => write!(f, "would cost {nano} nano-dollars"),
            Self::Cost(None) => f.write_str("has no price"),
            Self::Latency(Some(ms)) => write!(f, "took {ms} ms lately"),
            Self::Latency(None) => f.write_str("was not measured lately"),
            Self::Stays(StickyBy::Session) => f.write_str("stays with the session"),
            Self::Stays(StickyBy::User) => f.write_str("stays with the user"),
            Self::Stays(StickyBy::Prefix) => f.write_str("stays with the prompt's beginning"),
            Self::Rated { rating, scale } => write!(f, "rated {rating} of {scale}"),
            Self::Beside => f.write_str("beside the rated one"),
            Self::Middle(why) => write!(f, "the middle: {why}"),
            Self::Fallback => f.write_str("a fallback"),
            Self::TooLong => f.write_str("for what is too long elsewhere"),
            Self::Filtered => f.write_str("for what is filtered elsewhere"),
        }
    }
}
