//! How do those who watch learn what an isolate has settled? Through the one object that holds their sockets.

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, StatusCode};
use tidegate_core::{
    Body, Error, Result,
    error::Kind,
    live::{Line, Unwatched, Watch},
    ports::Feed,
};
use worker::{Env, Method, ObjectNamespace, RequestInit, Stub, send::SendFuture};

use crate::{message, watchers::NOTE};

/// The Worker's feed. Where no object is bound nobody can watch.
pub(crate) struct Live(Option<ObjectNamespace>);

impl Live {
    /// What `wrangler.toml` binds as `LIVE`.
    pub(crate) fn of(env: &Env) -> Self {
        Self(env.durable_object("LIVE").ok())
    }
}

#[async_trait]
impl Feed for Live {
    fn watched(&self) -> bool {
        self.0.is_some()
    }

    async fn tell(&self, line: Line) {
        let Some(objects) = &self.0 else { return };
        if let Err(error) = SendFuture::new(told(objects, &line)).await {
            tracing::warn!(%error, "those who watch were not told of a request");
        }
    }

    async fn open(&self, request: Request<Body>, watch: Watch) -> Result<Response<Body>> {
        match &self.0 {
            Some(objects) => SendFuture::new(opened(objects, &request, &watch)).await,
            None => Unwatched.open(request, watch).await,
        }
    }
}

/// There is one for all isolates, near whoever watched first.
fn object(objects: &ObjectNamespace) -> worker::Result<Stub> {
    objects.id_from_name("live")?.get_stub()
}

async fn told(objects: &ObjectNamespace, line: &Line) -> worker::Result<()> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(line.text().into()));
    let request = worker::Request::new_with_init("https://live/", &init)?;
    object(objects)?.fetch_with_request(request).await.map(drop)
}

/// The object's half of a socket becomes the client's.
async fn opened(
    objects: &ObjectNamespace,
    request: &Request<Body>,
    watch: &Watch,
) -> Result<Response<Body>> {
    let mut headers = request.headers().clone();
    let note = HeaderValue::from_str(&watch.note()).map_err(Error::internal)?;
    headers.clear();
    headers.insert(http::header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(NOTE, note);
    let mut init = RequestInit::new();
    init.with_headers(message::headers(&headers).map_err(Error::internal)?);
    let asked = worker::Request::new_with_init("https://live/", &init).map_err(Error::internal)?;
    let answer =
        object(objects).map_err(silent)?.fetch_with_request(asked).await.map_err(silent)?;
    let Some(socket) = answer.websocket() else {
        let message = "Too many are watching; ask `/api/records` meanwhile.";
        return Err(Error::new(Kind::Overloaded, message).retry_after("30"));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.extensions_mut().insert(socket);
    Ok(response)
}

fn silent(cause: worker::Error) -> Error {
    Error::new(Kind::Unavailable, "Nobody can watch just now.").because(cause)
}
