//! What do the events of a stream say?

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::{
    error,
    wire::{self, Block, Counters, Delta, Frame, Message, StopDetails},
};
use crate::dialect::{
    Dialect,
    event::{Event, Kind},
    ir::State,
    object::Object,
    sse,
};

use crate::json;

/// Reads frame after frame. Whatever it cannot read, it passes over: an unknown event is the client's to judge.
#[derive(Default)]
pub(crate) struct Reader {
    /// The number of the next part.
    next: usize,
    open: Open,
    calls: usize,
    usage: Counters,
    /// What the opening message says of its end: only one that holds the whole answer does.
    early: Option<Early>,
    finished: bool,
}

/// The block that is open.
#[derive(Default)]
enum Open {
    #[default]
    Nothing,
    Part(usize),
    /// A call. The arguments that it opened with count only if no others come.
    Call {
        part: usize,
        opening: Option<String>,
    },
    /// A block that no other dialect has; it is passed on whole, when its input is.
    Held {
        kind: String,
        block: Box<RawValue>,
        input: String,
    },
}

struct Early {
    reason: String,
    sequence: Option<String>,
}

impl Reader {
    /// Reads one frame into `out`, which is empty.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let data = sse::data(frame);
        if data.trim_ascii().is_empty() {
            return;
        }
        let Ok(frame) = serde_json::from_slice::<Frame<'_>>(&data) else {
            out.push(Event::Other);
            return;
        };
        if let Some(error) = frame.error {
            out.push(Event::Fail(error::from_body(error, None)));
            return;
        }
        match &*frame.kind {
            "message_start" => {
                if let Some(message) = frame.message {
                    self.start(message, out);
                }
            }
            "content_block_start" => {
                if let Some(block) = frame.content_block {
                    self.open(block, out);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = frame.delta {
                    self.delta(delta, out);
                }
            }
            "content_block_stop" => self.close(out),
            "message_delta" => self.finish(frame.delta, frame.usage, out),
            "message_stop" => self.stop(out),
            "ping" => return,
            _ => {}
        }
        if out.is_empty() {
            out.push(Event::Other);
        }
    }

    /// The stream has ended. Only an event says that it is complete.
    #[expect(clippy::unused_self, reason = "readers of other dialects say something here")]
    pub(crate) fn end(&mut self, _out: &mut Vec<Event>) {}

    /// Reads a whole answer: it is a stream of one piece.
    pub(in super::super) fn whole(&mut self, mut message: Message<'_>, out: &mut Vec<Event>) {
        let details = message.stop_details.take();
        self.start(message, out);
        if let Some(Early { reason, sequence }) = self.early.take() {
            self.end_with(&reason, sequence.as_deref(), details, out);
        }
        self.stop(out);
    }

    fn start(&mut self, message: Message<'_>, out: &mut Vec<Event>) {
        let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        out.push(Event::Start { id: text(message.id), model: text(message.model) });
        self.count(message.usage, out);
        for block in message.content.into_iter().flatten() {
            self.open(block, out);
            self.close(out);
        }
        let sequence = message.stop_sequence.map(Cow::into_owned);
        self.early =
            message.stop_reason.map(|reason| Early { reason: reason.into_owned(), sequence });
    }

    fn count(&mut self, usage: Option<Counters>, out: &mut Vec<Event>) {
        if let Some(usage) = usage {
            self.usage.update(usage);
            out.push(Event::Usage(self.usage.common()));
        }
    }

    fn open(&mut self, raw: &RawValue, out: &mut Vec<Event>) {
        self.close(out);
        let block = Block::read(raw);
        match &*block.kind {
            "text" => {
                let part = self.begin(Kind::Text, out);
                say(part, block.text, out);
                let citations = block.citations.into_iter().flatten();
                out.extend(
                    citations.map(|citation| Event::Cite { part, citation: citation.common() }),
                );
            }
            "thinking" => {
                let part = self.begin(Kind::Thought { summary: true }, out);
                say(part, block.thinking, out);
                sign(part, "signature", block.signature, out);
            }
            "redacted_thinking" => {
                let part = self.begin(Kind::Thought { summary: true }, out);
                sign(part, "redacted", block.data, out);
            }
            "tool_use" => {
                let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
                let (id, name) = (text(block.id), text(block.name));
                let part = self.begin(Kind::Call { id, name, custom: false }, out);
                self.calls += 1;
                let opening = block.input.map(|input| input.get().to_owned());
                self.open = Open::Call { part, opening };
            }
            kind => {
                let (kind, block) = (kind.to_owned(), raw.to_owned());
                self.open = Open::Held { kind, block, input: String::new() };
            }
        }
    }

    fn begin(&mut self, kind: Kind, out: &mut Vec<Event>) -> usize {
        let part = self.next;
        self.next += 1;
        self.open = Open::Part(part);
        out.push(Event::Open { part, kind });
        part
    }

    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<Event>) {
        let part = match &mut self.open {
            Open::Held { input, .. } => {
                input.push_str(delta.partial_json.as_deref().unwrap_or_default());
                return;
            }
            Open::Part(part) => *part,
            Open::Call { part, opening } => {
                if delta.partial_json.as_deref().is_some_and(|piece| !piece.is_empty()) {
                    *opening = Some(String::new());
                }
                *part
            }
            // Some hosts leave the start of a block out.
            Open::Nothing => match &*delta.kind {
                "text_delta" => self.begin(Kind::Text, out),
                "thinking_delta" => self.begin(Kind::Thought { summary: true }, out),
                _ => return,
            },
        };
        match &*delta.kind {
            "text_delta" => say(part, delta.text, out),
            "thinking_delta" => say(part, delta.thinking, out),
            "input_json_delta" => say(part, delta.partial_json, out),
            "signature_delta" => sign(part, "signature", delta.signature, out),
            "citations_delta" => {
                let citation = delta.citation.map(wire::Citation::common);
                out.extend(citation.map(|citation| Event::Cite { part, citation }));
            }
            _ => {}
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        match std::mem::take(&mut self.open) {
            Open::Nothing => {}
            Open::Part(part) => out.push(Event::Close { part }),
            Open::Call { part, opening } => {
                // Arguments that came in pieces have left an empty text here; none at all are an empty object.
                say(part, Some(Cow::Owned(opening.unwrap_or_else(|| "{}".to_owned()))), out);
                out.push(Event::Close { part });
            }
            Open::Held { kind, block, input } => {
                let (dialect, json) = (Dialect::Anthropic, complete(block, &input));
                let part = self.begin(Kind::Opaque { dialect, kind, json }, out);
                self.open = Open::Nothing;
                out.push(Event::Close { part });
            }
        }
    }

    fn finish(&mut self, delta: Option<Delta<'_>>, usage: Option<Counters>, out: &mut Vec<Event>) {
        self.count(usage, out);
        let Some(delta) = delta else { return };
        if let Some(reason) = delta.stop_reason {
            self.end_with(&reason, delta.stop_sequence.as_deref(), delta.stop_details, out);
        }
    }

    fn end_with(
        &mut self,
        reason: &str,
        sequence: Option<&str>,
        details: Option<StopDetails<'_>>,
        out: &mut Vec<Event>,
    ) {
        self.close(out);
        if self.finished {
            return;
        }
        self.finished = true;
        let explanation = details.and_then(|details| details.explanation);
        if let Some(explanation) = explanation.filter(|text| !text.is_empty()) {
            let part = self.begin(Kind::Refusal, out);
            say(part, Some(explanation), out);
            self.close(out);
        }
        out.push(Event::Finish(wire::stop(reason, sequence, self.calls)));
    }

    fn stop(&mut self, out: &mut Vec<Event>) {
        let early = self.early.take();
        let (reason, sequence) =
            early.map_or((String::new(), None), |early| (early.reason, early.sequence));
        self.end_with(&reason, sequence.as_deref(), None, out);
        out.push(Event::Done);
    }
}

fn say(part: usize, text: Option<Cow<'_, str>>, out: &mut Vec<Event>) {
    let text = text.unwrap_or_default();
    if !text.is_empty() {
        out.push(Event::Delta { part, text: text.into_owned() });
    }
}

fn sign(part: usize, form: &'static str, data: Option<Cow<'_, str>>, out: &mut Vec<Event>) {
    let data = data.unwrap_or_default();
    if !data.is_empty() {
        let (id, data) = (String::new(), data.into_owned());
        let state = State { dialect: Dialect::Anthropic, form, id, data };
        out.push(Event::Sign { part, state });
    }
}

/// A block with the input that came after its start.
fn complete(block: Box<RawValue>, input: &str) -> Box<RawValue> {
    if json::read::<&RawValue>(input).is_err() {
        return block;
    }
    let source = block.get();
    let span = Object::read(source.as_bytes()).ok().and_then(|object| object.spans("input").next());
    let Some(span) = span else { return block };
    let whole = [&source[..span.start], input, &source[span.end..]].concat();
    RawValue::from_string(whole).unwrap_or(block)
}
