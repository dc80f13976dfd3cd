//! Which media must go out with its bytes, although the client named only its address? It is fetched, once a request.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{receive::Inbound, resolve::Target};
use crate::{
    dialect::{
        Prompt, Traits,
        ir::{Media, Part, Role, Source},
    },
    error::{Error, Result},
    gateway::Gateway,
    limits::{MEDIA_AT_ONCE_MAX, MEDIA_BYTES_MAX, MEDIA_URLS_MAX},
    media::{Fetcher, mime_of, refused},
};

/// Puts the bytes of media into the prompt where the target takes it in no other way. Without a gate nothing is fetched,
/// and the target's dialect says what it makes of the address.
pub(super) async fn gather(
    gateway: &Gateway,
    inbound: &Inbound,
    target: &Target,
    traits: &Traits,
    prompt: &mut Prompt,
) -> Result<()> {
    let gate = gateway.state.config.media.as_ref().filter(|_| !inbound.fetched.is_closed());
    let Some(gate) = gate else { return Ok(()) };
    let wanted = wanted(target, traits, prompt)?;
    if wanted.is_empty() {
        return Ok(());
    }
    let fetcher = Fetcher {
        upstream: &*gateway.ports.media,
        clock: &*gateway.ports.clock,
        gate,
        in_flight: &gateway.state.media_in_flight,
        fetched: &inbound.fetched,
    };
    let missing = wanted.iter().filter(|(url, _)| inbound.fetched.get(url).is_none());
    let coming: Vec<_> = missing.map(|(url, place)| fetch(&fetcher, url, *place)).collect();
    let coming = stream::iter(coming).buffered(MEDIA_AT_ONCE_MAX);
    Box::pin(coming.try_collect::<Vec<()>>()).await?;
    fill(inbound, target, traits, prompt)
}

async fn fetch(fetcher: &Fetcher<'_>, url: &str, place: usize) -> Result<()> {
    fetcher.fetch(url).await.map_err(|error| at(place, error))
}

/// The addresses to fetch, each with the first turn that names it.
fn wanted(
    target: &Target,
    traits: &Traits,
    prompt: &mut Prompt,
) -> Result<BTreeMap<String, usize>> {
    let mut wanted = BTreeMap::new();
    each(target, traits, prompt, &mut |place, _, url| {
        wanted.entry(url).or_insert(place);
        if wanted.len() > MEDIA_URLS_MAX {
            let message = format!("A request may hold the URLs of {MEDIA_URLS_MAX} media.");
            return Err(at(place, Error::bad_request(message).coded("media_unavailable")));
        }
        Ok(())
    })?;
    Ok(wanted)
}

/// Puts bytes in the place of addresses. What is not what it was said to be is as good as not there.
fn fill(inbound: &Inbound, target: &Target, traits: &Traits, prompt: &mut Prompt) -> Result<()> {
    // One URL may stand in a thousand places.
    let mut placed = 0;
    each(target, traits, prompt, &mut |place, media, url| {
        let bytes = inbound.fetched.get(&url).unwrap_or_default();
        placed += bytes.len();
        if placed > MEDIA_BYTES_MAX {
            return Err(at(place, refused("the request's media is too large")));
        }
        let mime = mime_of(media.kind, &bytes);
        let mime = mime.ok_or_else(|| at(place, refused("it begins like nothing of its kind")))?;
        media.source =
            Source::Data { mime: mime.to_owned(), base64: BASE64_STANDARD.encode(&bytes) };
        Ok(())
    })
}

/// Calls `act` for each medium whose bytes the target needs, with its turn and its address.
fn each(
    target: &Target,
    traits: &Traits,
    prompt: &mut Prompt,
    act: &mut dyn FnMut(usize, &mut Media, String) -> Result<()>,
) -> Result<()> {
    let dialect = target.provider.dialect;
    for (place, turn) in prompt.turns.iter_mut().enumerate() {
        if turn.role != Role::User {
            continue;
        }
        for media in turn.parts.iter_mut().flat_map(media_of) {
            let url = dialect.url_to_fetch(media, traits).map(str::to_owned);
            if let Some(url) = url {
                act(place, media, url)?;
            }
        }
    }
    Ok(())
}

/// The media of a part: itself, or what a tool gave.
fn media_of(part: &mut Part) -> Vec<&mut Media> {
    match part {
        Part::Media(media) => vec![media],
        Part::Outcome(outcome) => outcome.parts.iter_mut().flat_map(media_of).collect(),
        Part::Text { .. }
        | Part::Refusal(_)
        | Part::Thought(_)
        | Part::Call(_)
        | Part::Opaque { .. } => Vec::new(),
    }
}

/// Names the turn at fault, in words too: not every dialect's errors have a field for it.
fn at(place: usize, mut error: Error) -> Error {
    let place = format!("messages[{place}]");
    error.message = format!("{place}: {}", error.message).into();
    error.at(&place)
}
