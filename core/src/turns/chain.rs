//! What does a request that refers to an earlier response really ask? Everything said since the first turn.

use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};

use super::shelf::{Keep, Turn, load};
use crate::{
    dialect::{Edit, Object, apply},
    error::{Error, Result},
    gateway::Gateway,
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
    let own = items(&object)?;
    let parent: Option<String> = object.typed("previous_response_id")?;
    let kept = object.typed("store")?.unwrap_or(true);
    let Some(last) = &parent else {
        let keep = kept.then(|| Keep { client: client.to_owned(), parent: None, input: own });
        return Ok(Recalled { body, parent, keep });
    };
    let mut said = before(gateway, client, last).await?;
    said.extend(own.iter().cloned());
    let input = serde_json::to_string(&said).map_err(Error::internal)?;
    let mut edits: Vec<_> =
        object.spans("input").map(|at| Edit { at, with: input.clone() }).collect();
    if edits.is_empty() {
        let end = object.end();
        edits.push(Edit { at: end..end, with: format!(",\"input\":{input}") });
    }
    let spans = object.spans("previous_response_id");
    edits.extend(spans.map(|at| Edit { at, with: "null".to_owned() }));
    edits.sort_by_key(|edit| edit.at.start);
    let whole = apply(&body, &edits);
    if whole.len() > BODY_BYTES_MAX {
        let message = "The conversation so far is too long to be sent again.";
        return Err(Error::bad_request(message).at("previous_response_id"));
    }
    let (client, input) = (client.to_owned(), own);
    let keep = kept.then(|| Keep { client, parent: parent.clone(), input });
    Ok(Recalled { body: whole, parent, keep })
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
