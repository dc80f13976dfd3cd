//! How does each dialect ask, answer and fail? What the cases need of it, written by hand from its documentation.

use serde_json::{Value, json};
use tidegate_core::dialect::Dialect;
use tidegate_provider::Script;

use crate::{
    setup::MODEL,
    wire::{Answer, Ask},
    world::{World, spare},
};

/// What a provider of every dialect says in these cases.
pub(super) const TEXT: &str = "caf\u{e9} 😀";
/// What it counts.
pub(super) const USAGE: (u64, u64) = (11, 7);

/// A dialect, as a client or as a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Chat,
    Responses,
    Anthropic,
    Gemini,
    Ollama,
}

impl Speech {
    /// Those that clients speak.
    pub(super) const CLIENTS: [Self; 4] =
        [Self::Chat, Self::Responses, Self::Anthropic, Self::Gemini];
    /// Those that providers speak.
    pub(super) const PROVIDERS: [Self; 5] =
        [Self::Chat, Self::Responses, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// The model of the provider that speaks it.
    pub(super) fn model(self) -> String {
        match self {
            Self::Chat => MODEL.to_owned(),
            Self::Responses => format!("{MODEL}-openai_responses"),
            Self::Anthropic => format!("{MODEL}-anthropic"),
            Self::Gemini => format!("{MODEL}-gemini"),
            Self::Ollama => format!("{MODEL}-ollama"),
        }
    }

    /// A model of a provider that no other case asks.
    pub(super) fn spare(self) -> String {
        let dialect = match self {
            Self::Chat => Dialect::OpenAiChat,
            Self::Responses => Dialect::OpenAiResponses,
            Self::Anthropic => Dialect::Anthropic,
            Self::Gemini => Dialect::Gemini,
            Self::Ollama => Dialect::Ollama,
        };
        format!("{}/{MODEL}", spare(dialect))
    }

    /// A client's request: a question, and one tool.
    pub(super) fn ask(self, world: &World, model: &str, stream: bool) -> Ask {
        let question = format!("hello {}", world.tag());
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let key = world.client.key.as_str();
        match self {
            Self::Chat | Self::Ollama => {
                let function = json!({ "name": "weather", "parameters": schema });
                let body = json!({
                    "model": model, "stream": stream,
                    "messages": [{ "role": "user", "content": question }],
                    "tools": [{ "type": "function", "function": function }],
                });
                Ask::post("/v1/chat/completions", body.to_string()).bearer(key)
            }
            Self::Responses => {
                let body = json!({
                    "model": model, "stream": stream, "input": question, "store": false,
                    "tools": [{ "type": "function", "name": "weather", "parameters": schema, "strict": false }],
                });
                Ask::post("/v1/responses", body.to_string()).bearer(key)
            }
            Self::Anthropic => {
                let body = json!({
                    "model": model, "stream": stream, "max_tokens": 64,
                    "messages": [{ "role": "user", "content": question }],
                    "tools": [{ "name": "weather", "input_schema": schema }],
                });
                let ask = Ask::post("/v1/messages", body.to_string());
                ask.header("x-api-key", key).header("anthropic-version", "2023-06-01")
            }
            Self::Gemini => {
                let declaration = json!({ "name": "weather", "parameters": schema });
                let body = json!({
                    "contents": [{ "role": "user", "parts": [{ "text": question }] }],
                    "tools": [{ "functionDeclarations": [declaration] }],
                });
                let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
                let path = format!("/v1beta/models/{model}:{verb}");
                Ask::post(path, body.to_string()).header("x-goog-api-key", key)
            }
        }
    }

    /// A provider's whole answer: the text, then a call of the tool.
    pub(super) fn whole(self) -> Script {
        let arguments = json!({ "city": "Paris" });
        let (input, output) = USAGE;
        let body = match self {
            Self::Chat => json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": {
                    "role": "assistant", "content": TEXT,
                    "tool_calls": [{ "id": "call_1", "type": "function", "function": {
                        "name": "weather", "arguments": arguments.to_string() } }] } }],
                "usage": { "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output },
            }),
            Self::Responses => response_body("completed"),
            Self::Anthropic => json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                "content": [{ "type": "text", "text": TEXT },
                    { "type": "tool_use", "id": "toolu_1", "name": "weather", "input": arguments }],
                "stop_reason": "tool_use", "stop_sequence": null,
                "usage": { "input_tokens": input, "output_tokens": output },
            }),
            Self::Gemini => json!({
                "candidates": [{ "index": 0, "finishReason": "STOP", "content": { "role": "model", "parts": [
                    { "text": TEXT }, { "functionCall": { "name": "weather", "args": arguments } }] } }],
                "usageMetadata": { "promptTokenCount": input, "candidatesTokenCount": output,
                    "totalTokenCount": input + output },
                "modelVersion": "m", "responseId": "r1",
            }),
            Self::Ollama => json!({
                "model": "m", "created_at": "2026-01-01T00:00:00Z", "done": true, "done_reason": "stop",
                "message": { "role": "assistant", "content": TEXT,
                    "tool_calls": [{ "id": "call_1", "function": { "name": "weather", "arguments": arguments } }] },
                "prompt_eval_count": input, "eval_count": output,
            }),
        };
        Script::json(200, body.to_string())
    }

    /// The frames of a provider's stream of the same answer.
    pub(super) fn frames(self) -> Vec<String> {
        let (input, output) = USAGE;
        match self {
            Self::Chat => vec![
                chat_chunk(&json!({ "role": "assistant", "content": "café " })),
                chat_chunk(&json!({ "content": "😀" })),
                chat_chunk(&json!({ "tool_calls": [{ "index": 0, "id": "call_1", "type": "function",
                    "function": { "name": "weather", "arguments": "{\"city\":" } }] })),
                chat_chunk(&json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "\"Paris\"}" } }] })),
                "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n".to_owned(),
                format!("data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":{input},\"completion_tokens\":{output}}}}}\n\n"),
                "data: [DONE]\n\n".to_owned(),
            ],
            Self::Responses => responses_frames(),
            Self::Anthropic => anthropic_frames(),
            Self::Gemini => {
                let part = |part: Value| json!({ "candidates": [{ "index": 0, "content": { "role": "model", "parts": [part] } }] });
                let mut last = part(json!({ "functionCall": { "name": "weather", "args": { "city": "Paris" } } }));
                last["candidates"][0]["finishReason"] = json!("STOP");
                last["usageMetadata"] = json!({ "promptTokenCount": input, "candidatesTokenCount": output,
                    "totalTokenCount": input + output });
                let elements = [part(json!({ "text": "café " })), part(json!({ "text": "😀" })), last];
                elements.map(|element| format!("data: {element}\r\n\r\n")).into()
            }
            Self::Ollama => {
                let line = |message: Value| json!({ "model": "m", "message": message, "done": false });
                let call = json!({ "id": "call_1", "function": { "name": "weather", "arguments": { "city": "Paris" } } });
                let lines = [
                    line(json!({ "role": "assistant", "content": "café " })),
                    line(json!({ "role": "assistant", "content": "😀" })),
                    line(json!({ "role": "assistant", "content": "", "tool_calls": [call] })),
                    json!({ "model": "m", "message": { "role": "assistant", "content": "" }, "done": true,
                        "done_reason": "stop", "prompt_eval_count": input, "eval_count": output }),
                ];
                lines.map(|line| format!("{line}\n")).into()
            }
        }
    }

    /// The content type of a provider's stream.
    pub(super) fn stream_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            Self::Chat | Self::Responses | Self::Anthropic | Self::Gemini => "text/event-stream",
        }
    }

    /// What a whole answer to a client says: text, the tool's name and its arguments, and the tokens in and out.
    pub(super) fn said(self, answer: &Answer) -> Value {
        let body: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
        match self {
            Self::Chat | Self::Ollama => {
                let message = &body["choices"][0]["message"];
                let function = &message["tool_calls"][0]["function"];
                let usage = &body["usage"];
                said(
                    &message["content"],
                    &function["name"],
                    &parsed(&function["arguments"]),
                    [&usage["prompt_tokens"], &usage["completion_tokens"]],
                )
            }
            Self::Responses => said_by_response(&body),
            Self::Anthropic => {
                let block = |kind: &str| find(&body["content"], kind);
                let (text, tool) = (block("text"), block("tool_use"));
                let usage = &body["usage"];
                let tokens = [&usage["input_tokens"], &usage["output_tokens"]];
                said(&text["text"], &tool["name"], &tool["input"], tokens)
            }
            Self::Gemini => {
                let parts = &body["candidates"][0]["content"]["parts"];
                let usage = &body["usageMetadata"];
                let tokens = [&usage["promptTokenCount"], &usage["candidatesTokenCount"]];
                let call = &parts[1]["functionCall"];
                said(&parts[0]["text"], &call["name"], &call["args"], tokens)
            }
        }
    }

    /// The type of the event that ends a stream well, and whether it came last.
    pub(super) fn ends_well(self, answer: &Answer) -> bool {
        let events = answer.events();
        let last = events.last().map(String::as_str).unwrap_or_default();
        match self {
            Self::Chat | Self::Ollama => last == "[DONE]",
            Self::Responses => last.contains("\"type\":\"response.completed\""),
            Self::Anthropic => last.contains("\"type\":\"message_stop\""),
            Self::Gemini => last.contains("\"finishReason\":\"STOP\""),
        }
    }

    /// Whether an event of a stream says that it broke.
    pub(super) fn is_error(self, event: &str) -> bool {
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        match self {
            Self::Chat | Self::Ollama | Self::Gemini => event["error"]["message"].is_string(),
            Self::Responses => event["type"] == "error" || event["type"] == "response.failed",
            Self::Anthropic => event["type"] == "error" && event["error"]["type"].is_string(),
        }
    }

    /// The whole answer that a client puts together from a stream: the same as [`said`](Self::said).
    pub(super) fn gathered(self, answer: &Answer) -> Value {
        let events: Vec<Value> =
            answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
        match self {
            Self::Chat | Self::Ollama => gather_chat(&events),
            Self::Responses => {
                let last = events.last().cloned().unwrap_or_default();
                said_by_response(&last["response"])
            }
            Self::Anthropic => gather_anthropic(&events),
            Self::Gemini => gather_gemini(&events),
        }
    }

    /// The message of an error in the client's dialect; `null` when the answer is of another shape.
    pub(super) fn error(self, answer: &Answer) -> Value {
        let body: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
        let error = &body["error"];
        let shaped = match self {
            Self::Chat | Self::Responses | Self::Ollama => error["type"].is_string(),
            Self::Anthropic => body["type"] == "error" && error["type"].is_string(),
            Self::Gemini => error["code"] == answer.status && error["status"].is_string(),
        };
        if shaped { error["message"].clone() } else { Value::Null }
    }
}

fn said(text: &Value, name: &Value, arguments: &Value, tokens: [&Value; 2]) -> Value {
    json!({ "text": text, "name": name, "arguments": arguments, "tokens": tokens })
}

/// What every answer of these cases says.
pub(super) fn expected() -> Value {
    let (input, output) = USAGE;
    said(
        &json!(TEXT),
        &json!("weather"),
        &json!({ "city": "Paris" }),
        [&json!(input), &json!(output)],
    )
}

fn find(list: &Value, kind: &str) -> Value {
    let found = list.as_array().into_iter().flatten().find(|item| item["type"] == kind);
    found.cloned().unwrap_or_default()
}

fn parsed(text: &Value) -> Value {
    text.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn said_by_response(body: &Value) -> Value {
    let (message, call) =
        (find(&body["output"], "message"), find(&body["output"], "function_call"));
    let usage = &body["usage"];
    said(
        &message["content"][0]["text"],
        &call["name"],
        &parsed(&call["arguments"]),
        [&usage["input_tokens"], &usage["output_tokens"]],
    )
}

fn chat_chunk(delta: &Value) -> String {
    let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] });
    format!("data: {chunk}\n\n")
}

fn event(kind: &str, mut body: Value) -> String {
    body["type"] = json!(kind);
    format!("event: {kind}\ndata: {body}\n\n")
}

fn anthropic_frames() -> Vec<String> {
    let (input, output) = USAGE;
    let start = json!({ "message": { "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [], "stop_reason": null, "usage": { "input_tokens": input, "output_tokens": 1 } } });
    let text = |text: &str| {
        event(
            "content_block_delta",
            json!({ "index": 0, "delta": { "type": "text_delta", "text": text } }),
        )
    };
    let json_piece = |piece: &str| {
        let delta = json!({ "type": "input_json_delta", "partial_json": piece });
        event("content_block_delta", json!({ "index": 1, "delta": delta }))
    };
    vec![
        event("message_start", start),
        event(
            "content_block_start",
            json!({ "index": 0, "content_block": { "type": "text", "text": "" } }),
        ),
        event("ping", json!({})),
        text("café "),
        text("😀"),
        event("content_block_stop", json!({ "index": 0 })),
        event(
            "content_block_start",
            json!({ "index": 1, "content_block":
            { "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} } }),
        ),
        json_piece(""),
        json_piece("{\"city\":"),
        json_piece(" \"Paris\"}"),
        event("content_block_stop", json!({ "index": 1 })),
        event(
            "message_delta",
            json!({ "delta": { "stop_reason": "tool_use", "stop_sequence": null },
            "usage": { "output_tokens": output } }),
        ),
        event("message_stop", json!({})),
    ]
}

fn response_body(status: &str) -> Value {
    let (input, output) = USAGE;
    json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m",
        "output": [
            { "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
              "content": [{ "type": "output_text", "text": TEXT, "annotations": [] }] },
            { "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather",
              "arguments": "{\"city\":\"Paris\"}", "status": "completed" },
        ],
        "usage": { "input_tokens": input, "output_tokens": output, "total_tokens": input + output },
    })
}

fn responses_frames() -> Vec<String> {
    let whole = response_body("completed");
    let (message, call) = (&whole["output"][0], &whole["output"][1]);
    let delta = |text: &str| {
        let place =
            json!({ "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": text });
        event("response.output_text.delta", place)
    };
    let created = json!({ "id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": [] });
    vec![
        event("response.created", json!({ "response": created })),
        event(
            "response.output_item.added",
            json!({ "output_index": 0, "item":
            { "type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": [] } }),
        ),
        event(
            "response.content_part.added",
            json!({ "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "part": { "type": "output_text", "text": "", "annotations": [] } }),
        ),
        delta("café "),
        delta("😀"),
        event(
            "response.output_text.done",
            json!({ "output_index": 0, "content_index": 0, "text": TEXT }),
        ),
        event("response.output_item.done", json!({ "output_index": 0, "item": message })),
        event(
            "response.output_item.added",
            json!({ "output_index": 1, "item":
            { "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "" } }),
        ),
        event(
            "response.function_call_arguments.delta",
            json!({ "output_index": 1, "item_id": "fc_1", "delta": "{\"city\":\"Paris\"}" }),
        ),
        event("response.output_item.done", json!({ "output_index": 1, "item": call })),
        event("response.completed", json!({ "response": whole })),
    ]
}

fn gather_chat(events: &[Value]) -> Value {
    let texts = |pick: &dyn Fn(&Value) -> Value| -> String {
        events
            .iter()
            .filter_map(|event| pick(&event["choices"][0]["delta"]).as_str().map(str::to_owned))
            .collect()
    };
    let text = texts(&|delta| delta["content"].clone());
    let name = texts(&|delta| delta["tool_calls"][0]["function"]["name"].clone());
    let arguments = texts(&|delta| delta["tool_calls"][0]["function"]["arguments"].clone());
    let usage =
        events.iter().rev().find(|event| event["usage"].is_object()).map(|event| &event["usage"]);
    let usage = usage.cloned().unwrap_or_default();
    let tokens = [&usage["prompt_tokens"], &usage["completion_tokens"]];
    said(&json!(text), &json!(name), &parsed(&json!(arguments)), tokens)
}

fn gather_anthropic(events: &[Value]) -> Value {
    let texts = |field: &str| -> String {
        events.iter().filter_map(|event| event["delta"][field].as_str()).collect()
    };
    let blocks = events.iter().map(|event| &event["content_block"]);
    let tool = { blocks }.rfind(|block| block["type"] == "tool_use").cloned().unwrap_or_default();
    // The last word on each counter counts: some are told at the start only.
    let last = |field: &str| {
        let told = events.iter().flat_map(|event| [&event["message"]["usage"], &event["usage"]]);
        told.map(|usage| &usage[field]).rfind(|count| count.is_u64())
    };
    let (input, output) = (last("input_tokens"), last("output_tokens"));
    let tokens = [input.unwrap_or(&Value::Null), output.unwrap_or(&Value::Null)];
    said(&json!(texts("text")), &tool["name"], &parsed(&json!(texts("partial_json"))), tokens)
}

fn gather_gemini(events: &[Value]) -> Value {
    let parts = || {
        let lists = events.iter().map(|event| &event["candidates"][0]["content"]["parts"]);
        lists.filter_map(Value::as_array).flatten()
    };
    let text: String = parts().filter_map(|part| part["text"].as_str()).collect();
    let call = parts().find(|part| part["functionCall"].is_object());
    let call = call.map(|part| part["functionCall"].clone()).unwrap_or_default();
    let usage =
        events.iter().rev().map(|event| &event["usageMetadata"]).find(|usage| usage.is_object());
    let usage = usage.cloned().unwrap_or_default();
    let tokens = [&usage["promptTokenCount"], &usage["candidatesTokenCount"]];
    said(&json!(text), &call["name"], &call["args"], tokens)
}
