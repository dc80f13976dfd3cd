//! How do the pieces sit round Lambda's runtime? Nagle off, then the answer, then the drain, then the next event.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use lambda_runtime::{Error, layers::TracingLayer, spawn_graceful_shutdown_handler};
use tidegate_core::{Body, limits::FAREWELL_WAIT};
use tower::{service_fn, util::MapRequestLayer};

use crate::{after::AfterResponse, drain::DrainLayer, nodelay::ApiSockets};

/// Answers events with `handler` until the platform ends the process, draining `after` behind each answer and once more
/// at the end.
pub async fn run<H, F>(after: AfterResponse, handler: H) -> Result<(), Error>
where
    H: FnMut(Request<lambda_http::Body>) -> F + Send + 'static,
    F: Future<Output = Result<Response<Body>, Error>> + Send + 'static,
{
    let rest = after.clone();
    // Registers an extension without events: only then does the platform send SIGTERM before it kills.
    spawn_graceful_shutdown_handler(move || async move {
        rest.drain(FAREWELL_WAIT).await;
    })
    .await;
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    let sockets = Arc::new(Mutex::new(ApiSockets::of(&api)));
    lambda_http::streaming_runtime(service_fn(handler))
        .layer(TracingLayer::new())
        .layer(DrainLayer::new(after))
        .layer(MapRequestLayer::new(move |invocation| {
            if let Some(sockets) = &mut *sockets.lock().unwrap_or_else(PoisonError::into_inner) {
                sockets.set_nodelay();
            }
            invocation
        }))
        .run()
        .await
}
