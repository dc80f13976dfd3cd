//! Which providers do tests of health ask?

use std::sync::Arc;

use crate::{
    dialect::Dialect,
    identity::Secret,
    provider::{Auth, Host, Key, Provider, Rotation, Source, Terms},
};

/// A provider whose keys, `k0` and so on, have these terms.
pub(super) fn provider(
    rotation: Rotation,
    terms: impl IntoIterator<Item = Terms>,
) -> Arc<Provider> {
    let key =
        |(at, terms)| Key { terms, ..Key::new(format!("k{at}"), Secret::new(format!("sk-{at}"))) };
    Arc::new(Provider {
        id: "up".to_owned(),
        dialect: Dialect::OpenAiChat,
        host: Host::Url("http://up.example/v1".to_owned()),
        auth: Auth::Bearer,
        api_version: None,
        keys: terms.into_iter().enumerate().map(key).collect(),
        rotation,
        models: Vec::new(),
        enabled: true,
        probe: true,
        source: Source::File,
    })
}

/// A provider with so many keys without terms, one after another.
pub(super) fn plain(keys: usize) -> Arc<Provider> {
    provider(Rotation::RoundRobin, vec![Terms::NONE; keys])
}
