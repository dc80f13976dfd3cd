//! How are events written as elements of a stream? Calls whole, everything else as it comes.

use std::collections::VecDeque;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect, Event, Framing, Stamp,
        event::Kind,
        gemini::{
            error, finish,
            grounding::{Cited, Said},
            parts, usage,
            wire::{CandidateOut, ContentOut, ElementOut, Made, PartOut},
        },
        ir::{Call, State, Stop},
    },
    store::Usage,
};

/// Writes event after event. The end is held until the stream is over, so that late usage is in it.
pub(crate) struct Writer {
    stamp: Stamp,
    stage: Stage,
    /// The part under way that is no call.
    open: Option<(usize, Open)>,
    /// Calls in the order they opened: dialects may interleave them.
    calls: VecDeque<Pending>,
    said: Said,
    cited: Cited,
    stop: Stop,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing is written.
    Waiting,
    Begun,
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    /// What was thought, and whether anything of it was shown.
    Thought(Shown),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
}

struct Pending {
    part: usize,
    call: Call,
    complete: bool,
}

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            stage: Stage::Waiting,
            open: None,
            calls: VecDeque::new(),
            said: Said::default(),
            cited: Cited::default(),
            stop: Stop::End,
            usage: None,
        }
    }

    /// Adds what an event is in this dialect to `out`.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.stage == Stage::Over {
            return;
        }
        match event {
            Event::Open { part, kind } => self.begin(part, kind, out),
            Event::Delta { part, text } => self.delta(part, text, out),
            Event::Sign { part, state } => self.sign(part, state, out),
            Event::Cite { part, citation } => self.cited.push(part, citation),
            Event::Close { part } => self.close(part, out),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(stop) => self.stop = stop,
            Event::Done => self.done(out),
            Event::Fail(error) => self.last(&error::write(&error).1, out),
            Event::Start { .. } | Event::Other => {}
        }
    }

    fn begin(&mut self, part: usize, kind: Kind, out: &mut Vec<u8>) {
        self.open = None;
        let Kind::Call { id, name, custom } = kind else {
            self.calls.iter_mut().for_each(|pending| pending.complete = true);
            self.flush(out);
            return match kind {
                Kind::Text | Kind::Refusal => {
                    self.said.open(part);
                    self.open = Some((part, Open::Text));
                }
                Kind::Thought { .. } => self.open = Some((part, Open::Thought(Shown::No))),
                Kind::Media(media) => {
                    if let Some(made) = parts::media(&media) {
                        self.made(made, out);
                    }
                }
                Kind::Opaque { dialect: Dialect::Gemini, json, .. } => self.raw(&json, out),
                Kind::Opaque { .. } | Kind::Call { .. } => {}
            };
        };
        let call = Call { id, name, arguments: String::new(), custom, state: None };
        self.calls.push_back(Pending { part, call, complete: false });
    }

    fn delta(&mut self, part: usize, text: String, out: &mut Vec<u8>) {
        if let Some(pending) = self.calls.iter_mut().find(|pending| pending.part == part) {
            pending.call.arguments.push_str(&text);
            return;
        }
        let Some((open, kind)) = self.open else { return };
        if open != part || text.is_empty() {
            return;
        }
        match kind {
            Open::Text => {
                self.said.push(&text);
                self.made(parts::text(text), out);
            }
            Open::Thought(_) => {
                self.open = Some((part, Open::Thought(Shown::Yes)));
                self.made(parts::thought(text), out);
            }
        }
    }

    fn sign(&mut self, part: usize, state: State, out: &mut Vec<u8>) {
        if let Some(pending) = self.calls.iter_mut().find(|pending| pending.part == part) {
            pending.call.state = Some(state);
            return;
        }
        let Some((_, Open::Thought(shown))) = self.open.filter(|(open, _)| *open == part) else {
            return;
        };
        let own = state.dialect == Dialect::Gemini;
        let made = parts::signed(parts::signature(&state, &self.stamp.carrier));
        // A signature on nothing belongs to the answer, any other to what was thought.
        let bare = own && shown == Shown::No;
        self.made(Made { thought: (!bare).then_some(true), ..made }, out);
    }

    fn close(&mut self, part: usize, out: &mut Vec<u8>) {
        if self.open.is_some_and(|(open, _)| open == part) {
            self.open = None;
        }
        if let Some(pending) = self.calls.iter_mut().find(|pending| pending.part == part) {
            pending.complete = true;
            self.flush(out);
        }
    }

    /// Writes the calls that are complete, in the order they opened.
    fn flush(&mut self, out: &mut Vec<u8>) {
        while let Some(pending) = self.calls.pop_front_if(|pending| pending.complete) {
            let signature = pending.call.state.as_ref();
            let signature = signature.map(|state| parts::signature(state, &self.stamp.carrier));
            let made = Made { thought_signature: signature, ..parts::call(&pending.call) };
            self.made(made, out);
        }
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.open = None;
        self.calls.iter_mut().for_each(|pending| pending.complete = true);
        self.flush(out);
        let last = CandidateOut {
            content: content(PartOut::Made(parts::text(""))),
            finish_reason: Some(finish::write(&self.stop)),
            index: 0,
            grounding_metadata: self.cited.write(&self.said),
        };
        let json = self.element(last, self.usage.as_ref());
        self.last(&json, out);
    }

    fn last(&mut self, json: &[u8], out: &mut Vec<u8>) {
        self.frame(json, out);
        if self.stamp.framing == Framing::Array {
            out.push(b']');
        }
        self.stage = Stage::Over;
    }

    fn made(&mut self, made: Made<'_>, out: &mut Vec<u8>) {
        self.part(PartOut::Made(made), out);
    }

    fn raw(&mut self, json: &RawValue, out: &mut Vec<u8>) {
        self.part(PartOut::Raw(json), out);
    }

    fn part(&mut self, part: PartOut<'_>, out: &mut Vec<u8>) {
        let candidate = CandidateOut {
            content: content(part),
            finish_reason: None,
            index: 0,
            grounding_metadata: None,
        };
        let json = self.element(candidate, None);
        self.frame(&json, out);
    }

    fn element(&self, candidate: CandidateOut<'_>, told: Option<&Usage>) -> Vec<u8> {
        let element = ElementOut {
            candidates: [candidate],
            usage_metadata: told.map(usage::write),
            model_version: &self.stamp.model,
            response_id: &self.stamp.id,
        };
        let mut json = serde_json::to_vec(&element).expect("strings and JSON always serialize");
        // Raw values may hold line ends, which would end the event; in JSON they can only stand between tokens.
        json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        json
    }

    fn frame(&mut self, json: &[u8], out: &mut Vec<u8>) {
        let (before, after): (&[u8], &[u8]) = match (self.stamp.framing, self.stage) {
            (Framing::Events, _) => (b"data: ", b"\r\n\r\n"),
            (Framing::Lines, _) => (b"", b"\n"),
            (Framing::Array, Stage::Waiting) => (b"[", b""),
            (Framing::Array, Stage::Begun | Stage::Over) => (b",\r\n", b""),
        };
        out.extend_from_slice(before);
        out.extend_from_slice(json);
        out.extend_from_slice(after);
        self.stage = Stage::Begun;
    }
}

fn content(part: PartOut<'_>) -> ContentOut<'_> {
    ContentOut { parts: vec![part], role: Some("model") }
}
