//! What does a test send, and what does it get?

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;
use serde_json::Value;

use crate::{Result, failed};

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Such as `POST`.
    pub method: &'static str,
    /// The request target.
    pub path: String,
    /// Written as they stand, after `host`.
    pub headers: Vec<(String, String)>,
    /// The body and its framing.
    pub body: Body,
    /// What it calls the host; its address when it says nothing else.
    pub host: Option<String>,
}

/// A request body and its framing.
#[derive(Clone, Debug)]
pub enum Body {
    /// None, and no header about it.
    Nothing,
    /// With its `content-length`.
    Whole(Bytes),
    /// One chunk for each piece.
    Chunked(Vec<Bytes>),
}

impl Ask {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Body::Nothing, host: None }
    }

    /// A POST with a JSON body.
    #[must_use]
    pub fn post(path: impl Into<String>, json: impl Into<Bytes>) -> Self {
        Self::new("POST", path)
            .header("content-type", "application/json")
            .body(Body::Whole(json.into()))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Calls the host by another name.
    #[must_use]
    pub fn at_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(super) fn head(&self, address: SocketAddr) -> String {
        let host = self.host.clone().unwrap_or_else(|| address.to_string());
        let mut lines =
            vec![format!("{} {} HTTP/1.1", self.method, self.path), format!("host: {host}")];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        match &self.body {
            Body::Nothing => {}
            Body::Whole(bytes) => lines.push(format!("content-length: {}", bytes.len())),
            Body::Chunked(_) => lines.push("transfer-encoding: chunked".to_owned()),
        }
        lines.join("\r\n") + "\r\n\r\n"
    }
}

/// What came back, and when.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names and values in their order, letters as they came.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Bytes,
    /// The body as it came in, with the time of each read.
    pub pieces: Vec<(Instant, Bytes)>,
    /// When the head was complete.
    pub head_at: Instant,
    /// When the end was seen.
    pub end_at: Instant,
    /// Whether the body ended as its framing promised.
    pub end: End,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its framing promised.
    Complete,
    /// The connection was gone before.
    Cut,
}

impl Answer {
    /// The value of a header, whatever the case of its letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .or_else(|error| failed(format!("not JSON ({error}): {}", self.text())))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The data of the server-sent events in the body.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        let text = self.text().replace("\r\n", "\n");
        text.split("\n\n")
            .map(|frame| {
                let data = frame.lines().filter_map(|line| line.strip_prefix("data:"));
                data.map(|d| d.strip_prefix(' ').unwrap_or(d)).collect::<Vec<_>>().join("\n")
            })
            .filter(|data| !data.is_empty())
            .collect()
    }

    /// The record's id.
    pub fn request_id(&self) -> Result<&str> {
        match self.header("x-request-id") {
            Some(id) => Ok(id),
            None => failed(format!("no x-request-id in {:?}", self.headers)),
        }
    }
}
