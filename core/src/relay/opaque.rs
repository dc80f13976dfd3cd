//! How does an answer that nobody reads reach the client? Sound and pictures pass as they come, under the same watch.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;

use super::{
    admit::Permit,
    judge::{broken, silent},
    meter::Meter,
    render::{describe, note_usage},
    settle::Guard,
    tap::Watch,
};
use crate::{
    error::Error,
    http::Body,
    ports::BoxFuture,
    store::{Ended, Usage},
};

/// The body of an opaque answer. One that breaks off is reset: there is no dialect to say it in.
pub(super) struct Opaque {
    upstream: Body,
    guard: Guard,
    gone: BoxFuture<()>,
    watch: Watch,
    meter: Meter,
    /// How much is still to come, where its length was announced: nobody may ask for the end behind that.
    left: Option<u64>,
    _permit: Permit,
}

impl Opaque {
    pub(super) fn new(
        (upstream, meter): (Body, Meter),
        guard: Guard,
        permit: Permit,
        gone: BoxFuture<()>,
        watch: Watch,
    ) -> Self {
        Self { upstream, guard, gone, watch, meter, left: None, _permit: permit }
    }

    /// The same, of an announced length.
    pub(super) fn of_length(mut self, left: Option<u64>) -> Self {
        self.left = left;
        self
    }

    fn pass(&mut self, piece: &Bytes) {
        self.guard.gave(piece);
        self.meter.push(piece);
        self.left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
        if self.left == Some(0) {
            self.guard.ended.get_or_insert(Ended::Done);
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.guard.ended = Some(Ended::UpstreamBroke);
        error.kind.name().clone_into(&mut self.guard.record.error);
        describe(&error, &self.guard.record);
        self.upstream = Body::empty();
        Poll::Ready(Some(Err(error)))
    }
}

impl http_body::Body for Opaque {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.gone.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.upstream).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.watch.touch();
                if self.watch.late() {
                    return self.fail(silent());
                }
                self.guard.first_byte();
                if let Some(piece) = frame.data_ref() {
                    self.pass(piece);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let error = broken(&error);
                self.fail(error)
            }
            Poll::Ready(None) => {
                self.guard.ended.get_or_insert(Ended::Done);
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.watch.poll_silence(cx));
                self.fail(silent())
            }
        }
    }
}

impl Drop for Opaque {
    fn drop(&mut self) {
        self.meter.end();
        let Meter { usage, text, .. } = self.meter;
        let record = &mut self.guard.record;
        if usage.is_some() || !text.is_empty() {
            note_usage(record, usage, text);
        } else {
            // What is paid by the picture or by the minute has no tokens to estimate.
            record.usage = Usage::default();
        }
    }
}
