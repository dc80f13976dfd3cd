//! What is said where a recording has only the other half?

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tidegate_core::dialect::Dialect;

use crate::frames;

/// What a request needs to be one, with tools of these names.
pub(crate) fn request(dialect: Dialect, stream: bool, tools: &[String]) -> Map<String, Value> {
    let tools: BTreeSet<&String> = tools.iter().filter(|name| !name.is_empty()).collect();
    let schema = json!({"type": "object", "properties": {}});
    let tool = |name: &String| match dialect {
        Dialect::OpenAiChat | Dialect::Ollama => {
            json!({"type": "function", "function": {"name": name, "parameters": schema}})
        }
        Dialect::OpenAiResponses => {
            json!({"type": "function", "name": name, "parameters": schema, "strict": false})
        }
        Dialect::Anthropic => json!({"name": name, "input_schema": schema}),
        Dialect::Gemini => json!({"name": name, "parametersJsonSchema": schema}),
    };
    let mut listed: Vec<Value> = tools.into_iter().map(tool).collect();
    let mut request = match dialect {
        Dialect::OpenAiChat | Dialect::Ollama => {
            json!({"messages": [{"role": "user", "content": "Hello"}], "stream": stream})
        }
        Dialect::OpenAiResponses => json!({"input": "Hello", "stream": stream}),
        Dialect::Anthropic => json!({
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": "Hello"}],
            "stream": stream,
        }),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}),
    };
    if !listed.is_empty() {
        if dialect == Dialect::Gemini {
            listed = vec![json!({ "functionDeclarations": listed })];
        }
        request["tools"] = Value::Array(listed);
    }
    match request {
        Value::Object(request) => request,
        _ => Map::default(),
    }
}

/// An answer that says "Hi", and its content type.
pub(crate) fn answer(dialect: Dialect, stream: bool) -> (&'static str, Bytes) {
    match (dialect, stream) {
        (Dialect::Ollama, true) => ("application/x-ndjson", ollama_lines()),
        (_, true) => ("text/event-stream", frames::frame(dialect, &events(dialect))),
        (_, false) => ("application/json", whole(dialect).to_string().into()),
    }
}

/// An answer of Anthropic that calls one tool with `{"x":1}`, and its content type.
pub(crate) fn call(tool: &str, stream: bool) -> (&'static str, Bytes) {
    let block =
        |input: Value| json!({"type": "tool_use", "id": "toolu_1", "name": tool, "input": input});
    if !stream {
        let mut answer = whole(Dialect::Anthropic);
        answer["content"] = json!([block(json!({"x": 1}))]);
        answer["stop_reason"] = json!("tool_use");
        return ("application/json", answer.to_string().into());
    }
    let mut events = events(Dialect::Anthropic);
    events[1]["content_block"] = block(json!({}));
    events[2]["delta"] = json!({"type": "input_json_delta", "partial_json": "{\"x\":1}"});
    events[4]["delta"]["stop_reason"] = json!("tool_use");
    ("text/event-stream", frames::frame(Dialect::Anthropic, &events))
}

fn whole(dialect: Dialect) -> Value {
    match dialect {
        Dialect::OpenAiChat => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }),
        Dialect::OpenAiResponses => response(),
        Dialect::Anthropic => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }),
        Dialect::Gemini => json!({
            "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "Hi"}]}}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        }),
        Dialect::Ollama => json!({
            "model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "Hi"},
            "done": true, "done_reason": "stop", "prompt_eval_count": 1, "eval_count": 1,
        }),
    }
}

fn response() -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    })
}

fn events(dialect: Dialect) -> Vec<Value> {
    match dialect {
        Dialect::OpenAiChat => {
            let chunk = |choice: Value| json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]});
            vec![
                chunk(
                    json!({"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": null}),
                ),
                chunk(json!({"index": 0, "delta": {}, "finish_reason": "stop"})),
            ]
        }
        Dialect::OpenAiResponses => {
            let response = response();
            let item = &response["output"][0];
            vec![
                json!({"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []}}),
                json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}}),
                json!({"type": "response.output_text.delta", "sequence_number": 2, "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Hi"}),
                json!({"type": "response.output_item.done", "sequence_number": 3, "output_index": 0, "item": item}),
                json!({"type": "response.completed", "sequence_number": 4, "response": response}),
            ]
        }
        Dialect::Anthropic => vec![
            json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 1}}),
            json!({"type": "message_stop"}),
        ],
        Dialect::Gemini => vec![whole(dialect)],
        Dialect::Ollama => Vec::new(),
    }
}

fn ollama_lines() -> Bytes {
    let mut end = whole(Dialect::Ollama);
    let mut said = end.clone();
    said["done"] = Value::Bool(false);
    end["message"]["content"] = Value::String(String::new());
    format!("{said}\n{end}\n").into()
}
