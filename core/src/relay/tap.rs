//! How does a stream reach the client and the record? A body that passes frames on and watches the time.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::Frame;

use super::{
    admit::Permit,
    judge::{broken, silent},
    observe::Observer,
    remember::Keeping,
    render::describe,
    settle::Guard,
};
use crate::{
    config::Waits,
    error::Error,
    http::Body,
    limits::END_LINGER,
    ports::{BoxFuture, Clock, Millis},
    store::Ended,
};

/// The body of a streamed answer. It never yields an error: a stream that breaks ends with an error event.
pub(super) struct Tap {
    upstream: Body,
    observer: Box<Observer>,
    guard: Guard,
    ready: VecDeque<Bytes>,
    gone: BoxFuture<()>,
    watch: Watch,
    phase: Phase,
    /// Keeps the turn when its end comes.
    keeping: Option<Box<Keeping>>,
    /// What has to be done before the client may see what is ready.
    held: Option<BoxFuture<()>>,
    _permit: Permit,
}

/// Where a stream stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Frames are passing.
    Flowing,
    /// The answer is complete; the upstream's own end is awaited for a moment, to keep its connection.
    Lingering,
    /// Nothing more will come.
    Over,
}

/// Wakes the stream when nothing comes. One timer serves for many frames: it looks at the time of the last one when
/// it fires, and sleeps on.
pub(super) struct Watch {
    clock: Arc<dyn Clock>,
    alarm: BoxFuture<()>,
    idle_ms: i64,
    last_ms: Millis,
    ends_ms: Millis,
}

impl Watch {
    pub(super) fn start(clock: Arc<dyn Clock>, waits: Waits) -> Self {
        let now = clock.now();
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2);
        let alarm = clock.sleep(waits.idle.min(waits.total));
        Self { clock, alarm, idle_ms: ms(waits.idle), last_ms: now, ends_ms: now + ms(waits.total) }
    }

    pub(super) fn touch(&mut self) {
        self.last_ms = self.clock.now();
    }

    pub(super) fn late(&mut self) -> bool {
        self.clock.now() >= self.ends_ms
    }

    fn linger(&mut self) {
        self.alarm = self.clock.sleep(END_LINGER);
    }

    /// Ready when the stream has been silent for too long, or has gone on for too long.
    pub(super) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            std::task::ready!(self.alarm.as_mut().poll(cx));
            let now = self.clock.now();
            let left = (self.last_ms + self.idle_ms).min(self.ends_ms) - now;
            let Ok(left) = u64::try_from(left) else { return Poll::Ready(()) };
            if left == 0 {
                return Poll::Ready(());
            }
            self.alarm = self.clock.sleep(Duration::from_millis(left));
        }
    }
}

impl Tap {
    /// Goes on with a stream of which something was read already.
    pub(super) fn new(
        (begun, observer, upstream, keeping): (
            Vec<Bytes>,
            Box<Observer>,
            Body,
            Option<Box<Keeping>>,
        ),
        guard: Guard,
        permit: Permit,
        gone: BoxFuture<()>,
        watch: Watch,
    ) -> Self {
        let mut tap = Self {
            upstream,
            observer,
            guard,
            ready: VecDeque::new(),
            gone,
            watch,
            phase: Phase::Flowing,
            keeping,
            held: None,
            _permit: permit,
        };
        tap.hand_over(begun);
        tap.linger_if_over();
        tap
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.gone.as_mut().poll(cx).is_ready() {
            self.phase = Phase::Over;
            return Poll::Ready(());
        }
        match http_body::Body::poll_frame(Pin::new(&mut self.upstream), cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let Ok(piece) = frame.into_data() else { return Poll::Ready(()) };
                self.take(piece);
                Poll::Ready(())
            }
            Poll::Ready(Some(Err(error))) => {
                self.fail(&broken(&error));
                Poll::Ready(())
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(())
            }
            Poll::Pending if self.phase == Phase::Lingering => {
                std::task::ready!(self.watch.alarm.as_mut().poll(cx));
                self.phase = Phase::Over;
                Poll::Ready(())
            }
            Poll::Pending => {
                std::task::ready!(self.watch.poll_silence(cx));
                self.fail(&silent());
                Poll::Ready(())
            }
        }
    }

    fn take(&mut self, piece: Bytes) {
        if self.phase == Phase::Lingering {
            return;
        }
        self.watch.touch();
        let mut out = Vec::with_capacity(1);
        let outcome = self.observer.push(piece, &mut out);
        self.hand_over(out);
        match outcome {
            Ok(()) if self.linger_if_over() => {}
            Ok(()) if self.watch.late() => self.fail(&silent()),
            Ok(()) => {}
            Err(error) => self.fail(&error),
        }
    }

    /// Makes frames ready. An end that has to be kept waits for that, with what came beside it.
    fn hand_over(&mut self, frames: Vec<Bytes>) {
        if let Some(keeping) = self.keeping.take() {
            match keeping.at_end(&frames) {
                Ok(kept) => self.held = Some(kept),
                Err(keeping) => self.keeping = Some(keeping),
            }
        }
        self.ready.extend(frames);
    }

    fn finish(&mut self) {
        if self.phase == Phase::Flowing {
            let mut out = Vec::new();
            let outcome = self.observer.end(&mut out);
            self.hand_over(out);
            match outcome {
                Ok(()) => self.complete(),
                Err(error) => self.fail(&error),
            }
        }
        self.phase = Phase::Over;
    }

    fn linger_if_over(&mut self) -> bool {
        let over = self.observer.is_over();
        if over {
            self.complete();
            self.phase = Phase::Lingering;
            self.watch.linger();
        }
        over
    }

    /// The stream has said its last word: `[DONE]`, or an error of its own.
    fn complete(&mut self) {
        let failure = self.observer.seen.failure.as_ref();
        self.guard.ended = Some(if failure.is_some() { Ended::UpstreamBroke } else { Ended::Done });
        if let Some(error) = failure {
            error.kind.name().clone_into(&mut self.guard.record.error);
        }
    }

    /// Ends the stream with an error event. Only whole frames were sent, so the event stands on its own.
    fn fail(&mut self, error: &Error) {
        if self.phase == Phase::Flowing {
            self.guard.ended = Some(Ended::UpstreamBroke);
            error.kind.name().clone_into(&mut self.guard.record.error);
            describe(error, &self.guard.record);
            let frame = self.observer.fail(error);
            self.ready.push_back(frame);
        }
        self.phase = Phase::Over;
        self.upstream = Body::empty();
    }
}

impl http_body::Body for Tap {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if let Some(held) = &mut self.held {
                std::task::ready!(held.as_mut().poll(cx));
                self.held = None;
            }
            if let Some(bytes) = self.ready.pop_front() {
                self.guard.first_byte();
                self.guard.gave(&bytes);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.phase == Phase::Over {
                return Poll::Ready(None);
            }
            std::task::ready!(self.advance(cx));
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if self.guard.ended.is_some() && !self.ready.is_empty() {
            // The client left before it was given the end.
            self.guard.ended = None;
        }
        let seen = &self.observer.seen;
        super::render::note_usage(&mut self.guard.record, seen.usage, seen.text_bytes);
    }
}
