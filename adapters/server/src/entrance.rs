//! How does a request of the server become a call of the gateway?

use std::{future::pending, sync::Arc};

use axum::{Router, extract::State};
use http::{Request, Response};
use tidegate_core::{Body, Gateway, ports::Call};
use tidegate_native::{Tracker, dashboard};

use crate::{exchange::Peer, hops::Client};

struct Entrance {
    gateway: Gateway,
    background: Arc<Tracker>,
}

/// Everything but the pages of the dashboard goes to the gateway, which has the routes.
pub(crate) fn router(gateway: Gateway, background: Arc<Tracker>) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(Entrance { gateway, background }))
}

async fn answer(
    State(entrance): State<Arc<Entrance>>,
    mut request: Request<Body>,
) -> Response<Body> {
    if let Some(page) = dashboard(&request) {
        return page;
    }
    let peer = request.extensions_mut().remove::<Peer>();
    let trusted = &entrance.gateway.state().config().people.trusted_proxies;
    let Client { address: peer, transport } = Client::of(peer, request.headers(), trusted);
    let background = Arc::clone(&entrance.background) as _;
    // A client that leaves makes hyper drop this future, so nobody needs to be told.
    let call = Call { background, gone: Box::pin(pending()), peer, transport };
    entrance.gateway.handle(request, call).await
}
