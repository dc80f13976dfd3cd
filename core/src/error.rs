//! What can go wrong, how a client is told, and what only the log may know.

use std::{borrow::Cow, fmt};

use http::StatusCode;

use crate::{budget::Measure, ports::Millis};

/// The result of everything in the core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error type for the whole gateway.
#[derive(Clone, Debug)]
pub struct Error {
    /// What happened, from a closed list.
    pub kind: Kind,
    /// Safe to show to the client.
    pub message: Cow<'static, str>,
    /// For the log only: may name hosts and inner causes, never a secret.
    pub detail: String,
    /// What the client's dialect can say beside the message.
    pub hints: Option<Box<Hints>>,
}

/// Fields of an error that some dialects can carry.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The request field at fault.
    pub param: Option<String>,
    /// A machine-readable code, as the upstream gave it.
    pub code: Option<String>,
    /// The error's type, as the upstream gave it.
    pub category: Option<String>,
    /// When to try again, as a `retry-after` header says it.
    pub retry_after: Option<String>,
    /// Which limit refused.
    pub quota: Option<Quota>,
    /// Until when the provider wants to be left alone.
    pub rests_until_ms: Option<Millis>,
}

/// A limit that refused, for the headers in which clients look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What it counts.
    pub measure: Measure,
    /// How much there is in all.
    pub limit: i64,
    /// How much is left.
    pub remaining: i64,
    /// When there will be all of it again.
    pub resets_at_ms: Option<Millis>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be understood.
    BadRequest,
    /// No valid client key.
    Unauthorized,
    /// A valid key that may not do this.
    Forbidden,
    /// No such route, model or document.
    NotFound,
    /// The route exists, the method does not.
    MethodNotAllowed,
    /// The client was too slow.
    ClientTimeout,
    /// A guard refused the change: another one came first.
    Conflict,
    /// The thing was changed since the caller read it.
    PreconditionFailed,
    /// A change that does not say which version it is about.
    PreconditionRequired,
    /// The body is not JSON.
    UnsupportedMedia,
    /// The body exceeds its bound.
    TooLarge,
    /// A limit or a budget of ours.
    RateLimited,
    /// Too much at once: try again shortly.
    Overloaded,
    /// The store does not answer, so the question cannot be decided.
    Unavailable,
    /// The store has no room for more.
    Full,
    /// The provider answered with this status.
    Upstream(StatusCode),
    /// The provider could not be reached.
    UpstreamUnreachable,
    /// The provider broke off, or answered what cannot be read.
    UpstreamBroken,
    /// The provider took too long.
    UpstreamTimeout,
    /// The client left before the answer was complete.
    ClientGone,
    /// A fault of ours.
    Internal,
}

impl Kind {
    /// The HTTP status a client sees.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Upstream(status) => shown(status),
            Self::UpstreamUnreachable | Self::UpstreamBroken => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            // Nobody reads it; the log does. nginx made 499 the word for it.
            Self::ClientGone => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word the record keeps.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ClientTimeout => "client_timeout",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::PreconditionRequired => "precondition_required",
            Self::UnsupportedMedia => "unsupported_media_type",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Full => "storage_full",
            Self::Upstream(_) => "upstream_status",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamBroken => "upstream_broken",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::ClientGone => "client_gone",
            Self::Internal => "internal",
        }
    }
}

/// A refused gateway credential is not the client's fault, and a client that saw 401 would throw its own key away.
/// A redirect is never followed, so it is a broken answer.
fn shown(status: StatusCode) -> StatusCode {
    match status.as_u16() {
        401..=403 => StatusCode::BAD_GATEWAY,
        529 => StatusCode::SERVICE_UNAVAILABLE,
        400..=599 => status,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl Error {
    /// An error with a message that is safe to show.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), detail: String::new(), hints: None }
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn because(mut self, detail: impl fmt::Display) -> Self {
        self.detail = detail.to_string();
        self
    }

    /// Names the request field at fault.
    #[must_use]
    pub fn at(mut self, param: &str) -> Self {
        self.hints.get_or_insert_default().param = Some(param.to_owned());
        self
    }

    /// Says in which element of a list the field at fault is.
    #[must_use]
    pub fn within(mut self, list: &str, at: usize) -> Self {
        let hints = self.hints.get_or_insert_default();
        let inner = hints.param.take().map(|inner| format!(".{inner}")).unwrap_or_default();
        hints.param = Some(format!("{list}[{at}]{inner}"));
        self
    }

    /// Gives the error a machine-readable code.
    #[must_use]
    pub fn coded(mut self, code: &str) -> Self {
        self.hints.get_or_insert_default().code = Some(code.to_owned());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: &str) -> Self {
        self.hints.get_or_insert_default().retry_after = Some(seconds.to_owned());
        self
    }

    /// Names the limit that refused.
    #[must_use]
    pub fn limited(mut self, quota: Quota) -> Self {
        self.hints.get_or_insert_default().quota = Some(quota);
        self
    }

    /// The request cannot be understood.
    #[must_use]
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::BadRequest, message)
    }

    /// No such thing.
    #[must_use]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The store does not answer; `detail` is for the log.
    #[must_use]
    pub fn store(detail: impl fmt::Display) -> Self {
        Self::new(Kind::Unavailable, "The gateway's storage does not answer; try again.")
            .retry_after("1")
            .because(detail)
    }

    /// The store has no room for more; `detail` is for the log.
    #[must_use]
    pub fn full(detail: impl fmt::Display) -> Self {
        let message =
            "The gateway's storage is full, so nothing can be changed: its disk needs room.";
        Self::new(Kind::Full, message).because(detail)
    }

    /// A fault of ours; `detail` is for the log.
    #[must_use]
    pub fn internal(detail: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, "The gateway failed.").because(detail)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl std::error::Error for Error {}
