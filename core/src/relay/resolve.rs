//! Which targets may serve this model, best first?

use std::sync::Arc;

use super::receive::Inbound;
use crate::{
    error::{Error, Result},
    limits::ATTEMPTS_MAX,
    operation::Way,
    provider::{Key, Provider},
    snapshot::Snapshot,
};

/// A provider, its name of the model, and the key to use there.
pub(super) struct Target {
    /// Who is asked.
    pub(super) provider: Arc<Provider>,
    /// For what.
    pub(super) model: String,
    /// How the request gets there.
    pub(super) way: Way,
    /// Which of the provider's keys; a provider without keys is asked without one.
    key: Option<usize>,
}

impl Target {
    /// The key to send, if the provider has any.
    pub(super) fn key(&self) -> Option<&Key> {
        self.key.and_then(|at| self.provider.keys.get(at))
    }
}

/// Finds the targets: `provider/model` names the provider, any other name is looked for where it is listed. Each key of
/// a provider is a target of its own.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) fn resolve(snapshot: &Snapshot, inbound: &Inbound) -> Result<Vec<Target>> {
    let asked = inbound.ask.model.as_str();
    let way = |provider: &Provider| inbound.operation.way(inbound.dialect, provider);
    let providers = || snapshot.providers.iter().filter(|provider| provider.enabled);
    let named = asked.split_once('/').and_then(|(id, model)| {
        providers().find(|provider| provider.id == id).map(|provider| (provider, model))
    });
    let listed =
        providers().filter(|provider| provider.serves(asked)).map(|provider| (provider, asked));
    let targets: Vec<_> = named
        .into_iter()
        .chain(listed)
        .filter(|(provider, model)| snapshot.allows(&provider.id, model))
        .filter_map(|(provider, model)| Some((provider, model, way(provider)?)))
        .flat_map(|(provider, model, way)| {
            let keys = 0..provider.keys.len();
            let none = provider.keys.is_empty().then_some(None);
            keys.map(Some).chain(none).map(move |key| Target {
                provider: provider.clone(),
                model: model.to_owned(),
                way,
                key,
            })
        })
        .take(ATTEMPTS_MAX as usize)
        .collect();
    if targets.is_empty() {
        return Err(Error::not_found(format!("The model `{asked}` does not exist here."))
            .at("model")
            .coded("model_not_found"));
    }
    Ok(targets)
}
