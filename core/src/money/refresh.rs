//! Where do newer prices come from, and who has them? One instance fetches them, all others find them in the store.

use std::{borrow::Cow, collections::HashSet, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde::{Deserialize, Serialize};

use super::listing::Listing;
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::{Body, read},
    ids, json,
    limits::{
        PRICES_BYTES_MAX, PRICES_EVERY, PRICES_FACTOR_MAX, PRICES_KEEP, PRICES_RETRY, PRICES_WAIT,
    },
    money::Unit,
    ports::{Background, Millis, millis, within},
    provider::catalog,
    store::{self, Audit, Blob, Change, Document, Trail},
};

/// The document that says which catalogue is in force.
const DOCUMENT: &str = "prices";
/// Catalogues are nobody's blobs: no client has an empty id.
const NOBODY: &str = "";

const DAY: Duration = Duration::from_hours(24);

/// Which catalogue is in force, for all instances over one store.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) struct InForce {
    /// The catalogue's id.
    pub(crate) catalog: String,
    /// When it came.
    pub(crate) fetched_at_ms: Millis,
    /// When its source last said that it is the newest.
    pub(crate) checked_at_ms: Millis,
}

impl InForce {
    /// Reads the document, if it is this one.
    pub(crate) fn of(document: &Document) -> Option<Self> {
        (document.id == DOCUMENT).then(|| json::read(&document.body).ok())?
    }
}

impl Gateway {
    /// Fetches the prices when their time has come. What goes wrong leaves the last good ones in force.
    pub async fn refresh_prices(&self) {
        let now = self.ports.clock.now();
        if !self.prices_are_due(now) {
            return;
        }
        let holder = ids::sortable(now, &*self.ports.random);
        // Kept after a failure too: one try in this time, over all instances.
        match self.ports.store.lease("prices", &holder, now, now + millis(PRICES_RETRY)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "prices were not refreshed"),
        }
        match self.fetch_prices("upkeep").await {
            Ok(()) => tracing::info!(id = self.state.prices().id(), "prices are fresh"),
            Err(error) => {
                tracing::warn!(%error, detail = error.detail, "prices were not refreshed");
            }
        }
    }

    /// The same beside a request, where no timer runs. Nothing waits for it.
    pub fn refresh_prices_beside(&self, background: &dyn Background) {
        let now = self.ports.clock.now();
        let known = self.state.snapshot().checked_at.is_some();
        if known && self.prices_are_due(now) && self.begin_prices(now) {
            let gateway = self.clone();
            background.run(Box::pin(async move { gateway.refresh_prices().await }));
        }
    }

    /// Takes over, beside a request, what another instance has fetched.
    pub(crate) fn adopt_prices_beside(&self, background: &dyn Background, now: Millis) {
        let snapshot = self.state.snapshot();
        let Some(wanted) = &snapshot.prices else { return };
        if wanted.catalog == self.state.prices().catalog() || !self.begin_prices(now) {
            return;
        }
        let (gateway, wanted) = (self.clone(), wanted.clone());
        background.run(Box::pin(async move {
            match gateway.kept_prices(&wanted.catalog).await {
                Ok(listing) => gateway.state.adopt_prices(listing, wanted.fetched_at_ms),
                Err(error) => tracing::warn!(%error, "prices could not be taken over"),
            }
        }));
    }

    /// Fetches the prices now, checks them, and puts them into force everywhere.
    pub(crate) async fn fetch_prices(&self, actor: &str) -> Result<()> {
        let Some(url) = &self.state.config.prices_url else {
            return Err(Error::new(Kind::Conflict, "`prices.refresh` is switched off."));
        };
        let now = self.ports.clock.now();
        let fetched = within(&*self.ports.clock, PRICES_WAIT, Box::pin(self.fetch(url))).await;
        let source = fetched.unwrap_or_else(|| Err(unusable("they took too long")))?;
        let current = self.state.prices();
        let text = catalog::convert(&source, &|id| current.listing().knows(id))?;
        let next = Listing::new(Cow::Owned(text));
        check(&next, current.listing())?;
        // The one before as well: records of its time may be priced again.
        for listing in [current.listing(), &next] {
            self.keep_prices(listing, now).await?;
        }
        let same = next.id == current.catalog();
        let fetched_at_ms = if same { current.at_ms() } else { now };
        let in_force = InForce { catalog: next.id.clone(), fetched_at_ms, checked_at_ms: now };
        self.declare_prices(&in_force, actor).await?;
        if !same {
            self.state.adopt_prices(next, now);
        }
        self.refresh().await
    }

    /// The catalogue of this id: the one in force, the embedded one, or one that was.
    pub(crate) async fn kept_prices(&self, id: &str) -> Result<Listing> {
        let embedded = Listing::embedded();
        if id == embedded.id {
            return Ok(Listing::new(Cow::Borrowed(catalog::TEXT)));
        }
        let missing = || Error::not_found(format!("There are no prices `{id}` any more."));
        let now = self.ports.clock.now();
        let blob = self.ports.store.get_blob(NOBODY, DOCUMENT, id, now).await?;
        let text =
            String::from_utf8(blob.ok_or_else(missing)?.to_vec()).map_err(Error::internal)?;
        let listing = Listing::new(Cow::Owned(text));
        if listing.id == id { Ok(listing) } else { Err(Error::internal("prices of another id")) }
    }

    fn prices_are_due(&self, now: Millis) -> bool {
        let snapshot = self.state.snapshot();
        let checked = snapshot.prices.as_ref().map_or(0, |prices| prices.checked_at_ms);
        self.state.config.prices_url.is_some() && now - checked >= millis(PRICES_EVERY)
    }

    /// Whether this process may begin with it: once in a while, and not twice at a time.
    fn begin_prices(&self, now: Millis) -> bool {
        let lease = &self.state.prices_until;
        let until = lease.load(Ordering::Relaxed);
        let next = now + millis(PRICES_WAIT);
        now >= until
            && lease.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    async fn fetch(&self, url: &str) -> Result<Bytes> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(url)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .body(Body::empty())
            .map_err(|_| unusable("`prices.url` is no address"))?;
        let response = self.ports.upstream.send(request).await?;
        if !response.status().is_success() {
            return Err(unusable(&format!("their source answered {}", response.status())));
        }
        read(response.into_body(), PRICES_BYTES_MAX).await
    }

    async fn keep_prices(&self, listing: &Listing, now: Millis) -> Result<()> {
        let kept = PRICES_KEEP + DAY * self.retention_days();
        let blob = Blob {
            client: NOBODY.to_owned(),
            id: DOCUMENT.to_owned(),
            part: listing.id.clone(),
            expires_at_ms: now + millis(kept),
            sealed: Bytes::copy_from_slice(listing.text().as_bytes()),
        };
        self.ports.store.put_blob(blob).await
    }

    async fn declare_prices(&self, in_force: &InForce, actor: &str) -> Result<()> {
        let store = &self.ports.store;
        let before = store.get(store::Kind::Setting, DOCUMENT).await?;
        let body = serde_json::to_string(in_force).map_err(Error::internal)?;
        let trail = Trail {
            kind: store::Kind::Setting,
            id: DOCUMENT.to_owned(),
            before: before.as_ref().map(|before| before.body.clone()).unwrap_or_default(),
            after: body.clone(),
        };
        let document = Document {
            kind: store::Kind::Setting,
            id: DOCUMENT.to_owned(),
            parent: String::new(),
            name: DOCUMENT.to_owned(),
            version: before.map_or(0, |before| before.version),
            revision: 0,
            deleted: false,
            shape: 1,
            body,
        };
        let at_ms = in_force.checked_at_ms;
        let action = "refresh prices".to_owned();
        let audit = Audit { at_ms, actor: actor.to_owned(), action, trail: vec![trail] };
        store.commit(vec![Change::Put(document)], audit).await.map(drop)
    }
}

/// Whether these are prices, and not what a source says when something is wrong with it.
fn check(next: &Listing, current: &Listing) -> Result<()> {
    let ids = |listing: &Listing| -> HashSet<(String, String)> {
        listing
            .models()
            .map(|(provider, model)| (provider.to_owned(), model.id.to_owned()))
            .collect()
    };
    let (new, old) = (ids(next), ids(current));
    if new.len() * 2 < old.len() {
        return Err(unusable(&format!("{} models became {}", old.len(), new.len())));
    }
    let stayed = old.intersection(&new).count();
    if stayed * 2 < old.len() {
        return Err(unusable(&format!("of {} models {stayed} are still there", old.len())));
    }
    let (mut compared, mut strange) = (0_usize, 0_usize);
    for (provider, id) in old.intersection(&new) {
        let rate = |listing: &Listing| listing.price(provider, id)?.base.get(Unit::Input);
        let (Some(before), Some(after)) = (rate(current), rate(next)) else { continue };
        compared += 1;
        let (low, high) = (before.min(after), before.max(after));
        strange += usize::from(low > 0 && high / low > PRICES_FACTOR_MAX);
        strange += usize::from(before > 0 && after == 0);
    }
    if strange * 10 > compared {
        return Err(unusable(&format!("{strange} of {compared} prices changed beyond belief")));
    }
    if compared * 2 < old.len() {
        return Err(unusable("most models have no price"));
    }
    Ok(())
}

fn unusable(why: &str) -> Error {
    Error::new(Kind::UpstreamBroken, format!("The new prices are not usable: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(change: impl Fn(&str) -> String) -> Listing {
        Listing::new(Cow::Owned(change(catalog::TEXT)))
    }

    #[test]
    fn what_cannot_be_prices_is_refused() {
        let current = Listing::new(Cow::Borrowed(catalog::TEXT));
        let refused = |change: fn(&str) -> String| check(&listing(change), &current).is_err();
        assert!(!refused(str::to_owned));
        assert!(!refused(|text| text.replace("in=2.5 ", "in=1.25 ")));
        // Dollars for a token, all of them free, most of them gone, others in their place.
        assert!(refused(|text| text.replace("in=", "in=0.00000")));
        assert!(refused(|text| text.replace("in=", "in=0 call=")));
        assert!(refused(|text| text.lines().take(300).collect::<Vec<_>>().join("\n")));
        assert!(refused(|text| text.replace('\n', "\nx-").replace("\nx-@", "\n@")));
        assert!(refused(|text| text.replace("in=", "call=")));
        assert!(refused(|_| String::new()));
    }
}
