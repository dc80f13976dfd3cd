//! What does a model cost? Whole nano-dollars for a million tokens, so that no price is rounded.

/// A price: nano-dollars (10⁻⁹ USD) for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(pub u64);

impl Price {
    /// Reads dollars for a million tokens, with at most nine decimals.
    fn read(text: &str) -> Option<Self> {
        let (dollars, decimals) = text.split_once('.').unwrap_or((text, ""));
        let dollars: u64 = dollars.parse().ok()?;
        let nanos: u64 = format!("{decimals:0<9}").parse().ok()?;
        Some(Self(dollars.checked_mul(1_000_000_000)?.checked_add(nanos)?))
    }
}

/// The prices of each kind of token. What is `None` has no price of its own: reasoning costs what output costs, cached
/// input what input costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Prompt tokens.
    pub input: Price,
    /// Reply tokens.
    pub output: Price,
    /// Prompt tokens that were cached.
    pub cache_read: Option<Price>,
    /// Prompt tokens that are put into the cache.
    pub cache_write: Option<Price>,
    /// Reasoning tokens.
    pub reasoning: Option<Price>,
    /// Prompt tokens of sound.
    pub input_audio: Option<Price>,
    /// Reply tokens of sound.
    pub output_audio: Option<Price>,
}

/// The prices of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// For most requests.
    pub base: Rates,
    /// For long prompts, shortest first. A prompt longer than a tier's bound pays that tier's prices for all its tokens.
    pub tiers: Vec<Tier>,
}

/// Prices for long prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// For prompts of more tokens than this.
    pub above_tokens: u64,
    /// What they cost.
    pub rates: Rates,
}

impl Prices {
    /// Reads `in=2.5 out=15 read=0.25 >272000 in=5 out=22.5`.
    pub(super) fn read(column: &str) -> Option<Self> {
        let (base, tiers) = column.split_once(" >").unwrap_or((column, ""));
        let tier = |text: &str| {
            let (above, rates) = text.split_once(' ')?;
            Some(Tier { above_tokens: above.parse().ok()?, rates: Rates::read(rates)? })
        };
        let tiers = tiers.split(" >").filter_map(tier).collect();
        Some(Self { base: Rates::read(base)?, tiers })
    }
}

impl Rates {
    fn read(text: &str) -> Option<Self> {
        let price = |name: &str| {
            let word =
                text.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
            Price::read(word)
        };
        Some(Self {
            input: price("in")?,
            output: price("out")?,
            cache_read: price("read"),
            cache_write: price("write"),
            reasoning: price("think"),
            input_audio: price("ain"),
            output_audio: price("aout"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        for (text, nanos) in [
            ("0", 0),
            ("2.5", 2_500_000_000),
            ("0.0028", 2_800_000),
            ("0.234375", 234_375_000),
            ("600", 600_000_000_000),
            ("0.000000001", 1),
        ] {
            assert_eq!(Price::read(text), Some(Price(nanos)), "{text}");
        }
        for text in ["", ".", "-1", "1e3", "x"] {
            assert_eq!(Price::read(text), None, "{text}");
        }
    }
}
