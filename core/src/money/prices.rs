//! What does a model cost with this provider? One immutable state of all prices, with an id that every record carries.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use super::{
    cost::{ceiling, cost},
    listing::{Listing, digest},
    names::{MAKERS, bare, spellings, without_region},
    overrides::Override,
    price::Price,
};
use crate::{
    limits::PRICES_FOUND_MAX,
    ports::Millis,
    provider::{Host, Provider, builtin, catalog::Model},
    store::Record,
};

/// The id of a cost that the provider itself has told.
pub const TOLD: &str = "provider";

/// What models.dev lacks: models, and what is paid beside tokens.
static SUPPLEMENT: LazyLock<Listing> =
    LazyLock::new(|| Listing::new(Cow::Borrowed(include_str!("../../data/supplement.tsv"))));

/// All prices at one time. It is never changed, only replaced.
pub struct Prices {
    id: String,
    listing: Arc<Listing>,
    at_ms: Millis,
    books: HashMap<String, Book>,
    overrides: Vec<Override>,
    found: Mutex<Found>,
}

/// What was looked up, by provider and model.
type Found = HashMap<String, HashMap<String, Option<Arc<Priced>>>>;

/// A price and whose it is.
#[derive(Debug)]
pub(super) struct Priced {
    pub(super) price: Price,
    /// Whether an administrator has set it.
    own: bool,
}

/// Where the prices of a provider's models stand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Book {
    /// Under this name of the catalogue, or else with the models' makers.
    Catalog(String),
    /// Nowhere: it runs at home and costs nothing.
    Home,
}

impl Default for Prices {
    fn default() -> Self {
        Self::of((Listing::embedded(), 0), HashMap::new(), Vec::new())
    }
}

impl Prices {
    /// The embedded prices, for these providers and with what administrators have set.
    pub(crate) fn new(providers: &[Arc<Provider>], overrides: Vec<Override>) -> Self {
        Self::of((Listing::embedded(), 0), books(providers), overrides)
    }

    /// The prices of the same catalogue for other providers and with what is set now.
    pub(crate) fn after(&self, providers: &[Arc<Provider>], overrides: Vec<Override>) -> Self {
        Self::of((self.listing.clone(), self.at_ms), books(providers), overrides)
    }

    /// The prices of another catalogue, for the same providers and with the same settings.
    pub(crate) fn with(&self, listing: Listing, at_ms: Millis) -> Self {
        Self::of((Arc::new(listing), at_ms), self.books.clone(), self.overrides.clone())
    }

    fn of(
        (listing, at_ms): (Arc<Listing>, Millis),
        books: HashMap<String, Book>,
        overrides: Vec<Override>,
    ) -> Self {
        let mut id = listing.id.clone();
        if !overrides.is_empty() {
            let told: Vec<String> = overrides.iter().map(Override::told).collect();
            id = format!("{id}+{}", digest(told.join("\n").as_bytes()));
        }
        Self { id, listing, at_ms, books, overrides, found: Mutex::default() }
    }

    /// What these prices are called: a digest of the catalogue, and behind a plus one of what administrators have set.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the catalogue among them is called.
    #[must_use]
    pub fn catalog(&self) -> &str {
        &self.listing.id
    }

    /// When the catalogue was fetched; 0 when it is the embedded one.
    #[must_use]
    pub fn at_ms(&self) -> Millis {
        self.at_ms
    }

    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// What administrators have set.
    pub(crate) fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// All models that are listed, by provider: those of the catalogue, then those that it lacks.
    pub(crate) fn models(&self) -> Vec<(&str, Model<'_>)> {
        let lacking = SUPPLEMENT.models().filter(|(provider, model)| {
            !model.released.is_empty() && self.listing.model(provider, model.id).is_none()
        });
        self.listing.models().chain(lacking).collect()
    }

    /// What a model costs that is listed under exactly these ids.
    pub(crate) fn of_listed(&self, book: &str, id: &str) -> Option<Price> {
        self.exact(book, id)
    }

    /// What a model costs with a provider, by whatever name it has there.
    #[must_use]
    pub fn of_model(&self, provider: &str, model: &str) -> Option<Price> {
        Some(self.find(provider, model)?.price.clone())
    }

    /// The most that a call may cost, in nano-dollars: what a reservation needs. `None` when the model has no price.
    #[must_use]
    pub fn quote(
        &self,
        provider: &str,
        model: &str,
        input_tokens: i64,
        output_tokens: i64,
    ) -> Option<i64> {
        let priced = self.find(provider, model)?;
        Some(ceiling(&priced.price, input_tokens, output_tokens))
    }

    /// Writes the cost into a record, and by which prices; what was asked beside it has its cost already. What a provider has told of the cost itself is believed,
    /// unless an administrator has set a price.
    pub(crate) fn price(&self, record: &mut Record) {
        let priced = self.find(&record.provider, &record.model);
        let own = priced.as_ref().is_some_and(|priced| priced.own);
        if let Some(told_nano) = record.usage.told_nano.filter(|_| !own) {
            record.cost_nano = told_nano.saturating_add(record.side.cost_nano);
            TOLD.clone_into(&mut record.price_id);
            return;
        }
        let Some(priced) = priced else {
            (record.cost_nano, record.price_id) = (record.side.cost_nano, String::new());
            return;
        };
        let own = cost(&priced.price, &record.usage, &record.grade);
        record.cost_nano = own.saturating_add(record.side.cost_nano);
        self.id.clone_into(&mut record.price_id);
    }

    /// The price of a model as this provider calls it.
    pub(super) fn find(&self, provider: &str, model: &str) -> Option<Arc<Priced>> {
        let lock = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(provider).and_then(|models| models.get(model)) {
            return known.clone();
        }
        let priced = self.resolve(provider, model).map(Arc::new);
        let mut found = lock();
        if found.values().map(HashMap::len).sum::<usize>() >= PRICES_FOUND_MAX {
            found.clear();
        }
        let models = found.entry(provider.to_owned()).or_default();
        models.insert(model.to_owned(), priced.clone());
        priced
    }

    fn resolve(&self, provider: &str, model: &str) -> Option<Priced> {
        let set = self.overrides.iter().find(|set| set.prices(provider, model));
        let listed = match self.books.get(provider) {
            Some(Book::Home) => Some(Price::default()),
            Some(Book::Catalog(book)) => self.listed(book, model),
            None => self.listed(provider, model),
        };
        match set.and_then(|set| set.price.clone()) {
            // What was not set beside the tokens is paid as listed.
            Some(price) => Some(Priced { price: price.or(&listed.unwrap_or_default()), own: true }),
            None => listed.map(|price| Priced { price, own: false }),
        }
    }

    /// The price under a name of the catalogue, or else with the model's maker.
    fn listed(&self, book: &str, model: &str) -> Option<Price> {
        let own = [model, without_region(model)];
        if let Some(price) = own.into_iter().find_map(|id| self.spelled(book, id)) {
            return Some(price);
        }
        let name = bare(model);
        if let Some(price) = self.spelled(book, name.rest) {
            return Some(price);
        }
        if book == "azure"
            && let Some(price) = self.deployed(name.rest)
        {
            return Some(price);
        }
        let makers = MAKERS.iter().map(|(_, listed)| *listed);
        name.maker.into_iter().chain(makers).find_map(|maker| self.spelled(maker, name.rest))
    }

    fn spelled(&self, book: &str, name: &str) -> Option<Price> {
        if !self.listing.knows(book) && !SUPPLEMENT.knows(book) {
            return None;
        }
        spellings(name).iter().find_map(|id| self.exact(book, id))
    }

    fn exact(&self, book: &str, id: &str) -> Option<Price> {
        let supplied = SUPPLEMENT.model(book, id);
        // A line that only has a price corrects one of the catalogue.
        let corrects = supplied.as_ref().is_some_and(|model| model.released.is_empty());
        let supplied = supplied.and_then(|model| model.price);
        let price = match (self.listing.price(book, id), supplied) {
            (Some(listed), Some(supplied)) if corrects => supplied.or(&listed),
            (None, Some(_)) if corrects => return None,
            (listed, supplied) => listed.or(supplied)?,
        };
        Some(match SUPPLEMENT.common(book) {
            Some(common) => price.or(&common),
            None => price,
        })
    }

    /// Deployments have any name, and mostly one that holds the model's: the longest that stands between dashes.
    fn deployed(&self, name: &str) -> Option<Price> {
        let name = name.to_ascii_lowercase();
        let mut starts: Vec<usize> =
            name.match_indices(['-', '_', '.']).map(|(at, _)| at + 1).collect();
        starts.insert(0, 0);
        let mut ends: Vec<usize> = name.match_indices(['-', '_']).map(|(at, _)| at).collect();
        ends.push(name.len());
        let mut parts: Vec<&str> = starts
            .iter()
            .flat_map(|start| ends.iter().filter_map(|end| name.get(*start..*end)))
            .filter(|part| part.len() > 2)
            .collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts
            .iter()
            .find_map(|part| ["azure", "openai"].iter().find_map(|book| self.exact(book, part)))
    }
}

fn books(providers: &[Arc<Provider>]) -> HashMap<String, Book> {
    providers.iter().map(|provider| (provider.id.clone(), Book::of(provider))).collect()
}

impl Book {
    fn of(provider: &Provider) -> Self {
        let home = builtin::of(provider).is_some_and(|row| row.id == "ollama");
        match &provider.host {
            Host::Echo => Self::Home,
            Host::Url(_) if home => Self::Home,
            Host::Url(_) => Self::Catalog(builtin::catalog_id(provider).to_owned()),
        }
    }
}
