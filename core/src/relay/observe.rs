//! What does a stream say as it passes? Its frames are read for the record, and go on as they came or in another dialect.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    prepare::{Crossing, Passage},
    receive::Inbound,
    remember::with_parent,
};
use crate::{
    dialect::{Dialect, Event, Framing, Reader, Reshape, Splitter, event_data, ir::Stop},
    error::{Error, Kind, Result},
    limits::{PARTS_MAX, STREAM_BYTES_MAX},
    memory::{Leaving, Memo},
    money::estimate::Text,
    operation::Writer,
    store::Usage,
};

/// Watches one stream.
pub(super) struct Observer {
    /// What the client speaks.
    dialect: Dialect,
    /// How its stream is framed.
    framing: Framing,
    reader: Reader,
    splitter: Splitter,
    /// The events of one frame; kept to save its allocation.
    events: Vec<Event>,
    way: Way,
    bytes: u64,
    /// How many parts have opened.
    parts: usize,
    stage: Stage,
    /// The parts that have begun and not ended.
    open: Vec<usize>,
    /// Whether something has come that is no text.
    made: bool,
    /// Whether the stream has finished because somebody took offence.
    held_back: bool,
    /// What is known for the record.
    pub(super) seen: Seen,
}

/// How a stream goes on to the client.
enum Way {
    /// As the bytes that came, but for a chunk that tells only the usage, if the client did not ask for it.
    Pass {
        usage_wanted: bool,
        /// The response that the client referred to, which the provider does not know of.
        parent: Option<String>,
        /// Writes the same stream to nobody, so that it knows how to end it.
        shadow: Option<Box<Shadow>>,
    },
    /// Written in another dialect.
    Write(Box<Rewriting>),
}

/// A stream that is written to nobody.
struct Shadow {
    writer: Writer,
    text: Vec<u8>,
}

/// A stream that is being written in another dialect.
struct Rewriting {
    writer: Writer,
    reshape: Reshape,
    memo: Memo,
    /// What an event became; kept to save its allocation.
    reshaped: Vec<Event>,
    text: Vec<u8>,
}

impl Rewriting {
    fn push(&mut self, event: Event) {
        self.memo.push(&event);
        if self.reshape.is_idle() {
            return self.writer.push(event, &mut self.text);
        }
        self.reshape.push(event, &mut self.reshaped);
        for event in self.reshaped.drain(..) {
            self.writer.push(event, &mut self.text);
        }
    }
}

/// How far a stream has come. It only ever goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Nothing but comments.
    Waiting,
    /// An event has come.
    Begun,
    /// The model has finished.
    Finished,
    /// The stream has said that it is over, well or not.
    Over,
}

/// What a stream has said so far.
#[derive(Default)]
pub(super) struct Seen {
    /// The usage, if it was told.
    pub(super) usage: Option<Usage>,
    /// The text that came, for an estimate.
    pub(super) text: Text,
    /// The error the stream told.
    pub(super) failure: Option<Error>,
}

impl Observer {
    pub(super) fn new(inbound: &Inbound, passage: Passage, shadow: Option<Writer>) -> Self {
        let way = match passage.crossing {
            None => Way::Pass {
                usage_wanted: inbound.ask.usage_wanted,
                parent: inbound.parent.clone(),
                shadow: shadow.map(|writer| Box::new(Shadow { writer, text: Vec::new() })),
            },
            Some(Crossing { stamp, reshape, memo }) => Way::Write(Box::new(Rewriting {
                writer: inbound.operation.writer(inbound.answers, stamp),
                reshape,
                memo,
                reshaped: Vec::new(),
                text: Vec::new(),
            })),
        };
        Self {
            dialect: inbound.answers,
            framing: inbound.framing,
            reader: passage.from.reader(),
            splitter: Splitter::new(passage.framing),
            events: Vec::new(),
            way,
            bytes: 0,
            parts: 0,
            open: Vec::new(),
            made: false,
            held_back: false,
            stage: Stage::Waiting,
            seen: Seen::default(),
        }
    }

    /// Takes a piece in and adds what may go on to `out`: whole frames only, so that an error can follow at any time.
    pub(super) fn push(&mut self, piece: Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        self.bytes += piece.len() as u64;
        if self.bytes > STREAM_BYTES_MAX {
            return Err(Error::new(Kind::UpstreamBroken, "The provider's stream is too long."));
        }
        self.splitter.push(piece)?;
        // Frames that follow each other go on as one piece.
        let mut run: Option<Range<usize>> = None;
        while !self.is_over()
            && let Some(frame) = self.splitter.next()
        {
            let bytes = self.splitter.slice(frame.clone());
            if self.passes(&bytes) {
                let start = run.map_or(frame.start, |run| run.start);
                run = Some(start..frame.end);
            } else if let Some(run) = run.take() {
                out.push(self.splitter.slice(run));
            }
        }
        out.extend(run.map(|run| self.splitter.slice(run)));
        if self.parts > PARTS_MAX {
            return Err(too_many_parts());
        }
        if let Way::Pass { parent: parent @ Some(_), .. } = &self.way {
            for words in out.iter_mut() {
                *words = with_parent(std::mem::take(words), parent.as_deref());
            }
        }
        self.hand_over(out);
        Ok(())
    }

    /// The stream has ended. A stream that did not say so is an error, unless the model had finished.
    pub(super) fn end(&mut self, out: &mut Vec<Bytes>) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let rest = self.splitter.rest();
        // An event whose empty line is missing still counts; one that was cut in two does not.
        let open = is_whole(&rest);
        if open && self.passes(&rest) {
            out.push(rest.clone());
        }
        let said = self.is_over();
        self.reader.end(&mut self.events);
        self.take_events();
        if self.stage < Stage::Finished {
            let ends = open && self.framing == Framing::Events;
            if ends && matches!(self.way, Way::Pass { .. }) {
                out.push(Bytes::from_static(b"\n\n"));
            }
            self.hand_over(out);
            let message = "The provider's stream ended before its answer was complete.";
            return Err(Error::new(Kind::UpstreamBroken, message));
        }
        // What closes an array is no event and belongs to it all the same.
        if rest.trim_ascii() == b"]" && matches!(self.way, Way::Pass { .. }) {
            out.push(rest);
        }
        if !said {
            self.say_over(open, out);
        }
        self.hand_over(out);
        Ok(())
    }

    /// Says for a provider that does not that the stream is over.
    fn say_over(&mut self, open: bool, out: &mut Vec<Bytes>) {
        let done = self.dialect.done_frame();
        match &mut self.way {
            Way::Write(rewriting) if self.stage < Stage::Over => rewriting.push(Event::Done),
            Way::Pass { .. } if !done.is_empty() => {
                out.extend(open.then_some(Bytes::from_static(b"\n\n")));
                out.push(Bytes::from_static(done));
            }
            Way::Write(_) | Way::Pass { .. } => {}
        }
        self.stage = Stage::Over;
    }

    /// The stream cannot go on: the error as the client's dialect has it in a stream.
    pub(super) fn fail(&mut self, error: &Error) -> Bytes {
        match &mut self.way {
            Way::Pass { .. } => self.dialect.error_frame(error, self.framing),
            Way::Write(rewriting) => {
                rewriting.push(Event::Fail(error.clone()));
                std::mem::take(&mut rewriting.text).into()
            }
        }
    }

    /// What other instances should know of the answer.
    pub(super) fn leaving(&mut self) -> Option<Leaving> {
        match &mut self.way {
            Way::Write(rewriting) => rewriting.memo.leaving(),
            Way::Pass { .. } => None,
        }
    }

    /// Ends the stream here, as if the model had written the most it may.
    pub(super) fn cut(&mut self, usage: Usage) -> Bytes {
        let mut end: Vec<Event> = self.open.drain(..).map(|part| Event::Close { part }).collect();
        end.extend([Event::Finish(Stop::Length), Event::Usage(usage), Event::Done]);
        self.stage = Stage::Over;
        match &mut self.way {
            Way::Write(rewriting) => {
                for event in end {
                    rewriting.push(event);
                }
                std::mem::take(&mut rewriting.text).into()
            }
            Way::Pass { shadow: Some(shadow), .. } => {
                let Shadow { writer, text } = &mut **shadow;
                text.clear();
                for event in end {
                    writer.push(event, text);
                }
                std::mem::take(text).into()
            }
            Way::Pass { shadow: None, .. } => Bytes::from_static(self.dialect.done_frame()),
        }
    }

    /// An error in place of the end, whatever was written of the stream so far.
    pub(super) fn error_frame(&self, error: &Error) -> Bytes {
        self.dialect.error_frame(error, self.framing)
    }

    /// Gives on what was written.
    fn hand_over(&mut self, out: &mut Vec<Bytes>) {
        if let Way::Write(rewriting) = &mut self.way
            && !rewriting.text.is_empty()
        {
            out.push(std::mem::take(&mut rewriting.text).into());
        }
    }

    /// Whether an event has come: comments are none.
    pub(super) fn has_begun(&self) -> bool {
        self.stage > Stage::Waiting
    }

    /// Whether there is something to show, or will be nothing.
    pub(super) fn has_shown(&self) -> bool {
        self.stage >= Stage::Finished || self.says_something()
    }

    /// Whether a filter has left nothing of the answer.
    pub(super) fn is_held_back(&self) -> bool {
        self.held_back && !self.says_something()
    }

    fn says_something(&self) -> bool {
        self.made || !self.seen.text.is_empty()
    }

    /// Whether the stream has said that it is over, well or not.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The error that came before anything else.
    pub(super) fn take_first_failure(&mut self) -> Option<Error> {
        self.seen.failure.take()
    }

    /// Reads a frame, and says whether it goes on as it is.
    fn passes(&mut self, frame: &[u8]) -> bool {
        if matches!(self.way, Way::Pass { shadow: None, .. })
            && let Some(text) = self.reader.skim(frame)
        {
            self.seen.text.push(text);
            self.stage = self.stage.max(Stage::Begun);
            return true;
        }
        self.reader.push(frame, &mut self.events);
        if self.stage == Stage::Waiting && told(frame) == DONE {
            // Some hosts say so in every dialect, also where there was nothing before.
            self.events = vec![Event::Done];
        }
        let passes = match self.way {
            Way::Pass { usage_wanted, .. } => {
                usage_wanted || !matches!(self.events[..], [Event::Usage(_)])
            }
            Way::Write(_) => false,
        };
        self.take_events();
        passes
    }

    fn take_events(&mut self) {
        for event in self.events.drain(..) {
            let reached = match &event {
                Event::Delta { text, .. } => {
                    self.seen.text.push(text.as_bytes());
                    Stage::Begun
                }
                Event::Usage(usage) => {
                    self.seen.usage = Some(*usage);
                    Stage::Begun
                }
                Event::Finish(stop) => {
                    self.held_back = stop.holds_back();
                    Stage::Finished
                }
                Event::Done if self.stage == Stage::Waiting => {
                    let message = "The provider's stream has nothing in it.";
                    self.seen.failure = Some(Error::new(Kind::UpstreamBroken, message));
                    Stage::Over
                }
                Event::Done => Stage::Over,
                Event::Fail(error) => {
                    self.seen.failure = Some(error.clone());
                    Stage::Over
                }
                Event::Open { part, kind } => {
                    self.made |= kind.says_something();
                    self.parts += 1;
                    self.open.push(*part);
                    Stage::Begun
                }
                Event::Close { part } => {
                    self.open.retain(|open| open != part);
                    Stage::Begun
                }
                Event::Start { .. } | Event::Sign { .. } | Event::Cite { .. } | Event::Other => {
                    Stage::Begun
                }
            };
            self.stage = self.stage.max(reached);
            match &mut self.way {
                Way::Write(rewriting) if self.parts <= PARTS_MAX => rewriting.push(event),
                Way::Pass { shadow: Some(shadow), .. } => {
                    shadow.text.clear();
                    shadow.writer.push(event, &mut shadow.text);
                }
                Way::Write(_) | Way::Pass { shadow: None, .. } => {}
            }
        }
    }
}

/// What is said of an answer that nobody would have asked for.
pub(super) fn too_many_parts() -> Error {
    Error::new(Kind::UpstreamBroken, "The provider's answer has too many parts.")
}

/// Whether what was left at a stream's end is an event.
fn is_whole(rest: &[u8]) -> bool {
    let data = told(rest);
    data == DONE || serde_json::from_slice::<&RawValue>(&data).is_ok()
}

/// What `OpenAI`'s streams end with.
const DONE: &[u8] = b"[DONE]";

/// The data of an event, or all of it where streams are not framed as events.
fn told(frame: &[u8]) -> Cow<'_, [u8]> {
    let data = event_data(frame);
    let data = if data.is_empty() { Cow::Borrowed(frame) } else { data };
    match data {
        Cow::Borrowed(data) => Cow::Borrowed(data.trim_ascii()),
        Cow::Owned(data) => Cow::Owned(data.trim_ascii().to_owned()),
    }
}
