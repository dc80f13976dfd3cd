//! What does the gateway know without asking the store? The declaration and the newest documents, as one value.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use crate::{
    config::Config,
    dialect::Dialect,
    error::{Error, Result},
    identity::Vault,
    ports::Millis,
    provider::{Auth, Host, Key, Provider, Source, builtin},
    store::{Changes, Document, Kind},
};

/// One state of the configuration. It is never changed, only replaced.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    /// The store's revision it stands for.
    pub(crate) revision: i64,
    /// When the store last said that this is the newest; `None` while it has not been asked.
    pub(crate) checked_at: Option<Millis>,
    /// Who may be asked, declared ones first.
    pub(crate) providers: Vec<Arc<Provider>>,
    /// Whether somebody has claimed the store.
    pub(crate) claimed: bool,
    documents: BTreeMap<(Kind, String), Arc<Document>>,
}

/// A provider's document.
#[derive(Deserialize)]
struct ProviderBody {
    dialect: String,
    base_url: String,
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    models: Option<Vec<String>>,
    #[serde(default = "yes")]
    enabled: bool,
}

/// An upstream key's document.
#[derive(Deserialize)]
struct KeyBody {
    sealed: String,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl Snapshot {
    /// What is declared, before the store was asked.
    pub(crate) fn declared(config: &Config) -> Self {
        let providers = config.providers.iter().cloned().map(Arc::new).collect();
        Self { providers, ..Self::default() }
    }

    /// The next state, after these changes.
    pub(crate) fn after(
        &self,
        config: &Config,
        vault: &Vault,
        changes: Changes,
        now: Millis,
    ) -> Self {
        let mut next = Self { checked_at: Some(now), revision: changes.revision, ..self.clone() };
        if changes.documents.is_empty() {
            return next;
        }
        for document in changes.documents {
            let place = (document.kind, document.id.clone());
            if document.deleted {
                next.documents.remove(&place);
            } else {
                next.documents.insert(place, Arc::new(document));
            }
        }
        let claimed = next.of(Kind::Roster).next().is_some();
        next.claimed = claimed;
        next.providers = config.providers.iter().cloned().map(Arc::new).collect();
        let stored = next.of(Kind::Provider).filter_map(|document| {
            // One unreadable document must not take the others down with it.
            next.provider(document, vault)
                .inspect_err(|error| tracing::error!(id = document.id, %error, "provider skipped"))
                .ok()
        });
        let stored: Vec<_> = stored.map(Arc::new).collect();
        let declared = |id: &str| config.providers.iter().any(|provider| provider.id == id);
        next.providers.extend(stored.into_iter().filter(|provider| !declared(&provider.id)));
        next
    }

    /// How many upstream keys were sealed under a root secret that is not known here.
    pub(crate) fn sealed_elsewhere(&self, vault: &Vault) -> usize {
        let keys = self.of(Kind::Key).filter_map(|document| read::<KeyBody>(document).ok());
        keys.filter(|key| !vault.is_known(&key.sealed)).count()
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        let of_kind = self.documents.iter().filter(move |((found, _), _)| *found == kind);
        of_kind.map(|(_, document)| &**document)
    }

    fn provider(&self, document: &Document, vault: &Vault) -> Result<Provider> {
        let body: ProviderBody = read(document)?;
        let dialect = Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.name() == body.dialect)
            .ok_or_else(|| Error::internal(format!("unknown dialect {}", body.dialect)))?;
        let host = Host::parse(&body.base_url)?;
        let auth = match &body.auth {
            None => Auth::usual(&host, dialect),
            Some(word) => Auth::ALL
                .into_iter()
                .find(|auth| auth.name() == word)
                .ok_or_else(|| Error::internal(format!("unknown auth {word}")))?,
        };
        let mut keys = Vec::new();
        for key in self.of(Kind::Key).filter(|key| key.parent == document.id) {
            let KeyBody { sealed, enabled } = read(key)?;
            if !enabled {
                continue;
            }
            // A key that was given for another origin must be given anew; the others go on working.
            match vault.open(&sealed, &key_place(&key.id, &host)) {
                Ok(secret) => keys.push(Key { id: key.id.clone(), secret }),
                Err(error) => tracing::warn!(id = key.id, %error, "key skipped"),
            }
        }
        let mut provider = Provider {
            id: document.id.clone(),
            dialect,
            host,
            auth,
            api_version: body.api_version,
            keys,
            models: Vec::new(),
            enabled: body.enabled,
            source: Source::Database,
        };
        provider.models = body.models.unwrap_or_else(|| builtin::usual_models(&provider));
        Ok(provider)
    }
}

/// What an upstream key is sealed for: toward another origin it does not open.
pub(crate) fn key_place(id: &str, host: &Host) -> String {
    format!("key|{id}|{}", host.origin())
}

fn read<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T> {
    serde_json::from_str(&document.body)
        .map_err(|error| Error::internal(format!("{}: {error}", document.id)))
}
