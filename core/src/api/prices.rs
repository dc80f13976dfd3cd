//! What do models cost, and since when? The prices in force, newer ones, and records priced again.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{bounded, inbound, rows, write};
use crate::{
    error::Result,
    gateway::Gateway,
    http::Body,
    money::{Again, Price, Prices, Rates, Unit, decimal},
    ports::Millis,
    router::Visit,
};

/// The prices in force.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown<'a> {
    /// What records name.
    id: &'a str,
    /// The catalogue below what is set for models.
    catalog: &'a str,
    /// When it came; null when it is the embedded one.
    fetched_at_ms: Option<Millis>,
    /// When its source was asked last; null when it was not.
    checked_at_ms: Option<Millis>,
    /// How many models it knows.
    models: usize,
    /// For how many of them something is set.
    overrides: usize,
    /// A page of them.
    data: Vec<Model<'a>>,
    /// Where the next page starts; null on the last one.
    next: Option<String>,
}

/// A model and its price.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Model<'a> {
    /// Whose model it is.
    provider: &'a str,
    /// Its id.
    id: &'a str,
    /// The name for people.
    name: &'a str,
    /// Dollars for a million of each, as decimals; null when it is not known.
    price: Option<PriceShown>,
}

/// A price, in the words in which it is set for a model.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PriceShown {
    #[serde(flatten)]
    base: BTreeMap<&'static str, String>,
    /// Other prices for long requests.
    tiers: Vec<TierShown>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TierShown {
    /// From one token more on.
    above_tokens: u64,
    #[serde(flatten)]
    rates: BTreeMap<&'static str, String>,
}

/// Which prices are shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Paging {
    /// Of this provider.
    provider: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page.
    #[serde(default = "rows")]
    #[cfg_attr(test, schemars(range(min = 1, max = 500)))]
    limit: u32,
}

/// Nothing can be said of a refresh.
#[derive(Default, Deserialize)]
struct Refresh {}

/// Which records are priced again.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Wanted {
    /// From this time on.
    from_ms: Millis,
    /// Before this time.
    to_ms: Millis,
    /// The catalogue; the one in force unless said.
    #[serde(default)]
    snapshot: Option<String>,
    /// The `next` of the batch before.
    #[serde(default)]
    before: Option<String>,
}

/// A batch that was priced again.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Done {
    /// By which prices.
    price_id: String,
    /// How many records were looked at.
    records: usize,
    /// How many of them cost something else now.
    changed: usize,
    /// Where the next batch starts; null after the last one.
    next: Option<String>,
}

/// The prices in force, and a page of models with theirs. `provider` narrows it down; `after` is the `next` of the page
/// before.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let Paging { provider, after, limit } = inbound::query(visit.request.uri())?;
    let limit = bounded(limit)? as usize;
    gateway.view(&*visit.call.background).await;
    show(gateway, (limit, after.as_deref(), provider.as_deref()))
}

/// Fetches newer prices now, and shows what is in force then.
pub(crate) async fn refresh(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let caller = visit.caller;
    let Refresh {} = inbound::optional(visit.request).await?;
    gateway.fetch_prices(caller.actor()).await?;
    show(gateway, (0, None, None))
}

/// Prices a batch of records again. `before` is the `next` of the batch before, and the last one has none.
pub(crate) async fn recompute(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let wanted: Wanted = inbound::body(visit.request).await?;
    let before = wanted.before.as_deref().map(super::records::cursor).transpose()?;
    let Wanted { from_ms, to_ms, snapshot, .. } = wanted;
    let done = gateway.recompute(Again { from_ms, to_ms, before, catalog: snapshot }).await?;
    write(
        StatusCode::OK,
        &Done {
            price_id: done.price_id,
            records: done.records,
            changed: done.changed,
            next: done.next.map(|(at_ms, id)| format!("{at_ms}.{id}")),
        },
    )
}

fn show(
    gateway: &Gateway,
    (limit, after, wanted): (usize, Option<&str>, Option<&str>),
) -> Result<Response<Body>> {
    let prices = gateway.state.prices();
    let snapshot = gateway.state.snapshot();
    let in_force = snapshot.prices.as_ref().filter(|it| it.catalog == prices.catalog());
    let all = prices.models();
    let place = |(provider, model): &(&str, crate::provider::catalog::Model<'_>)| {
        format!("{provider}/{}", model.id)
    };
    let page = all.iter().filter(|one| wanted.is_none_or(|wanted| one.0 == wanted));
    let mut page = page.skip_while(|one| after.is_some_and(|after| *place(one) != *after));
    if after.is_some() {
        page.next();
    }
    let page: Vec<_> = page.take(limit).collect();
    let next = page.last().filter(|_| page.len() == limit).map(|one| place(one));
    let data = page.iter().map(|one| model(&prices, one)).collect();
    write(
        StatusCode::OK,
        &Shown {
            id: prices.id(),
            catalog: prices.catalog(),
            fetched_at_ms: Some(prices.at_ms()).filter(|at_ms| *at_ms > 0),
            checked_at_ms: in_force.map(|it| it.checked_at_ms),
            models: all.len(),
            overrides: prices.overrides().len(),
            data,
            next,
        },
    )
}

fn model<'a>(
    prices: &Prices,
    (provider, model): &(&'a str, crate::provider::catalog::Model<'a>),
) -> Model<'a> {
    let price = prices.of_listed(provider, model.id).as_ref().map(shown);
    Model { provider, id: model.id, name: model.name, price }
}

pub(super) fn shown(price: &Price) -> PriceShown {
    let tier = |tier: &crate::money::Tier| TierShown {
        above_tokens: tier.above_tokens,
        rates: rates(&tier.rates),
    };
    PriceShown { base: rates(&price.base), tiers: price.tiers.iter().map(tier).collect() }
}

fn rates(rates: &Rates) -> BTreeMap<&'static str, String> {
    let own = |unit: Unit| Some((unit.name(), decimal::write(rates.get(unit)?)));
    Unit::ALL.into_iter().filter_map(own).collect()
}
