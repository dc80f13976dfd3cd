//! How is a stream written in this API?

use std::{borrow::Cow, collections::VecDeque};

use super::{
    super::{
        error,
        wire::{
            BlockOut, CitationOut, DeltaOut, EndOut, Ending, EventOut, Input, MessageOut,
            NoDetails, UsageOut,
        },
    },
    words::{call_id, call_state, is_hidden, media_text, message_id, seal},
};
use crate::{
    dialect::{
        Dialect, Stamp,
        event::{Event, Kind},
        ir::{Citation, State},
    },
    store::Usage,
};

/// What stands around the text for a custom tool: its function has one string.
const CUSTOM_START: &str = r#"{"input":""#;
const CUSTOM_END: &str = "\"}";

/// Writes event after event. Blocks of this API never overlap, so a part that begins while a call is open waits until
/// the call is complete.
pub(crate) struct Writer {
    stamp: Stamp,
    started: bool,
    ended: bool,
    /// The number of the next block.
    next: usize,
    open: Option<Open>,
    /// Parts that wait, each with its events.
    waiting: VecDeque<(usize, Vec<Event>)>,
    ending: Ending,
    usage: Option<Usage>,
}

/// The part that is open.
struct Open {
    part: usize,
    block: Block,
    /// Whether its block has been written: text and thoughts begin with their first word.
    begun: bool,
}

enum Block {
    Text,
    Thought {
        /// Comes last, whenever it was told.
        state: Option<State>,
    },
    Call {
        id: String,
        arguments: Arguments,
        /// A block of its own, after the call.
        state: Option<State>,
    },
    Whole,
}

/// How the arguments of a call are written.
enum Arguments {
    /// Free text in an object of one field.
    Free,
    /// Piece by piece, since they have begun as an object.
    Object,
    /// All at once at the end, as long as it is not seen that they are an object.
    Held(String),
}

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            started: false,
            ended: false,
            next: 0,
            open: None,
            waiting: VecDeque::new(),
            ending: Ending::default(),
            usage: None,
        }
    }

    /// Adds what an event is in this dialect to `out`. After [`Event::Done`] and [`Event::Fail`] nothing follows.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        if let Event::Fail(error) = event {
            self.ended = true;
            out.extend_from_slice(&error::event(&error));
            return;
        }
        self.start(out);
        match event {
            Event::Open { part, .. }
            | Event::Delta { part, .. }
            | Event::Sign { part, .. }
            | Event::Cite { part, .. }
            | Event::Close { part } => {
                self.route(part, event, out);
                self.release(out);
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(stop) => self.ending.stop = stop,
            Event::Done => self.done(out),
            Event::Start { .. } | Event::Fail(_) | Event::Other => {}
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        let message = MessageOut {
            id: message_id(&self.stamp),
            kind: "message",
            role: "assistant",
            model: &self.stamp.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            stop_details: None,
            usage: UsageOut::new(self.usage.as_ref()),
        };
        EventOut::MessageStart { message }.frame(out);
    }

    /// Says an event of a part, or keeps it until the part's turn comes.
    fn route(&mut self, part: usize, event: Event, out: &mut Vec<u8>) {
        let mut waiting = self.waiting.iter_mut().rev();
        if let Some((_, events)) = waiting.find(|(waiting, _)| *waiting == part) {
            events.push(event);
            return;
        }
        let Some(open) = &self.open else { return self.say(event, out) };
        if open.part == part {
            return self.say(event, out);
        }
        if !matches!(event, Event::Open { .. }) {
            return;
        }
        if matches!(open.block, Block::Call { .. }) {
            self.waiting.push_back((part, vec![event]));
            return;
        }
        self.close(out);
        self.say(event, out);
    }

    /// Lets waiting parts speak as long as none is open.
    fn release(&mut self, out: &mut Vec<u8>) {
        while self.open.is_none() {
            let Some((_, events)) = self.waiting.pop_front() else { return };
            for event in events {
                self.say(event, out);
            }
        }
    }

    /// Says an event of the part that is open, or that opens.
    fn say(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Open { part, kind } => self.begin(part, kind, out),
            Event::Delta { text, .. } => self.delta(&text, out),
            Event::Sign { state, .. } => self.sign(state),
            Event::Cite { citation, .. } => self.cite(&citation, out),
            Event::Close { .. } => self.close(out),
            Event::Start { .. }
            | Event::Usage(_)
            | Event::Finish(_)
            | Event::Done
            | Event::Fail(_)
            | Event::Other => {}
        }
    }

    fn begin(&mut self, part: usize, kind: Kind, out: &mut Vec<u8>) {
        self.close(out);
        let open = |block, begun| Some(Open { part, block, begun });
        match kind {
            Kind::Text => self.open = open(Block::Text, false),
            Kind::Refusal => {
                self.ending.refused = true;
                self.open = open(Block::Text, false);
            }
            Kind::Thought { .. } => self.open = open(Block::Thought { state: None }, false),
            Kind::Call { id, name, custom } => {
                self.ending.calls += 1;
                let id = call_id(&id, part, &self.stamp);
                let (shown, input) = (Cow::Borrowed(id.as_str()), Input::Empty {});
                self.block(BlockOut::ToolUse { id: shown, name: &name, input }, out);
                if custom {
                    self.piece(DeltaOut::InputJsonDelta { partial_json: CUSTOM_START }, out);
                }
                let arguments =
                    if custom { Arguments::Free } else { Arguments::Held(String::new()) };
                self.open = open(Block::Call { id, arguments, state: None }, true);
            }
            Kind::Media(media) => {
                self.open = open(Block::Text, false);
                self.delta(&media_text(&media), out);
            }
            Kind::Opaque { dialect, json, .. } => {
                if dialect == Dialect::Anthropic {
                    self.block(BlockOut::Raw(&json), out);
                    self.open = open(Block::Whole, true);
                }
            }
        }
    }

    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        if text.is_empty() {
            return;
        }
        let first = !std::mem::replace(&mut open.begun, true);
        match open.block {
            Block::Text => {
                if first {
                    self.block(empty_text(), out);
                }
                self.piece(DeltaOut::TextDelta { text }, out);
            }
            Block::Thought { .. } => {
                if first {
                    self.block(empty_thought(), out);
                }
                self.piece(DeltaOut::ThinkingDelta { thinking: text }, out);
            }
            Block::Call { ref mut arguments, .. } => {
                if let Some(piece) = arguments.piece(text) {
                    self.piece(DeltaOut::InputJsonDelta { partial_json: &piece }, out);
                }
            }
            Block::Whole => {}
        }
    }

    fn sign(&mut self, state: State) {
        match self.open.as_mut().map(|open| &mut open.block) {
            Some(Block::Thought { state: held } | Block::Call { state: held, .. }) => {
                *held = Some(state);
            }
            Some(Block::Text | Block::Whole) | None => {}
        }
    }

    fn cite(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        if matches!(open.block, Block::Text) {
            if !std::mem::replace(&mut open.begun, true) {
                self.block(empty_text(), out);
            }
            self.piece(DeltaOut::CitationsDelta { citation: CitationOut::of(citation) }, out);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(Open { block, begun, .. }) = self.open.take() else { return };
        match block {
            Block::Text | Block::Whole => {
                if begun {
                    self.end_block(out);
                }
            }
            Block::Thought { state } => self.close_thought(begun, state.as_ref(), out),
            Block::Call { id, arguments, state } => {
                if let Some(rest) = arguments.rest() {
                    self.piece(DeltaOut::InputJsonDelta { partial_json: &rest }, out);
                }
                self.end_block(out);
                if let Some(state) = state {
                    let data = Cow::Owned(call_state(&state, &id, &self.stamp));
                    self.block(BlockOut::RedactedThinking { data }, out);
                    self.end_block(out);
                }
            }
        }
    }

    fn close_thought(&mut self, begun: bool, state: Option<&State>, out: &mut Vec<u8>) {
        let Some(state) = state else {
            if begun {
                self.end_block(out);
            }
            return;
        };
        let sealed = seal(state, &self.stamp).into_owned();
        if !begun && is_hidden(state) {
            self.block(BlockOut::RedactedThinking { data: Cow::Owned(sealed) }, out);
        } else {
            if !begun {
                self.block(empty_thought(), out);
            }
            self.piece(DeltaOut::SignatureDelta { signature: &sealed }, out);
        }
        self.end_block(out);
    }

    fn block(&self, content_block: BlockOut<'_>, out: &mut Vec<u8>) {
        EventOut::ContentBlockStart { index: self.next, content_block }.frame(out);
    }

    fn piece(&self, delta: DeltaOut<'_>, out: &mut Vec<u8>) {
        EventOut::ContentBlockDelta { index: self.next, delta }.frame(out);
    }

    fn end_block(&mut self, out: &mut Vec<u8>) {
        EventOut::ContentBlockStop { index: self.next }.frame(out);
        self.next += 1;
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.ended = true;
        while self.open.is_some() {
            self.close(out);
            self.release(out);
        }
        let reason = self.ending.reason();
        let delta = EndOut {
            stop_reason: Some(reason),
            stop_sequence: self.ending.sequence(),
            stop_details: NoDetails::of(reason),
        };
        let usage = UsageOut::new(self.usage.as_ref());
        EventOut::MessageDelta { delta, usage }.frame(out);
        EventOut::MessageStop {}.frame(out);
    }
}

impl Arguments {
    /// What can be written of one more piece.
    fn piece<'t>(&mut self, text: &'t str) -> Option<Cow<'t, str>> {
        match self {
            Self::Free => {
                let quoted = serde_json::to_string(text).expect("strings always serialize");
                Some(Cow::Owned(quoted[1..quoted.len() - 1].to_owned()))
            }
            Self::Object => Some(Cow::Borrowed(text)),
            Self::Held(held) => {
                held.push_str(text);
                if !held.trim_start().starts_with('{') {
                    return None;
                }
                let held = std::mem::take(held);
                *self = Self::Object;
                Some(Cow::Owned(held))
            }
        }
    }

    /// What is left to be written at the end.
    fn rest(self) -> Option<Cow<'static, str>> {
        match self {
            Self::Free => Some(Cow::Borrowed(CUSTOM_END)),
            Self::Object => None,
            Self::Held(held) => match Input::read(&held) {
                Input::Empty {} => None,
                input => serde_json::to_string(&input).ok().map(Cow::Owned),
            },
        }
    }
}

fn empty_text<'a>() -> BlockOut<'a> {
    BlockOut::Text { text: Cow::Borrowed(""), citations: Vec::new() }
}

fn empty_thought<'a>() -> BlockOut<'a> {
    BlockOut::Thinking { thinking: "", signature: Cow::Borrowed("") }
}
