//! What does a stream say as it passes? Its frames are read for the record, and go on as the bytes they came in.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    dialect::{Dialect, Event, Reader, Splitter},
    error::{Error, Kind, Result},
    limits::STREAM_BYTES_MAX,
    store::Usage,
};

/// Watches one stream.
pub(super) struct Observer {
    dialect: Dialect,
    reader: Reader,
    splitter: Splitter,
    /// The events of one frame; kept to save its allocation.
    events: Vec<Event>,
    usage_wanted: bool,
    bytes: u64,
    stage: Stage,
    /// What is known for the record.
    pub(super) seen: Seen,
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
    /// How much text came, for an estimate.
    pub(super) text_bytes: u64,
    /// The error the stream told.
    pub(super) failure: Option<Error>,
}

impl Observer {
    pub(super) fn new(dialect: Dialect, usage_wanted: bool) -> Self {
        Self {
            dialect,
            reader: dialect.reader(),
            splitter: Splitter::new(dialect.framing()),
            events: Vec::new(),
            usage_wanted,
            bytes: 0,
            stage: Stage::Waiting,
            seen: Seen::default(),
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
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
        Ok(())
    }

    /// The stream has ended. A stream that did not say so is an error, unless the model had finished.
    pub(super) fn end(&mut self, out: &mut Vec<Bytes>) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let rest = self.splitter.rest();
        let open = !rest.is_empty();
        if open && self.passes(&rest) {
            out.push(rest);
        }
        if self.stage < Stage::Finished {
            let message = "The provider's stream ended before its answer was complete.";
            return Err(Error::new(Kind::UpstreamBroken, message));
        }
        if !self.is_over() {
            self.stage = Stage::Over;
            if open {
                out.push(Bytes::from_static(b"\n\n"));
            }
            out.push(Bytes::from_static(self.dialect.done_frame()));
        }
        Ok(())
    }

    /// Whether an event has come: comments are none.
    pub(super) fn has_begun(&self) -> bool {
        self.stage > Stage::Waiting
    }

    /// Whether the stream has said that it is over, well or not.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The error that came before anything else.
    pub(super) fn take_first_failure(&mut self) -> Option<Error> {
        self.seen.failure.take()
    }

    fn passes(&mut self, frame: &[u8]) -> bool {
        self.events.clear();
        self.reader.push(frame, &mut self.events);
        let only_usage = matches!(self.events[..], [Event::Usage(_)]);
        for event in self.events.drain(..) {
            let reached = match event {
                Event::Delta { text, .. } => {
                    self.seen.text_bytes += text.len() as u64;
                    Stage::Begun
                }
                Event::Usage(usage) => {
                    self.seen.usage = Some(usage);
                    Stage::Begun
                }
                Event::Finish(_) => Stage::Finished,
                Event::Done => Stage::Over,
                Event::Fail(error) => {
                    self.seen.failure = Some(error);
                    Stage::Over
                }
                Event::Start { .. }
                | Event::Open { .. }
                | Event::Sign { .. }
                | Event::Cite { .. }
                | Event::Close { .. }
                | Event::Other => Stage::Begun,
            };
            self.stage = self.stage.max(reached);
        }
        self.usage_wanted || !only_usage
    }
}
