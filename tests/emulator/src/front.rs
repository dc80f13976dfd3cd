//! What does a client of the function URL see? `RESPONSE_STREAM`: the answer goes out as it comes.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

use crate::{
    connection::Client,
    emulator::Environment,
    event::event,
    limits::{EVENT_BYTES_MAX, REFUSED_BYTES_MAX},
    prelude::Prelude,
    sandbox::Answer,
    timeline::{Timeline, What},
};

/// The platform frames the body itself.
const FRAMING: [HeaderName; 3] =
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];

pub(crate) fn routes(environment: Arc<Environment>) -> Router {
    Router::new().fallback(answer).with_state(environment)
}

async fn answer(
    State(environment): State<Arc<Environment>>,
    ConnectInfo(client): ConnectInfo<Client>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let id = environment.next_id();
    // The bound holds for the whole event, and base64 makes a body a third longer.
    let event = event(&id, &parts, &body, client.address.ip());
    if event.len() > EVENT_BYTES_MAX {
        return too_large();
    }
    match environment.invoke(id.clone(), event).await {
        Answer::Head(prelude, waiting) => {
            let timeline = environment.timeline.clone();
            let body = Pieces { waiting, client, timeline, id, stage: Stage::Unsent };
            respond(prelude, body).unwrap_or_else(bad_gateway)
        }
        Answer::Failed | Answer::Untouched(_) => bad_gateway(),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Response> {
    let mut all = Vec::new();
    let mut seen = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return Err(StatusCode::BAD_REQUEST.into_response()) };
        seen += piece.len();
        if seen > REFUSED_BYTES_MAX {
            break;
        }
        if seen <= EVENT_BYTES_MAX {
            all.extend_from_slice(&piece);
        }
    }
    if seen > EVENT_BYTES_MAX { Err(too_large()) } else { Ok(all) }
}

fn respond(prelude: Prelude, body: Pieces) -> Option<Response> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(prelude.status).ok()?;
    let headers = response.headers_mut();
    headers.insert("x-amzn-requestid", HeaderValue::from_str(&body.id).ok()?);
    for (name, value) in prelude.headers {
        let name = HeaderName::try_from(name).ok()?;
        if !FRAMING.contains(&name) {
            headers.append(name, HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in prelude.cookies {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    *response.body_mut() = Body::from_stream(body);
    Some(response)
}

fn bad_gateway() -> Response {
    (StatusCode::BAD_GATEWAY, "Internal Server Error").into_response()
}

fn too_large() -> Response {
    let message = r#"{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#;
    (StatusCode::PAYLOAD_TOO_LARGE, [(header::CONTENT_TYPE, "application/json")], message)
        .into_response()
}

/// The answer's body on its way to the client; marks how far it got.
struct Pieces {
    waiting: mpsc::Receiver<Result<Bytes, io::Error>>,
    client: Client,
    timeline: Timeline,
    id: String,
    stage: Stage,
}

enum Stage {
    Unsent,
    Sending,
    Done,
}

impl Stream for Pieces {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.waiting.poll_recv(context));
        let id = self.id.clone();
        match (&piece, &self.stage) {
            (Some(Ok(_)), Stage::Unsent) => {
                self.stage = Stage::Sending;
                self.client.mark_when_written(What::FirstByteOut { id });
            }
            (Some(Ok(_)), Stage::Sending | Stage::Done) => {}
            (Some(Err(_)), _) => self.stage = Stage::Done,
            (None, _) => {
                self.stage = Stage::Done;
                self.client.mark_when_written(What::LastByteOut { id });
            }
        }
        Poll::Ready(piece)
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Done) {
            self.timeline.mark(What::ClientGone { id: self.id.clone() });
        }
    }
}
