//! Where would a request go, and what would it cost? Nobody is asked for an answer.

use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answer, inbound, write};
use crate::{
    error::Error,
    gateway::Gateway,
    http::Body,
    relay::explain::{Asked, explain},
    router::{self, Visit},
};

/// A request that is not made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// The path it would be sent to.
    #[serde(default = "chat")]
    path: String,
    /// Its body, in the dialect of that path.
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    request: Box<RawValue>,
    /// The public id of the client that would send it; without one, somebody without limits.
    client: Option<String>,
    /// What models that rate requests are taken to say.
    #[cfg_attr(test, schemars(range(min = 1, max = 100)))]
    rating: Option<u32>,
}

fn chat() -> String {
    "/v1/chat/completions".to_owned()
}

/// Explains a request.
pub(crate) fn create(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let background = visit.call.background.clone();
        let Wanted { path, request, client, rating } = inbound::body(visit.request).await?;
        if rating.is_some_and(|rating| !(1..=100).contains(&rating)) {
            return Err(Error::bad_request("A rating goes from 1 to 100.").at("rating"));
        }
        let uri: Uri = path.parse().map_err(|_| nowhere())?;
        let (endpoint, param, pinned) = router::endpoint(uri.path()).ok_or_else(nowhere)?;
        let client = match client {
            Some(id) => Some(gateway.client(&id).await?.ok_or_else(|| unknown(&id))?),
            None => None,
        };
        let headers = HeaderMap::new();
        let body = Body::from(String::from(Box::<str>::from(request)));
        let (headers, uri, param) = (&headers, &uri, param.as_str());
        let asked = Asked { endpoint, headers, uri, param, pinned, body, client, rating };
        write(StatusCode::OK, &explain(gateway, asked, &*background).await?)
    })
}

fn nowhere() -> Error {
    Error::bad_request("No request for a model goes to this path.").at("path")
}

fn unknown(id: &str) -> Error {
    Error::bad_request(format!("There is no client `{id}`.")).at("client")
}
