//! How does a request's body come in? Within the memory budget, and not too slowly.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tidegate_core::{
    Body, Error,
    error::Kind,
    limits::{LINGER_BYTES_MAX, PROXY_BODY_KEPT_MAX},
};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::{bounds::Bounds, flight::Flight};

/// What happens to the rest of a body that nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It is read and thrown away for a moment: a client that is still sending would otherwise get a reset in place of
    /// the answer.
    Linger,
    /// It is not asked for: the client waits for `100 Continue`, or the stream can be reset by itself.
    Leave,
}

/// Where a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It is read whole and stays as long as the request.
    Stays,
    /// It may pass on piece by piece, as fast as somebody else takes it.
    Passes,
}

/// The body as the gateway reads it. Its errors are the core's own.
pub(crate) fn paced(
    incoming: Incoming,
    flight: &Arc<Flight>,
    (course, rest): (Course, Rest),
    bounds: Arc<Bounds>,
) -> Body {
    if incoming.is_end_stream() {
        return Body::empty();
    }
    Body::new(Paced {
        incoming: Some(incoming),
        flight: Arc::clone(flight),
        course,
        rest,
        bounds,
        pace: None,
        held: 0,
    })
}

struct Paced {
    /// Gone when it has ended.
    incoming: Option<Incoming>,
    flight: Arc<Flight>,
    course: Course,
    rest: Rest,
    bounds: Arc<Bounds>,
    /// Runs from the first time the client kept us waiting.
    pace: Option<Pace>,
    /// What is held of the memory for it.
    held: usize,
}

struct Pace {
    /// When the whole body must be there.
    end: Instant,
    timer: Pin<Box<Sleep>>,
    span_bytes: u64,
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.take(frame))),
            Poll::Ready(Some(Err(error))) => {
                self.incoming = None;
                let error = Error::bad_request("The body broke off.").because(error);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                self.incoming = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let bounds = Arc::clone(&self.bounds);
                let pace = self.pace.get_or_insert_with(|| Pace::start(&bounds));
                ready!(pace.poll_too_slow(&bounds, cx));
                Poll::Ready(Some(Err(too_slow())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Paced {
    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Error> {
        if let Some(data) = frame.data_ref() {
            let kept = match self.course {
                Course::Stays => data.len(),
                Course::Passes => data.len().min(PROXY_BODY_KEPT_MAX.saturating_sub(self.held)),
            };
            self.flight.hold(kept)?;
            self.held += kept;
            match (self.course, &mut self.pace) {
                (Course::Stays, Some(pace)) => pace.span_bytes += data.len() as u64,
                // Between two pieces it may have been the taker who waited.
                (Course::Passes, pace) => *pace = None,
                (Course::Stays, None) => {}
            }
        }
        Ok(frame)
    }
}

impl Pace {
    fn start(bounds: &Bounds) -> Self {
        let now = Instant::now();
        let end = now + bounds.body;
        let timer = Box::pin(sleep_until(end.min(now + bounds.progress)));
        Self { end, timer, span_bytes: 0 }
    }

    /// Ready when a span brought too little, or the time is over.
    fn poll_too_slow(&mut self, bounds: &Bounds, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= self.end || self.span_bytes < bounds.progress_bytes {
                return Poll::Ready(());
            }
            self.span_bytes = 0;
            self.timer.as_mut().reset(self.end.min(now + bounds.progress));
        }
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take() else { return };
        if self.rest == Rest::Leave || incoming.is_end_stream() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let flight = Arc::clone(&self.flight);
        let wait = self.bounds.linger;
        runtime.spawn(async move {
            // Whether the rest came or not, the connection goes on or is closed without us.
            let _ = timeout(wait, throw_away(incoming)).await;
            drop(flight);
        });
    }
}

async fn throw_away(mut incoming: Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = incoming.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > LINGER_BYTES_MAX {
            return;
        }
    }
}

fn too_slow() -> Error {
    Error::new(Kind::ClientTimeout, "The body came too slowly.")
}
