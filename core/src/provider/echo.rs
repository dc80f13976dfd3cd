//! What does the demo provider answer? The last thing the user said, always the same way.

use std::borrow::Cow;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    http::{Body, json},
};

/// The time that every echo claims to be made at.
const CREATED: i64 = 1_700_000_000;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow, default)]
    messages: Vec<Message<'a>>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(borrow, default)]
    tools: Option<Vec<Tool<'a>>>,
    #[serde(borrow, default)]
    tool_choice: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(#[serde(borrow)] Vec<Part<'a>>),
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'static str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<Said<'a>>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
}

#[derive(Serialize)]
struct Call<'a> {
    index: u32,
    id: &'static str,
    #[serde(rename = "type")]
    category: &'static str,
    function: Arguments<'a>,
}

#[derive(Serialize)]
struct Arguments<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Clone, Copy, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct Usage {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
}

/// What is answered: text, or the call of a tool.
enum Reply {
    Text(String),
    Call { tool: String, arguments: String },
}

/// Answers a chat request. A tool is called when `tool_choice` asks for one, or when the user's text names it; its
/// argument is the user's text.
pub(crate) fn answer(body: &Bytes) -> Result<Response<Body>> {
    let request: Request<'_> = serde_json::from_slice(body)
        .map_err(|error| Error::bad_request("`messages` cannot be read.").because(error))?;
    let said = last_said(&request.messages);
    let reply = match called(&request, &said) {
        Some(tool) => Reply::Call { tool, arguments: written(&Input { input: &said })? },
        None => Reply::Text(format!("You said: {said}")),
    };
    let usage = reply.usage(body.len());
    if request.stream == Some(true) {
        return streamed(&request.model, &reply, usage);
    }
    let said = Said { role: Some("assistant"), ..reply.said() };
    let choice =
        Choice { index: 0, message: Some(said), delta: None, finish_reason: Some(reply.finish()) };
    let whole = completion("chat.completion", &request.model, vec![choice], Some(usage));
    Ok(json(StatusCode::OK, written(&whole)?))
}

#[derive(Serialize)]
struct Input<'a> {
    input: &'a str,
}

fn completion<'a>(
    object: &'static str,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    usage: Option<Usage>,
) -> Completion<'a> {
    Completion { id: "chatcmpl-echo", object, created: CREATED, model, choices, usage }
}

/// One frame for each word, as a model would stream it.
fn streamed(model: &str, reply: &Reply, usage: Usage) -> Result<Response<Body>> {
    let delta = |delta, finish_reason| {
        let choice = Choice { index: 0, message: None, delta: Some(delta), finish_reason };
        frame(&completion("chat.completion.chunk", model, vec![choice], None))
    };
    let opening = Said { role: Some("assistant"), content: Some(""), ..Said::default() };
    let mut frames = vec![delta(opening, None)?];
    match reply {
        Reply::Text(text) => {
            for word in text.split_inclusive(' ') {
                frames.push(delta(Said { content: Some(word), ..Said::default() }, None)?);
            }
        }
        Reply::Call { .. } => frames.push(delta(reply.said(), None)?),
    }
    frames.push(delta(Said::default(), Some(reply.finish()))?);
    frames.push(frame(&completion("chat.completion.chunk", model, Vec::new(), Some(usage)))?);
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    let frames = frames.into_iter().map(Ok::<_, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(stream::iter(frames)));
    let content_type = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

fn frame(chunk: &Completion<'_>) -> Result<Bytes> {
    Ok(format!("data: {}\n\n", written(chunk)?).into())
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

impl Reply {
    fn finish(&self) -> &'static str {
        match self {
            Self::Text(_) => "stop",
            Self::Call { .. } => "tool_calls",
        }
    }

    fn said(&self) -> Said<'_> {
        match self {
            Self::Text(text) => Said { content: Some(text), ..Said::default() },
            Self::Call { tool, arguments } => {
                let function = Arguments { name: tool, arguments };
                let call = Call { index: 0, id: "call_echo", category: "function", function };
                Said { tool_calls: Some([call]), ..Said::default() }
            }
        }
    }

    /// Four bytes a token: near enough for a demonstration, and always the same.
    fn usage(&self, prompt_bytes: usize) -> Usage {
        let written = match self {
            Self::Text(text) => text.len(),
            Self::Call { tool, arguments } => tool.len() + arguments.len(),
        };
        let (prompt, completion) = (prompt_bytes.div_ceil(4), written.div_ceil(4));
        Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
        }
    }
}

fn last_said(messages: &[Message<'_>]) -> String {
    let user = messages.iter().rev().find(|message| message.role == "user");
    match user.and_then(|message| message.content.as_ref()) {
        Some(Content::Text(text)) => text.clone().into_owned(),
        Some(Content::Parts(parts)) => {
            let texts: Vec<_> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
            texts.join("\n")
        }
        None => String::new(),
    }
}

fn called(request: &Request<'_>, said: &str) -> Option<String> {
    let names = || {
        let functions = request.tools.iter().flatten().filter_map(|tool| tool.function.as_ref());
        functions.map(|function| function.name.as_ref())
    };
    let choice = request.tool_choice.map_or("", RawValue::get);
    let name = match choice {
        r#""none""# => None,
        r#""required""# => names().next(),
        object if object.starts_with('{') => {
            names().find(|name| object.contains(&format!("\"{name}\"")))
        }
        _ => names().find(|name| said.contains(name)),
    };
    name.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: &str, expected: &str) {
        let response = answer(&Bytes::copy_from_slice(request.as_bytes())).unwrap();
        let body = futures_executor::block_on(crate::http::read(response.into_body(), usize::MAX));
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(body.contains(expected), "{body}");
    }

    #[test]
    fn the_user_is_echoed() {
        let messages =
            r#""messages":[{"role":"system","content":"x"},{"role":"user","content":"hé"}]"#;
        check(&format!(r#"{{"model":"echo",{messages}}}"#), r#""content":"You said: hé""#);
        check(&format!(r#"{{"model":"echo","stream":true,{messages}}}"#), "data: [DONE]\n\n");
        let parts = r#""messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]"#;
        check(&format!(r#"{{"model":"echo",{parts}}}"#), "You said: a");
    }

    #[test]
    fn a_tool_is_called_on_request() {
        let tools = r#""tools":[{"type":"function","function":{"name":"weather"}}]"#;
        let user = r#""messages":[{"role":"user","content":"hi"}]"#;
        let call = r#""name":"weather","arguments":"{\"input\":\"hi\"}""#;
        check(&format!(r#"{{"model":"echo",{tools},{user},"tool_choice":"required"}}"#), call);
        check(&format!(r#"{{"model":"echo",{tools},{user}}}"#), "You said: hi");
        check(
            &format!(
                r#"{{"model":"echo",{tools},"messages":[{{"role":"user","content":"weather?"}}]}}"#
            ),
            r#""finish_reason":"tool_calls""#,
        );
    }
}
