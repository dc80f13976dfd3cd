//! What did this usage cost? Whole numbers all the way, and one rounding at the end.
//!
//! Tokens times nano-dollars for a million times billionths of a service's factor is a whole number of 10⁻²⁴ dollars.
//! The sum of all is rounded once, half up, to the nano-dollar.

use super::price::{Price, Rates, Unit};
use crate::store::Usage;

/// A million of a unit, at a factor of a billion billionths.
const PER_NANO: i128 = 1_000_000 * 1_000_000_000;
/// The factor of what no service makes cheaper or dearer.
const FULL: u64 = 1_000_000_000;

/// Nano-dollars. `grade` is the quality and size of pictures that are paid by the piece; empty when there are none.
#[must_use]
pub fn cost(price: &Price, usage: &Usage, grade: &str) -> i64 {
    let rates = price.rates(usage.prompt);
    let factor = price.factor(usage.service);
    let tokens = input(&rates, usage).saturating_add(output(&rates, usage));
    let calls = amount(usage.calls, rates.rate(Unit::Call));
    let pictures = amount(usage.images, price.picture(grade));
    let sum = tokens
        .saturating_add(pictures)
        .saturating_mul(i128::from(factor))
        .saturating_add(calls.saturating_mul(i128::from(FULL)));
    i64::try_from(sum.saturating_add(PER_NANO / 2) / PER_NANO).unwrap_or(i64::MAX)
}

/// The most that so many tokens cost in nano-dollars, rounded up: every input as the dearest kind of text, a tier that
/// an estimate may miss by a quarter already in force.
#[must_use]
pub fn ceiling(price: &Price, input_tokens: i64, output_tokens: i64) -> i64 {
    let longer = input_tokens.saturating_add(input_tokens / 4);
    let reached = |above: u64| i128::from(above) < i128::from(longer);
    let tiers = price.tiers.iter().filter(|tier| reached(tier.above_tokens));
    let all = tiers.map(|tier| tier.rates.or(&price.base)).chain([price.base]);
    let one = all.map(|rates| most(&rates, input_tokens, output_tokens)).max().unwrap_or(0);
    let sum = one.saturating_add(i128::from(price.dearest_picture()));
    i64::try_from(sum.saturating_add(999_999) / 1_000_000).unwrap_or(i64::MAX)
}

fn most(rates: &Rates, input_tokens: i64, output_tokens: i64) -> i128 {
    let dearest = |units: &[Unit]| units.iter().map(|unit| rates.rate(*unit)).max().unwrap_or(0);
    let input = dearest(&[Unit::Input, Unit::CacheWrite5m, Unit::CacheWrite1h]);
    let output = dearest(&[Unit::Output, Unit::Reasoning]);
    amount(input_tokens, input).saturating_add(amount(output_tokens, output))
}

/// Each part of the prompt at its own price, and what is left as text. Where hosts count a part twice, as sound and as
/// cached, the sum of the parts stays the prompt.
fn input(rates: &Rates, usage: &Usage) -> i128 {
    let mut left = usage.prompt.max(0);
    let mut take = |tokens: i64| {
        let taken = tokens.clamp(0, left);
        left -= taken;
        taken
    };
    let sound_read = take(usage.cached_audio);
    let parts = [
        (sound_read, Unit::AudioRead),
        (take(usage.cached.saturating_sub(sound_read)), Unit::CacheRead),
        (take(usage.cache_write_1h), Unit::CacheWrite1h),
        (take(usage.cache_write_5m), Unit::CacheWrite5m),
        (take(usage.audio_in.saturating_sub(sound_read)), Unit::AudioIn),
        (take(usage.image_in), Unit::ImageIn),
        (left, Unit::Input),
    ];
    parts.into_iter().map(|(tokens, unit)| amount(tokens, rates.rate(unit))).sum()
}

/// Each part of the reply at its own price, and what is left as text.
fn output(rates: &Rates, usage: &Usage) -> i128 {
    let mut left = usage.completion.max(0);
    let mut take = |tokens: i64| {
        let taken = tokens.clamp(0, left);
        left -= taken;
        taken
    };
    let parts = [
        (take(usage.audio_out), Unit::AudioOut),
        (take(usage.image_out), Unit::ImageOut),
        (take(usage.reasoning), Unit::Reasoning),
        (left, Unit::Output),
    ];
    parts.into_iter().map(|(tokens, unit)| amount(tokens, rates.rate(unit))).sum()
}

fn amount(count: i64, rate: u64) -> i128 {
    i128::from(count.max(0)).saturating_mul(i128::from(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Service;

    fn check(column: &str, usage: Usage, nanos: i64) {
        let price = Price::read(column).unwrap();
        assert_eq!(cost(&price, &usage, ""), nanos, "{column} {usage:?}");
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let column =
            "in=3 out=15 read=0.3 write=3.75 ain=10 aout=20 iin=5 iout=30 think=12 call=10000";
        let usage = |change: fn(&mut Usage)| {
            let mut usage = Usage { prompt: 1_000_000, completion: 1_000_000, ..Usage::default() };
            change(&mut usage);
            usage
        };
        check(column, usage(|_| {}), 18_000_000_000);
        check(column, usage(|it| it.cached = 1_000_000), 15_300_000_000);
        check(column, usage(|it| it.cache_write_5m = 1_000_000), 18_750_000_000);
        check(column, usage(|it| it.cache_write_1h = 1_000_000), 21_000_000_000);
        check(column, usage(|it| it.audio_in = 1_000_000), 25_000_000_000);
        check(column, usage(|it| it.image_in = 500_000), 19_000_000_000);
        check(column, usage(|it| it.audio_out = 1_000_000), 23_000_000_000);
        check(column, usage(|it| it.image_out = 1_000_000), 33_000_000_000);
        check(column, usage(|it| it.reasoning = 1_000_000), 15_000_000_000);
        check(column, usage(|it| it.calls = 3), 18_030_000_000);
    }

    #[test]
    fn parts_never_make_more_than_the_whole() {
        let usage =
            Usage { prompt: 10, cached: 8, audio_in: 8, cached_audio: 8, ..Usage::default() };
        check("in=1 out=1 read=0.1 ain=5 aread=2", usage, 8 * 2_000 + 2 * 1_000);
        let usage = Usage { prompt: 10, cached: 50, ..Usage::default() };
        check("in=1 out=1 read=0.1", usage, 1_000);
        let usage = Usage { prompt: -5, completion: -5, calls: -1, ..Usage::default() };
        check("in=1 out=1 call=5", usage, 0);
    }

    #[test]
    fn the_sum_is_rounded_once_and_half_up() {
        let usage = |prompt, completion| Usage { prompt, completion, ..Usage::default() };
        // A half of a nano-dollar each.
        check("in=0.0005 out=0.0005", usage(1, 0), 1);
        check("in=0.0005 out=0.0005", usage(1, 1), 1);
        check("in=0.0005 out=0.0005", usage(1, 2), 2);
        check("in=0.000499999 out=0", usage(1, 0), 0);
        check("in=600 out=600", usage(i64::MAX, i64::MAX), i64::MAX);
    }

    #[test]
    fn the_whole_prompt_pays_the_tier_and_the_service() {
        let column = "in=2 out=10 call=10000 flex=0.5 priority=1.7 >200 in=4 out=20";
        let usage = |prompt, service| Usage {
            prompt,
            completion: 1,
            calls: 1,
            service,
            ..Usage::default()
        };
        check(column, usage(200, Service::Standard), 400_000 + 10_000 + 10_000_000);
        check(column, usage(201, Service::Standard), 804_000 + 20_000 + 10_000_000);
        check(column, usage(200, Service::Flex), 205_000 + 10_000_000);
        check(column, usage(200, Service::Priority), 697_000 + 10_000_000);
        check(column, usage(200, Service::Batch), 410_000 + 10_000_000);
    }

    #[test]
    fn pictures_are_paid_by_their_grade() {
        let price = Price::read("img=40000 img:hd/1024x1024=80000").unwrap();
        let usage = Usage { images: 2, ..Usage::default() };
        assert_eq!(cost(&price, &usage, "standard/1024x1024"), 80_000_000);
        assert_eq!(cost(&price, &usage, "hd/1024x1024"), 160_000_000);
    }

    #[test]
    fn a_ceiling_is_rounded_up_and_never_below_the_cost() {
        let price = Price::read("in=0.0005 out=0.0005").unwrap();
        assert_eq!(ceiling(&price, 1, 0), 1);
        let price = Price::read("in=3 out=15 write=3.75 >100 in=6 out=30").unwrap();
        assert_eq!(ceiling(&price, 80, 1), 80 * 6_000 + 15_000);
        assert_eq!(ceiling(&price, 81, 1), 81 * 6_000 + 30_000);
        assert_eq!(ceiling(&price, i64::MAX, i64::MAX), i64::MAX);
    }
}
