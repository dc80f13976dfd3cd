//! How is one connection served? By hyper, beside a timer of our own.
//!
//! hyper's own header timeout also runs between two requests, where waiting is fine, and costs a timer per request.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tidegate_core::limits::{H2_STREAMS_MAX, HEADER_BYTES_MAX, HEADERS_MAX, URI_BYTES_MAX};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tracing::debug;

use crate::{
    bounds::Bounds,
    ending::{Ear, Stage},
    exchange::Desk,
    pulse::{Due, Pulse},
    socket::Socket,
    streams::Streams,
};

// It is hyper's own bound. Asked for explicitly, it would cost an allocation per request.
const _: () = assert!(HEADERS_MAX == 100);

/// Serves the requests of one connection until either side has enough, or the door has it end.
pub(crate) async fn serve(stream: TcpStream, desk: Desk, mut ear: Ear) {
    let bounds = Arc::clone(&desk.bounds);
    let pulse = Arc::clone(&desk.pulse);
    let socket = Socket::new(stream, Arc::clone(&pulse), bounds.write_stall);
    let builder = builder(&bounds);
    let service = service_fn(move |request| desk.clone().exchange(request));
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(socket), service));
    let mut timer = pin!(sleep_until(Instant::now() + bounds.first_byte));
    let mut leaving = false;
    loop {
        let step = poll_fn(|cx| {
            let asked = ear.hear(cx);
            if asked == Stage::Closed {
                return Poll::Ready(Step::Over(Ok(())));
            }
            if let Poll::Ready(outcome) = connection.as_mut().poll(cx) {
                return Poll::Ready(Step::Over(outcome));
            }
            if !leaving && asked == Stage::Closing {
                return Poll::Ready(Step::Close);
            }
            poll_overdue(&pulse, &bounds, timer.as_mut(), cx)
        });
        match step.await {
            Step::Over(Err(error)) => return debug!(error, "a connection broke off"),
            Step::Over(Ok(())) => return,
            Step::Close if leaving => return,
            Step::Close => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            Step::Cut => return debug!("a client was too slow"),
        }
    }
}

enum Step {
    /// The connection has ended.
    Over(Result<(), Box<dyn std::error::Error + Send + Sync>>),
    /// Time to end it in good order.
    Close,
    /// Time to end it at once.
    Cut,
}

/// Keeps the timer at what the connection is waiting for. It is only moved when that is earlier, so a busy connection
/// never touches it.
fn poll_overdue(
    pulse: &Pulse,
    bounds: &Bounds,
    mut timer: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> Poll<Step> {
    loop {
        let (due, step) = match pulse.due(bounds) {
            Due::Cut(due) => (due, Step::Cut),
            Due::Close(due) => (due, Step::Close),
            // It looks again by and by, because the end of a request does not always wake this task.
            Due::Never if timer.is_elapsed() => (Instant::now() + bounds.header, Step::Close),
            Due::Never => (timer.deadline(), Step::Close),
        };
        if due < timer.deadline() || timer.is_elapsed() {
            if due <= Instant::now() {
                return Poll::Ready(step);
            }
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
    }
}

fn builder(bounds: &Bounds) -> Builder<Streams> {
    let mut builder = Builder::new(Streams::stalling_at_most(bounds.stream_stall));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .half_close(false)
        .max_buf_size(HEADER_BYTES_MAX + URI_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(H2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX));
    builder
}
