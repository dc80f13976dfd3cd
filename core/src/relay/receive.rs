//! What does the client want? Its body, whole and bounded, and the few things the gateway reads of it.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::{
    budget::estimate::Size,
    dialect::{Ask, Dialect, Framing},
    error::{Error, Result},
    http::{Body, read},
    limits::{BODY_BYTES_MAX, MODEL_BYTES_MAX},
    media::Fetched,
    money,
    operation::Operation,
    route::Look,
    store::Record,
    turns::Keep,
};

/// A client that says `true` here would rather be refused than lose a field; `false` is the opposite. Without it the
/// client's own setting holds.
const STRICT: HeaderName = HeaderName::from_static("x-tidegate-strict");

/// A client that wants to be answered in another dialect than the one it speaks names it here.
const ANSWER: &str = "x-tidegate-answer";

/// A data route: its path and what is spoken there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    /// The path, as the record names it.
    pub(crate) path: &'static str,
    /// The client's dialect.
    pub(crate) dialect: Dialect,
    /// What is done there.
    pub(crate) operation: Operation,
    /// Where the request says what it wants.
    pub(crate) manner: Manner,
}

/// Where a request names its model, and says whether its answer is to be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// In its body.
    Body,
    /// In its path, and the answer comes whole.
    Path,
    /// In its path, and the answer comes as a stream.
    PathStreamed,
}

/// A request that can be routed. No later stage checks it again.
pub(super) struct Inbound {
    /// What the client speaks.
    pub(super) dialect: Dialect,
    /// What it is answered in.
    pub(super) answers: Dialect,
    /// What is to be done.
    pub(super) operation: Operation,
    /// What it asks for.
    pub(super) ask: Ask,
    /// How it wants a stream framed.
    pub(super) framing: Framing,
    /// Whether it would rather be refused than lose a field.
    pub(super) strict: bool,
    /// The body as it came, with what was said before if it referred to that.
    pub(super) raw: Bytes,
    /// How long it is, once somebody has asked.
    pub(super) size: OnceLock<Size>,
    /// The response that it referred to.
    pub(super) parent: Option<String>,
    /// What to keep of this turn for the next one.
    pub(super) keep: Option<Keep>,
    /// What was fetched for it.
    pub(super) fetched: Fetched,
    /// The provider that is to answer; it stands before the model's name, too.
    pub(super) pinned: Option<String>,
    /// The id of an answer that ends when a budget does.
    pub(super) cut: OnceLock<String>,
}

impl Inbound {
    /// How long it is, and lets its answer be.
    pub(super) fn size(&self) -> Size {
        *self.size.get_or_init(|| Size::of(self.operation, self.dialect, &self.raw))
    }

    /// Lets nobody but this provider answer.
    pub(super) fn pin(&mut self, provider: Option<String>) {
        if let Some(provider) = &provider {
            self.ask.model = format!("{provider}/{}", self.ask.model);
        }
        self.pinned = provider;
    }

    /// What groups see of it.
    pub(super) fn look<'a>(&'a self, headers: &'a HeaderMap) -> Look<'a> {
        let what = (self.operation, self.dialect, self.ask.stream);
        Look::new(what, &self.raw, headers, &self.size)
    }
}

/// What came: the head of the request, and what its route's pattern took of the path.
pub(super) struct Arrival<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) uri: &'a Uri,
    /// What it is to be answered in, as [`answers`] reads it.
    pub(super) answers: Result<Dialect>,
    pub(super) param: &'a str,
    /// Whether the client is strict where its request does not say.
    pub(super) strict: bool,
}

#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn receive(
    endpoint: Endpoint,
    arrival: Arrival<'_>,
    body: Body,
    record: &mut Record,
) -> Result<Inbound> {
    let Arrival { headers, uri, answers, param, strict } = arrival;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(Error::bad_request("Send the body without content-encoding."));
    }
    let raw = read(body, BODY_BYTES_MAX).await?;
    record.bytes_in = raw.len() as u64;
    let answers = answers?;
    let ask = endpoint.operation.ask(endpoint.dialect, &raw, headers)?;
    let ask = match endpoint.manner {
        Manner::Body => ask,
        Manner::Path => Ask { stream: false, model: param.to_owned(), ..ask },
        Manner::PathStreamed => Ask { stream: true, model: param.to_owned(), ..ask },
    };
    if ask.model.is_empty() || ask.model.len() > MODEL_BYTES_MAX {
        return Err(Error::bad_request("`model` must name a model.").at("model"));
    }
    record.requested_model.clone_from(&ask.model);
    record.stream = ask.stream;
    if let Operation::Images(_) = endpoint.operation {
        record.grade = money::grade(&raw);
    }
    let strict = match headers.get(STRICT).map(HeaderValue::as_bytes) {
        Some(b"true") => true,
        Some(b"false") => false,
        Some(_) | None => strict,
    };
    let Endpoint { dialect, operation, .. } = endpoint;
    let framing = if answers == dialect { framing(endpoint, uri) } else { answers.framing() };
    Ok(Inbound {
        dialect,
        answers,
        operation,
        ask,
        framing,
        strict,
        raw,
        size: OnceLock::new(),
        parent: None,
        keep: None,
        fetched: Fetched::default(),
        pinned: None,
        cut: OnceLock::new(),
    })
}

/// What a client is answered in, an error too.
pub(super) fn answers(endpoint: Endpoint, headers: &HeaderMap) -> Result<Dialect> {
    let Some(named) = headers.get(ANSWER) else { return Ok(endpoint.dialect) };
    let known = Dialect::ALL.into_iter().find(|known| known.name() == named);
    match known {
        Some(answers) if answers == endpoint.dialect => Ok(answers),
        Some(answers) if endpoint.operation == Operation::Chat => Ok(answers),
        Some(_) => {
            let message =
                format!("Only chats are answered in another dialect; leave `{ANSWER}` out.");
            Err(Error::bad_request(message).at(ANSWER))
        }
        None => {
            let all = Dialect::ALL.map(Dialect::name).join(", ");
            let message = format!("`{ANSWER}` is none of these dialects: {all}.");
            Err(Error::bad_request(message).at(ANSWER))
        }
    }
}

/// Gemini's clients say in the query that they want events; otherwise they get the elements of an array.
fn framing(endpoint: Endpoint, uri: &Uri) -> Framing {
    match endpoint.manner {
        Manner::Body => endpoint.dialect.framing(),
        Manner::Path | Manner::PathStreamed => {
            let mut fields = uri.query().unwrap_or_default().split('&');
            if fields.any(|field| field == "alt=sse") { Framing::Events } else { Framing::Array }
        }
    }
}
