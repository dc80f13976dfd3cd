//! What does a request that refers to an earlier response really ask? Everything said since the first turn.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};

use super::shelf::{Keep, Turn, load};
use crate::{
    dialect::{Edit, Object, apply},
    error::{Error, Result},
    gateway::Gateway,
    ids,
    limits::{BODY_BYTES_MAX, TURNS_MAX},
};

/// A request that stands on its own.
pub(crate) struct Recalled {
    /// The body, with everything that was said before.
    pub(crate) body: Bytes,
    /// The response it refers to.
    pub(crate) parent: Option<String>,
    /// What to keep once the answer is there; `None` when the client does not want it kept.
    pub(crate) keep: Option<Keep>,
}

/// Puts what was said before into a request, and notes what is to be kept of it.
pub(crate) async fn recall(gateway: &Gateway, client: &str, body: Bytes) -> Result<Recalled> {
    let object = Object::read(&body)?;
    if object.typed("background")?.unwrap_or(false) {
        let message = "`background` is not served here: send the request without it.";
        return Err(Error::bad_request(message).at("background").coded("unsupported_parameter"));
    }
    let (own, referred) = dereferenced(gateway, client, items(&object)?).await?;
    let parent: Option<String> = object.typed("previous_response_id")?;
    let kept = object.typed("store")?.unwrap_or(true);
    if parent.is_none() && !referred {
        let keep = kept.then(|| Keep { client: client.to_owned(), parent: None, input: own });
        return Ok(Recalled { body, parent, keep });
    }
    let mut said = match &parent {
        Some(last) => before(gateway, client, last).await?,
        None => Vec::new(),
    };
    said.extend(own.iter().cloned());
    let body = with_input(&body, &object, &said)?;
    let (client, input) = (client.to_owned(), own);
    let keep = kept.then(|| Keep { client, parent: parent.clone(), input });
    Ok(Recalled { body, parent, keep })
}

/// The request with other items, and without the response that it referred to.
fn with_input(body: &Bytes, object: &Object<'_>, said: &[Box<RawValue>]) -> Result<Bytes> {
    let input = serde_json::to_string(said).map_err(Error::internal)?;
    let mut edits: Vec<_> =
        object.spans("input").map(|at| Edit { at, with: input.clone() }).collect();
    if edits.is_empty() {
        let end = object.end();
        edits.push(Edit { at: end..end, with: format!(",\"input\":{input}") });
    }
    let spans = object.spans("previous_response_id");
    edits.extend(spans.map(|at| Edit { at, with: "null".to_owned() }));
    edits.sort_by_key(|edit| edit.at.start);
    let whole = apply(body, &edits);
    if whole.len() > BODY_BYTES_MAX {
        let message = "The conversation so far is too long to be sent again.";
        return Err(Error::bad_request(message).at("previous_response_id"));
    }
    Ok(whole)
}

/// The items with those that they only name in their place, and whether there were any. An item that was made here
/// bears the id of its response; what else it may name is the provider's to find.
async fn dereferenced(
    gateway: &Gateway,
    client: &str,
    mut items: Vec<Box<RawValue>>,
) -> Result<(Vec<Box<RawValue>>, bool)> {
    let mut turns: HashMap<String, Option<Turn>> = HashMap::new();
    let mut referred = false;
    for item in &mut items {
        let Some(id) = reference(item) else { continue };
        let Some(response) = response_of(&id) else { continue };
        if !turns.contains_key(&response) {
            if turns.len() >= TURNS_MAX {
                break;
            }
            turns.insert(response.clone(), load(gateway, client, &response).await?);
        }
        let Some(Some(turn)) = turns.get(&response) else { continue };
        if let Some(found) = output(turn)?.into_iter().find(|found| names(found, &id)) {
            *item = found.to_owned();
            referred = true;
        }
    }
    Ok((items, referred))
}

fn reference(item: &RawValue) -> Option<String> {
    let object = Object::read(item.get().as_bytes()).ok()?;
    let kind: Option<String> = object.typed("type").ok()?;
    let id: Option<String> = object.typed("id").ok()?;
    // The kind may be left out where nothing but an id is given.
    let bare = kind.is_none() && object.present("role").is_none();
    id.filter(|_| bare || kind.is_some_and(|kind| kind == "item_reference"))
}

/// The response whose part has this id: see [`Stamp::part_id`](crate::dialect::Stamp::part_id).
fn response_of(item: &str) -> Option<String> {
    let (_, own) = item.rsplit_once('_')?;
    let id = own.get(..own.len().checked_sub(2)?)?;
    ids::time(id).map(|_| format!("resp_{id}"))
}

fn names(item: &RawValue, id: &str) -> bool {
    let object = Object::read(item.get().as_bytes());
    object.is_ok_and(|object| {
        object.typed::<String>("id").is_ok_and(|own| own.as_deref() == Some(id))
    })
}

fn output(turn: &Turn) -> Result<Vec<&RawValue>> {
    let response = Object::read(turn.response.get().as_bytes())?;
    Ok(response.typed("output")?.unwrap_or_default())
}

/// Everything that was said up to and with a response, oldest first.
async fn before(gateway: &Gateway, client: &str, last: &str) -> Result<Vec<Box<RawValue>>> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut next = Some(last.to_owned());
    while let Some(id) = next {
        if turns.len() >= TURNS_MAX {
            let message = format!("A conversation here has at most {TURNS_MAX} turns.");
            return Err(Error::bad_request(message).at("previous_response_id"));
        }
        let turn = load(gateway, client, &id).await?.ok_or_else(|| missing(&id))?;
        let parent = turn.parent.clone();
        turns.push(turn);
        next = parent;
    }
    let mut said = Vec::new();
    for turn in turns.into_iter().rev() {
        said.extend(turn.input);
        let response = Object::read(turn.response.get().as_bytes())?;
        let output: Vec<&RawValue> = response.typed("output")?.unwrap_or_default();
        said.extend(output.into_iter().filter(|item| returns(item)).map(ToOwned::to_owned));
    }
    Ok(said)
}

/// Reasoning without its state means nothing to anybody, and its provider refuses it.
fn returns(item: &RawValue) -> bool {
    let Ok(object) = Object::read(item.get().as_bytes()) else { return false };
    let kind: Option<String> = object.typed("type").ok().flatten();
    kind.is_none_or(|kind| kind != "reasoning") || object.present("encrypted_content").is_some()
}

/// The input as items: a text is a message of the user.
fn items(object: &Object<'_>) -> Result<Vec<Box<RawValue>>> {
    let Some(input) = object.present("input") else { return Ok(Vec::new()) };
    if input.get().starts_with('"') {
        let text = input.get();
        let item = format!("{{\"type\":\"message\",\"role\":\"user\",\"content\":{text}}}");
        return RawValue::from_string(item).map(|item| vec![item]).map_err(Error::internal);
    }
    let items: Vec<&RawValue> = object.typed("input")?.unwrap_or_default();
    items.into_iter().map(|item| to_raw_value(item).map_err(Error::internal)).collect()
}

fn missing(id: &str) -> Error {
    let message = format!("Previous response with id '{id}' not found.");
    let error = Error::bad_request(message).at("previous_response_id");
    error.coded("previous_response_not_found")
}
