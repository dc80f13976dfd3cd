//! What does a model cost? Whole nano-dollars for a million of each thing that is counted, so that no price is rounded.

use std::collections::BTreeMap;

use super::decimal;
use crate::store::Tariff;

/// What is counted and may have a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Prompt tokens.
    Input,
    /// Reply tokens.
    Output,
    /// Prompt tokens that were read from a cache.
    CacheRead,
    /// Prompt tokens that were put into a short-lived cache.
    CacheWrite5m,
    /// Prompt tokens that were put into a long-lived cache.
    CacheWrite1h,
    /// Reply tokens that were reasoning.
    Reasoning,
    /// Prompt tokens of sound.
    AudioIn,
    /// Reply tokens of sound.
    AudioOut,
    /// Prompt tokens of sound that were read from a cache.
    AudioRead,
    /// Prompt tokens of images.
    ImageIn,
    /// Reply tokens of images.
    ImageOut,
    /// Calls of the provider's own tools.
    Call,
    /// Pictures, where they are paid by the piece.
    Picture,
}

/// How many units there are.
const UNITS: usize = 13;

impl Unit {
    /// All of them, in the order of [`Rates`].
    pub const ALL: [Self; UNITS] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Reasoning,
        Self::AudioIn,
        Self::AudioOut,
        Self::AudioRead,
        Self::ImageIn,
        Self::ImageOut,
        Self::Call,
        Self::Picture,
    ];

    /// The word of the catalogue.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Input => "in",
            Self::Output => "out",
            Self::CacheRead => "read",
            Self::CacheWrite5m => "write",
            Self::CacheWrite1h => "write1h",
            Self::Reasoning => "think",
            Self::AudioIn => "ain",
            Self::AudioOut => "aout",
            Self::AudioRead => "aread",
            Self::ImageIn => "iin",
            Self::ImageOut => "iout",
            Self::Call => "call",
            Self::Picture => "img",
        }
    }

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Reasoning => "reasoning",
            Self::AudioIn => "audio_in",
            Self::AudioOut => "audio_out",
            Self::AudioRead => "audio_read",
            Self::ImageIn => "image_in",
            Self::ImageOut => "image_out",
            Self::Call => "call",
            Self::Picture => "picture",
        }
    }

    /// What a tier may have a price of its own for.
    pub const TIERED: [Self; 7] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::AudioIn,
        Self::AudioOut,
    ];

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.word() == word)
    }
}

/// Nano-dollars (10⁻⁹ USD) for a million of each unit; `None` where a unit has no price of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates([Option<u64>; UNITS]);

impl Rates {
    /// The unit's own price.
    #[must_use]
    pub fn get(&self, unit: Unit) -> Option<u64> {
        self.0[unit as usize]
    }

    /// Gives a unit its price.
    pub fn set(&mut self, unit: Unit, nanos: u64) {
        self.0[unit as usize] = Some(nanos);
    }

    fn told(&self) -> String {
        let own = |unit: Unit| Some(format!("{}={}", unit.word(), decimal::write(self.get(unit)?)));
        Unit::ALL.into_iter().filter_map(own).collect::<Vec<_>>().join(" ")
    }

    /// These, and the other's where there are none.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].or(other.0[at])))
    }

    /// What a unit costs: its own price, or that of what it is a part of.
    #[must_use]
    pub fn rate(&self, unit: Unit) -> u64 {
        if let Some(own) = self.get(unit) {
            return own;
        }
        match unit {
            Unit::Input | Unit::Output | Unit::Call | Unit::Picture => 0,
            Unit::CacheRead | Unit::CacheWrite5m | Unit::AudioIn | Unit::ImageIn => {
                self.rate(Unit::Input)
            }
            Unit::Reasoning | Unit::AudioOut | Unit::ImageOut => self.rate(Unit::Output),
            Unit::AudioRead => self.rate(Unit::CacheRead),
            Unit::CacheWrite1h => self.long_write(),
        }
    }

    /// Who asks 5/4 of the input for a short write, as Anthropic does, asks twice the input for a long one.
    fn long_write(&self) -> u64 {
        let (input, write) = (self.rate(Unit::Input), self.rate(Unit::CacheWrite5m));
        let five_quarters = write.checked_mul(4) == input.checked_mul(5);
        if five_quarters { input.saturating_mul(2) } else { write }
    }
}

/// Prices for long prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// For prompts of more tokens than this.
    pub above_tokens: u64,
    /// What they cost.
    pub rates: Rates,
}

/// The price of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// For most requests.
    pub base: Rates,
    /// For long prompts, shortest first. A prompt longer than a tier's bound pays that tier's prices for all its tokens.
    pub tiers: Vec<Tier>,
    /// What another tariff than the standard one multiplies token prices by, in billionths.
    factors: [Option<u64>; Tariff::ALL.len()],
    /// Pictures whose price depends on quality and size, such as `hd/1024x1792`: nano-dollars for a million.
    grades: BTreeMap<String, u64>,
}

impl Price {
    /// Reads `in=2.5 out=15 read=0.25 flex=0.5 >272000 in=5 out=22.5`: dollars for a million, factors of services, and
    /// tiers. What is not understood makes it no price at all.
    #[must_use]
    pub fn read(column: &str) -> Option<Self> {
        let mut sections = column.split(" >");
        let mut price = Self::default();
        for word in sections.next()?.split(' ').filter(|word| !word.is_empty()) {
            price.take(word)?;
        }
        for section in sections {
            let (above, words) = section.split_once(' ')?;
            let mut rates = Rates::default();
            for word in words.split(' ') {
                let (name, amount) = word.split_once('=')?;
                rates.set(Unit::of(name)?, decimal::read(amount)?);
            }
            price.tiers.push(Tier { above_tokens: above.parse().ok()?, rates });
        }
        price.tiers.sort_by_key(|tier| tier.above_tokens);
        (price != Self::default()).then_some(price)
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let (name, amount) = word.split_once('=')?;
        let amount = decimal::read(amount)?;
        if let Some(unit) = Unit::of(name) {
            self.base.set(unit, amount);
        } else if let Some(grade) = name.strip_prefix("img:") {
            self.grades.insert(grade.to_owned(), amount);
        } else {
            let tariff = Tariff::ALL.into_iter().find(|tariff| tariff.name() == name)?;
            self.factors[tariff as usize] = Some(amount);
        }
        Some(())
    }

    /// What is set for a model, as the catalogue writes it: `in=2.5 out=15 >272000 in=5`.
    pub(super) fn told(&self) -> String {
        let tier = |tier: &Tier| format!(" >{} {}", tier.above_tokens, tier.rates.told());
        self.base.told() + &self.tiers.iter().map(tier).collect::<String>()
    }

    /// This price, completed by what the other knows beside it. Tiers are taken from one of them only.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.base = self.base.or(&other.base);
        if self.tiers.is_empty() {
            self.tiers.clone_from(&other.tiers);
        }
        self.factors = std::array::from_fn(|at| self.factors[at].or(other.factors[at]));
        for (grade, amount) in &other.grades {
            self.grades.entry(grade.clone()).or_insert(*amount);
        }
        self
    }

    /// The prices that a prompt of so many tokens pays.
    #[must_use]
    pub fn rates(&self, input_tokens: i64) -> Rates {
        let tokens = u64::try_from(input_tokens).unwrap_or(0);
        let tier = self.tiers.iter().rev().find(|tier| tokens > tier.above_tokens);
        tier.map_or(self.base, |tier| tier.rates.or(&self.base))
    }

    /// What a tariff multiplies token prices by, in billionths.
    #[must_use]
    pub fn factor(&self, tariff: Tariff) -> u64 {
        self.factors[tariff as usize].unwrap_or(1_000_000_000)
    }

    /// What a million pictures of a grade cost.
    #[must_use]
    pub fn picture(&self, grade: &str) -> u64 {
        self.grades.get(grade).copied().unwrap_or_else(|| self.base.rate(Unit::Picture))
    }

    /// What a million of the dearest pictures cost.
    pub(super) fn dearest_picture(&self) -> u64 {
        self.grades.values().copied().max().unwrap_or(0).max(self.base.rate(Unit::Picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_word_by_word() {
        let price =
            Price::read("in=2.5 out=15 flex=0.5 img:hd=80000 >272000 in=5 out=22.5").unwrap();
        assert_eq!(price.base.get(Unit::Input), Some(2_500_000_000));
        assert_eq!(price.base.get(Unit::CacheRead), None);
        assert_eq!(price.base.rate(Unit::CacheRead), 2_500_000_000);
        assert_eq!(price.rates(272_000).rate(Unit::Output), 15_000_000_000);
        assert_eq!(price.rates(272_001).rate(Unit::Output), 22_500_000_000);
        assert_eq!(price.factor(Tariff::Flex), 500_000_000);
        assert_eq!(price.factor(Tariff::Priority), 1_000_000_000);
        assert_eq!(price.picture("hd"), 80_000_000_000_000);
        for wrong in ["", "in", "in=-1", "in=1e3", "gold=1", "in=1 >x in=2", "in=1 >5 flex=2"] {
            assert_eq!(Price::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_long_write_costs_twice_the_input_where_a_short_one_costs_five_quarters() {
        let rate = |column| Price::read(column).unwrap().base.rate(Unit::CacheWrite1h);
        assert_eq!(rate("in=3 out=15 write=3.75"), 6_000_000_000);
        assert_eq!(rate("in=3 out=15 write=3.75 write1h=5"), 5_000_000_000);
        assert_eq!(rate("in=3 out=15 write=3"), 3_000_000_000);
        assert_eq!(rate("in=3 out=15"), 3_000_000_000);
    }
}
