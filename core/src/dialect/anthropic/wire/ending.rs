//! Why does an answer end, in this API's words and in the common ones?

use crate::dialect::ir::Stop;

/// Why an answer with so many calls of the client's tools ends. The calls decide whether it waits for tools: hosts that
/// speak this dialect do not all say so.
pub(in super::super) fn stop(reason: &str, sequence: Option<&str>, calls: usize) -> Stop {
    match reason {
        "stop_sequence" => Stop::Sequence(sequence.map(str::to_owned)),
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Refused,
        "pause_turn" | "compaction" => Stop::Paused,
        _ if calls > 0 => Stop::Tools,
        _ => Stop::End,
    }
}

/// How an answer ended: all that decides what this API says of it.
#[derive(Default)]
pub(in super::super) struct Ending {
    /// What the answer itself says.
    pub(in super::super) stop: Stop,
    /// How many calls of tools it holds.
    pub(in super::super) calls: usize,
    /// Whether it holds words of refusal.
    pub(in super::super) refused: bool,
}

impl Ending {
    /// The stop reason.
    pub(in super::super) fn reason(&self) -> &'static str {
        match self.stop {
            Stop::Length => "max_tokens",
            Stop::Filtered | Stop::Refused => "refusal",
            Stop::Paused => "pause_turn",
            Stop::End | Stop::Tools | Stop::Sequence(_) | Stop::Failed if self.calls > 0 => {
                "tool_use"
            }
            Stop::Sequence(_) => "stop_sequence",
            Stop::End | Stop::Tools | Stop::Failed if self.refused => "refusal",
            Stop::End | Stop::Tools | Stop::Failed => "end_turn",
        }
    }

    /// The text that ended it, where that is known.
    pub(in super::super) fn sequence(&self) -> Option<&str> {
        let Stop::Sequence(sequence) = &self.stop else { return None };
        sequence.as_deref().filter(|_| self.reason() == "stop_sequence")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_read() {
        let check = |reason: &str, calls: usize, expected: Stop| {
            assert_eq!(stop(reason, Some("END"), calls), expected, "{reason} {calls}");
        };
        check("end_turn", 0, Stop::End);
        check("end_turn", 1, Stop::Tools);
        check("tool_use", 2, Stop::Tools);
        check("tool_use", 0, Stop::End);
        check("stop_sequence", 0, Stop::Sequence(Some("END".into())));
        check("max_tokens", 1, Stop::Length);
        check("model_context_window_exceeded", 0, Stop::Length);
        check("refusal", 0, Stop::Refused);
        check("pause_turn", 1, Stop::Paused);
        check("something else", 0, Stop::End);
    }

    #[test]
    fn endings_are_written() {
        let check = |stop: Stop, calls: usize, refused: bool, expected: &str| {
            let ending = Ending { stop, calls, refused };
            let text = ending.sequence().unwrap_or("-");
            assert_eq!(format!("{} {text}", ending.reason()), expected);
        };
        check(Stop::End, 0, false, "end_turn -");
        check(Stop::End, 1, false, "tool_use -");
        check(Stop::Tools, 0, false, "end_turn -");
        check(Stop::Tools, 1, false, "tool_use -");
        check(Stop::Sequence(Some("X".into())), 0, false, "stop_sequence X");
        check(Stop::Sequence(None), 0, false, "stop_sequence -");
        check(Stop::Length, 1, false, "max_tokens -");
        check(Stop::Filtered, 0, false, "refusal -");
        check(Stop::Refused, 0, true, "refusal -");
        check(Stop::End, 0, true, "refusal -");
        check(Stop::Paused, 0, false, "pause_turn -");
        check(Stop::Failed, 0, false, "end_turn -");
    }
}
