//! Who watches requests as they end? Whoever may read the log, over a WebSocket that a page of this host has opened.

use http::{HeaderMap, Method, Request, header};

use super::Answer;
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    live::Watch,
    people::origin,
    router::{Caller, Visit},
};

/// Turns the connection into a socket.
pub(crate) fn get(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Visit { caller, request, call, .. } = visit;
        let mut session = None;
        if matches!(&caller, Caller::Actor(actor) if actor.user.is_some()) {
            origin::check_socket(request.headers(), request.uri())?;
            let found = gateway.session(request.headers(), call.transport).await?;
            session = Some(found.ok_or_else(ended)?.0);
        }
        check(&request)?;
        gateway.ports.feed.open(request, Watch::new(gateway, session)).await
    })
}

/// Since the route was passed.
fn ended() -> Error {
    Error::new(Kind::Unauthorized, "Sign in first.").coded("signed_out")
}

/// What RFC 6455 has a client say.
fn check(request: &Request<Body>) -> Result<()> {
    let headers = request.headers();
    let begins = *request.method() == Method::GET
        && says(headers, &header::UPGRADE, "websocket")
        && says(headers, &header::SEC_WEBSOCKET_VERSION, "13");
    if begins {
        return Ok(());
    }
    let message = "This is a WebSocket: ask with `Upgrade: websocket`, in version 13.";
    Err(Error::bad_request(message).coded("websocket"))
}

fn says(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
}
