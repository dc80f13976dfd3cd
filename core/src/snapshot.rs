//! What does the gateway know without asking the store? The declaration and the newest documents, as one value.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::Deserialize;

use crate::{
    budget::{Team, Teams},
    config::Config,
    dialect::Dialect,
    error::{Error, Result},
    identity::Vault,
    json,
    money::{InForce, Override},
    ports::Millis,
    provider::{Auth, Host, Key, Provider, Rotation, Source, Terms, builtin},
    proxy::{self, Proxy},
    route::{self, Groups},
    settings::{self, Settings},
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
    /// Which of them list a model, by its name.
    listing: Arc<HashMap<String, Vec<usize>>>,
    /// Other APIs that may be asked, declared ones first.
    pub(crate) proxies: Vec<Arc<proxy::Entry>>,
    /// The routed names.
    pub(crate) groups: Arc<Groups>,
    /// Whether the groups that everybody begins with were given to this store.
    pub(crate) seeded: bool,
    /// The tree of teams.
    pub(crate) teams: Arc<Teams>,
    /// Which catalogue of prices is in force, where it is not the embedded one.
    pub(crate) prices: Option<InForce>,
    /// What is set for models.
    pub(crate) overrides: Vec<Override>,
    /// How the gateway is set.
    pub(crate) settings: Arc<Settings>,
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
    #[serde(default)]
    rotation: Rotation,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    probe: bool,
}

/// An upstream key's document.
#[derive(Deserialize)]
struct KeyBody {
    sealed: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    weight: Option<u32>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    concurrency: Option<u32>,
    #[serde(default)]
    rpm: Option<u32>,
    #[serde(default)]
    tpm: Option<u32>,
}

impl KeyBody {
    fn terms(&self) -> Terms {
        let Self { weight, concurrency, rpm, tpm, .. } = *self;
        let weight = weight.unwrap_or(Terms::NONE.weight);
        Terms { weight, models: self.models.clone(), concurrency, rpm, tpm }
    }
}

fn yes() -> bool {
    true
}

impl Snapshot {
    /// What is declared, before the store was asked.
    pub(crate) fn declared(config: &Config) -> Self {
        let providers: Vec<_> = config.providers.iter().cloned().map(Arc::new).collect();
        let teams = Arc::new(Teams::new(config.teams.iter().cloned()));
        let overrides = in_order(config.models.clone());
        let groups = Arc::new(Groups::new(config.groups.iter().cloned()));
        let listing = Arc::new(listing(&providers));
        let proxies = config.proxies.clone();
        Self { providers, listing, proxies, groups, teams, overrides, ..Self::default() }
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
        let in_force = next.of(Kind::Setting).find_map(InForce::of);
        next.prices = in_force;
        next.overrides = next.read_overrides(config);
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
        next.settings = Arc::new(next.read_settings());
        let declared = |id: &str| config.providers.iter().any(|provider| provider.id == id);
        next.providers.extend(stored.into_iter().filter(|provider| !declared(&provider.id)));
        next.listing = Arc::new(listing(&next.providers));
        next.proxies = next.read_proxies(config, vault);
        next.groups = Arc::new(next.read_groups(config));
        let seeded = next.of(Kind::Setting).any(|document| document.id == route::SEEDED);
        next.seeded = seeded;
        next.teams = Arc::new(next.read_teams(config));
        next
    }

    /// The providers that list a model, switched on or not.
    pub(crate) fn listing(&self, model: &str) -> impl Iterator<Item = &Arc<Provider>> {
        let places = self.listing.get(model).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|at| self.providers.get(*at))
    }

    /// Everybody whose keys take turns: the providers, and what stands behind proxies.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter().chain(self.proxies.iter().map(|proxy| &proxy.pool))
    }

    /// The proxy with this slug, if it is switched on.
    pub(crate) fn proxy_at(&self, slug: &str) -> Option<&Arc<proxy::Entry>> {
        self.proxies.iter().find(|proxy| proxy.slug == slug && proxy.proxy.enabled)
    }

    /// What an administrator has set for a model of a provider.
    pub(crate) fn set_for(&self, provider: &str, model: &str) -> Option<&Override> {
        self.overrides.iter().find(|set| set.is_of(provider, model))
    }

    /// Whether a model of a provider may be asked for.
    pub(crate) fn allows(&self, provider: &str, model: &str) -> bool {
        self.set_for(provider, model).is_none_or(|set| set.enabled)
    }

    /// What is set for models. Of two with one name the declared one counts.
    fn read_overrides(&self, config: &Config) -> Vec<Override> {
        let read = |document: &Document| {
            Override::from_document(document)
                .inspect_err(|error| tracing::error!(id = document.id, %error, "model skipped"))
                .ok()
        };
        let declared = |set: &Override| config.models.iter().any(|model| model.name == set.name);
        let stored = self.of(Kind::Model).filter_map(read).filter(|set| !declared(set));
        in_order(config.models.iter().cloned().chain(stored).collect())
    }

    /// Settings that cannot be read are as if nothing had been set: nobody is captured.
    fn read_settings(&self) -> Settings {
        let read = |document| {
            read(document).inspect_err(|error| tracing::error!(%error, "settings skipped")).ok()
        };
        let document = self.of(Kind::Setting).find(|document| document.id == settings::ID);
        document.and_then(read).unwrap_or_default()
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

    /// A team that cannot be read is not there, and opens nothing to those below it.
    fn read_teams(&self, config: &Config) -> Teams {
        let stored = self.of(Kind::Team).filter_map(|document| {
            Team::from_document(document)
                .inspect_err(|error| tracing::error!(id = document.id, %error, "team skipped"))
                .ok()
        });
        Teams::new(config.teams.iter().cloned().chain(stored))
    }

    /// Declared groups come first, so that their names are theirs.
    fn read_groups(&self, config: &Config) -> Groups {
        let stored = self.of(Kind::Group).filter_map(|document| {
            route::Entry::from_document(document)
                .inspect_err(|error| tracing::error!(id = document.id, %error, "group skipped"))
                .ok()
        });
        Groups::new(config.groups.iter().cloned().chain(stored.map(Arc::new)))
    }

    /// Declared proxies come first; one that cannot be read is not there.
    fn read_proxies(&self, config: &Config, vault: &Vault) -> Vec<Arc<proxy::Entry>> {
        let declared = |id: &str| config.proxies.iter().any(|proxy| proxy.slug == id);
        let stored = self.of(Kind::Proxy).filter(|document| !declared(&document.id));
        let stored = stored.filter_map(|document| {
            self.proxy(document, vault)
                .inspect_err(|error| tracing::error!(id = document.id, %error, "proxy skipped"))
                .ok()
        });
        config.proxies.iter().cloned().chain(stored.map(Arc::new)).collect()
    }

    fn proxy(&self, document: &Document, vault: &Vault) -> Result<proxy::Entry> {
        let proxy: Proxy = read(document)?;
        let host = Host::parse(&proxy.base_url)?;
        let keys = self.keys(&proxy::pool_id(&document.id), &host, vault)?;
        proxy::Entry::new(&document.id, proxy, keys, Source::Database)
    }

    /// The keys of a provider or of a proxy that are switched on.
    fn keys(&self, parent: &str, host: &Host, vault: &Vault) -> Result<Vec<Key>> {
        let mut keys = Vec::new();
        for key in self.of(Kind::Key).filter(|key| key.parent == parent) {
            let body: KeyBody = read(key)?;
            if !body.enabled {
                continue;
            }
            // A key that was given for another origin must be given anew; the others go on working.
            match vault.open(&body.sealed, &key_place(&key.id, host)) {
                Ok(secret) => {
                    let (id, version) = (key.id.clone(), key.version);
                    keys.push(Key { id, version, secret, terms: body.terms() });
                }
                Err(error) => tracing::warn!(id = key.id, %error, "key skipped"),
            }
        }
        Ok(keys)
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
        let keys = self.keys(&document.id, &host, vault)?;
        let mut provider = Provider {
            id: document.id.clone(),
            dialect,
            host,
            auth,
            api_version: body.api_version,
            keys,
            rotation: body.rotation,
            models: Vec::new(),
            enabled: body.enabled,
            probe: body.probe,
            source: Source::Database,
        };
        provider.models = body.models.unwrap_or_else(|| builtin::usual_models(&provider));
        Ok(provider)
    }
}

fn listing(providers: &[Arc<Provider>]) -> HashMap<String, Vec<usize>> {
    let mut listing: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, provider) in providers.iter().enumerate() {
        for model in &provider.models {
            let places = listing.entry(model.clone()).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    listing
}

/// What an upstream key is sealed for: toward another origin it does not open.
pub(crate) fn key_place(id: &str, host: &Host) -> String {
    key_place_at(id, &host.origin())
}

/// The same, of an origin that is known as such.
pub(crate) fn key_place_at(id: &str, origin: &str) -> String {
    format!("key|{id}|{origin}")
}

/// What is set for one provider goes before what is set for all.
fn in_order(mut all: Vec<Override>) -> Vec<Override> {
    all.sort_by_key(|set| !set.name.contains('/'));
    all
}

fn read<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T> {
    json::read(&document.body).map_err(|error| Error::internal(format!("{}: {error}", document.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::root_secret;

    fn model(name: &str, context: u64) -> Document {
        Document {
            kind: Kind::Model,
            id: name.to_owned(),
            parent: String::new(),
            name: name.to_owned(),
            version: 1,
            revision: 1,
            deleted: false,
            shape: 1,
            body: format!(r#"{{"context":{context}}}"#),
        }
    }

    #[test]
    fn what_the_file_sets_for_a_model_goes_before_the_database() {
        let file = "[[model]]\nid = \"m\"\ncontext = 1\n[[model]]\nid = \"up/o\"\ncontext = 2\n";
        let config = Config::read(Some(file), &|_| None).ok().unwrap();
        let context = |snapshot: &Snapshot, provider: &str, name: &str| {
            snapshot.set_for(provider, name).and_then(|set| set.context)
        };
        let declared = Snapshot::declared(&config);
        assert_eq!(context(&declared, "up", "m"), Some(1));
        assert_eq!(context(&declared, "up", "n"), None);

        let documents = vec![model("m", 10), model("up/m", 11), model("o", 12), model("n", 13)];
        let changes = Changes { revision: 1, documents };
        let vault = Vault::new(&root_secret());
        let both = declared.after(&config, &vault, changes, 0);
        for (provider, name, expected) in [
            ("other", "m", 1),
            ("up", "m", 11),
            ("up", "o", 2),
            ("other", "o", 12),
            ("up", "n", 13),
        ] {
            assert_eq!(context(&both, provider, name), Some(expected), "{provider} {name}");
        }
        assert_eq!(both.overrides.len(), 5);
    }
}
