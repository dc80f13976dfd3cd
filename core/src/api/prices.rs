//! What do models cost, and since when? The prices in force, newer ones, and records priced again.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{limit, query, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, read},
    limits::CONTROL_BODY_BYTES_MAX,
    money::{Again, Price, Prices, Rates, Unit, decimal},
    ports::Millis,
    router::Visit,
};

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    catalog: &'a str,
    /// `null` when the catalogue is the embedded one.
    fetched_at_ms: Option<Millis>,
    /// When its source was asked last; `null` when it was not.
    checked_at_ms: Option<Millis>,
    models: usize,
    overrides: usize,
    data: Vec<Model<'a>>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Model<'a> {
    provider: &'a str,
    id: &'a str,
    name: &'a str,
    /// Dollars for a million of each, as decimals.
    price: Option<PriceShown>,
}

#[derive(Serialize)]
struct PriceShown {
    #[serde(flatten)]
    base: BTreeMap<&'static str, String>,
    tiers: Vec<TierShown>,
}

#[derive(Serialize)]
struct TierShown {
    above_tokens: u64,
    #[serde(flatten)]
    rates: BTreeMap<&'static str, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    from_ms: Millis,
    to_ms: Millis,
    #[serde(default)]
    snapshot: Option<String>,
    #[serde(default)]
    before: Option<String>,
}

#[derive(Serialize)]
struct Done {
    price_id: String,
    records: usize,
    changed: usize,
    next: Option<String>,
}

/// The prices in force, and a page of models with theirs. `provider` narrows it down; `after` is the `next` of the page
/// before.
pub(crate) async fn list(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let uri = visit.request.uri();
    let (limit, after) = (limit(uri)? as usize, query(uri, "after"));
    let wanted = query(uri, "provider");
    gateway.view(&*visit.call.background).await;
    show(gateway, (limit, after, wanted))
}

/// Fetches newer prices now, and shows what is in force then.
pub(crate) async fn refresh(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    gateway.fetch_prices(visit.caller.actor()).await?;
    show(gateway, (0, None, None))
}

/// Prices a batch of records again. `before` is the `next` of the batch before, and the last one has none.
pub(crate) async fn recompute(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let body = read(visit.request.into_body(), CONTROL_BODY_BYTES_MAX).await?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| {
        let message =
            "The body is `{\"from_ms\": …, \"to_ms\": …, \"snapshot\": …, \"before\": …}`.";
        Error::bad_request(message).because(error)
    })?;
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

fn shown(price: &Price) -> PriceShown {
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
