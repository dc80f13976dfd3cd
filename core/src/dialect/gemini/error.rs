//! How does this API say that something went wrong?

use bytes::Bytes;
use http::StatusCode;

use super::wire::{Detail, DetailOut, ErrorBody, ErrorEnvelope, ErrorOut, ViolationOut};
use crate::{
    dialect::{array, object::Object},
    error::{Error, Hints, Kind},
    json,
};

/// Messages longer than this are cut: some hosts answer with whole pages.
const MESSAGE_CHARS_MAX: usize = 2_000;
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
/// Whose reasons are in an `ErrorInfo` that the gateway writes.
const DOMAIN: &str = "tidegate";

/// Reads a provider's error body; errors of streams come as an array of one. What is not of this API's shape gives a
/// plain message: HTML is never repeated.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Error {
    let kind = Kind::Upstream(status);
    let plain =
        || Error::new(kind, format!("The provider answered with status {}.", status.as_u16()));
    let body = body.trim_ascii();
    let single = body.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]"));
    let Ok(object) = Object::read(single.map_or(body, array::element).trim_ascii()) else {
        return if is_key_status(status) { refused_key(status) } else { plain() };
    };
    match object.typed::<ErrorBody<'_>>("error") {
        Ok(Some(error)) => from_body(error, Some(status)),
        _ if is_key_status(status) => refused_key(status),
        // Proxies before the API: `error` or `message` is the text itself.
        _ => ["error", "message"]
            .into_iter()
            .find_map(|name| object.typed::<String>(name).ok().flatten())
            .map_or_else(plain, |text| Error::new(kind, cut(&text))),
    }
}

/// An error object, from a body or from the middle of a stream, where there is no status but the one in it.
pub(super) fn from_body(body: ErrorBody<'_>, status: Option<StatusCode>) -> Error {
    let details = body.details.unwrap_or_default();
    let details: Vec<Detail<'_>> =
        details.iter().filter_map(|detail| json::read(detail.get()).ok()).collect();
    let reason = details.iter().find_map(|detail| detail.reason.as_deref());
    let status = status.or_else(|| streamed_status(body.code));
    if status.is_some_and(is_key_status) || reason == Some("API_KEY_INVALID") {
        return refused_key(
            status.filter(|status| is_key_status(*status)).unwrap_or(StatusCode::UNAUTHORIZED),
        )
        .because(format!(
            "{} {}",
            body.status.as_deref().unwrap_or("no status"),
            reason.unwrap_or("without a reason")
        ));
    }
    let kind = status.map_or(Kind::UpstreamBroken, Kind::Upstream);
    let message = body.message.map_or_else(|| "The provider failed.".to_owned(), |text| cut(&text));
    let code = code_of(&message, status, body.status.as_deref());
    let retry_after = details.iter().find_map(|detail| seconds(detail.retry_delay.as_deref()?));
    let violations = details.iter().filter_map(|detail| detail.field_violations.as_ref()).flatten();
    let mut fields = violations.filter_map(|violation| violation.field.as_deref());
    let param = fields.find(|field| !field.is_empty()).map(ToOwned::to_owned);
    let hints =
        Hints { param, code, category: None, retry_after, quota: None, rests_until_ms: None };
    Error { hints: Some(Box::new(hints)), ..Error::new(kind, message) }
}

fn is_key_status(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// The text names projects and repeats keys, and a client must not take it for its own key's fault.
fn refused_key(status: StatusCode) -> Error {
    Error::new(Kind::Upstream(status), "The provider refused the gateway's key.")
        .coded("upstream_key_refused")
}

/// Inside a 200 the error's own code is all there is. A cancelled call is a breakdown of the stream.
fn streamed_status(code: Option<u16>) -> Option<StatusCode> {
    let code = code.filter(|code| matches!(code, 400..=498 | 500..=599))?;
    StatusCode::from_u16(code).ok()
}

/// What the error is called; the words that every dialect has for it where there are some.
fn code_of(message: &str, status: Option<StatusCode>, word: Option<&str>) -> Option<String> {
    let lower = message.to_ascii_lowercase();
    let code = if lower.contains("token count") && lower.contains("exceeds") {
        "context_length_exceeded"
    } else if lower.contains("blocked")
        && (lower.contains("safety") || lower.contains("prohibited"))
    {
        "content_filter"
    } else if status == Some(StatusCode::TOO_MANY_REQUESTS) {
        "rate_limit_exceeded"
    } else if status == Some(StatusCode::NOT_FOUND) && lower.starts_with("models/") {
        "model_not_found"
    } else {
        word?
    };
    Some(code.to_owned())
}

/// Whole seconds of a duration such as `48.9s`, rounded up.
fn seconds(delay: &str) -> Option<String> {
    let number: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| format!("{:.0}", number.ceil()))
}

/// The message without the names of the gateway's own projects.
fn cut(text: &str) -> String {
    let hidden = |word: &str| word.contains("projects/") || word.contains("project_number:");
    let words = text.split_inclusive(char::is_whitespace);
    let shown = words.map(|word| if hidden(word) { "(hidden) " } else { word });
    shown.flat_map(str::chars).take(MESSAGE_CHARS_MAX).collect()
}

/// An error as a body of its own.
pub(crate) fn write(error: &Error) -> (StatusCode, Vec<u8>) {
    let status = error.kind.status();
    let hints = error.hints.as_deref();
    let hint = |pick: fn(&Hints) -> Option<&str>| hints.and_then(pick);
    let code = hint(|hints| hints.code.as_deref());
    let param = hint(|hints| hints.param.as_deref());
    let retry_after = hint(|hints| hints.retry_after.as_deref());
    let known = code.and_then(|code| WORDS.iter().find(|(word, _)| *word == code));
    let fits = known.filter(|(_, of)| *of == status.as_u16());
    let blank = |kind| DetailOut {
        kind,
        retry_delay: None,
        field_violations: None,
        reason: None,
        domain: None,
    };
    let mut details = Vec::new();
    if let Some(reason) = code.filter(|_| known.is_none()) {
        details.push(DetailOut { reason: Some(reason), domain: Some(DOMAIN), ..blank(ERROR_INFO) });
    }
    if let Some(field) = param {
        let violation = ViolationOut { field, description: &error.message };
        details.push(DetailOut { field_violations: Some([violation]), ..blank(BAD_REQUEST) });
    }
    if let Some(delay) = retry_after.filter(|delay| delay.parse::<u32>().is_ok()) {
        details.push(DetailOut { retry_delay: Some(format!("{delay}s")), ..blank(RETRY_INFO) });
    }
    let envelope = ErrorEnvelope {
        error: ErrorOut {
            code: status.as_u16(),
            message: &error.message,
            status: fits.map_or_else(|| word(status), |(word, _)| word),
            details,
        },
    };
    let body = serde_json::to_vec(&envelope).expect("strings always serialize");
    (status, body)
}

/// An error in the middle of a stream.
pub(crate) fn event(error: &Error) -> Bytes {
    let (_, body) = write(error);
    [b"data: ", &body[..], b"\r\n\r\n"].concat().into()
}

/// google.rpc's words and the status that each comes with.
const WORDS: [(&str, u16); 16] = [
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("ALREADY_EXISTS", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("INTERNAL", 500),
    ("UNKNOWN", 500),
    ("DATA_LOSS", 500),
    ("UNIMPLEMENTED", 501),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        408 => "DEADLINE_EXCEEDED",
        502 => "UNAVAILABLE",
        status => {
            let exact = WORDS.iter().find(|(_, of)| *of == status).map(|(word, _)| *word);
            exact.unwrap_or(if status < 500 { "INVALID_ARGUMENT" } else { "INTERNAL" })
        }
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
            r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION","details":[{"@type":"x","detail":"y"}]}}"#,
            400,
            r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
        );
        check(
            400,
            "[{\n\"error\":{\"code\":400,\"message\":\"bad\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"x\",\"fieldViolations\":[{\"field\":\"tools[0]\"}]}]}}\n]\n",
            400,
            r#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"tools[0]","description":"bad"}]}]}}"#,
        );
        check(
            429,
            r#"{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48.2s"}]}}"#,
            429,
            r#"{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"rate_limit_exceeded","domain":"tidegate"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"49s"}]}}"#,
        );
    }

    #[test]
    fn a_long_prompt_is_recognised() {
        let body = r#"{"error":{"code":400,"message":"The input token count (1048580) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#;
        let error = read(StatusCode::BAD_REQUEST, body.as_bytes());
        assert_eq!(error.hints.unwrap().code.unwrap(), "context_length_exceeded");
    }

    #[test]
    fn a_refused_gateway_credential_is_not_the_clients_fault() {
        let expected = r#"{"error":{"code":502,"message":"The provider refused the gateway's key.","status":"UNAVAILABLE","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"upstream_key_refused","domain":"tidegate"}]}}"#;
        check(
            400,
            r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"},{"@type":"d","detail":"Invalid API key: key1234"}]}}"#,
            502,
            expected,
        );
        let denied = r#"{"error":{"code":403,"message":"Permission denied on projects/p-1","status":"PERMISSION_DENIED"}}"#;
        check(403, denied, 502, expected);
        check(401, "<html>", 502, expected);
    }

    #[test]
    fn the_gateways_projects_are_hidden() {
        let body = r#"{"error":{"code":429,"message":"Quota exceeded for consumer 'project_number:123'.","status":"RESOURCE_EXHAUSTED"}}"#;
        let error = read(StatusCode::TOO_MANY_REQUESTS, body.as_bytes());
        assert_eq!(error.message, "Quota exceeded for consumer (hidden) ");
    }

    #[test]
    fn a_page_is_not_repeated() {
        check(
            503,
            "<html>busy</html>",
            503,
            r#"{"error":{"code":503,"message":"The provider answered with status 503.","status":"UNAVAILABLE"}}"#,
        );
        check(
            500,
            "",
            500,
            r#"{"error":{"code":500,"message":"The provider answered with status 500.","status":"INTERNAL"}}"#,
        );
    }

    #[test]
    fn our_own_errors_have_the_right_word() {
        let check = |kind: Kind, expected: &str| {
            let (_, body) = write(&Error::new(kind, "m"));
            let body = String::from_utf8(body).unwrap();
            assert!(body.contains(&format!(r#""status":"{expected}""#)), "{body}");
        };
        check(Kind::BadRequest, "INVALID_ARGUMENT");
        check(Kind::Unauthorized, "UNAUTHENTICATED");
        check(Kind::Forbidden, "PERMISSION_DENIED");
        check(Kind::NotFound, "NOT_FOUND");
        check(Kind::Conflict, "ABORTED");
        check(Kind::TooLarge, "INVALID_ARGUMENT");
        check(Kind::RateLimited, "RESOURCE_EXHAUSTED");
        check(Kind::Overloaded, "UNAVAILABLE");
        check(Kind::UpstreamTimeout, "DEADLINE_EXCEEDED");
        check(Kind::ClientTimeout, "DEADLINE_EXCEEDED");
        check(Kind::UpstreamBroken, "UNAVAILABLE");
        check(Kind::Internal, "INTERNAL");
    }

    #[test]
    fn an_error_in_a_stream_is_an_event() {
        let event = event(&Error::bad_request("no"));
        assert_eq!(
            event,
            "data: {\"error\":{\"code\":400,\"message\":\"no\",\"status\":\"INVALID_ARGUMENT\"}}\r\n\r\n"
        );
    }
}
