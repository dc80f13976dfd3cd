//! Does the oracle see what a stream says, and which rules it breaks?

use std::fmt::Write as _;

use tidegate_core::dialect::Dialect;

use super::*;

const CHAT: &str = r#"
{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi "},"finish_reason":null}]}
{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"you"},"finish_reason":null}]}
{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":"}}]},"finish_reason":null}]}
{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":null}]}
{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}
{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}
[DONE]"#;

const ANTHROPIC: &str = r#"
{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}
{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi you"}}
{"type":"content_block_stop","index":0}
{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}
{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}
{"type":"content_block_stop","index":1}
{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":2}}
{"type":"message_stop"}"#;

const RESPONSES: &str = r#"
{"type":"response.created","sequence_number":0,"response":{}}
{"type":"response.in_progress","sequence_number":1,"response":{}}
{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"i","type":"message"}}
{"type":"response.output_text.delta","sequence_number":3,"output_index":0,"content_index":0,"delta":"Hi you"}
{"type":"response.output_text.done","sequence_number":4,"output_index":0,"content_index":0,"text":"Hi you"}
{"type":"response.output_item.done","sequence_number":5,"output_index":0,"item":{"id":"i","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi you","annotations":[]}]}}
{"type":"response.output_item.added","sequence_number":6,"output_index":1,"item":{"id":"j","type":"function_call"}}
{"type":"response.output_item.done","sequence_number":7,"output_index":1,"item":{"id":"j","type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":1}"}}
{"type":"response.completed","sequence_number":8,"response":{"id":"r","object":"response","created_at":1,"status":"completed","error":null,"incomplete_details":null,"instructions":null,"model":"m","parallel_tool_calls":true,"metadata":{},"temperature":1,"tool_choice":"auto","tools":[],"top_p":1,"output":[{"id":"i","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi you","annotations":[]}]},{"id":"j","type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":1}"}],"usage":{"input_tokens":3,"input_tokens_details":{},"output_tokens":2,"output_tokens_details":{},"total_tokens":5}}}"#;

const GEMINI: &str = r#"
{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"Hi you"}]}}]}
{"candidates":[{"index":0,"content":{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{"x":1}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}"#;

/// Reads events, one a line, in the framing of their dialect.
fn read(dialect: Dialect, events: &str) -> Said {
    let mut text = String::new();
    for line in events.lines().filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(kind) = event["type"].as_str() {
            let _ = writeln!(text, "event: {kind}");
        }
        let _ = write!(text, "data: {line}\n\n");
    }
    stream(dialect, text.as_bytes())
}

#[test]
fn all_dialects_say_the_same() {
    for (dialect, events) in [
        (Dialect::OpenAiChat, CHAT),
        (Dialect::Anthropic, ANTHROPIC),
        (Dialect::OpenAiResponses, RESPONSES),
        (Dialect::Gemini, GEMINI),
    ] {
        let said = read(dialect, events);
        assert_eq!(said.faults, [""; 0], "{dialect:?}");
        assert_eq!((said.text.as_str(), said.over, said.error), ("Hi you", true, None));
        let arguments = Arguments::Json(serde_json::json!({"x": 1}));
        let call = Call { id: "a".to_owned(), name: "f".to_owned(), arguments };
        assert_eq!(said.calls, [call], "{dialect:?}");
        let usage = Usage { prompt: 3, completion: 2, ..Usage::default() };
        assert_eq!(said.usage, Some(usage), "{dialect:?}");
        assert!(matches!(said.finish, Some(Finish::Stop | Finish::Tools)), "{dialect:?}");
    }
}

/// Replaces a text in a good stream, and says which rule that breaks.
fn check(dialect: Dialect, events: &str, (from, to): (&str, &str), expected: &str) {
    assert!(events.contains(from), "{from}");
    let said = read(dialect, &events.replacen(from, to, 1));
    assert!(said.faults.iter().any(|fault| fault == expected), "{from}: {:?}", said.faults);
}

#[test]
fn a_broken_order_is_seen() {
    let chat = |change, expected| check(Dialect::OpenAiChat, CHAT, change, expected);
    chat((r#""role":"assistant","#, ""), "the first delta has no role");
    chat(("[DONE]", ""), "there is no [DONE]");
    chat(
        (r#""finish_reason":"tool_calls""#, r#""finish_reason":null"#),
        "there is no finish_reason",
    );
    chat((r#""id":"a","#, ""), "a call begins without an id");
    chat((r#"{"content":"you"}"#, "{}"), "a delta is empty");
    chat((r#""total_tokens":5"#, r#""total_tokens":6"#), "total_tokens is not the sum");
    let anthropic = |change, expected| check(Dialect::Anthropic, ANTHROPIC, change, expected);
    anthropic((r#"{"type":"content_block_stop","index":0}"#, ""), "blocks overlap");
    anthropic(
        (r#"start","index":1"#, r#"start","index":2"#),
        "the index of a block is not the next",
    );
    anthropic((r#"{"type":"message_stop"}"#, ""), "there is no message_stop");
    anthropic(("text_delta", "thinking_delta"), "a delta does not fit its block");
    let responses = |change, expected| check(Dialect::OpenAiResponses, RESPONSES, change, expected);
    responses((r#""sequence_number":4"#, r#""sequence_number":9"#), "sequence_number has a gap");
    responses(
        (r#""delta":"Hi you""#, r#""delta":"Hi""#),
        "the deltas of an item do not add up to it",
    );
    responses((r#""output_index":1"#, r#""output_index":3"#), "output_index is not the next");
    responses((r#""status":"completed""#, r#""state":"completed""#), "`status` is missing");
    let gemini = |change, expected| check(Dialect::Gemini, GEMINI, change, expected);
    gemini((r#","finishReason":"STOP""#, ""), "there is no finishReason");
    gemini((r#""totalTokenCount":5"#, r#""totalTokenCount":4"#), "totalTokenCount is not the sum");
}

#[test]
fn an_error_is_no_end() {
    let (chat, _) = CHAT.split_once("\n{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},").expect("the chunk is there");
    let said = read(Dialect::OpenAiChat, &format!("{chat}\n{{\"error\":{{\"message\":\"cut\"}}}}"));
    assert_eq!((said.error.as_deref(), said.over), (Some("cut"), false));
    let said = read(
        Dialect::OpenAiChat,
        &format!("{chat}\n{{\"error\":{{\"message\":\"cut\"}}}}\n[DONE]"),
    );
    assert!(said.faults.iter().any(|fault| fault == "something follows the end"));
}
