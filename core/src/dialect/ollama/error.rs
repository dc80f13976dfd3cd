//! How does this API say that something went wrong?

use bytes::Bytes;
use http::StatusCode;

use super::wire::ErrorOut;
use crate::{
    dialect::object::Object,
    error::{Error, Kind},
};

/// Messages longer than this are cut: some hosts answer with whole pages.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// Reads a provider's error body. What is not of this API's shape gives a plain message: HTML is never repeated.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Error {
    let kind = Kind::Upstream(status);
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        // A client must not take it for its own key's fault.
        return Error::new(kind, "The provider refused the gateway's key.")
            .coded("upstream_key_refused");
    }
    let told = Object::read(body).ok().and_then(|object| object.typed::<String>("error").ok()?);
    match told {
        Some(text) => coded(Error::new(kind, cut(&text)), &text, Some(status)),
        None => Error::new(kind, format!("The provider answered with status {}.", status.as_u16())),
    }
}

/// An error in the middle of a stream, where there is no status.
pub(super) fn from_line(text: &str) -> Error {
    coded(Error::new(Kind::UpstreamBroken, cut(text)), text, None)
}

/// The texts are all there is to tell one error from another.
fn coded(error: Error, text: &str, status: Option<StatusCode>) -> Error {
    let lower = text.to_ascii_lowercase();
    if lower.contains("context length") || lower.contains("context window") {
        error.coded("context_length_exceeded")
    } else if status == Some(StatusCode::NOT_FOUND) && lower.contains("model") {
        error.coded("model_not_found")
    } else if status == Some(StatusCode::TOO_MANY_REQUESTS) {
        error.coded("rate_limit_exceeded")
    } else {
        error
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// An error as a body of its own.
pub(crate) fn write(error: &Error) -> (StatusCode, Vec<u8>) {
    let body = serde_json::to_vec(&ErrorOut { error: &error.message });
    (error.kind.status(), body.expect("strings always serialize"))
}

/// An error in the middle of a stream.
pub(crate) fn event(error: &Error) -> Bytes {
    let (_, mut line) = write(error);
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_error_keeps_its_meaning() {
        let check = |status: u16, body: &str, shown: u16, code: Option<&str>, message: &str| {
            let error = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            let found = error.hints.as_ref().and_then(|hints| hints.code.as_deref());
            assert_eq!(found, code, "{body}");
            let (status, written) = write(&error);
            assert_eq!(status.as_u16(), shown, "{body}");
            assert_eq!(String::from_utf8(written).unwrap(), format!(r#"{{"error":"{message}"}}"#));
        };
        let missing = r#"{"error":"model 'x' not found"}"#;
        check(404, missing, 404, Some("model_not_found"), "model 'x' not found");
        let long = r#"{"error":"the input length exceeds the context length"}"#;
        let message = "the input length exceeds the context length";
        check(400, long, 400, Some("context_length_exceeded"), message);
        let refused = "The provider refused the gateway's key.";
        check(401, r#"{"error":"unauthorized"}"#, 502, Some("upstream_key_refused"), refused);
        check(500, "<html>", 500, None, "The provider answered with status 500.");
        check(500, r#"{"error":{"a":1}}"#, 500, None, "The provider answered with status 500.");
    }

    #[test]
    fn an_error_in_a_stream_is_a_line() {
        assert_eq!(event(&Error::bad_request("no")), "{\"error\":\"no\"}\n");
    }
}
