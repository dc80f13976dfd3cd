//! Who may answer a request that its target did not take? Whoever the groups on the way name for that.

use std::sync::Arc;

use super::{Branches, Leaf, Lore, Walk};
use crate::route::{
    Group,
    rating::Ratings,
    reason::{Step, Why},
};

/// Why a target did not take a request that another one may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    /// It is too long.
    TooLong,
    /// A filter took offence.
    Filtered,
}

impl Instead {
    pub(crate) fn list(self, group: &Group) -> &[String] {
        match self {
            Self::TooLong => &group.context_fallbacks,
            Self::Filtered => &group.content_fallbacks,
        }
    }

    fn why(self) -> Why {
        match self {
            Self::TooLong => Why::TooLong,
            Self::Filtered => Why::Filtered,
        }
    }
}

/// The models that the groups on this way name for it, those of the innermost first. What cannot be followed is passed
/// over: the failure itself says more to the client.
pub(crate) fn instead(lore: &Lore<'_, '_>, steps: &[Arc<Step>], reason: Instead) -> Vec<Leaf> {
    let mut found = Vec::new();
    for depth in (0..steps.len()).rev() {
        let way = steps[..=depth].iter();
        let way: Vec<_> =
            way.filter_map(|step| lore.snapshot.groups.routing(&step.group).cloned()).collect();
        let Some(entry) = way.last().cloned() else { continue };
        let ratings = Ratings::default();
        let mut walk = Walk { lore, ratings: &ratings, way, visits: 0, skipped: Vec::new() };
        let mut all = Branches { entry: &entry, leaves: Vec::new() };
        for name in reason.list(&entry.group) {
            match walk.name(name) {
                Ok(leaves) => all.add(name, &reason.why(), leaves),
                Err(error) => tracing::warn!(group = &*entry.id, name, %error, "leads nowhere"),
            }
        }
        found.extend(all.leaves.into_iter().map(|mut leaf| {
            leaf.steps.splice(0..0, steps[..depth].iter().cloned());
            leaf
        }));
    }
    found
}
