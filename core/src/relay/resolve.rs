//! Which targets may serve this model, best first?

use std::sync::Arc;

use http::HeaderMap;

use super::{admit::allowed, receive::Inbound};
use crate::{
    budget::Path,
    error::Result,
    gateway::Gateway,
    limits::ATTEMPTS_MAX,
    money::Prices,
    operation::{Operation, Way},
    provider::{Key, Provider},
    route::{self, Entry, Hedge, Instead, Leaf, Look, Lore, Mix, Ratings, Skipped, Step},
    snapshot::Snapshot,
};

/// A provider, its name of the model, and the key to use there once that is chosen.
#[derive(Clone)]
pub(super) struct Target {
    /// Who is asked.
    pub(super) provider: Arc<Provider>,
    /// For what.
    pub(super) model: String,
    /// How the request gets there.
    pub(super) way: Way,
    /// Which of the provider's keys, once it is asked; a provider without keys is asked without one.
    key: Option<usize>,
    /// The groups it came through.
    steps: Vec<Arc<Step>>,
}

impl Target {
    /// A model of a provider.
    pub(super) fn of(leaf: &Leaf) -> Self {
        let Leaf { provider, model, way, steps, .. } = leaf.clone();
        Self { provider, model, way, key: None, steps }
    }

    /// Whether both are the same model of the same provider.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.provider, &other.provider) && self.model == other.model
    }

    /// The same, to be asked with this key.
    pub(super) fn with(&self, key: usize) -> Self {
        Self { key: Some(key), ..self.clone() }
    }

    /// The groups it came through.
    pub(super) fn steps(&self) -> &[Arc<Step>] {
        &self.steps
    }

    /// The key to send, if the provider has any.
    pub(super) fn key(&self) -> Option<&Key> {
        self.key.and_then(|at| self.provider.keys.get(at))
    }
}

/// A request on its way to its targets, and all that decides about them.
pub(super) struct Question<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) snapshot: &'a Snapshot,
    pub(super) inbound: &'a Inbound,
    look: Look<'a>,
    prices: Arc<Prices>,
    lot: Mix,
}

impl<'a> Question<'a> {
    /// A question about this request.
    pub(super) fn new(
        gateway: &'a Gateway,
        snapshot: &'a Snapshot,
        inbound: &'a Inbound,
        headers: &'a HeaderMap,
    ) -> Self {
        let mut lot = [0; 8];
        if snapshot.groups.routing(&inbound.ask.model).is_some() {
            gateway.ports.random.fill(&mut lot);
        }
        let look = inbound.look(headers);
        let prices = gateway.state.prices();
        Self { gateway, snapshot, inbound, look, prices, lot: Mix::lot(lot) }
    }

    /// What the user said last.
    pub(super) fn last(&self) -> String {
        self.look.last()
    }

    /// The model that a group has requests rated by. It is routed as if the client had asked it for a chat.
    fn rater(&self, group: &Entry) -> Option<Leaf> {
        let classifier = group.group.classifier.as_ref()?;
        let Look { dialect, body, headers, size, .. } = self.look;
        let look = Look::new((Operation::Chat, dialect, false), body, headers, size);
        let found = route::find(&self.lore(&look), &Ratings::default(), &classifier.model);
        found.ok()?.leaves.into_iter().next()
    }

    /// Whoever may be asked instead of a target that did not take the request, of those that whoever asks may use.
    pub(super) fn instead(&self, path: &Path, target: &Target, reason: Instead) -> Vec<Target> {
        let leaves = route::instead(&self.lore(&self.look), &target.steps, reason);
        let route = allowed(path, self.inbound, Route { leaves, rater: None, skipped: Vec::new() });
        route.map(|route| route.targets()).unwrap_or_default()
    }

    /// Whether a group on the way to a target names anybody for this.
    pub(super) fn names(&self, target: &Target, reason: Instead) -> bool {
        let groups = &self.snapshot.groups;
        let mut groups = target.steps.iter().filter_map(|step| groups.routing(&step.group));
        groups.any(|entry| !reason.list(&entry.group).is_empty())
    }

    /// Whether a second target is asked when this one is slow: as the innermost of its groups says that says anything.
    pub(super) fn hedge(&self, target: &Target) -> Option<&Hedge> {
        let groups = &self.snapshot.groups;
        let hedge = |step: &Arc<Step>| groups.routing(&step.group)?.group.hedge.as_ref();
        target.steps.iter().rev().find_map(hedge)
    }

    fn lore<'b, 'r>(&'b self, look: &'b Look<'r>) -> Lore<'b, 'r> {
        Lore {
            snapshot: self.snapshot,
            look,
            prices: &self.prices,
            latencies: &self.gateway.state.latencies,
            lot: self.lot,
            now: self.gateway.ports.clock.now(),
        }
    }
}

/// The models that a request may go to. Which key is used is decided when one is asked.
pub(super) struct Route {
    /// Best first.
    pub(super) leaves: Vec<Leaf>,
    /// Who could say more about the order.
    pub(super) rater: Option<Rater>,
    /// What was passed over, and why.
    pub(super) skipped: Vec<Skipped>,
}

/// A model that rates the request for a group.
pub(super) struct Rater {
    /// The group.
    pub(super) group: Arc<Entry>,
    /// The model, where it is to be had.
    pub(super) leaf: Option<Leaf>,
}

impl Route {
    /// The models that are tried first: as long as a rating may change their order, all of them. What comes later
    /// because these rest is reserved when it is asked.
    pub(super) fn tried(&self) -> impl Iterator<Item = &Leaf> {
        let most = if self.rater.is_some() { usize::MAX } else { ATTEMPTS_MAX as usize };
        self.leaves.iter().take(most)
    }

    /// The targets, which may be tried in their order.
    pub(super) fn targets(&self) -> Vec<Target> {
        self.leaves.iter().map(Target::of).collect()
    }
}

/// Finds the models: a group's name leads where the group leads; `provider/model` names the provider; any other name is
/// looked for where it is listed.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) fn resolve(question: &Question<'_>, ratings: &Ratings) -> Result<Route> {
    let lore = question.lore(&question.look);
    let asked = question.inbound.ask.model.as_str();
    let route::Found { leaves, skipped, unrated } = match &question.inbound.pinned {
        Some(provider) => route::pinned(&lore, ratings, (provider, asked))?,
        None => route::find(&lore, ratings, asked)?,
    };
    for step in leaves.first().into_iter().flat_map(|leaf| &leaf.steps) {
        tracing::debug!(%step, skipped = skipped.len(), "routed");
    }
    let rater = unrated.map(|group| Rater { leaf: question.rater(&group), group });
    Ok(Route { leaves, rater, skipped })
}
