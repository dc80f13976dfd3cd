//! How is a stream written in this API?

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::{
    error,
    out::{CallOut, CustomText, ExtraOut, FunctionText, GoogleOut},
    usage::{self, UsageOut},
    wire::UrlCitation,
};
use crate::{
    dialect::{
        Stamp,
        event::{Event, Kind},
        ir::{Citation, Media, Source, State, Stop},
    },
    json,
    store::Usage,
};

/// Writes event after event, each as one chunk.
pub(crate) struct Writer {
    stamp: Stamp,
    started: bool,
    /// What each part is, by its number.
    parts: Vec<Written>,
    calls: usize,
    /// Characters of text that were written: citations count from the start.
    chars: usize,
    finished: bool,
    over: bool,
    usage: Option<Usage>,
}

/// What a part is, and what a later event needs of it.
#[derive(Clone, Copy)]
enum Written {
    Text { from: usize },
    Refusal,
    Thought,
    Call { index: usize, custom: bool, empty: bool },
    Nothing,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [ChoiceOut<'a>],
    #[serde(skip_serializing_if = "Told::is_absent")]
    usage: Told,
}

/// The usage in a chunk: a client that asked for it finds the field in every chunk, and counters in the last.
#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    Absent,
    NotYet(()),
    Counted(UsageOut),
}

impl Told {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<DetailsOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallOut<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[AnnotationOut<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[ImageOut; 1]>,
}

/// Where a thought's state travels: as its own host had it, or wrapped.
#[derive(Serialize)]
#[serde(untagged)]
pub(in super::super) enum DetailsOut<'a> {
    Own(&'a RawValue),
    Wrapped([DetailOut; 1]),
}

#[derive(Serialize)]
pub(in super::super) struct DetailOut {
    #[serde(rename = "type")]
    kind: &'static str,
    data: String,
}

#[derive(Serialize)]
pub(in super::super) struct AnnotationOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation<'a>,
}

#[derive(Serialize)]
pub(in super::super) struct ImageOut {
    #[serde(rename = "type")]
    kind: &'static str,
    image_url: ImageUrlOut,
}

#[derive(Serialize)]
struct ImageUrlOut {
    url: String,
}

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(stamp: Stamp) -> Self {
        let (started, finished, over, calls, chars) = (false, false, false, 0, 0);
        Self { stamp, started, parts: Vec::new(), calls, chars, finished, over, usage: None }
    }

    /// Adds what an event is in this dialect to `out`. After [`Event::Done`] and [`Event::Fail`] nothing follows.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if let Event::Fail(error) = event {
            self.over = true;
            out.extend_from_slice(&error::event(&error));
            return;
        }
        if !self.started {
            self.started = true;
            let delta = Delta { role: Some("assistant"), content: Some(""), ..Delta::default() };
            self.chunk(delta, None, out);
        }
        match event {
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Done => self.done(out),
            // Clients take the finish for the end of the words.
            _ if self.finished => {}
            Event::Open { part, kind } => self.open(part, kind, out),
            Event::Delta { part, text } => self.delta(part, &text, out),
            Event::Sign { part, state } => self.sign(part, &state, out),
            Event::Cite { part, citation } => self.cite(part, &citation, out),
            Event::Close { part } => self.close(part, out),
            Event::Finish(stop) => self.finish(&stop, out),
            Event::Start { .. } | Event::Fail(_) | Event::Other => {}
        }
    }

    fn open(&mut self, part: usize, kind: Kind, out: &mut Vec<u8>) {
        let written = match kind {
            Kind::Text => Written::Text { from: self.chars },
            Kind::Refusal => Written::Refusal,
            Kind::Thought { .. } => Written::Thought,
            Kind::Call { id, name, custom } => {
                let index = self.calls;
                self.calls += 1;
                let mut call =
                    CallOut { index: Some(index), id: Some(id.into()), ..CallOut::default() };
                if custom {
                    call.kind = Some("custom");
                    call.custom = Some(CustomText { name: Some(&name), input: "" });
                } else {
                    call.kind = Some("function");
                    call.function = Some(FunctionText { name: Some(&name), arguments: "" });
                }
                self.chunk(Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
                Written::Call { index, custom, empty: true }
            }
            Kind::Media(media) => {
                let images = image(&media).map(|image| [image]);
                if images.is_some() {
                    self.chunk(Delta { images, ..Delta::default() }, None, out);
                }
                Written::Nothing
            }
            Kind::Opaque { .. } => Written::Nothing,
        };
        self.parts.resize(self.parts.len().max(part + 1), Written::Nothing);
        self.parts[part] = written;
    }

    fn delta(&mut self, part: usize, text: &str, out: &mut Vec<u8>) {
        let Some(written) = self.parts.get_mut(part) else { return };
        let mut delta = Delta::default();
        match written {
            _ if text.is_empty() => return,
            Written::Text { .. } => {
                self.chars += text.chars().count();
                delta.content = Some(text);
            }
            Written::Refusal => delta.refusal = Some(text),
            Written::Thought => delta.reasoning_content = Some(text),
            Written::Call { index, custom, empty } => {
                *empty = false;
                delta.tool_calls = Some([piece(*index, *custom, text)]);
            }
            Written::Nothing => return,
        }
        self.chunk(delta, None, out);
    }

    fn sign(&mut self, part: usize, state: &State, out: &mut Vec<u8>) {
        let delta = match self.parts.get(part) {
            Some(Written::Thought) => {
                Delta { reasoning_details: Some(details(state, &self.stamp)), ..Delta::default() }
            }
            Some(Written::Call { index, custom, .. }) => {
                // Strict clients want a function in every piece of a call.
                let extra_content = Some(extra(state, &self.stamp));
                let call = CallOut { extra_content, ..piece(*index, *custom, "") };
                Delta { tool_calls: Some([call]), ..Delta::default() }
            }
            Some(Written::Text { .. } | Written::Refusal | Written::Nothing) | None => return,
        };
        self.chunk(delta, None, out);
    }

    fn cite(&mut self, part: usize, citation: &Citation, out: &mut Vec<u8>) {
        let Some(Written::Text { from }) = self.parts.get(part) else { return };
        let note = annotation(citation, *from, self.chars);
        self.chunk(Delta { annotations: Some([note]), ..Delta::default() }, None, out);
    }

    /// A call without arguments has an empty object of them: clients parse what they were given.
    fn close(&mut self, part: usize, out: &mut Vec<u8>) {
        if let Some(Written::Call { index, custom: false, empty: empty @ true }) =
            self.parts.get_mut(part)
        {
            *empty = false;
            let call = piece(*index, false, "{}");
            self.chunk(Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
        }
    }

    fn finish(&mut self, stop: &Stop, out: &mut Vec<u8>) {
        if !self.finished {
            self.finished = true;
            for part in 0..self.parts.len() {
                self.close(part, out);
            }
            self.chunk(Delta::default(), Some(finish_word(stop, self.calls > 0)), out);
        }
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        self.finish(&Stop::End, out);
        if self.stamp.usage_wanted {
            let told = self.usage.unwrap_or_default();
            self.write(&[], Told::Counted(usage::written(&told)), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn chunk(&self, delta: Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let choice = ChoiceOut { index: 0, delta, logprobs: (), finish_reason };
        let usage = if self.stamp.usage_wanted { Told::NotYet(()) } else { Told::Absent };
        self.write(&[choice], usage, out);
    }

    fn write(&self, choices: &[ChoiceOut<'_>], usage: Told, out: &mut Vec<u8>) {
        let id = format!("chatcmpl-{}", self.stamp.id);
        let (id, object, created) = (&*id, "chat.completion.chunk", self.stamp.at_s);
        let chunk = Chunk { id, object, created, model: &self.stamp.model, choices, usage };
        out.extend_from_slice(b"data: ");
        serde_json::to_writer(&mut *out, &chunk).expect("strings and numbers always serialize");
        out.extend_from_slice(b"\n\n");
    }
}

fn piece(index: usize, custom: bool, text: &str) -> CallOut<'_> {
    let index = Some(index);
    if custom {
        let custom = Some(CustomText { name: None, input: text });
        CallOut { index, custom, ..CallOut::default() }
    } else {
        let function = Some(FunctionText { name: None, arguments: text });
        CallOut { index, function, ..CallOut::default() }
    }
}

/// A thought's state, for the client to keep.
pub(in super::super) fn details<'a>(state: &'a State, stamp: &Stamp) -> DetailsOut<'a> {
    let own = state.dialect == crate::dialect::Dialect::OpenAiChat && state.form == "details";
    if own && let Ok(raw) = json::read(&state.data) {
        return DetailsOut::Own(raw);
    }
    let data = stamp.carrier.wrap(state);
    DetailsOut::Wrapped([DetailOut { kind: "reasoning.encrypted", data }])
}

/// A call's state, for the client to keep.
pub(in super::super) fn extra<'a>(state: &'a State, stamp: &Stamp) -> ExtraOut<'a> {
    let own = state.dialect == crate::dialect::Dialect::OpenAiChat;
    let text =
        if own { Cow::Borrowed(&*state.data) } else { Cow::Owned(stamp.carrier.wrap(state)) };
    ExtraOut { google: GoogleOut { thought_signature: text } }
}

/// A citation in a text that begins at `from` and goes to `to`, in characters of the whole answer.
pub(in super::super) fn annotation(
    citation: &Citation,
    from: usize,
    to: usize,
) -> AnnotationOut<'_> {
    let (start, end) = citation.span.map_or((from, to), |(start, end)| (from + start, from + end));
    AnnotationOut {
        kind: "url_citation",
        url_citation: UrlCitation {
            start_index: Some(start),
            end_index: Some(end),
            url: Cow::Borrowed(&citation.url),
            title: Cow::Borrowed(&citation.title),
        },
    }
}

/// A picture that the model made.
pub(in super::super) fn image(media: &Media) -> Option<ImageOut> {
    let url = match &media.source {
        Source::Data { mime, base64 } => format!("data:{mime};base64,{base64}"),
        Source::Url { url, .. } => url.clone(),
        Source::Text(_) | Source::File { .. } => return None,
    };
    Some(ImageOut { kind: "image_url", image_url: ImageUrlOut { url } })
}

/// The word for why an answer ended.
pub(in super::super) fn finish_word(stop: &Stop, called: bool) -> &'static str {
    match stop {
        Stop::Tools => "tool_calls",
        Stop::End | Stop::Sequence(_) | Stop::Paused | Stop::Failed if called => "tool_calls",
        Stop::End | Stop::Sequence(_) | Stop::Paused | Stop::Failed => "stop",
        Stop::Length => "length",
        Stop::Filtered | Stop::Refused => "content_filter",
    }
}
