//! What does a failure say, and of whom? That decides who rests, and who is asked next.

use crate::error::{Error, Kind};

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request's own: nobody would answer otherwise.
    Request,
    /// The prompt is too long for the model; another one may have more room.
    TooLong,
    /// A filter of the provider took offence; another one may not.
    Filtered,
    /// There is no such model here, or not for this key.
    Absent,
    /// A conflict that passes by itself.
    Passing,
    /// The key has reached a limit.
    Limited,
    /// The key has no credit, or no quota until that is reset.
    Spent,
    /// The key is refused.
    Refused,
    /// The provider broke down, or cannot be reached.
    Down,
    /// The provider broke off, or its answer cannot be read. It may have done the work, and be paid for it.
    Broke,
    /// The provider is silent. It may be at work all the same, and be paid for it.
    Silent,
    /// The gateway's own, or its client's.
    Ours,
}

/// Who is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nobody.
    Nobody,
    /// Another key of the same provider, at once.
    Key,
    /// Another key of the same provider, after a pause and if its budget of retries allows it.
    KeyLater,
    /// The next target.
    Target,
    /// Whoever the target's group names for such a failure.
    Named,
}

impl Fault {
    /// Whose failure this is.
    pub(crate) fn of(error: &Error) -> Self {
        let code = error.hints.as_deref().and_then(|hints| hints.code.as_deref());
        match error.kind {
            Kind::Upstream(status) => of_status(status.as_u16(), code, &error.message),
            Kind::UpstreamUnreachable => Self::Down,
            Kind::UpstreamBroken => of_words(code, &error.message).unwrap_or(Self::Broke),
            Kind::UpstreamTimeout => Self::Silent,
            Kind::BadRequest
            | Kind::Unauthorized
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::ClientTimeout
            | Kind::Conflict
            | Kind::PreconditionFailed
            | Kind::PreconditionRequired
            | Kind::UnsupportedMedia
            | Kind::TooLarge
            | Kind::RateLimited
            | Kind::Overloaded
            | Kind::Unavailable
            | Kind::Full
            | Kind::ClientGone
            | Kind::Internal => Self::Ours,
        }
    }

    /// Who is asked next.
    pub(crate) fn next(self) -> Next {
        match self {
            Self::Request | Self::Ours => Next::Nobody,
            Self::TooLong | Self::Filtered => Next::Named,
            Self::Absent | Self::Passing | Self::Limited | Self::Spent | Self::Refused => Next::Key,
            Self::Down => Next::KeyLater,
            Self::Broke | Self::Silent => Next::Target,
        }
    }
}

fn of_status(status: u16, code: Option<&str>, message: &str) -> Fault {
    let spent = code.is_some_and(|code| SPENT.contains(&code));
    match status {
        402 => Fault::Spent,
        429 if spent => Fault::Spent,
        429 => Fault::Limited,
        404 => Fault::Absent,
        // A key that may not use one model is good for others.
        403 if code == Some("model_not_found") => Fault::Absent,
        401 | 403 => Fault::Refused,
        408 | 409 | 425 => Fault::Passing,
        // These are not supported there, and never will be.
        501 | 505 => Fault::Request,
        500..=599 => Fault::Down,
        // A redirect is not followed, and what is no error has no words of one.
        _ => of_words(code, message).unwrap_or(Fault::Request),
    }
}

/// Codes of a 429 that no waiting helps against.
const SPENT: [&str; 4] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "enforced_spend_limit_reached",
    "quota_exceeded",
];
/// Codes of too long a prompt.
const TOO_LONG: [&str; 3] =
    ["context_length_exceeded", "exceed_context_size_error", "too_many_prompt_tokens"];
/// What is said of too long a prompt where the code is none of them, in small letters.
const TOO_LONG_WORDS: [&str; 5] = [
    "maximum context length",
    "context window",
    "prompt is too long",
    "exceed context limit",
    "exceeds the context length",
];
/// Codes of a filter.
const FILTERED: [&str; 4] = [
    "content_filter",
    "content_policy_violation",
    "ResponsibleAIPolicyViolation",
    "invalid_prompt",
];

/// Messages are looked at only where there is a failure already.
fn of_words(code: Option<&str>, message: &str) -> Option<Fault> {
    if let Some(code) = code {
        if TOO_LONG.contains(&code) {
            return Some(Fault::TooLong);
        }
        if FILTERED.contains(&code) {
            return Some(Fault::Filtered);
        }
    }
    let message = message.to_ascii_lowercase();
    let too_long = TOO_LONG_WORDS.iter().any(|words| message.contains(words))
        || (message.contains("token count") && message.contains("exceeds"));
    too_long.then_some(Fault::TooLong)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::dialect::Dialect;

    fn of(dialect: Dialect, status: u16, body: &str) -> Fault {
        Fault::of(&dialect.read_error(StatusCode::from_u16(status).unwrap(), body.as_bytes()))
    }

    #[test]
    fn a_status_says_whose_fault_it_is() {
        for dialect in Dialect::ALL {
            let check =
                |status, expected| assert_eq!(of(dialect, status, "{}"), expected, "{status}");
            check(400, Fault::Request);
            check(401, Fault::Refused);
            check(402, Fault::Spent);
            check(403, Fault::Refused);
            check(404, Fault::Absent);
            check(408, Fault::Passing);
            check(409, Fault::Passing);
            check(413, Fault::Request);
            check(422, Fault::Request);
            check(429, Fault::Limited);
            check(500, Fault::Down);
            check(501, Fault::Request);
            check(502, Fault::Down);
            check(503, Fault::Down);
            check(504, Fault::Down);
            check(529, Fault::Down);
            check(307, Fault::Request);
        }
    }

    #[test]
    fn too_long_a_prompt_is_known_in_every_dialect() {
        let check =
            |dialect, body: &str| assert_eq!(of(dialect, 400, body), Fault::TooLong, "{body}");
        let chat = Dialect::OpenAiChat;
        check(chat, r#"{"error":{"message":"m","code":"context_length_exceeded"}}"#);
        check(
            Dialect::OpenAiResponses,
            r#"{"error":{"message":"Your input exceeds the context window of this model."}}"#,
        );
        check(
            chat,
            r#"{"object":"error","message":"This model's maximum context length is 8 tokens","code":400}"#,
        );
        check(
            chat,
            r#"{"error":{"code":400,"message":"m: maximum context length","type":"exceed_context_size_error"}}"#,
        );
        check(chat, r#"{"error":{"message":"m","code":"too_many_prompt_tokens"}}"#);
        check(
            Dialect::Anthropic,
            r#"{"error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#,
        );
        check(
            Dialect::Gemini,
            r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum (8).","status":"INVALID_ARGUMENT"}}"#,
        );
        check(Dialect::Ollama, r#"{"error":"the input length exceeds the context length"}"#);
    }

    #[test]
    fn a_filter_is_known() {
        let check =
            |dialect, body: &str| assert_eq!(of(dialect, 400, body), Fault::Filtered, "{body}");
        check(Dialect::OpenAiChat, r#"{"error":{"message":"m","code":"content_filter"}}"#);
        check(
            Dialect::OpenAiChat,
            r#"{"error":{"message":"m","code":"content_policy_violation"}}"#,
        );
        check(Dialect::OpenAiResponses, r#"{"error":{"message":"m","code":"invalid_prompt"}}"#);
        check(
            Dialect::Anthropic,
            r#"{"error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#,
        );
        check(
            Dialect::Gemini,
            r#"{"error":{"code":400,"message":"The prompt was blocked for safety.","status":"INVALID_ARGUMENT"}}"#,
        );
    }

    #[test]
    fn a_key_without_credit_is_no_key_that_waits() {
        let check = |dialect, status, body: &str| {
            assert_eq!(of(dialect, status, body), Fault::Spent, "{body}");
        };
        check(Dialect::OpenAiChat, 429, r#"{"error":{"message":"m","code":"insufficient_quota"}}"#);
        check(
            Dialect::Anthropic,
            400,
            r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to access"}}"#,
        );
        check(
            Dialect::Anthropic,
            429,
            r#"{"error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        );
    }

    #[test]
    fn a_key_that_lacks_a_model_is_not_a_bad_key() {
        let body =
            r#"{"error":{"message":"Project has no access to model","code":"model_not_found"}}"#;
        assert_eq!(of(Dialect::OpenAiChat, 403, body), Fault::Absent);
        let body = r#"{"error":{"code":400,"message":"API key not valid.","details":[{"reason":"API_KEY_INVALID"}]}}"#;
        assert_eq!(of(Dialect::Gemini, 400, body), Fault::Refused);
    }
}
