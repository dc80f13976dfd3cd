//! How does this API say that something went wrong?

use bytes::Bytes;
use http::StatusCode;

use super::wire::{Code, ErrorBody, ErrorEnvelope, ErrorOut};
use crate::{
    dialect::object::Object,
    error::{Error, Hints, Kind},
};

/// Messages longer than this are cut: some hosts answer with whole pages.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// Reads a provider's error body. What is not of this API's shape gives a plain message: HTML is never repeated.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Error {
    let kind = Kind::Upstream(status);
    let plain =
        || Error::new(kind, format!("The provider answered with status {}.", status.as_u16()));
    if status == StatusCode::UNAUTHORIZED {
        // The text often repeats part of the key, and a client must not take it for its own key's fault.
        return Error::new(kind, "The provider refused the gateway's key.")
            .coded("upstream_key_refused");
    }
    let Ok(object) = Object::read(body) else { return plain() };
    match object.typed::<ErrorBody<'_>>("error") {
        Ok(Some(error)) => from_body(error, Some(status)),
        // Ollama, xAI: `error` is the text itself. FastAPI hosts: `detail`; others: `message`.
        _ => ["error", "message", "detail"]
            .into_iter()
            .find_map(|name| object.typed::<String>(name).ok().flatten())
            .map_or_else(plain, |text| Error::new(kind, cut(&text))),
    }
}

/// An error object, from a body or from the middle of a stream, where there is no status.
pub(super) fn from_body(body: ErrorBody<'_>, status: Option<StatusCode>) -> Error {
    let code = body.code.map(|code| match code {
        Code::Text(text) => text.into_owned(),
        Code::Number(number) => number.to_string(),
    });
    let kind = status.map_or_else(|| streamed_kind(code.as_deref()), Kind::Upstream);
    let message = body.message.map_or_else(|| "The provider failed.".to_owned(), |text| cut(&text));
    let hints = Hints {
        param: body.param.map(std::borrow::Cow::into_owned),
        code,
        category: body.category.map(std::borrow::Cow::into_owned),
        retry_after: None,
        quota: None,
        rests_until_ms: None,
    };
    Error { hints: Some(Box::new(hints)), ..Error::new(kind, message) }
}

/// An error whose `error` is the text itself, as xAI and Ollama have it, where an answer was due.
pub(super) fn of_text(json: &[u8]) -> Option<Error> {
    let object = Object::read(json).ok()?;
    let text = object.typed::<String>("error").ok()??;
    let code = object.typed::<Code<'_>>("code").ok().flatten();
    let message = Some(text.into());
    Some(from_body(ErrorBody { message, code, category: None, param: None }, None))
}

/// Inside a 200 the code is all there is to tell a limit from a breakdown; some hosts put the status there.
fn streamed_kind(code: Option<&str>) -> Kind {
    match code {
        Some("rate_limit_exceeded") => Kind::Upstream(StatusCode::TOO_MANY_REQUESTS),
        Some("529" | "overloaded") => Kind::Upstream(StatusCode::SERVICE_UNAVAILABLE),
        Some(code) => code
            .parse()
            .ok()
            .filter(|status| matches!(status, 400..=498 | 500..=599))
            .and_then(|status| StatusCode::from_u16(status).ok())
            .map_or(Kind::UpstreamBroken, Kind::Upstream),
        None => Kind::UpstreamBroken,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// An error as a body of its own.
pub(crate) fn write(error: &Error) -> (StatusCode, Vec<u8>) {
    let hints = error.hints.as_deref();
    let hint = |pick: fn(&Hints) -> Option<&str>| hints.and_then(pick);
    let envelope = ErrorEnvelope {
        error: ErrorOut {
            message: &error.message,
            category: hint(|hints| hints.category.as_deref())
                .unwrap_or_else(|| category(error.kind)),
            param: hint(|hints| hints.param.as_deref()),
            code: hint(|hints| hints.code.as_deref()).or_else(|| code(error.kind)),
        },
    };
    let body = serde_json::to_vec(&envelope).expect("strings always serialize");
    (error.kind.status(), body)
}

/// An error in the middle of a stream. SDKs raise on it, and no `[DONE]` follows.
pub(crate) fn event(error: &Error) -> Bytes {
    let (_, body) = write(error);
    [b"data: ", &body[..], b"\n\n"].concat().into()
}

fn category(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest
        | Kind::Unauthorized
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::PreconditionRequired
        | Kind::UnsupportedMedia
        | Kind::TooLarge
        | Kind::ClientGone => "invalid_request_error",
        Kind::Forbidden => "permission_error",
        Kind::ClientTimeout | Kind::UpstreamTimeout => "timeout",
        Kind::RateLimited => "rate_limit_error",
        Kind::Upstream(status) if kind.status() == status && status.is_client_error() => {
            "invalid_request_error"
        }
        Kind::Overloaded
        | Kind::Unavailable
        | Kind::Full
        | Kind::Upstream(_)
        | Kind::UpstreamUnreachable
        | Kind::UpstreamBroken
        | Kind::Internal => "server_error",
    }
}

fn code(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Unauthorized => Some("invalid_api_key"),
        Kind::RateLimited => Some("rate_limit_exceeded"),
        Kind::BadRequest
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::PreconditionRequired
        | Kind::UnsupportedMedia
        | Kind::ClientGone
        | Kind::Forbidden => None,
        Kind::TooLarge
        | Kind::ClientTimeout
        | Kind::UpstreamTimeout
        | Kind::Upstream(_)
        | Kind::Overloaded
        | Kind::Unavailable
        | Kind::Full
        | Kind::UpstreamUnreachable
        | Kind::UpstreamBroken
        | Kind::Internal => Some(kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, shown: u16, expected: &str) {
        let error = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let (status, written) = write(&error);
        assert_eq!(status.as_u16(), shown, "{body}");
        assert_eq!(String::from_utf8(written).unwrap(), expected, "{body}");
    }

    #[test]
    fn a_providers_error_keeps_its_meaning() {
        check(
            400,
            r#"{"error":{"message":"bad n","type":"invalid_request_error","param":"n","code":"invalid_value","inner":1}}"#,
            400,
            r#"{"error":{"message":"bad n","type":"invalid_request_error","param":"n","code":"invalid_value"}}"#,
        );
        check(
            429,
            r#"{"error":"slow down"}"#,
            429,
            r#"{"error":{"message":"slow down","type":"invalid_request_error","param":null,"code":"upstream_status"}}"#,
        );
    }

    #[test]
    fn a_refused_gateway_credential_is_not_the_clients_fault() {
        check(
            401,
            r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
            502,
            r#"{"error":{"message":"The provider refused the gateway's key.","type":"server_error","param":null,"code":"upstream_key_refused"}}"#,
        );
    }

    #[test]
    fn a_page_is_not_repeated() {
        check(
            503,
            "<html>busy</html>",
            503,
            r#"{"error":{"message":"The provider answered with status 503.","type":"server_error","param":null,"code":"upstream_status"}}"#,
        );
    }
}
