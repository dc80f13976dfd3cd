//! What can be asked of `/api`, for programs? The description is made of the routes and the types, by the tests of `describe`.

use http::StatusCode;

use super::Answer;
use crate::{gateway::Gateway, http::json, router::Visit};

#[cfg(test)]
mod describe;

/// Written by `UPDATE=1 cargo test -p tidegate-core openapi`.
const DESCRIPTION: &str = include_str!("../../data/openapi.json");

/// The `OpenAPI` document.
pub(crate) fn get(_: &Gateway, _: Visit) -> Answer<'_> {
    Box::pin(async { Ok(json(StatusCode::OK, DESCRIPTION)) })
}
