//! When is the after-response work done? Between the client's last byte and the moment the next event is asked for.
//!
//! The inner service completes when the platform has taken the whole answer; the process may be stopped only after it
//! has asked for the next event, which happens when the service here completes.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime},
};

use lambda_runtime::{Error, LambdaInvocation};
use tidegate_core::limits::{DEADLINE_RESERVE, DRAIN_WAIT};
use tower::{Layer, Service};

use crate::after::{AfterResponse, Drained};

/// Puts the drain round the runtime's service.
#[derive(Clone)]
pub struct DrainLayer {
    after: AfterResponse,
}

impl DrainLayer {
    /// Drains this list.
    #[must_use]
    pub fn new(after: AfterResponse) -> Self {
        Self { after }
    }
}

impl<S> Layer<S> for DrainLayer {
    type Service = Drain<S>;

    fn layer(&self, inner: S) -> Drain<S> {
        Drain { inner, after: self.after.clone() }
    }
}

/// The runtime's service, and then the drain.
pub struct Drain<S> {
    inner: S,
    after: AfterResponse,
}

impl<S> Service<LambdaInvocation> for Drain<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let deadline = invocation.context.deadline();
        let answered = self.inner.call(invocation);
        let after = self.after.clone();
        Box::pin(async move {
            let end = answered.await;
            drain(&after, time_left(deadline, SystemTime::now())).await;
            end
        })
    }
}

async fn drain(after: &AfterResponse, wait: Duration) {
    let began = Instant::now();
    let end = after.drain(wait).await;
    let took_ms = began.elapsed().as_millis();
    match end {
        Drained::Empty => tracing::debug!(took_ms, "after-response work done"),
        Drained::Left { tasks } => {
            tracing::warn!(took_ms, tasks, "after-response work left for the next invocation");
        }
    }
}

/// A deadline in the past is unknown: local emulators send one, and the platform never does.
fn time_left(deadline: SystemTime, now: SystemTime) -> Duration {
    match deadline.duration_since(now) {
        Ok(left) => left.saturating_sub(DEADLINE_RESERVE),
        Err(_) => DRAIN_WAIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drain_ends_before_the_deadline() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let check = |deadline: SystemTime, expected| assert_eq!(time_left(deadline, now), expected);
        check(now + Duration::from_secs(10), Duration::from_millis(9700));
        check(now + Duration::from_millis(100), Duration::ZERO);
        check(SystemTime::UNIX_EPOCH, DRAIN_WAIT);
    }
}
