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
    ports::{Background, Call, Transport},
};
use tidegate_native::dashboard;

use crate::after::AfterResponse;

/// Answers one event. An error makes the platform answer 502, or try a schedule again.
pub async fn answer(
    gateway: Gateway,
    after: AfterResponse,
    event: Request<lambda_http::Body>,
) -> Result<Response<Body>, Error> {
    match Wish::of(event)? {
        Wish::Answer(request, peer) => {
            if let Some(page) = dashboard(&request) {
                return Ok(page);
            }
            // No timer runs here, and not every deployment has a schedule.
            gateway.refresh_prices_beside(&after);
            Ok(gateway.handle(*request, call(after, peer)).await)
        }
        Wish::Upkeep => {
            gateway.probe().await;
            gateway
                .maintain()
                .await
                .inspect_err(|error| tracing::error!(%error, "upkeep failed"))?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
    }
}

/// What an event asks for.
enum Wish {
    Answer(Box<Request<Body>>, Option<IpAddr>),
    Upkeep,
}

impl Wish {
    fn of(event: Request<lambda_http::Body>) -> Result<Self, Error> {
        if let Some(RequestContext::ApiGatewayV2(context)) = event.request_context_ref() {
            let peer = context.http.source_ip.as_deref().and_then(|address| address.parse().ok());
            return Ok(Self::Answer(Box::new(request(event)), peer));
        }
        match serde_json::from_slice(event.body()) {
            Ok(Scheduled { source: "aws.events" | "aws.scheduler" }) => Ok(Self::Upkeep),
            Ok(_) | Err(_) => Err("neither a function URL's request nor a schedule's event".into()),
        }
    }
}

/// The part of a schedule's event that tells it from others.
#[derive(Deserialize)]
struct Scheduled<'event> {
    source: &'event str,
}

/// The platform says who called; what the client sent as `x-forwarded-for` does not come into it. Whether the client
/// has left is not told.
fn call(after: AfterResponse, peer: Option<IpAddr>) -> Call {
    let background: Arc<dyn Background> = Arc::new(after);
    let transport = Transport::Https;
    Call { background, gone: Box::pin(std::future::pending()), peer, transport }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_schedule_is_upkeep() {
        let check = |event: &str, expected: bool| {
            let event = Request::new(lambda_http::Body::from(event));
            assert_eq!(matches!(Wish::of(event), Ok(Wish::Upkeep)), expected);
        };
        check(r#"{"version":"0","source":"aws.events","detail-type":"Scheduled Event"}"#, true);
        check(r#"{"source":"aws.scheduler","detail":"{}"}"#, true);
        check(r#"{"source":"aws.s3"}"#, false);
        check(r#"{"Records":[]}"#, false);
        check("", false);
    }

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
