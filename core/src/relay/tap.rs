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
    render::{describe, note_usage},
    settle::Guard,
};
use crate::{
    budget::{Amounts, Hold, Ledger},
    config::Waits,
    error::Error,
    http::Body,
    limits::END_LINGER,
    ports::{BoxFuture, Clock, Millis},
    store::{Admission, Ended},
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
    /// The record on its way to the store, where the client may see the end only when it is there.
    securing: Securing,
    budget: Budget,
    _permit: Permit,
}

/// Whether a record must be safe before the end is seen.
enum Securing {
    /// It need not, or it is.
    Free,
    /// It must, when the end has come.
    Wanted,
    /// It is being written.
    UnderWay(BoxFuture<Result<(), Error>>),
}

/// Whether a stream has to end when a budget does.
enum Budget {
    /// It goes on to its end.
    Free,
    /// It may go on as long as what it uses is held.
    Watched,
    /// More is being reserved.
    Asked(Amounts, BoxFuture<Result<Admission, Error>>),
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
        let securing = match guard.ledger {
            Ledger::Async => Securing::Free,
            Ledger::Strict => Securing::Wanted,
        };
        let cuts = guard.hold.as_ref().is_some_and(Hold::cuts);
        let budget = if cuts { Budget::Watched } else { Budget::Free };
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
            securing,
            budget,
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

impl Tap {
    /// Makes the record safe when the end has come. If that fails, the stream ends with an error instead.
    fn poll_secure(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.securing, Securing::Wanted) && self.phase != Phase::Flowing {
            self.note();
            self.securing = Securing::UnderWay(self.guard.secure());
        }
        let Securing::UnderWay(secured) = &mut self.securing else { return Poll::Ready(()) };
        let secured = std::task::ready!(secured.as_mut().poll(cx));
        self.securing = Securing::Free;
        if let Err(error) = secured {
            error.kind.name().clone_into(&mut self.guard.record.error);
            self.guard.ended = Some(Ended::Refused);
            describe(&error, &self.guard.record);
            self.ready.clear();
            self.ready.push_back(self.observer.error_frame(&error));
            self.phase = Phase::Over;
        }
        Poll::Ready(())
    }

    /// Reserves more when more was used than is held. When there is no more, the stream ends as if the model had
    /// written the most it may; a store that does not answer ends nothing.
    fn poll_budget(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.budget, Budget::Watched) && self.phase == Phase::Flowing {
            let used = self.observer.seen.text.tokens();
            self.budget = self
                .guard
                .more(used)
                .map_or(Budget::Watched, |(wanted, asked)| Budget::Asked(wanted, asked));
        }
        let Budget::Asked(wanted, asked) = &mut self.budget else { return Poll::Ready(()) };
        let admission = std::task::ready!(asked.as_mut().poll(cx));
        let wanted = *wanted;
        self.budget = match (admission, &mut self.guard.hold) {
            (Ok(Admission::Added(_)), Some(hold)) => {
                hold.took(wanted);
                Budget::Watched
            }
            (Ok(Admission::Refused { .. }), _) => {
                self.cut();
                Budget::Free
            }
            (Ok(Admission::Added(_)) | Err(_), _) => Budget::Free,
        };
        Poll::Ready(())
    }

    fn cut(&mut self) {
        self.note();
        let end = self.observer.cut(self.guard.record.usage);
        self.ready.push_back(end);
        self.guard.ended = Some(Ended::Cut);
        self.phase = Phase::Over;
        self.upstream = Body::empty();
    }

    /// Writes down what was used so far.
    fn note(&mut self) {
        let seen = &self.observer.seen;
        note_usage(&mut self.guard.record, seen.usage, seen.text);
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
            std::task::ready!(self.poll_budget(cx));
            std::task::ready!(self.poll_secure(cx));
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
        self.guard.leaving = self.observer.leaving();
        self.note();
    }
}
