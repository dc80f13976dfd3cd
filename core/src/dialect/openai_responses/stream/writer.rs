//! How is a stream written in this API? Parts one after another, and one terminal event with the whole response.

use std::collections::VecDeque;

use serde_json::value::RawValue;

use super::{
    super::{
        error,
        reply::Response,
        wire::output::{Failure, Frame, Status, raw},
    },
    items::{Items, Piece},
};
use crate::{
    dialect::{
        Stamp,
        event::{Event, Kind},
        ir::Stop,
    },
    error::Error,
    store::Usage,
};

/// Writes event after event.
pub(crate) struct Writer {
    stage: Stage,
    items: Items,
    /// Parts that are not complete. The first one is written as it comes; calls beside it wait, because items of this
    /// API follow each other.
    pieces: VecDeque<Piece>,
    stop: Stop,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Begun,
    Over,
}

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(stamp: Stamp) -> Self {
        let (items, pieces) = (Items::new(stamp), VecDeque::new());
        Self { stage: Stage::Waiting, items, pieces, stop: Stop::End, usage: None }
    }

    /// Adds what an event is in this dialect to `out`. After [`Event::Done`] and [`Event::Fail`] nothing follows.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.stage == Stage::Over || matches!(event, Event::Other) {
            return;
        }
        self.begin(out);
        match event {
            Event::Start { .. } | Event::Other => {}
            Event::Open { part, kind } => self.open(part, kind, out),
            Event::Delta { part, text } => self.extend(part, &text, out),
            Event::Sign { part, state } => {
                if let Some(piece) = self.piece(part) {
                    piece.state = Some(state);
                }
            }
            Event::Cite { part, citation } => {
                if let Some(piece) = self.piece(part) {
                    piece.citations.push(citation);
                }
            }
            Event::Close { part } => {
                if let Some(piece) = self.piece(part) {
                    piece.closed = true;
                }
                self.advance(out);
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(stop) => self.finish(stop, out),
            Event::Done => self.done(out),
            Event::Fail(error) => self.fail(&error, out),
        }
    }

    /// The whole response, after [`Event::Done`].
    pub(crate) fn response(&self) -> Box<RawValue> {
        let (status, reason) = self.status();
        let message = "The model could not finish its answer.";
        let failed = status == Status::Failed;
        self.render(status, reason, failed.then_some(Failure { code: "server_error", message }))
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.stage != Stage::Waiting {
            return;
        }
        self.stage = Stage::Begun;
        let response = self.render(Status::InProgress, None, None);
        self.tell("response.created", &response, out);
        self.tell("response.in_progress", &response, out);
    }

    fn open(&mut self, part: usize, kind: Kind, out: &mut Vec<u8>) {
        let is_call = |kind: &Kind| matches!(kind, Kind::Call { .. });
        if !is_call(&kind) || self.pieces.iter().any(|piece| !is_call(&piece.kind)) {
            self.close_all(out);
        }
        let mut piece = Piece::new(part, kind);
        if self.pieces.is_empty() {
            self.items.open(&mut piece, out);
        }
        self.pieces.push_back(piece);
    }

    fn extend(&mut self, part: usize, text: &str, out: &mut Vec<u8>) {
        let Some(at) = self.pieces.iter().position(|piece| piece.part == part) else { return };
        let piece = &mut self.pieces[at];
        piece.text.push_str(text);
        if at == 0 {
            self.items.extend(piece, text, out);
        }
    }

    fn piece(&mut self, part: usize) -> Option<&mut Piece> {
        self.pieces.iter_mut().find(|piece| piece.part == part)
    }

    /// Writes the parts that are complete to their end, and what has come of the one after them.
    fn advance(&mut self, out: &mut Vec<u8>) {
        while self.pieces.front().is_some_and(|piece| piece.closed)
            && let Some(piece) = self.pieces.pop_front()
        {
            self.items.close(&piece, out);
            if let Some(next) = self.pieces.front_mut() {
                self.items.open(next, out);
                let text = next.text.clone();
                self.items.extend(next, &text, out);
            }
        }
    }

    fn close_all(&mut self, out: &mut Vec<u8>) {
        self.pieces.iter_mut().for_each(|piece| piece.closed = true);
        self.advance(out);
    }

    fn finish(&mut self, stop: Stop, out: &mut Vec<u8>) {
        self.close_all(out);
        self.stop = stop;
        let cut = self.status().0 == Status::Incomplete;
        self.items.close_message(if cut { Status::Incomplete } else { Status::Completed }, out);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.close_all(out);
        self.items.close_message(Status::Completed, out);
        self.stage = Stage::Over;
        let kind = match self.status().0 {
            Status::Incomplete => "response.incomplete",
            Status::Failed => "response.failed",
            Status::Completed | Status::InProgress => "response.completed",
        };
        self.tell(kind, &self.response(), out);
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.stage = Stage::Over;
        error::write_event(error, self.items.sequence, out);
        self.items.sequence += 1;
        let response = self.render(Status::Failed, None, Some(error::failure(error)));
        self.tell("response.failed", &response, out);
    }

    fn tell(&mut self, kind: &str, response: &RawValue, out: &mut Vec<u8>) {
        let response = Some(response);
        self.items.write(Frame { kind, response, ..Frame::default() }, out);
    }

    /// What the end is called, and why the answer is incomplete.
    fn status(&self) -> (Status, Option<&'static str>) {
        match self.stop {
            Stop::End | Stop::Sequence(_) | Stop::Tools | Stop::Paused => (Status::Completed, None),
            Stop::Length => (Status::Incomplete, Some("max_output_tokens")),
            Stop::Refused if self.items.refused => (Status::Completed, None),
            Stop::Filtered | Stop::Refused => (Status::Incomplete, Some("content_filter")),
            Stop::Failed => (Status::Failed, None),
        }
    }

    fn render(
        &self,
        status: Status,
        reason: Option<&'static str>,
        failure: Option<Failure<'_>>,
    ) -> Box<RawValue> {
        let (stamp, output) = (self.items.stamp(), &self.items.output[..]);
        raw(&Response { stamp, status, output, usage: self.usage.as_ref(), failure, reason })
    }
}
