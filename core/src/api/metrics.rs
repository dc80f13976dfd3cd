//! What does Prometheus read? The numbers of a process that lives on.

use std::sync::atomic::Ordering;

use http::{HeaderValue, Response, header};

use super::Answer;
use crate::{error::Error, gateway::Gateway, http::Body, metrics::Now, router::Visit};

/// The numbers as text. Where processes come and go by the request, their numbers would mean nothing.
pub(crate) fn get(gateway: &Gateway, _: Visit) -> Answer<'_> {
    Box::pin(async move {
        let state = &gateway.state;
        if state.machine().is_none() {
            let message = "Metrics are a server's; this platform has /api/stats and /api/health.";
            return Err(Error::not_found(message));
        }
        let now = Now {
            at_ms: gateway.ports.clock.now(),
            in_flight: state.in_flight.load(Ordering::Relaxed),
            backlog: gateway.ports.journal.backlog(),
        };
        let mut response = Response::new(Body::from(state.metrics.text(&now)));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    })
}
