//! Has the client asked the same before? Then it is given the same answer, and no provider is asked.
//!
//! Only what was let in gets here: a client that may not ask is not given what is kept for it either.

use std::{collections::BTreeSet, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    dispatch::Served,
    prepare::passed_up,
    receive::Inbound,
    resolve::{Question, Route},
    settle::Guard,
    told,
};
use crate::{
    dialect::{Framing, Read},
    gateway::Gateway,
    identity::Client,
    ports::{Millis, millis, within},
    recall::{
        Kept, Key, Owner, Parts,
        limits::{RECALL_BYTES_MAX, RECALL_STORE_WAIT, RECALL_WAIT, RECALLS_IN_FLIGHT_BYTES_MAX},
    },
    room::Room,
    route::Leaf,
    store::{Ended, Record, Usage},
};

/// Looks for the answer that a client was given before. Where there is none, the one that comes is to be kept.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn recall(
    question: &Question<'_>,
    client: &Client,
    headers: &HeaderMap,
    route: &Route,
    guard: &mut Guard,
) -> Option<Served> {
    let Question { gateway, inbound, snapshot, .. } = question;
    let recalling = &snapshot.settings.recall;
    if !recalling.covers(&client.id, &client.team) || !stands_alone(inbound) {
        return None;
    }
    let wish = Wish::read(headers);
    if wish.no_store {
        return None;
    }
    let place = |leaf: &Leaf| (leaf.provider.id.clone(), leaf.model.clone());
    let targets: BTreeSet<_> = route.leaves.iter().map(place).collect();
    let headers: Vec<_> = passed_up(headers).collect();
    let parts = Parts {
        endpoint: &guard.record.endpoint,
        answers: inbound.answers.name(),
        framing: framing(inbound.framing),
        pinned: inbound.pinned.as_deref(),
        model: &inbound.ask.model,
        strict: inbound.strict,
        streams: inbound.ask.stream,
        headers: &headers,
        targets: &targets,
        body: &inbound.raw,
    };
    let key = Key::new(Owner::of(client), &parts);
    let keep = Duration::from_secs(recalling.seconds.into());
    if let Some(age_max_ms) = wish.age_max_ms(keep)
        // Apart, so that requests that look for nothing are no larger for it.
        && let Some((kept, age_ms)) = Box::pin(look(gateway, &key, age_max_ms)).await
    {
        return Some(again(kept, age_ms, &mut guard.record));
    }
    let room = Room::none(&gateway.state.recalled_bytes, RECALLS_IN_FLIGHT_BYTES_MAX);
    let (body, said) = (Vec::new(), None);
    guard.keepsake = Some(Box::new(Keepsake { key, keep, targets, said, body, room }));
    None
}

/// Whether an answer depends on nothing but the request, and nothing later on the answer: one that is stored, or goes on
/// from one that was, has to be a new one.
fn stands_alone(inbound: &Inbound) -> bool {
    inbound.operation.speaks() && inbound.keep.is_none() && inbound.parent.is_none()
}

fn framing(framing: Framing) -> &'static str {
    match framing {
        Framing::Events => "events",
        Framing::Lines => "lines",
        Framing::Array => "array",
    }
}

/// What is kept, if it opens and is young enough, and how old it is.
async fn look(gateway: &Gateway, key: &Key, age_max_ms: Millis) -> Option<(Kept, Millis)> {
    let clock = &*gateway.ports.clock;
    let Some(found) = within(clock, RECALL_WAIT, gateway.ports.cache.get(key.as_str())).await
    else {
        tracing::debug!("the cache does not answer in time");
        return None;
    };
    let kept = Kept::open(&found?, key, &gateway.state.vault);
    if kept.is_none() {
        tracing::debug!("what was kept does not open");
    }
    let kept = kept?;
    // Another machine's clock may be ahead.
    let age_ms = (clock.now() - kept.at_ms).max(0);
    (age_ms < age_max_ms).then_some((kept, age_ms))
}

/// The answer as it was given before. Nobody is asked for it, and nothing is used.
fn again(kept: Kept, age_ms: Millis, record: &mut Record) -> Served {
    let Kept { content_type, provider, model, dropped, added, estimated, body, .. } = kept;
    record.recalled = true;
    (record.provider, record.model) = (provider, model);
    (record.dropped, record.added) = (dropped, added);
    let mut headers = HeaderMap::with_capacity(8);
    if let Ok(kind) = HeaderValue::try_from(content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    told::hit(&mut headers, age_ms);
    let read = Read { usage: Some(Usage::default()), text_bytes: 0, failure: None };
    Served::Whole {
        status: StatusCode::OK,
        headers,
        body: body.into(),
        read,
        estimated,
        held_back: false,
        leaving: None,
    }
}

/// Says that an answer was not kept before, and is to be from now on. One that came from elsewhere than where the key says
/// is not, nor one about what was fetched and may be something else by the next time.
pub(super) fn miss(inbound: &Inbound, served: &mut Served, guard: &mut Guard) {
    let Some(mut keepsake) = guard.keepsake.take() else { return };
    if inbound.fetched.holds_something() {
        return;
    }
    let (headers, estimated) = match served {
        Served::Whole { status, headers, body, estimated, leaving: None, .. }
            if *status == StatusCode::OK && body.len() <= RECALL_BYTES_MAX =>
        {
            (headers, *estimated)
        }
        Served::Stream { headers, .. } => (headers, false),
        Served::Whole { .. } | Served::Opaque { .. } => return,
    };
    let Record { provider, model, .. } = &guard.record;
    if !keepsake.targets.contains(&(provider.clone(), model.clone())) {
        return;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = kind.unwrap_or_default().to_owned();
    keepsake.said = Some(Said { content_type, estimated });
    told::miss(headers);
    guard.keepsake = Some(keepsake);
}

/// An answer that is to be kept, as far as its client has it.
pub(super) struct Keepsake {
    key: Key,
    keep: Duration,
    /// Who may have given it.
    targets: BTreeSet<(String, String)>,
    /// What is said about it, once it has begun.
    said: Option<Said>,
    body: Vec<u8>,
    room: Room,
}

struct Said {
    content_type: String,
    estimated: bool,
}

impl Keepsake {
    /// Takes what the client is given; `None` when that is too much to be kept.
    pub(super) fn push(&mut self, piece: &[u8]) -> Option<()> {
        if self.body.len() + piece.len() > RECALL_BYTES_MAX {
            return None;
        }
        self.room.grow(piece.len() as u64)?;
        self.body.extend_from_slice(piece);
        Some(())
    }

    /// What there is to keep when the request is over: a good answer that its client has whole.
    pub(super) fn whole(self, record: &Record) -> Option<Whole> {
        let Self { key, keep, said, body, room, .. } = self;
        let good = match record.ended {
            Ended::Done => record.status == StatusCode::OK && record.error.is_empty(),
            Ended::Refused | Ended::ClientGone | Ended::UpstreamBroke | Ended::Cut => false,
        };
        let said = said.filter(|_| good && !body.is_empty())?;
        let kept = Kept {
            at_ms: 0,
            content_type: said.content_type,
            provider: record.provider.clone(),
            model: record.model.clone(),
            dropped: record.dropped.clone(),
            added: record.added.clone(),
            estimated: said.estimated,
            // What is no text is sealed nowhere.
            body: String::from_utf8(body).ok()?,
        };
        Some(Whole { key, keep, kept, _room: room })
    }
}

/// A whole answer that can be kept.
pub(super) struct Whole {
    key: Key,
    keep: Duration,
    kept: Kept,
    _room: Room,
}

impl Whole {
    /// Keeps it. What cannot be kept is asked for again.
    pub(super) async fn store(self, gateway: &Gateway) {
        let Self { key, keep, mut kept, _room } = self;
        let clock = &*gateway.ports.clock;
        kept.at_ms = clock.now();
        let sealed = match kept.seal(&key, &gateway.state.vault, &*gateway.ports.random) {
            Ok(sealed) => sealed,
            Err(error) => return tracing::warn!(%error, "an answer could not be sealed"),
        };
        drop(kept);
        let put = gateway.ports.cache.put(key.as_str(), sealed, keep);
        if within(clock, RECALL_STORE_WAIT, put).await.is_none() {
            tracing::debug!("the cache did not take an answer in time");
        }
    }
}

/// What a client's `Cache-Control` wants.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    /// An answer of now, which may be kept.
    no_cache: bool,
    /// Nothing to do with what is kept.
    no_store: bool,
    /// An answer that is younger.
    max_age_s: Option<u32>,
}

impl Wish {
    fn read(headers: &HeaderMap) -> Self {
        let mut wish = Self::default();
        let values = headers.get_all(header::CACHE_CONTROL).iter();
        for word in values.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(',')) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
            wish.no_cache |= is("no-cache");
            wish.no_store |= is("no-store");
            if is("max-age") {
                // What cannot be understood is taken for the strictest.
                let most = value.trim().trim_matches('"').parse().unwrap_or(0);
                wish.max_age_s = Some(wish.max_age_s.map_or(most, |other| other.min(most)));
            }
        }
        wish
    }

    /// How old an answer may not be; `None` where none is looked for.
    fn age_max_ms(&self, keep: Duration) -> Option<Millis> {
        if self.no_cache {
            return None;
        }
        let most = self.max_age_s.map_or(Millis::MAX, |seconds| Millis::from(seconds) * 1_000);
        Some(most.min(millis(keep))).filter(|most| *most > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(values: &[&'static str]) -> Wish {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_static(value));
        }
        Wish::read(&headers)
    }

    #[test]
    fn what_a_client_wants_is_read() {
        let keep = Duration::from_secs(60);
        let check = |values: &[&'static str], no_store: bool, age_max_ms: Option<Millis>| {
            let wish = wish(values);
            assert_eq!((wish.no_store, wish.age_max_ms(keep)), (no_store, age_max_ms), "{wish:?}");
        };
        check(&[], false, Some(60_000));
        check(&["private, max-stale"], false, Some(60_000));
        check(&["No-Cache"], false, None);
        check(&["max-age=0"], false, None);
        check(&["max-age=5"], false, Some(5_000));
        check(&["max-age = \"5\""], false, Some(5_000));
        check(&["max-age=3600"], false, Some(60_000));
        check(&["max-age=30, max-age=7"], false, Some(7_000));
        check(&["max-age=soon"], false, None);
        check(&["max-age=99999999999"], false, None);
        check(&["max-age=5", "no-store"], true, Some(5_000));
    }
}
