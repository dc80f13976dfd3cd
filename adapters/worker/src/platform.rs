//! What time is it, what is random, what outlives the response, and has the client left? The runtime's answers.

use std::time::Duration;

use futures_channel::oneshot::{self, Receiver};
use tidegate_core::ports::{Background, BoxFuture, Clock, Millis, Random};
use wasm_bindgen::{JsCast, closure::Closure};
use worker::{
    js_sys,
    send::SendFuture,
    web_sys::{AbortSignal, WorkerGlobalScope},
};

/// `Date` and `setTimeout`. In production the time stands still between two awaits.
pub struct JsClock;

impl Clock for JsClock {
    fn now(&self) -> Millis {
        Millis::try_from(worker::Date::now().as_millis()).unwrap_or(Millis::MAX)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        Box::pin(SendFuture::new(async move { Timer::start(time).wait().await }))
    }
}

/// A `setTimeout` that is cleared when dropped: one request may have only so many pending.
///
/// `worker::Delay` wakes only the task that polled it first, and a sleep of the core may move on to the next pull of a
/// stream, which is another task. A promise that never settles is never freed.
pub(crate) struct Timer {
    fired: Receiver<()>,
    id: Option<i32>,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    pub(crate) fn start(time: Duration) -> Self {
        let millis = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        let (callback, fired) = once();
        let id = scope()
            .set_timeout_with_callback_and_timeout_and_arguments_0(
                callback.as_ref().unchecked_ref(),
                millis,
            )
            .ok();
        Self { fired, id, _callback: callback }
    }

    pub(crate) async fn wait(mut self) {
        // The sender is gone only when it has fired.
        let _ = (&mut self.fired).await;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            scope().clear_timeout_with_handle(id);
        }
    }
}

/// A JavaScript function to be called once, and the future that hears of it.
fn once() -> (Closure<dyn FnMut()>, Receiver<()>) {
    let (fire, fired) = oneshot::channel();
    let callback = Closure::once(move || {
        // Nobody listens any more: just as well.
        let _ = fire.send(());
    });
    (callback, fired)
}

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// `crypto.getRandomValues`.
pub struct Entropy;

impl Random for Entropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("every Worker has crypto.getRandomValues");
    }
}

/// `ctx.waitUntil`: the runtime lets such work go on for a while after the response, hang-ups included.
pub struct WaitUntil(pub worker::Context);

impl Background for WaitUntil {
    fn run(&self, task: BoxFuture<()>) {
        self.0.wait_until(task);
    }
}

/// Completes when the client has left. Needs the compatibility flag `enable_request_signal`.
#[must_use]
pub fn gone(signal: AbortSignal) -> BoxFuture<()> {
    Box::pin(SendFuture::new(async move {
        if !signal.aborted() {
            Departure::of(signal).wait().await;
        }
    }))
}

/// Listens until dropped.
struct Departure {
    signal: AbortSignal,
    left: Receiver<()>,
    callback: Closure<dyn FnMut()>,
}

impl Departure {
    fn of(signal: AbortSignal) -> Self {
        let (callback, left) = once();
        // Fails for no type of event.
        let _ = signal.add_event_listener_with_callback("abort", callback.as_ref().unchecked_ref());
        Self { signal, left, callback }
    }

    async fn wait(mut self) {
        let _ = (&mut self.left).await;
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        let callback = self.callback.as_ref().unchecked_ref();
        let _ = self.signal.remove_event_listener_with_callback("abort", callback);
    }
}
