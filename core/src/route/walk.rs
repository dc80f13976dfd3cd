//! Which models does a name lead to, best first? Through groups to groups, until models of providers are reached.

mod instead;

use std::{collections::BTreeSet, sync::Arc};

use super::{
    circle,
    group::Strategy,
    groups::{Entry, Groups},
    latency::{Latencies, Sample},
    look::Look,
    pick::{self, Mix, Pick},
    rating::Ratings,
    reason::{Step, Why},
};
use crate::{
    error::{Error, Result},
    limits::{GROUP_DEPTH_MAX, ROUTE_LEAVES_MAX, ROUTE_TOLD_MAX, ROUTE_VISITS_MAX},
    money::Prices,
    operation::Way,
    ports::Millis,
    provider::Provider,
    snapshot::Snapshot,
};

pub(crate) use instead::{Instead, instead};

/// What routing goes by, beside the group itself.
pub(crate) struct Lore<'a, 'r> {
    /// The configuration.
    pub(crate) snapshot: &'a Snapshot,
    /// The request.
    pub(crate) look: &'a Look<'r>,
    /// What models cost.
    pub(crate) prices: &'a Prices,
    /// How fast they were.
    pub(crate) latencies: &'a Latencies,
    /// The lot of this request: however often it is routed, the draw is the same.
    pub(crate) lot: Mix,
    /// The time.
    pub(crate) now: Millis,
}

/// A model of a provider that may be asked.
#[derive(Clone)]
pub(crate) struct Leaf {
    /// Who is asked.
    pub(crate) provider: Arc<Provider>,
    /// For what.
    pub(crate) model: String,
    /// How the request gets there.
    pub(crate) way: Way,
    /// The groups it came through, from the outermost on, and why.
    pub(crate) steps: Vec<Arc<Step>>,
    /// The outermost group on the way that wants a rating before it picks.
    unrated: Option<Arc<Entry>>,
}

/// Where a name leads.
pub(crate) struct Found {
    /// The models, best first.
    pub(crate) leaves: Vec<Leaf>,
    /// What was passed over, and why.
    pub(crate) skipped: Vec<Skipped>,
    /// The group that would pick better if the request was rated.
    pub(crate) unrated: Option<Arc<Entry>>,
}

/// A target that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// Its name.
    pub(crate) name: String,
    /// Why.
    pub(crate) why: String,
}

/// Where a name leads, best first.
pub(crate) fn find(lore: &Lore<'_, '_>, ratings: &Ratings, name: &str) -> Result<Found> {
    let mut walk = Walk { lore, ratings, way: Vec::new(), visits: 0, skipped: Vec::new() };
    let leaves = walk.name(name)?;
    let skipped = walk.skipped;
    if leaves.is_empty() {
        return Err(missing(lore.snapshot, name, &skipped));
    }
    let unrated = leaves.first().and_then(|leaf| leaf.unrated.clone());
    Ok(Found { leaves, skipped, unrated })
}

/// The same of one provider's model, as `provider/model`: nobody else answers, and no group is looked at.
pub(crate) fn pinned(
    lore: &Lore<'_, '_>,
    ratings: &Ratings,
    (provider, name): (&str, &str),
) -> Result<Found> {
    let mut walk = Walk { lore, ratings, way: Vec::new(), visits: 0, skipped: Vec::new() };
    let mut leaves = walk.models(name);
    leaves.retain(|leaf| leaf.provider.id == provider);
    leaves.truncate(1);
    if leaves.is_empty() {
        let message = format!("The model `{name}` cannot be asked for this here.");
        return Err(Error::not_found(message).at("model").coded("model_not_found"));
    }
    Ok(Found { leaves, skipped: walk.skipped, unrated: None })
}

/// Whether a group leads to any model at all, whatever is asked of it.
pub(crate) fn serves(snapshot: &Snapshot, entry: &Entry) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![entry];
    while let Some(entry) = open.pop() {
        if !seen.insert(&*entry.id) {
            continue;
        }
        let group = &entry.group;
        let targets = group.targets.iter().filter(|target| target.weight > 0);
        let fallbacks = group.fallbacks.iter().map(String::as_str);
        for name in targets.map(|target| target.name.as_str()).chain(fallbacks) {
            match snapshot.groups.routing(name) {
                Some(next) => open.push(next),
                None if offers(snapshot, name).next().is_some() => return true,
                None => {}
            }
        }
    }
    false
}

/// The providers that a model's name stands for: the one it names before a slash, and all that list it.
fn offers<'a>(
    snapshot: &'a Snapshot,
    name: &'a str,
) -> impl Iterator<Item = (&'a Arc<Provider>, &'a str)> {
    let named = name.split_once('/').and_then(|(id, model)| {
        let found = snapshot.providers.iter().find(|provider| provider.id == id);
        found.map(|provider| (provider, model))
    });
    let listed = snapshot.listing(name).map(move |provider| (provider, name));
    named
        .into_iter()
        .chain(listed)
        .filter(|(provider, model)| provider.enabled && snapshot.allows(&provider.id, model))
}

fn missing(snapshot: &Snapshot, name: &str, skipped: &[Skipped]) -> Error {
    let mut message = format!("The model `{name}` does not exist here.");
    if snapshot.groups.routing(name).is_some() {
        let told = |Skipped { name, why }: &Skipped| format!("`{name}` {why}");
        let told: Vec<String> = skipped.iter().take(ROUTE_TOLD_MAX).map(told).collect();
        message = format!("No target of the group `{name}` can be used: {}.", told.join("; "));
    }
    Error::not_found(message).at("model").coded("model_not_found")
}

struct Walk<'a, 'r> {
    lore: &'a Lore<'a, 'r>,
    ratings: &'a Ratings,
    /// The groups between the name that was asked for and here.
    way: Vec<Arc<Entry>>,
    visits: usize,
    skipped: Vec<Skipped>,
}

impl Walk<'_, '_> {
    fn name(&mut self, name: &str) -> Result<Vec<Leaf>> {
        self.visits += 1;
        if self.visits > ROUTE_VISITS_MAX {
            let message = format!("The groups lead to more than {ROUTE_VISITS_MAX} targets.");
            return Err(Error::not_found(message).at("model").coded("group_too_wide"));
        }
        let Some(entry) = self.groups().routing(name).cloned() else {
            return Ok(self.models(name));
        };
        if self.way.iter().any(|above| above.id == entry.id) {
            let names: Vec<&str> =
                self.way.iter().map(|entry| &*entry.id).chain([&*entry.id]).collect();
            return Err(unusable(circle::told(&names), "group_cycle"));
        }
        if self.way.len() >= GROUP_DEPTH_MAX {
            return Err(unusable(circle::too_deep(), "group_too_deep"));
        }
        self.way.push(entry.clone());
        let leaves = self.group(&entry);
        self.way.pop();
        leaves
    }

    fn group(&mut self, entry: &Arc<Entry>) -> Result<Vec<Leaf>> {
        let group = &entry.group;
        let mut all = Branches { entry, leaves: Vec::new() };
        let mut done = BTreeSet::new();
        let picks = pick::order(entry, self.lore.look, self.lore.lot, self.ratings);
        let picks: Vec<Pick> = picks.into_iter().filter(|pick| done.insert(pick.at)).collect();
        let (picks, out): (Vec<Pick>, Vec<Pick>) =
            picks.into_iter().partition(|pick| group.targets[pick.at].weight > 0);
        for pick in out {
            self.skip(&group.targets[pick.at].name, "has no weight");
        }
        match group.strategy {
            Strategy::Cost | Strategy::Latency => {
                let mut branches = Vec::with_capacity(picks.len());
                for Pick { at, .. } in picks {
                    branches.push((at, self.name(&group.targets[at].name)?));
                }
                for (at, why, leaves) in self.compared(group.strategy, branches) {
                    all.add(&group.targets[at].name, &why, leaves);
                }
            }
            Strategy::Heuristic
            | Strategy::Classifier
            | Strategy::Weighted
            | Strategy::Priority
            | Strategy::Sticky => {
                for Pick { at, why } in picks {
                    if all.is_full() {
                        break;
                    }
                    let name = &group.targets[at].name;
                    let leaves = self.name(name)?;
                    all.add(name, &why, leaves);
                }
            }
        }
        for name in &group.fallbacks {
            if all.is_full() {
                break;
            }
            let leaves = self.name(name)?;
            all.add(name, &Why::Fallback, leaves);
        }
        let wants = group.strategy == Strategy::Classifier && self.ratings.of(&entry.id).is_none();
        if wants && all.has_choice() {
            // The outermost group is asked first: what it says may make the inner one's rating needless.
            all.leaves.iter_mut().for_each(|leaf| leaf.unrated = Some(entry.clone()));
        }
        Ok(all.leaves)
    }

    /// The targets by what their first model costs, or how fast it is. Those that lead nowhere are left out.
    fn compared(
        &self,
        strategy: Strategy,
        branches: Vec<(usize, Vec<Leaf>)>,
    ) -> Vec<(usize, Why, Vec<Leaf>)> {
        let mut found: Vec<(usize, Why, Vec<Leaf>)> = branches
            .into_iter()
            .filter_map(|(at, leaves)| Some((at, self.measured(strategy, leaves.first()?), leaves)))
            .collect();
        if strategy == Strategy::Latency && found.len() > 2 {
            // The better one of two, so that not everybody runs to the same target.
            let (one, two) = pick::two_of(found.len(), self.lore.lot);
            let (first, second) = (one.min(two), one.max(two));
            let (second, first) = (found.remove(second), found.remove(first));
            found.sort_by_key(|(_, why, _)| rank(why));
            found.insert(0, second);
            found.insert(0, first);
            found[..2].sort_by_key(|(_, why, _)| rank(why));
            return found;
        }
        found.sort_by_key(|(_, why, _)| rank(why));
        found
    }

    fn measured(&self, strategy: Strategy, leaf: &Leaf) -> Why {
        let Lore { look, prices, latencies, now, .. } = self.lore;
        let Leaf { provider, model, .. } = leaf;
        if strategy == Strategy::Cost {
            let size = look.size();
            return Why::Cost(prices.quote(&provider.id, model, size.input, size.answer()));
        }
        let streams = look.streams;
        let sample = Sample { provider: provider.id.clone(), model: model.clone(), streams };
        Why::Latency(latencies.of(&sample, *now))
    }

    fn models(&mut self, name: &str) -> Vec<Leaf> {
        let Lore { snapshot, look, .. } = self.lore;
        let mut leaves = Vec::new();
        for (provider, model) in offers(snapshot, name) {
            match look.operation.way(look.dialect, provider) {
                Some(way) => leaves.push(Leaf {
                    provider: provider.clone(),
                    model: model.to_owned(),
                    way,
                    steps: Vec::new(),
                    unrated: None,
                }),
                None => self.skip(name, "cannot do this"),
            }
        }
        if leaves.is_empty() && !self.way.is_empty() {
            let why = self.absence(name);
            self.skip(name, why);
        }
        leaves
    }

    /// Why a name leads nowhere.
    fn absence(&self, name: &str) -> &'static str {
        let snapshot = self.lore.snapshot;
        if snapshot.groups.find(name).is_some() {
            return "is switched off";
        }
        let place = name.split_once('/').map(|(id, _)| id);
        let named = snapshot.providers.iter().find(|provider| Some(provider.id.as_str()) == place);
        let mut known = named.into_iter().chain(snapshot.listing(name)).peekable();
        if known.peek().is_none() { "is with no provider" } else { "is switched off" }
    }

    fn skip(&mut self, name: &str, why: &str) {
        let skipped = Skipped { name: name.to_owned(), why: why.to_owned() };
        if !self.skipped.contains(&skipped) {
            self.skipped.push(skipped);
        }
    }

    fn groups(&self) -> &Groups {
        &self.lore.snapshot.groups
    }
}

/// What a group's targets lead to, one after another.
struct Branches<'a> {
    entry: &'a Entry,
    leaves: Vec<Leaf>,
}

impl Branches<'_> {
    fn is_full(&self) -> bool {
        self.leaves.len() >= ROUTE_LEAVES_MAX
    }

    /// Whether there are targets to choose among.
    fn has_choice(&self) -> bool {
        let steps = || self.leaves.iter().filter_map(|leaf| leaf.steps.first());
        let first = steps().next();
        steps().any(|step| {
            first.is_some_and(|first| first.target != step.target) && step.why != Why::Fallback
        })
    }

    /// Adds what a target leads to, but for what is there already.
    fn add(&mut self, target: &str, why: &Why, leaves: Vec<Leaf>) {
        let (group, target) = (self.entry.id.clone(), target.to_owned());
        let step = Arc::new(Step { group, target, why: why.clone() });
        for mut leaf in leaves {
            let same = |known: &Leaf| {
                Arc::ptr_eq(&known.provider, &leaf.provider) && known.model == leaf.model
            };
            if !self.leaves.iter().any(same) && !self.is_full() {
                leaf.steps.insert(0, step.clone());
                self.leaves.push(leaf);
            }
        }
    }
}

/// Small is good. What has no price is not known to be cheap; what was not measured is worth a try.
fn rank(why: &Why) -> i64 {
    match why {
        Why::Cost(nano) => nano.unwrap_or(i64::MAX),
        Why::Latency(ms) => ms.unwrap_or(0),
        Why::Rule { .. }
        | Why::Default
        | Why::Listed
        | Why::Drawn { .. }
        | Why::Stays(_)
        | Why::Rated { .. }
        | Why::Beside
        | Why::Middle(_)
        | Why::Fallback
        | Why::TooLong
        | Why::Filtered => 0,
    }
}

/// The configuration's fault, which trying again does not mend.
fn unusable(error: Error, code: &str) -> Error {
    Error::not_found(error.message).at("model").coded(code)
}
