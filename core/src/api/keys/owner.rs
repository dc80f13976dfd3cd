//! What is a key for? A provider or a generic proxy, at the origin where that is now.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Health, Said, Shown, Stored, last_four, open};
use crate::{
    api::{
        document::{load, locked, next},
        providers, proxies,
    },
    error::{Error, Result},
    gateway::Gateway,
    identity::Secret,
    limits::{KEYS_MAX, PAGE_ROWS_MAX},
    provider::{Host, Key, Provider, Terms},
    proxy::{PREFIX, Proxy, pool_id},
    store::{Document, Kind, ListQuery},
};

/// Who a key is given to.
#[derive(Clone)]
pub(super) struct Owner {
    /// What its keys' documents call it.
    pub(super) parent: String,
    pub(super) host: Host,
}

/// Those that were looked up already.
#[derive(Default)]
pub(super) struct Owners(HashMap<String, Option<Owner>>);

impl Owners {
    pub(super) async fn find(&mut self, gateway: &Gateway, parent: &str) -> Result<Option<Owner>> {
        if let Some(known) = self.0.get(parent) {
            return Ok(known.clone());
        }
        let found = Owner::at(gateway, parent).await?;
        self.0.insert(parent.to_owned(), found.clone());
        Ok(found)
    }
}

impl Owner {
    /// The one that `provider` or `proxy` names; takes both out of what was sent.
    pub(super) async fn named(gateway: &Gateway, fields: &mut Map<String, Value>) -> Result<Self> {
        let both = "Say either `provider` or `proxy`: what the key is for.";
        let wrong = || Error::bad_request(both).at("provider");
        match (fields.remove("provider"), fields.remove("proxy")) {
            (Some(Value::String(id)), None) => {
                let declared = &gateway.state.config.providers;
                if let Some(found) = declared.iter().find(|provider| provider.id == id) {
                    return Err(locked("provider", &id, providers::place(found)));
                }
                let found = load::<providers::Body>(gateway, &id).await?;
                Ok(Self { parent: id, host: Host::parse(found.body.base_url())? })
            }
            (None, Some(Value::String(slug))) => {
                if gateway.state.config.proxies.iter().any(|proxy| proxy.slug == slug) {
                    return Err(locked("proxy", &slug, proxies::PLACE));
                }
                let found = load::<Proxy>(gateway, &slug).await?;
                Ok(Self { parent: pool_id(&slug), host: Host::parse(&found.body.base_url)? })
            }
            (_, _) => Err(wrong()),
        }
    }

    /// Whether this can be said of its keys.
    pub(super) fn check(&self, said: &Said) -> Result<()> {
        let of_models = !said.models.is_empty() || said.tpm.is_some();
        if of_models && self.parent.starts_with(PREFIX) {
            return Err(Error::bad_request("A proxy knows no models and no tokens.").at("models"));
        }
        Ok(())
    }

    /// The one whose keys name this parent, if it is still there.
    pub(super) async fn at(gateway: &Gateway, parent: &str) -> Result<Option<Self>> {
        let (kind, id) = match parent.strip_prefix(PREFIX) {
            Some(slug) => (Kind::Proxy, slug),
            None => (Kind::Provider, parent),
        };
        let Some(document) = gateway.ports.store.get(kind, id).await? else { return Ok(None) };
        let url = match kind {
            Kind::Proxy => Stored::<Proxy>::read(document)?.body.base_url,
            _ => Stored::<providers::Body>::read(document)?.body.base_url().to_owned(),
        };
        Ok(Some(Self { parent: parent.to_owned(), host: Host::parse(&url)? }))
    }

    /// The ids and secrets of its keys, those that open.
    pub(super) async fn secrets(&self, gateway: &Gateway) -> Result<Vec<(String, Secret)>> {
        let mut secrets = Vec::new();
        for document in of(gateway, &self.parent).await? {
            let key = Stored::<Said>::read(document)?;
            if let Some(secret) = open(gateway, &key, Some(self)) {
                secrets.push((key.document.id, secret));
            }
        }
        Ok(secrets)
    }
}

/// The documents of all keys of an owner.
pub(in crate::api) async fn of(gateway: &Gateway, parent: &str) -> Result<Vec<Document>> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = ListQuery { parent: Some(parent.to_owned()), after, limit: PAGE_ROWS_MAX };
        let page = gateway.ports.store.list(Kind::Key, &query).await?;
        after = next(&page, PAGE_ROWS_MAX);
        all.extend(page);
        if after.is_none() || all.len() >= KEYS_MAX {
            return Ok(all);
        }
    }
}

/// The provider or the proxy that a parent is.
pub(super) fn split(parent: &str) -> [Option<String>; 2] {
    match parent.strip_prefix(PREFIX) {
        Some(slug) => [None, Some(slug.to_owned())],
        None => [Some(parent.to_owned()), None],
    }
}

/// The keys that the configuration declares.
pub(super) fn declared(gateway: &Gateway) -> impl Iterator<Item = (&Key, &Provider)> {
    let proxies = gateway.state.config.proxies.iter().map(|proxy| &*proxy.pool);
    let pools = gateway.state.config.providers.iter().chain(proxies);
    pools.flat_map(|provider| provider.keys.iter().map(move |key| (key, provider)))
}

/// A declared key, as it is shown.
pub(super) fn shown(gateway: &Gateway, key: &Key, provider: &Provider) -> Shown {
    let Terms { weight, models, concurrency, rpm, tpm } = key.terms.clone();
    let [provider_id, proxy] = split(&provider.id);
    Shown {
        id: key.id.clone(),
        version: 0,
        declared_in: Some(place(provider)),
        provider: provider_id,
        proxy,
        last_four: last_four(&key.secret),
        usable: true,
        health: Health::of(gateway, &provider.id, &key.id),
        said: Said { weight, models, concurrency, rpm, tpm, ..Said::default() },
    }
}

/// Where the keys of a provider or of a proxy are declared.
pub(super) fn place(provider: &Provider) -> &'static str {
    if provider.id.starts_with(PREFIX) { proxies::PLACE } else { providers::place(provider) }
}
