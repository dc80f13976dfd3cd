//! How does a command change what the gateway keeps? Through its own API, wherever the gateway is.

use std::{future::pending, path::PathBuf, sync::Arc};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;
use tidegate_core::{
    Body, Error, Result,
    config::Config,
    error::Kind,
    http::read,
    identity::Secret,
    limits::REPLY_BYTES_MAX,
    ports::{Call, Transport, Upstream},
};
use tidegate_native::HttpClient;

use crate::{
    data::{Contact, Data},
    house::House,
};

/// Who answers.
pub(crate) enum Admin {
    /// A server that is running over the same data folder: it alone may write.
    Running { upstream: Box<HttpClient>, contact: Contact },
    /// This process.
    Here(Box<House>),
}

impl Admin {
    /// Finds out who holds the data folder.
    pub(crate) async fn find(config: Config) -> Result<Self> {
        let data = Data::new(&config.data);
        let taken = match House::open(config).await {
            Ok(house) => return Ok(Self::Here(Box::new(house))),
            Err(error) if error.kind == Kind::Conflict => error,
            Err(error) => return Err(error),
        };
        Self::running(&data, taken)
    }

    /// The server that holds the data folder. `taken` says that one does.
    pub(crate) fn running(data: &Data, taken: Error) -> Result<Self> {
        // A server that is just starting or ending has no contact either.
        let contact = data.contact()?.ok_or(taken)?;
        Ok(Self::Running { upstream: Box::new(HttpClient::new()?), contact })
    }

    /// Has the database copied, and says where the copy lies.
    pub(crate) async fn copy(&self) -> Result<PathBuf> {
        let made = self.ask(Method::POST, "/api/backup", Body::empty()).await?;
        let path = made["path"].as_str().ok_or_else(|| Error::internal("a copy has a path"))?;
        Ok(path.into())
    }

    /// Asks the API.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Body) -> Result<Value> {
        let response = match self {
            Self::Running { upstream, contact } => {
                let uri = format!("{}{path}", contact.url);
                let token = Secret::new(contact.token.clone());
                upstream.send(request(&method, &uri, &token, body)?).await.map_err(silent)?
            }
            Self::Here(house) => ask_here(house, method, path, body).await?,
        };
        answer_of(response).await
    }

    /// Where the server listens, if one is running.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Running { contact, .. } => Some(&contact.url),
            Self::Here(_) => None,
        }
    }

    /// Ends what was opened for the command.
    pub(crate) async fn close(self) {
        match self {
            Self::Running { .. } => {}
            Self::Here(house) => house.close().await,
        }
    }
}

/// What an answer says. One that is no success is an error with the API's own message.
pub(crate) async fn answer_of(response: Response<Body>) -> Result<Value> {
    let status = response.status();
    let bytes = read(response.into_body(), REPLY_BYTES_MAX).await?;
    let value = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).map_err(Error::internal)?
    };
    if status.is_success() { Ok(value) } else { Err(refusal(status, &value)) }
}

/// Asks the gateway of this process.
pub(crate) async fn ask_here(
    house: &House,
    method: Method,
    path: &str,
    body: Body,
) -> Result<Response<Body>> {
    let call = Call {
        background: Arc::clone(&house.background) as _,
        gone: Box::pin(pending()),
        peer: None,
        transport: Transport::Https,
    };
    Ok(house.gateway.handle(request(&method, path, &house.token, body)?, call).await)
}

/// Nobody is there.
pub(crate) fn silent(error: Error) -> Error {
    let message = "The server that holds the data folder does not answer.";
    Error::new(Kind::Unavailable, message).because(error.detail)
}

fn request(method: &Method, uri: &str, token: &Secret, body: Body) -> Result<Request<Body>> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Error::internal("the admin token does not fit into a header"))?;
    bearer.set_sensitive(true);
    let builder = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::AUTHORIZATION, bearer)
        .header(header::CONTENT_TYPE, "application/json");
    let builder = match *method {
        // Whoever types a command has looked at what is there.
        Method::DELETE | Method::PATCH | Method::POST => builder.header(header::IF_MATCH, "*"),
        _ => builder,
    };
    builder.body(body).map_err(Error::internal)
}

fn refusal(status: StatusCode, answer: &Value) -> Error {
    let message = answer["detail"].as_str();
    let message = message.map_or_else(|| format!("The gateway answered {status}."), str::to_owned);
    let kind = match status {
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Kind::Conflict,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        _ => Kind::BadRequest,
    };
    Error::new(kind, message)
}
