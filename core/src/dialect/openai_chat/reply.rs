//! What does a whole chat answer say, and how is one written?

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    error,
    out::{CallOut, CustomText, FunctionText},
    stream::{self, AnnotationOut, DetailsOut, ImageOut, Reader},
    usage::{self, UsageOut},
    wire::{Completion, Content, Message},
};
use crate::{
    dialect::{Fold, Read, Reply, Stamp, ir::Part},
    error::{Error, Kind, Result},
};

/// Reads what the record needs. JSON of an unknown shape says nothing and is no error; what is not JSON is `None`.
pub(crate) fn glance(body: &[u8]) -> Option<Read> {
    if let Some(usage) = serde_json::from_slice(body).ok().and_then(usage::told_briefly) {
        // What was said is counted only where nobody tells how much it was.
        return Some(Read { usage: Some(usage), ..Read::default() });
    }
    let Ok(completion) = serde_json::from_slice::<Completion<'_>>(body) else {
        serde_json::from_slice::<&RawValue>(body).ok()?;
        return Some(Read { failure: error::of_text(body), ..Read::default() });
    };
    let choices = completion.choices.as_deref().unwrap_or_default();
    let messages = choices.iter().filter_map(|choice| choice.message.as_ref());
    Some(Read {
        usage: usage::told(&completion),
        text_bytes: messages.flat_map(texts).map(|text| text.len() as u64).sum(),
        failure: completion.error.map(|error| error::from_body(error, None)),
    })
}

/// All words of a message: what an estimate of its tokens starts from.
pub(super) fn texts<'a>(message: &'a Message<'_>) -> impl Iterator<Item = &'a str> {
    let content = match &message.content {
        Some(Content::Text(text)) => Some(&**text),
        Some(Content::Parts(_)) | None => None,
    };
    let plain = [
        content,
        message.refusal.as_deref(),
        message.reasoning_content.as_deref(),
        message.reasoning.as_deref(),
    ];
    let calls = message.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
    let calls = calls.flat_map(|call| {
        [call.name.as_deref(), call.arguments.as_ref().map(|arguments| &*arguments.0)]
    });
    plain.into_iter().chain(calls).flatten()
}

/// Reads a whole answer: it is a stream of one piece.
pub(crate) fn read(body: &[u8]) -> Result<Reply> {
    let broken = || Error::new(Kind::UpstreamBroken, "The provider's answer cannot be read.");
    let completion: Completion<'_> = serde_json::from_slice(body).map_err(|_| broken())?;
    if let Some(error) = completion.error {
        return Err(error::from_body(error, None));
    }
    if completion.choices.is_none() {
        return Err(broken());
    }
    let mut events = Vec::new();
    Reader::default().whole(completion, &mut events);
    let mut fold = Fold::default();
    for event in events {
        fold.push(event);
    }
    Ok(fold.finish())
}

#[derive(Serialize)]
struct CompletionOut<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [ChoiceOut<'a>; 1],
    usage: UsageOut,
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    message: MessageOut<'a>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize, Default)]
struct MessageOut<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<DetailsOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<ImageOut>,
}

/// Writes a whole answer.
pub(crate) fn write(reply: &Reply, stamp: &Stamp) -> Vec<u8> {
    let message = message(&reply.parts, stamp);
    let called = !message.tool_calls.is_empty();
    let finish_reason = stream::finish_word(&reply.stop, called);
    let completion = CompletionOut {
        id: format!("chatcmpl-{}", stamp.id),
        object: "chat.completion",
        created: stamp.at_s,
        model: &stamp.model,
        choices: [ChoiceOut { index: 0, message, logprobs: (), finish_reason }],
        usage: usage::written(&reply.usage.unwrap_or_default()),
    };
    serde_json::to_vec(&completion).expect("strings and numbers always serialize")
}

fn message<'a>(parts: &'a [Part], stamp: &Stamp) -> MessageOut<'a> {
    let mut message = MessageOut { role: "assistant", ..MessageOut::default() };
    let mut chars = 0;
    for part in parts {
        match part {
            Part::Text { text, citations, .. } => {
                message.content.get_or_insert_default().push_str(text);
                let (from, to) = (chars, chars + text.chars().count());
                chars = to;
                let notes = citations.iter().map(|one| stream::annotation(one, from, to));
                message.annotations.extend(notes);
            }
            Part::Refusal(text) => message.refusal.get_or_insert_default().push_str(text),
            Part::Thought(thought) => {
                if !thought.text.is_empty() {
                    message.reasoning_content.get_or_insert_default().push_str(&thought.text);
                }
                let details = thought.state.as_ref().map(|state| stream::details(state, stamp));
                message.reasoning_details = details.or(message.reasoning_details);
            }
            Part::Call(call) => {
                let extra_content = call.state.as_ref().map(|state| stream::extra(state, stamp));
                let mut out = CallOut {
                    id: Some(call.id.as_str().into()),
                    extra_content,
                    ..CallOut::default()
                };
                if call.custom {
                    out.kind = Some("custom");
                    out.custom =
                        Some(CustomText { name: Some(&call.name), input: &call.arguments });
                } else {
                    let blank = call.arguments.trim().is_empty();
                    let arguments = if blank { "{}" } else { &call.arguments };
                    out.kind = Some("function");
                    out.function = Some(FunctionText { name: Some(&call.name), arguments });
                }
                message.tool_calls.push(out);
            }
            Part::Media(media) => message.images.extend(stream::image(media)),
            Part::Outcome(_) | Part::Opaque { .. } => {}
        }
    }
    // An answer that says nothing says so with an empty text, unless it was held back.
    if parts.is_empty() {
        message.content = Some(String::new());
    }
    message
}
