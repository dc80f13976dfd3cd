//! What may the function's process ask for? The Runtime API, and of the Extensions API what an internal extension
//! without events needs.

use std::{
    io,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderName, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::{
    limits::{ANSWER_BYTES_MAX, PIECES_WAITING_MAX},
    prelude::{PreludeReader, Progress},
    sandbox::{Answer, Sandbox},
    timeline::What,
};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:emulated";
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0";
const MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const EXTENSION_NAME: HeaderName = HeaderName::from_static("lambda-extension-name");
const EXTENSION_ID: HeaderName = HeaderName::from_static("lambda-extension-identifier");

type Shared = State<Arc<Sandbox>>;

pub(crate) fn routes(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(extension_next))
        .layer(DefaultBodyLimit::disable())
        .with_state(sandbox)
}

async fn next(State(sandbox): Shared) -> Response {
    let next = sandbox.next().await;
    let deadline = next.deadline.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", next.id.clone()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invocation-id", next.id),
        ("lambda-runtime-invoked-function-arn", ARN.to_owned()),
        ("lambda-runtime-trace-id", TRACE.to_owned()),
    ];
    (headers, next.event).into_response()
}

/// Takes a streamed answer and passes its pieces on as they come. The reply goes out after the last piece was taken,
/// whether or not the client is still there: Lambda does not tell the function that a client left.
async fn response(
    State(sandbox): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if headers.get(MODE).is_none_or(|mode| mode != "streaming") {
        return refused(StatusCode::BAD_REQUEST, "Emulator.StreamedAnswersOnly");
    }
    let Some(answer) = sandbox.claim(&id) else {
        return refused(StatusCode::BAD_REQUEST, "InvalidRequestID");
    };
    let end = pass_on(&sandbox, &id, body, answer).await;
    sandbox.timeline.mark(match end {
        Ok(bytes) => What::ResponseEnd { id, bytes },
        Err(Broken) => What::ResponseBroken { id },
    });
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

/// The answer did not arrive whole.
struct Broken;

async fn pass_on(
    sandbox: &Sandbox,
    id: &str,
    body: Body,
    answer: oneshot::Sender<Answer>,
) -> Result<usize, Broken> {
    let (pieces, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    let mut waiting = Some((answer, receiver));
    let mut head = PreludeReader::default();
    let mut body = body.into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        let Ok(piece) = piece else {
            let _ = pieces.send(Err(io::ErrorKind::ConnectionReset.into())).await;
            return Err(Broken);
        };
        let piece = if let Some((answer, receiver)) = waiting.take() {
            match head.push(&piece) {
                Progress::More => {
                    waiting = Some((answer, receiver));
                    continue;
                }
                Progress::Malformed => return Err(Broken),
                Progress::Done(prelude, rest) => {
                    let status = prelude.status;
                    sandbox.timeline.mark(What::ResponseHead { id: id.to_owned(), status });
                    let _ = answer.send(Answer::Head(prelude, receiver));
                    rest
                }
            }
        } else {
            piece
        };
        bytes += piece.len();
        if bytes > ANSWER_BYTES_MAX {
            let _ = pieces.send(Err(io::ErrorKind::FileTooLarge.into())).await;
            return Err(Broken);
        }
        if !piece.is_empty() {
            let _ = pieces.send(Ok(piece)).await;
        }
    }
    if waiting.is_some() { Err(Broken) } else { Ok(bytes) }
}

async fn error(State(sandbox): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    let Some(answer) = sandbox.claim(&id) else {
        return refused(StatusCode::BAD_REQUEST, "InvalidRequestID");
    };
    let error = String::from_utf8_lossy(&body).into_owned();
    sandbox.timeline.mark(What::FunctionError { id, error });
    let _ = answer.send(Answer::Failed);
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

async fn init_error(State(sandbox): Shared) -> StatusCode {
    sandbox.timeline.mark(What::InitFailed);
    StatusCode::ACCEPTED
}

/// An internal extension may not ask for SHUTDOWN, and no extension here is given INVOKE.
async fn register(State(sandbox): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    if wanted["events"].as_array().is_some_and(|events| !events.is_empty()) {
        return refused(StatusCode::FORBIDDEN, "ShutdownEventNotSupportedForInternalExtension");
    }
    let name = headers.get(EXTENSION_NAME).and_then(|name| name.to_str().ok()).unwrap_or_default();
    let Some(number) = sandbox.register(name.to_owned()) else {
        return refused(StatusCode::FORBIDDEN, "Extension.InvalidExtensionState");
    };
    let about =
        json!({"functionName": "emulated", "functionVersion": "$LATEST", "handler": "bootstrap"});
    ([(EXTENSION_ID, number.to_string())], about.to_string()).into_response()
}

async fn extension_next(State(sandbox): Shared, headers: HeaderMap) -> Response {
    let number = headers.get(EXTENSION_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    if !number.is_some_and(|number| sandbox.extension_waits(number)) {
        return refused(StatusCode::FORBIDDEN, "Extension.UnknownExtensionIdentifier");
    }
    std::future::pending().await
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, json!({"errorType": error, "errorMessage": error}).to_string()).into_response()
}
