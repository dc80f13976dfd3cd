//! What may a provider say with a good status that is no answer?

use tidegate_core::dialect::Dialect;

/// What stands at the end of an answer that breaks off.
pub(crate) const BREAKS: &str = "\0";

/// Something that is no answer.
pub(crate) struct Bad {
    /// What it is.
    pub(crate) name: &'static str,
    /// Its content type; that of a stream unless it says otherwise.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

/// How a provider of this dialect says that it is overloaded, limited, broken, and anything else.
fn errors(dialect: Dialect) -> [&'static str; 4] {
    match dialect {
        Dialect::OpenAiChat => [
            r#"{"error":{"message":"m","code":503}}"#,
            r#"{"error":{"message":"m","type":"rate_limit_error","code":429}}"#,
            r#"{"error":{"message":"m","type":"server_error","code":"server_error"}}"#,
            r#"{"error":"busy"}"#,
        ],
        Dialect::OpenAiResponses => [
            r#"{"type":"error","error":{"message":"m","code":"server_is_overloaded"}}"#,
            r#"{"type":"error","code":"rate_limit_exceeded","message":"m"}"#,
            r#"{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"m"}}}"#,
            r#"{"type":"error","code":null,"message":"m","param":null}"#,
        ],
        Dialect::Anthropic => [
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#,
            r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#,
            r#"{"type":"error","error":{"type":"timeout_error","message":"m"}}"#,
        ],
        Dialect::Gemini => [
            r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#,
            r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#,
            r#"{"error":{"code":500,"message":"m","status":"INTERNAL"}}"#,
            r#"{"error":{"code":504,"message":"m","status":"DEADLINE_EXCEEDED"}}"#,
        ],
        Dialect::Ollama => [
            r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
            r#"{"error":"too many requests"}"#,
            r#"{"error":"an error was encountered while running the model: unexpected EOF"}"#,
            r#"{"error":"model runner has unexpectedly stopped"}"#,
        ],
    }
}

/// The same as a whole answer.
fn whole_errors(dialect: Dialect) -> [&'static str; 4] {
    match dialect {
        Dialect::OpenAiResponses => [
            r#"{"id":"r","object":"response","status":"failed","error":{"code":"server_error","message":"m"},"output":[]}"#,
            r#"{"id":"r","object":"response","status":"failed","error":{"code":"rate_limit_exceeded","message":"m"},"output":[]}"#,
            r#"{"error":{"message":"m","type":"server_error","code":"server_is_overloaded"}}"#,
            r#"{"error":{"message":"m","type":"server_error","code":null}}"#,
        ],
        Dialect::OpenAiChat | Dialect::Anthropic | Dialect::Gemini | Dialect::Ollama => {
            errors(dialect)
        }
    }
}

fn frame(dialect: Dialect, json: &str) -> String {
    match dialect {
        Dialect::OpenAiChat | Dialect::Gemini => format!("data: {json}\n\n"),
        Dialect::OpenAiResponses | Dialect::Anthropic => format!("event: error\ndata: {json}\n\n"),
        Dialect::Ollama => format!("{json}\n"),
    }
}

/// Thirteen things that are no stream; all but the last may also follow content that has begun.
pub(crate) fn streams(dialect: Dialect) -> [Bad; 13] {
    let [overloaded, limited, broken, other] = errors(dialect);
    let lines = dialect == Dialect::Ollama;
    let comment = if lines { "\n" } else { ": hold on\n\n" };
    let framed_otherwise = match dialect {
        Dialect::OpenAiChat | Dialect::Gemini => format!("event: error\ndata: {broken}\n\n"),
        Dialect::OpenAiResponses | Dialect::Anthropic => format!("data: {broken}\n\n"),
        Dialect::Ollama => format!("{broken}\r\n"),
    };
    let half = &overloaded[..overloaded.len() / 2];
    let half = if lines { half.to_owned() } else { format!("data: {half}") };
    let bad = |name, text| Bad { name, kind: kind(dialect), text };
    [
        bad("overloaded", frame(dialect, overloaded)),
        bad("limited", frame(dialect, limited)),
        bad("broken", frame(dialect, broken)),
        bad("another error", frame(dialect, other)),
        bad("an error after a comment", format!("{comment}{}", frame(dialect, broken))),
        bad("an error framed otherwise", framed_otherwise),
        bad("nothing", String::new()),
        bad("comments alone", comment.repeat(3)),
        bad("half an event", half),
        bad("broken off", BREAKS.to_owned()),
        Bad { name: "a page", kind: "text/html", text: "<html>\nbusy\n</html>\n".to_owned() },
        Bad {
            name: "a whole error",
            kind: "application/json",
            text: whole_errors(dialect)[2].to_owned(),
        },
        bad("the end alone", "data: [DONE]\n\n".to_owned()),
    ]
}

/// Nine things that are no whole answer.
pub(crate) fn wholes(dialect: Dialect) -> [Bad; 9] {
    let [overloaded, limited, broken, other] = whole_errors(dialect);
    let json = |name, text: &str| Bad { name, kind: "application/json", text: text.to_owned() };
    [
        json("overloaded", overloaded),
        json("limited", limited),
        json("broken", broken),
        json("another error", other),
        json("nothing", ""),
        json("half an answer", &overloaded[..overloaded.len() / 2]),
        json("null", "null"),
        json("broken off", BREAKS),
        Bad { name: "a page", kind: "text/html", text: "<html>busy</html>".to_owned() },
    ]
}

/// The content type of a stream.
pub(crate) fn kind(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Ollama { "application/x-ndjson" } else { "text/event-stream" }
}

/// A stream that has said `hi` and goes on.
pub(crate) fn begun(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => {
            "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n"
        }
        Dialect::OpenAiResponses => {
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[]}}\n\n\
             event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"i\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}}\n\n\
             event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n\
             event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"hi\"}\n\n"
        }
        Dialect::Anthropic => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"m\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n\
             event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
             event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n"
        }
        Dialect::Gemini => {
            "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hi\"}]}}]}\n\n"
        }
        Dialect::Ollama => {
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"done\":false}\n"
        }
    }
}

/// A good stream.
pub(crate) fn good(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        Dialect::OpenAiResponses => {
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n"
        }
        Dialect::Anthropic => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"m\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
        Dialect::Gemini => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}]},\"finishReason\":\"STOP\"}]}\n\n"
        }
        Dialect::Ollama => {
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"done\":true,\"done_reason\":\"stop\"}\n"
        }
    }
}

/// A good whole answer.
pub(crate) fn good_whole(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => {
            r#"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#
        }
        Dialect::OpenAiResponses => {
            r#"{"id":"r","object":"response","status":"completed","output":[]}"#
        }
        Dialect::Anthropic => {
            r#"{"type":"message","id":"m","role":"assistant","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn"}"#
        }
        Dialect::Gemini => {
            r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}]}"#
        }
        Dialect::Ollama => {
            r#"{"model":"m","message":{"role":"assistant","content":"hi"},"done":true}"#
        }
    }
}
