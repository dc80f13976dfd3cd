//! How does this API say that something went wrong?

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

use super::wire::{DetailsOut, ErrorBody, ErrorEnvelope, ErrorOut};
use crate::{
    dialect::object::Object,
    error::{Error, Hints, Kind},
};

/// The code of a request that names a conversation kept at Anthropic, asked of a provider that does not know it.
pub(super) const THREAD_UNSUPPORTED: &str = "thread_unsupported_request";
/// Messages longer than this are cut: some hosts answer with whole pages.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// How this API begins the message about too long a prompt, by which its clients know it.
const TOO_LONG: &str = "prompt is too long";
/// The status of a provider that has too much to do; the standard has none.
const OVERLOADED: u16 = 529;

/// Reads a provider's error body. What is not of this API's shape gives a plain message: HTML is never repeated.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Error {
    if status == StatusCode::UNAUTHORIZED {
        return refused_key(status);
    }
    let kind = Kind::Upstream(status);
    let plain =
        || Error::new(kind, format!("The provider answered with status {}.", status.as_u16()));
    let Ok(object) = Object::read(body) else { return plain() };
    match object.typed::<ErrorBody<'_>>("error") {
        Ok(Some(error)) => from_body(error, Some(status)),
        _ => ["error", "message", "detail"]
            .into_iter()
            .find_map(|name| object.typed::<String>(name).ok().flatten())
            .map_or_else(plain, |text| Error::new(kind, cut(&text))),
    }
}

/// The text often repeats part of the key, and a client must not take it for its own key's fault.
fn refused_key(status: StatusCode) -> Error {
    Error::new(Kind::Upstream(status), "The provider refused the gateway's key.")
        .coded("upstream_key_refused")
}

/// An error object, from a body or from the middle of a stream, where there is no status.
pub(super) fn from_body(body: ErrorBody<'_>, status: Option<StatusCode>) -> Error {
    let category = body.category.map(Cow::into_owned).unwrap_or_default();
    let message = body.message.unwrap_or(Cow::Borrowed("The provider failed."));
    let kind = status.map_or_else(|| streamed_kind(&category), Kind::Upstream);
    if kind == Kind::Upstream(StatusCode::UNAUTHORIZED) {
        return refused_key(StatusCode::UNAUTHORIZED);
    }
    if message.contains("credit balance is too low") {
        // Comes as a 400, which would blame the request.
        let kind = Kind::Upstream(StatusCode::PAYMENT_REQUIRED);
        let message = "The gateway's account at the provider has no credit.";
        return Error::new(kind, message).coded("insufficient_quota");
    }
    let told = body.details.and_then(|details| details.error_code).map(Cow::into_owned);
    let hints = Hints {
        param: param(&category, &message),
        code: told.or_else(|| code(&category, &message).map(str::to_owned)),
        category: Some(category).filter(|category| !category.is_empty()),
        retry_after: None,
        quota: None,
        rests_until_ms: None,
    };
    Error { hints: Some(Box::new(hints)), ..Error::new(kind, cut(&message)) }
}

/// Inside a 200 the type of the error is all there is to tell a limit from a breakdown.
fn streamed_kind(category: &str) -> Kind {
    let status = match category {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => OVERLOADED,
        _ => return Kind::UpstreamBroken,
    };
    StatusCode::from_u16(status).map_or(Kind::UpstreamBroken, Kind::Upstream)
}

/// What the message says about the cause; this API has no field for it.
fn code(category: &str, message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if says(&[TOO_LONG, "exceed context limit", "maximum context length", "context window"]) {
        return Some("context_length_exceeded");
    }
    if says(&["content filter", "content_filter"]) {
        return Some("content_filter");
    }
    match category {
        "not_found_error" if message.starts_with("model") => Some("model_not_found"),
        "billing_error" => Some("insufficient_quota"),
        "rate_limit_error" => Some("rate_limit_exceeded"),
        _ => None,
    }
}

/// The field at fault: messages about one begin with its path.
fn param(category: &str, message: &str) -> Option<String> {
    let is_path = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
        !text.is_empty() && text.bytes().all(plain)
    };
    let (path, _) = message.split_once(": ").filter(|(path, _)| is_path(path))?;
    matches!(category, "invalid_request_error" | "not_found_error").then(|| path.to_owned())
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// An error as a body of its own.
pub(crate) fn write(error: &Error) -> (StatusCode, Vec<u8>) {
    let status = shown(error.kind);
    let category = category(error.kind, status);
    let envelope = ErrorEnvelope {
        kind: "error",
        error: ErrorOut { category, message: message(error), details: details(error) },
        request_id: (),
    };
    let body = serde_json::to_vec(&envelope).expect("strings always serialize");
    (status, body)
}

/// What Anthropic's SDK reads to send a whole conversation instead of naming it.
fn details(error: &Error) -> Option<DetailsOut> {
    let code = error.hints.as_ref().and_then(|hints| hints.code.as_deref());
    let unsupported = code.is_some_and(|code| code == THREAD_UNSUPPORTED);
    unsupported.then_some(DetailsOut { error_code: THREAD_UNSUPPORTED, unsupported: ["thread"] })
}

/// An error in the middle of a stream. Nothing follows it.
pub(crate) fn event(error: &Error) -> Bytes {
    let (_, body) = write(error);
    [b"event: error\ndata: ", &body[..], b"\n\n"].concat().into()
}

/// The status as clients of this API see it: they know the one for an overload.
fn shown(kind: Kind) -> StatusCode {
    match kind {
        Kind::Upstream(status) if status.as_u16() == OVERLOADED => status,
        _ => kind.status(),
    }
}

/// Clients of this API tell too long a prompt by the message alone.
fn message(error: &Error) -> Cow<'_, str> {
    let code = error.hints.as_deref().and_then(|hints| hints.code.as_deref());
    let told = error.message.to_ascii_lowercase().contains(TOO_LONG);
    if code == Some("context_length_exceeded") && !told {
        return Cow::Owned(format!("{TOO_LONG}: {}", error.message));
    }
    Cow::Borrowed(&error.message)
}

fn category(kind: Kind, status: StatusCode) -> &'static str {
    if kind == Kind::Overloaded {
        return "overloaded_error";
    }
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        OVERLOADED => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, shown: u16, category: &str, message: &str) {
        let error = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let (status, written) = write(&error);
        assert_eq!(status.as_u16(), shown, "{body}");
        let expected = format!(
            r#"{{"type":"error","error":{{"type":"{category}","message":"{message}"}},"request_id":null}}"#
        );
        assert_eq!(String::from_utf8(written).unwrap(), expected, "{body}");
    }

    fn body(category: &str, message: &str) -> String {
        format!(
            r#"{{"type":"error","error":{{"type":"{category}","message":"{message}"}},"request_id":"req_1"}}"#
        )
    }

    #[test]
    fn a_providers_error_keeps_its_meaning() {
        let message = "max_tokens: must be > 0";
        check(400, &body("invalid_request_error", message), 400, "invalid_request_error", message);
        check(429, &body("rate_limit_error", "slow down"), 429, "rate_limit_error", "slow down");
        check(529, &body("overloaded_error", "Overloaded"), 529, "overloaded_error", "Overloaded");
        check(413, "{}", 413, "request_too_large", "The provider answered with status 413.");
        check(500, r#"{"message":"x"}"#, 500, "api_error", "x");
        check(504, r#"{"error":"late"}"#, 504, "timeout_error", "late");
    }

    #[test]
    fn a_refused_gateway_credential_is_not_the_clients_fault() {
        let refused = "The provider refused the gateway's key.";
        check(401, &body("authentication_error", "invalid x-api-key"), 502, "api_error", refused);
        check(403, &body("permission_error", "not allowed"), 502, "api_error", "not allowed");
        let broke = body("invalid_request_error", "Your credit balance is too low to access");
        let message = "The gateway's account at the provider has no credit.";
        check(400, &broke, 502, "api_error", message);
    }

    #[test]
    fn a_page_is_not_repeated() {
        let message = "The provider answered with status 503.";
        check(503, "<html>busy</html>", 503, "api_error", message);
    }

    #[test]
    fn the_cause_is_recognised() {
        let check = |category: &str, message: &str, expected: &str| {
            let error = read(StatusCode::BAD_REQUEST, body(category, message).as_bytes());
            let hints = error.hints.unwrap();
            let hint = |hint: Option<String>| hint.unwrap_or("-".into());
            assert_eq!(format!("{} {}", hint(hints.code), hint(hints.param)), expected);
        };
        let wrong = "invalid_request_error";
        check(wrong, "prompt is too long: 9 tokens > 8 maximum", "context_length_exceeded -");
        check(
            wrong,
            "input length and `max_tokens` exceed context limit: 1",
            "context_length_exceeded -",
        );
        check(wrong, "Output blocked by content filtering policy", "content_filter -");
        check(
            wrong,
            "tools.0.custom.input_schema.type: Field required",
            "- tools.0.custom.input_schema.type",
        );
        check("not_found_error", "model: claude-none", "model_not_found model");
        check("rate_limit_error", "This would exceed: no path", "rate_limit_exceeded -");
        let spent = r#"{"error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        let error = read(StatusCode::TOO_MANY_REQUESTS, spent.as_bytes());
        assert_eq!(error.hints.unwrap().code.unwrap(), "enforced_spend_limit_reached");
    }

    #[test]
    fn too_long_a_prompt_is_said_in_the_words_clients_know() {
        let error = Error::bad_request("It has 9 tokens.").coded("context_length_exceeded");
        let expected = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: It has 9 tokens."},"request_id":null}"#;
        assert_eq!(write(&error).1, expected.as_bytes());
    }

    #[test]
    fn every_kind_has_a_word() {
        let check = |kind: Kind, expected: &str| {
            let (_, body) = write(&Error::new(kind, "m"));
            let expected = format!(r#""type":"{expected}","message""#);
            assert!(String::from_utf8(body).unwrap().contains(&expected), "{kind:?}");
        };
        check(Kind::BadRequest, "invalid_request_error");
        check(Kind::Unauthorized, "authentication_error");
        check(Kind::Forbidden, "permission_error");
        check(Kind::NotFound, "not_found_error");
        check(Kind::MethodNotAllowed, "invalid_request_error");
        check(Kind::Conflict, "conflict_error");
        check(Kind::TooLarge, "request_too_large");
        check(Kind::RateLimited, "rate_limit_error");
        check(Kind::Overloaded, "overloaded_error");
        check(Kind::Unavailable, "api_error");
        check(Kind::UpstreamTimeout, "timeout_error");
        check(Kind::UpstreamBroken, "api_error");
        check(Kind::Internal, "api_error");
    }

    #[test]
    fn an_event_is_named() {
        let event = event(&Error::new(Kind::UpstreamBroken, "cut"));
        let expected = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"cut\"},\"request_id\":null}\n\n";
        assert_eq!(event, expected);
    }
}
