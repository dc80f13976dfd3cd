//! In which order are a group's targets asked? One strategy after another; each says why.

use super::{
    group::{Group, StickyBy, Strategy},
    groups::Entry,
    heuristic,
    look::Look,
    rating::{self, Ratings},
    reason::Why,
};

/// A target of a group by its place, and why it comes now.
pub(super) struct Pick {
    pub(super) at: usize,
    pub(super) why: Why,
}

/// What lots and likenesses are drawn from: the same on every machine and in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix(u64);

/// The order of the targets where it does not depend on what they lead to. A target may come twice; the first time
/// counts.
pub(super) fn order(entry: &Entry, look: &Look<'_>, lot: Mix, ratings: &Ratings) -> Vec<Pick> {
    let group = &entry.group;
    match group.strategy {
        Strategy::Priority | Strategy::Cost | Strategy::Latency => {
            (0..group.targets.len()).map(|at| Pick { at, why: Why::Listed }).collect()
        }
        Strategy::Heuristic => heuristic::order(entry, look),
        Strategy::Classifier => rating::order(entry, ratings),
        Strategy::Weighted => {
            let of = group.targets.iter().map(|target| u64::from(target.weight)).sum();
            let lot = lot.and(entry.id.as_bytes());
            ranked(group, lot, |weight| Why::Drawn { weight, of })
        }
        Strategy::Sticky => {
            let (by, like) = look.likeness(group.sticky_by.unwrap_or(StickyBy::Session));
            ranked(group, like, |_| Why::Stays(by))
        }
    }
}

/// Rendezvous: each target draws a number from the lot and its own name, the smallest wins. With weights as shares, and
/// when a target goes, only its share moves.
fn ranked(group: &Group, lot: Mix, why: impl Fn(u32) -> Why) -> Vec<Pick> {
    let drawn = |at: usize| {
        let target = &group.targets[at];
        let share = f64::from(target.weight.max(1));
        -lot.and(target.name.as_bytes()).unit().ln() / share
    };
    let mut all: Vec<(f64, usize)> = (0..group.targets.len()).map(|at| (drawn(at), at)).collect();
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    all.into_iter().map(|(_, at)| Pick { at, why: why(group.targets[at].weight) }).collect()
}

/// The two that a lot picks among so many, different ones where there are two.
pub(super) fn two_of(count: usize, lot: Mix) -> (usize, usize) {
    let first = lot.below(count);
    let second = (first + 1 + lot.and(b"second").below(count.saturating_sub(1))) % count.max(1);
    (first, second)
}

impl Mix {
    /// A lot.
    pub(crate) fn lot(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    /// Of some bytes (FNV-1a).
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(0xcbf2_9ce4_8422_2325).and(bytes)
    }

    /// Of these bytes too.
    pub(super) fn and(self, bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        // A mark between two texts, so that "ab", "c" is not "a", "bc".
        Self(bytes.iter().chain(&[0xff]).fold(self.0, step))
    }

    /// Stirred, so that lots which differ little share nothing (splitmix64).
    fn stirred(self) -> u64 {
        let mut z = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, and neither of both.
    fn unit(self) -> f64 {
        let high = u32::try_from(self.stirred() >> 32).unwrap_or(u32::MAX);
        (f64::from(high) + 0.5) / 4_294_967_296.0
    }

    fn below(self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.stirred() % count).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(weights: &[(&str, u32)]) -> Group {
        let targets: Vec<_> = weights
            .iter()
            .map(|(name, weight)| serde_json::json!({ "name": name, "weight": weight }))
            .collect();
        let body = serde_json::json!({ "strategy": "weighted", "targets": targets });
        serde_json::from_value(body).unwrap()
    }

    fn first(group: &Group, lot: u64) -> String {
        let picks = ranked(group, Mix::lot(lot.to_le_bytes()), |_| Why::Listed);
        group.targets[picks[0].at].name.clone()
    }

    #[test]
    fn shares_are_kept() {
        let group = group(&[("a", 1), ("b", 3), ("c", 6)]);
        let count = |name: &str| (0..10_000).filter(|lot| first(&group, *lot) == name).count();
        for (name, expected) in [("a", 1000), ("b", 3000), ("c", 6000)] {
            let found = count(name);
            assert!(found.abs_diff(expected) < 200, "{name}: {found}");
        }
    }

    #[test]
    fn when_a_target_goes_only_its_share_moves() {
        let before = group(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        let after = group(&[("a", 1), ("c", 1), ("d", 1)]);
        let mut moved = 0;
        for lot in 0..10_000 {
            match first(&before, lot).as_str() {
                "b" => moved += 1,
                stays => assert_eq!(first(&after, lot), stays),
            }
        }
        assert!((2_300..2_700).contains(&moved), "{moved}");
    }

    #[test]
    fn two_are_two() {
        for lot in 0..100 {
            let lot = Mix::lot([lot; 8]);
            let (first, second) = two_of(5, lot);
            assert!(first < 5 && second < 5 && first != second);
            assert_eq!(two_of(1, lot), (0, 0));
        }
        let all: std::collections::BTreeSet<_> =
            (0..200).map(|lot| two_of(3, Mix::lot([lot; 8]))).collect();
        assert_eq!(all.len(), 6, "every pair is drawn: {all:?}");
    }
}
