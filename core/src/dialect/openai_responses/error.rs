//! How does this API say that something went wrong? Bodies are those of chat; only streams differ.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde_json::value::RawValue;

use super::wire::{
    Code, ErrorBody,
    output::{ErrorFrame, Failure},
};
use crate::{
    dialect::{object::Object, openai_chat},
    error::{Error, Hints, Kind},
    json,
};

/// Messages longer than this are cut: some hosts answer with whole pages.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// Codes of `error` that clients act upon, beside `server_error`.
const CODES: [&str; 5] = [
    "context_length_exceeded",
    "insufficient_quota",
    "invalid_prompt",
    "rate_limit_exceeded",
    "server_error",
];

/// An error in the middle of a stream whose frames are passed on as they come: SDKs raise on the first event, and
/// those that wait for a terminal event get one.
pub(crate) fn event(error: &Error) -> Bytes {
    let mut frames = Vec::new();
    write_event(error, 0, &mut frames);
    let failure = serde_json::to_string(&failure(error)).expect("strings always serialize");
    let response = format!(
        r#"{{"id":"","object":"response","created_at":0,"status":"failed","error":{failure},"model":"","output":[],"parallel_tool_calls":true,"tool_choice":"auto","tools":[]}}"#
    );
    let kind = "response.failed";
    let last = format!(
        "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":1,\"response\":{response}}}\n\n"
    );
    frames.extend_from_slice(last.as_bytes());
    frames.into()
}

/// Adds the `error` event: the form of the documentation, and in `error` the one that providers send and SDKs raise on.
pub(super) fn write_event(error: &Error, sequence_number: u64, out: &mut Vec<u8>) {
    let (_, body) = openai_chat::error::write(error);
    let body = Object::read(&body).expect("an error is written as an object");
    let inner = body.get("error").expect("the object has this one field");
    let fields: ErrorBody<'_> = json::read(inner.get()).expect("the fields are strings or null");
    let frame = ErrorFrame {
        kind: "error",
        sequence_number,
        code: fields.code.map(Code::into_text),
        message: fields.message.unwrap_or_default(),
        param: fields.param,
        error: inner,
    };
    super::wire::output::write_frame("error", &frame, out);
}

/// The `error` of a response that failed.
pub(super) fn failure(error: &Error) -> Failure<'_> {
    let code = error.hints.as_deref().and_then(|hints| hints.code.as_deref());
    let known = CODES.into_iter().find(|known| Some(*known) == code);
    let limited = error.kind.status() == StatusCode::TOO_MANY_REQUESTS;
    let plain = if limited { "rate_limit_exceeded" } else { "server_error" };
    Failure { code: known.unwrap_or(plain), message: &error.message }
}

/// An error that came with status 200. Its code is all there is to tell a limit from a breakdown.
pub(super) fn read_inner(json: &RawValue) -> Error {
    let Ok(body) = json::read::<ErrorBody<'_>>(json.get()) else {
        let text = json::read::<String>(json.get());
        let text = text.map_or_else(|_| FAILED.to_owned(), |text| cut(&text));
        return Error::new(Kind::UpstreamBroken, text);
    };
    let code = body.code.map(Code::into_text);
    let kind = kind_of(code.as_deref(), body.category.as_deref());
    let message = body.message.map_or_else(|| FAILED.to_owned(), |text| cut(&text));
    let hints = Hints {
        param: body.param.map(Cow::into_owned),
        code: code.map(Cow::into_owned),
        category: body.category.filter(|category| *category != "error").map(Cow::into_owned),
        retry_after: None,
        quota: None,
        rests_until_ms: None,
    };
    Error { hints: Some(Box::new(hints)), ..Error::new(kind, message) }
}

const FAILED: &str = "The provider failed.";

fn kind_of(code: Option<&str>, category: Option<&str>) -> Kind {
    match code {
        Some("rate_limit_exceeded" | "insufficient_quota" | "429") => {
            Kind::Upstream(StatusCode::TOO_MANY_REQUESTS)
        }
        Some("server_is_overloaded" | "overloaded" | "slow_down" | "503" | "529") => {
            Kind::Upstream(StatusCode::SERVICE_UNAVAILABLE)
        }
        Some("context_length_exceeded" | "invalid_prompt" | "content_filter") => {
            Kind::Upstream(StatusCode::BAD_REQUEST)
        }
        _ if category == Some("invalid_request_error") => Kind::Upstream(StatusCode::BAD_REQUEST),
        _ => Kind::UpstreamBroken,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

impl<'a> Code<'a> {
    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_a_stream_raises_and_ends() {
        let error = Error::new(Kind::UpstreamBroken, "It \"broke\".");
        let inner = r#"{"message":"It \"broke\".","type":"server_error","param":null,"code":"upstream_broken"}"#;
        let first = format!(
            "event: error\ndata: {{\"type\":\"error\",\"sequence_number\":0,\"code\":\"upstream_broken\",\"message\":\"It \\\"broke\\\".\",\"param\":null,\"error\":{inner}}}\n\n"
        );
        let last = "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":1,\"response\":{\"id\":\"\",\"object\":\"response\",\"created_at\":0,\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"It \\\"broke\\\".\"},\"model\":\"\",\"output\":[],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[]}}\n\n";
        assert_eq!(std::str::from_utf8(&event(&error)).unwrap(), format!("{first}{last}"));
    }

    #[test]
    fn an_inner_error_says_whose_fault_it_is() {
        let check = |json: &str, kind: Kind, code: &str, message: &str| {
            let error = read_inner(serde_json::from_str(json).unwrap());
            let hints = error.hints.clone().unwrap_or_default();
            assert_eq!((error.kind, &*error.message), (kind, message), "{json}");
            assert_eq!(hints.code.as_deref().unwrap_or_default(), code, "{json}");
        };
        let status = |status| Kind::Upstream(StatusCode::from_u16(status).unwrap());
        check(
            r#"{"type":"error","code":"rate_limit_exceeded","message":"slow","param":null}"#,
            status(429),
            "rate_limit_exceeded",
            "slow",
        );
        check(r#"{"code":503,"message":"busy"}"#, status(503), "503", "busy");
        check(
            r#"{"type":"invalid_request_error","code":"context_length_exceeded","message":"long"}"#,
            status(400),
            "context_length_exceeded",
            "long",
        );
        check(r#"{"code":"server_error"}"#, Kind::UpstreamBroken, "server_error", FAILED);
        check(r#""plain""#, Kind::UpstreamBroken, "", "plain");
    }
}
