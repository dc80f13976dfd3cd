//! Who is calling? The client key in the headers, found in the cache or in the store.

use std::sync::Arc;

use http::{HeaderMap, Uri, header};

use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    identity::{Client, Presented},
    proxy,
};

/// Where the SDKs of all dialects put their key.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

#[tracing::instrument(level = "debug", skip_all)]
pub(crate) async fn authenticate(
    gateway: &Gateway,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Arc<Client>> {
    let missing = "No client key was given. Send it as `Authorization: Bearer tg_…`.";
    known(gateway, presented(headers, uri).ok_or(missing)).await
}

/// The client of a key, or of none: then this is said.
pub(super) async fn known(
    gateway: &Gateway,
    key: Result<&str, &'static str>,
) -> Result<Arc<Client>> {
    let key = key.map_err(|missing| Error::new(Kind::Unauthorized, missing))?;
    let refuse = || Error::new(Kind::Unauthorized, "The client key is not valid.");
    let key = Presented::parse(key).ok_or_else(refuse)?;
    let client = gateway.client(key.public_id).await?.ok_or_else(refuse)?;
    let accepted = client.accepts(key.key, &gateway.state.vault, gateway.ports.clock.now());
    if accepted { Ok(client) } else { Err(refuse()) }
}

/// The key that a request shows, well formed or not.
pub(crate) fn presented<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    in_headers(headers, &KEY_HEADERS).next().or_else(|| in_query(uri))
}

/// The key that a request for another API shows: in a header of its own, so that all others are free for that API.
/// Without that a key of ours is looked for where it usually stands, and nothing else is taken for one.
pub(super) fn presented_beside(headers: &HeaderMap) -> Option<&str> {
    let ours = |key: &&str| Presented::parse(key).is_some();
    let beside = values(headers, &proxy::headers::KEY_HEADERS).next();
    beside.or_else(|| in_headers(headers, &KEY_HEADERS).find(ours))
}

fn in_headers<'r>(headers: &'r HeaderMap, names: &'r [&str]) -> impl Iterator<Item = &'r str> {
    bearer(headers).into_iter().chain(values(headers, names))
}

fn values<'r>(headers: &'r HeaderMap, names: &'r [&str]) -> impl Iterator<Item = &'r str> {
    names.iter().filter_map(|name| headers.get(*name)?.to_str().ok().map(str::trim))
}

/// Where some of Gemini's clients put it. Only the path's pattern is ever written down.
fn in_query(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|field| field.strip_prefix("key="))
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
