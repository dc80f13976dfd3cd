//! What was answered, and what was asked? A client's own stored responses.

use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{limit, query, write};
use crate::{
    dialect::Object,
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, json},
    router::Visit,
    turns::{self, Turn},
};

#[derive(Serialize)]
struct Removed<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

#[derive(Serialize)]
struct Items {
    object: &'static str,
    data: Vec<Box<RawValue>>,
    has_more: bool,
}

/// The response as it was given.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let turn = find(gateway, visit.caller.client(), &visit.param).await?;
    Ok(json(StatusCode::OK, turn.response.get().to_owned()))
}

/// Forgets a response.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = visit.param.as_str();
    if !turns::forget(gateway, visit.caller.client(), id).await? {
        return Err(missing(id));
    }
    write(StatusCode::OK, &Removed { id, object: "response", deleted: true })
}

/// The items of the request that was answered; newest first unless `order=asc`, as the API has it.
pub(crate) async fn input_items(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let turn = find(gateway, visit.caller.client(), &visit.param).await?;
    let uri = visit.request.uri();
    let wanted = limit(uri)? as usize;
    let listed = turn.input.iter().enumerate().map(|(at, item)| listed(&visit.param, at, item));
    let mut data = listed.collect::<Result<Vec<_>>>()?;
    if query(uri, "order") != Some("asc") {
        data.reverse();
    }
    let has_more = data.len() > wanted;
    data.truncate(wanted);
    write(StatusCode::OK, &Items { object: "list", data, has_more })
}

/// A message that a client wrote in short, as the API lists it. Any other item is listed as it came.
fn listed(response: &str, at: usize, item: &RawValue) -> Result<Box<RawValue>> {
    #[derive(Serialize)]
    struct Message<'a> {
        id: String,
        #[serde(rename = "type")]
        kind: &'static str,
        status: &'static str,
        role: &'a str,
        content: [Text<'a>; 1],
    }
    #[derive(Serialize)]
    struct Text<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        text: &'a str,
    }
    let object = Object::read(item.get().as_bytes())?;
    let role: String = object.typed("role")?.unwrap_or_default();
    let Ok(Some(text)) = object.typed::<String>("content") else { return Ok(item.to_owned()) };
    let kind = if role == "assistant" { "output_text" } else { "input_text" };
    let content = [Text { kind, text: &text }];
    let id = format!("msg_{}_{at:02}", response.trim_start_matches("resp_"));
    let message = Message { id, kind: "message", status: "completed", role: &role, content };
    to_raw_value(&message).map_err(Error::internal)
}

async fn find(gateway: &Gateway, client: &str, id: &str) -> Result<Turn> {
    turns::load(gateway, client, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("Response with id '{id}' not found."))
}
