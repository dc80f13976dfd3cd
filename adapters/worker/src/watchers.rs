//! Who watches, over all isolates? One Durable Object holds their sockets and sleeps while there is nothing to tell.

#![expect(missing_docs, reason = "the macro makes what JavaScript calls")]

use std::cell::RefCell;

use tidegate_core::{
    limits::{LIVE_EVERY, LIVE_SOCKETS_MAX},
    live::{Batch, Line, Watch},
};
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, durable_object,
};

use crate::{Edge, events, platform::Timer};

/// Who opens a socket, in the Worker's own words. Nobody else can ask the object.
pub(crate) const NOTE: &str = "tidegate-watch";

/// What a socket is closed with when its session has ended.
const POLICY: u16 = 1008;

/// The object of all who watch. What it holds beside its sockets it may lose: they survive its sleep.
#[durable_object(websocket)]
pub struct Watchers {
    state: State,
    env: Env,
    batch: RefCell<Batch>,
}

impl DurableObject for Watchers {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, batch: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if request.method() == Method::Post {
            self.gather(request.text().await?).await?;
            return Response::empty();
        }
        self.accept(&request)
    }

    async fn websocket_message(&self, _: WebSocket, _: WebSocketIncomingMessage) -> Result<()> {
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, _: usize, _: String, _: bool) -> Result<()> {
        socket.close(None, None::<&str>)
    }

    async fn websocket_error(&self, _: WebSocket, _: Error) -> Result<()> {
        Ok(())
    }
}

impl Watchers {
    fn accept(&self, request: &Request) -> Result<Response> {
        if self.state.get_websockets().len() >= LIVE_SOCKETS_MAX {
            return Response::error("too many", 503);
        }
        let note = request.headers().get(NOTE)?.unwrap_or_default();
        let pair = WebSocketPair::new()?;
        self.state.accept_web_socket(&pair.server);
        pair.server.serialize_attachment(note)?;
        Response::from_websocket(pair.client)
    }

    /// Whoever brings the first line of a batch waits for the others and tells all of them.
    async fn gather(&self, text: String) -> Result<()> {
        let Some(line) = Line::read(text) else { return Ok(()) };
        if self.state.get_websockets().is_empty() {
            return Ok(());
        }
        let first = {
            let mut batch = self.batch.borrow_mut();
            let first = batch.is_empty();
            batch.push(line);
            first
        };
        if first {
            Timer::start(LIVE_EVERY).wait().await;
            let batch = self.batch.take();
            self.tell(&batch).await?;
        }
        Ok(())
    }

    /// Nothing is told to anybody before it is known that they may still hear it.
    async fn tell(&self, batch: &Batch) -> Result<()> {
        let message = batch.message().map_err(|error| Error::RustError(error.to_string()))?;
        // A mistake in the configuration was logged when it was found.
        let Ok(gateway) = events::gateway(&self.env, Edge::none()) else { return Ok(()) };
        for socket in self.state.get_websockets() {
            let note: Option<String> = socket.deserialize_attachment()?;
            let watch = note.and_then(|note| Watch::noted(&gateway, &note));
            let told = match watch {
                Some(watch) if watch.goes_on().await => socket.send_with_str(&message),
                Some(_) | None => socket.close(Some(POLICY), None::<&str>),
            };
            if let Err(error) = told {
                tracing::debug!(%error, "a socket is gone");
            }
        }
        Ok(())
    }
}
