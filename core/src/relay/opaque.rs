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
    render::describe,
    settle::Guard,
    tap::Watch,
};
use crate::{error::Error, http::Body, ports::BoxFuture, store::Ended};

/// The body of an opaque answer. One that breaks off is reset: there is no dialect to say it in.
pub(super) struct Opaque {
    upstream: Body,
    guard: Guard,
    gone: BoxFuture<()>,
    watch: Watch,
    _permit: Permit,
}

impl Opaque {
    pub(super) fn new(
        upstream: Body,
        guard: Guard,
        permit: Permit,
        gone: BoxFuture<()>,
        watch: Watch,
    ) -> Self {
        Self { upstream, guard, gone, watch, _permit: permit }
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
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.guard.record.bytes_out += length as u64;
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
