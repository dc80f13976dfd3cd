//! What does Prometheus read? The numbers of this process.

use std::sync::atomic::Ordering;

use http::{HeaderValue, Response, header};

use super::Answer;
use crate::{gateway::Gateway, http::Body, metrics::Now, router::Visit};

/// Where processes come and go by the request.
const SHORT_LIVED: &str =
    "# One short-lived process among others: /api/stats and /api/health have the sums of all.\n";

/// The numbers as text.
pub(crate) fn get(gateway: &Gateway, _: Visit) -> Answer<'_> {
    Box::pin(async move {
        let state = &gateway.state;
        let now = Now {
            at_ms: gateway.ports.clock.now(),
            in_flight: state.in_flight.load(Ordering::Relaxed),
            backlog: gateway.ports.journal.backlog(),
        };
        let note = if state.machine().is_some() { "" } else { SHORT_LIVED };
        let text = format!("{note}{}", state.metrics.text(&now));
        let mut response = Response::new(Body::from(text));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    })
}
