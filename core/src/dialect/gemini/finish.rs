//! Why does an answer end, in this API's words?

use crate::dialect::ir::Stop;

/// What a finish reason means; a word nobody knows means that the model could not go on.
pub(super) fn read(reason: &str) -> Stop {
    match reason {
        "STOP" => Stop::End,
        "MAX_TOKENS" => Stop::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Stop::Filtered,
        _ => Stop::Failed,
    }
}

/// The word for it. Calls have none of their own.
pub(super) fn write(stop: &Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::Tools | Stop::Paused => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Filtered | Stop::Refused => "SAFETY",
        Stop::Failed => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_a_meaning() {
        let check = |reason: &str, stop: Stop, back: &str| {
            assert_eq!(read(reason), stop, "{reason}");
            assert_eq!(write(&stop), back, "{reason}");
        };
        check("STOP", Stop::End, "STOP");
        check("MAX_TOKENS", Stop::Length, "MAX_TOKENS");
        for reason in ["SAFETY", "RECITATION", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"] {
            check(reason, Stop::Filtered, "SAFETY");
        }
        for reason in ["MALFORMED_FUNCTION_CALL", "OTHER", "LANGUAGE", "FAKE_ENUM"] {
            check(reason, Stop::Failed, "OTHER");
        }
        for stop in [Stop::Sequence(None), Stop::Tools, Stop::Paused] {
            assert_eq!(write(&stop), "STOP");
        }
        assert_eq!(write(&Stop::Refused), "SAFETY");
    }
}
