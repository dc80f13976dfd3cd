//! What ends an HTTP/2 stream whose client takes nothing? A timer round each stream's task.
//!
//! The socket moves as long as any stream does, so it cannot tell.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

/// Runs the tasks of HTTP/2 streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    wait: Duration,
}

impl Streams {
    /// A stream on which nothing moves for `wait` is dropped, which resets it.
    pub(crate) fn stalling_at_most(wait: Duration) -> Self {
        Self { wait }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(Moving {
            stream,
            wait: self.wait,
            moved: Instant::now(),
            timer: sleep(self.wait),
        });
    }
}

pin_project! {
    /// A task that ends when nothing has woken it for long. Its own timer wakes it too, so that is told apart by the
    /// time.
    struct Moving<F> {
        #[pin]
        stream: F,
        wait: Duration,
        moved: Instant,
        #[pin]
        timer: Sleep,
    }
}

impl<F: Future<Output = ()>> Future for Moving<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let now = Instant::now();
        let rung = this.timer.as_mut().poll(cx).is_ready();
        if !rung {
            *this.moved = now;
        } else if now >= *this.moved + *this.wait {
            return Poll::Ready(());
        } else {
            this.timer.as_mut().reset(*this.moved + *this.wait);
            // A timer wakes nobody before it has been polled.
            if this.timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        this.stream.poll(cx)
    }
}
