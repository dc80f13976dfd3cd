//! How does a test watch what is pushed? Over a WebSocket, as a page of the gateway does.

use std::{net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        error::Error,
        http::{HeaderName, HeaderValue, Request},
    },
};

use super::{Ask, note};
use crate::{Failure, Result, failed};

/// No socket of a contract case is silent for longer.
const MESSAGE_WAIT: Duration = Duration::from_secs(20);

/// A connection that became a socket.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one with the path and the headers of a request.
    pub async fn open(address: SocketAddr, ask: &Ask) -> Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| Failure(format!("no socket: {error}"));
        let url = format!("ws://{address}{}", ask.path);
        let mut request: Request<()> = url.into_client_request().map_err(|e| wrong(&e))?;
        for (name, value) in &ask.headers {
            let name: HeaderName = name.parse().map_err(|e| wrong(&e))?;
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).map_err(|e| wrong(&e))?);
        }
        let stream = TcpStream::connect(address).await?;
        let (socket, answer) = client_async(request, stream).await.map_err(|e| wrong(&e))?;
        note(ask, answer.status().as_u16());
        Ok(Self(socket))
    }

    /// The next message that says something; `None` when the other side has ended it.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            let Ok(message) = timeout(MESSAGE_WAIT, self.0.next()).await else {
                return failed("nothing was told in time");
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    let told = serde_json::from_str(&text);
                    return told.map(Some).or_else(|error| failed(format!("{error}: {text}")));
                }
                Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed)) | None => {
                    return Ok(None);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return failed(format!("the socket broke: {error}")),
            }
        }
    }
}
