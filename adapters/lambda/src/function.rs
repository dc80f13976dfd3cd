//! What does an event ask for? A function URL's request goes to the gateway, a schedule is upkeep, and nothing else is
//! understood.

use std::{net::IpAddr, sync::Arc};

use http::{Request, Response, StatusCode, Uri};
use lambda_http::{RequestExt, request::RequestContext};
use lambda_runtime::Error;
use serde::Deserialize;
use tidegate_core::{
    Body, Gateway,
    http::empty,
    ports::{Background, Call},
};

use crate::after::AfterResponse;

/// Answers one event. An error makes the platform answer 502, or try a schedule again.
pub async fn answer(
    gateway: Gateway,
    after: AfterResponse,
    event: Request<lambda_http::Body>,
) -> Result<Response<Body>, Error> {
    match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            let peer = context.http.source_ip.as_deref().and_then(|address| address.parse().ok());
            Ok(gateway.handle(request(event), call(after, peer)).await)
        }
        Some(_) | None => upkeep(&gateway, event.body()).await,
    }
}

/// The platform says who called; what the client sent as `x-forwarded-for` does not come into it. Whether the client
/// has left is not told.
fn call(after: AfterResponse, peer: Option<IpAddr>) -> Call {
    let background: Arc<dyn Background> = Arc::new(after);
    Call { background, gone: Box::pin(std::future::pending()), peer }
}

fn request(event: Request<lambda_http::Body>) -> Request<Body> {
    let (mut parts, body) = event.into_parts();
    // The event names scheme and host; the gateway's routes are paths, as on a connection of its own.
    if let Some(path) = parts.uri.path_and_query() {
        parts.uri = Uri::from(path.clone());
    }
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Request::from_parts(parts, body)
}

#[derive(Deserialize)]
struct Scheduled<'event> {
    source: &'event str,
}

async fn upkeep(gateway: &Gateway, event: &[u8]) -> Result<Response<Body>, Error> {
    let source = serde_json::from_slice::<Scheduled<'_>>(event).map_or("", |event| event.source);
    if !matches!(source, "aws.events" | "aws.scheduler") {
        return Err("neither a function URL's request nor a schedule's event".into());
    }
    gateway.maintain().await.inspect_err(|error| tracing::error!(%error, "upkeep failed"))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_path_query_and_bytes() {
        let event = Request::builder()
            .method("POST")
            .uri("https://host/v1/models/a%2Fb?limit=1")
            .header("x-tag", "1");
        let made = request(event.body(lambda_http::Body::Binary(vec![0, 255])).unwrap());
        assert_eq!(made.uri(), "/v1/models/a%2Fb?limit=1");
        assert_eq!(made.headers()["x-tag"], "1");
        assert_eq!(http_body::Body::size_hint(made.body()).exact(), Some(2));
    }
}
