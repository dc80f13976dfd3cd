//! What was answered, and what was asked? A client's own stored responses.

use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{limit, query, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    http::{Body, json},
    router::Visit,
    turns::{self, Turn},
};

#[derive(Serialize)]
struct Deleted<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

#[derive(Serialize)]
struct Items<'a> {
    object: &'static str,
    data: Vec<&'a RawValue>,
    has_more: bool,
}

/// The response as it was given.
pub(crate) async fn get(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let turn = find(gateway, &visit.client, &visit.param).await?;
    Ok(json(StatusCode::OK, turn.response.get().to_owned()))
}

/// Forgets a response.
pub(crate) async fn delete(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let id = visit.param.as_str();
    if !turns::forget(gateway, &visit.client, id).await? {
        return Err(missing(id));
    }
    write(StatusCode::OK, &Deleted { id, object: "response", deleted: true })
}

/// The items of the request that was answered; newest first unless `order=asc`, as the API has it.
pub(crate) async fn input_items(gateway: &Gateway, visit: Visit) -> Result<Response<Body>> {
    let turn = find(gateway, &visit.client, &visit.param).await?;
    let uri = visit.request.uri();
    let wanted = limit(uri)? as usize;
    let mut data: Vec<&RawValue> = turn.input.iter().map(|item| &**item).collect();
    if query(uri, "order") != Some("asc") {
        data.reverse();
    }
    let has_more = data.len() > wanted;
    data.truncate(wanted);
    write(StatusCode::OK, &Items { object: "list", data, has_more })
}

async fn find(gateway: &Gateway, client: &str, id: &str) -> Result<Turn> {
    turns::load(gateway, client, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("Response with id '{id}' not found."))
}
