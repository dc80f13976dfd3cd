//! In which phase is the execution environment? One process from its cold start to its end.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::serve::ListenerExt;
use bytes::Bytes;
use rustix::process::{Pid, Signal};
use tokio::{
    net::TcpListener,
    process::Child,
    sync::{Notify, mpsc, oneshot, watch},
};

use crate::{
    emulator::{Freeze, Options, Shutdown},
    limits::{EXIT_WAIT, EXTENSIONS_MAX, INIT_WAIT, INVOCATIONS_WAITING_MAX, TERM_WAIT},
    prelude::Prelude,
    process::{self, Log},
    runtime_api,
    timeline::{Timeline, What},
};

/// One process and its phases.
pub(crate) struct Sandbox {
    state: Mutex<State>,
    /// Something changed that a waiting `next` may be waiting for.
    pub(crate) changed: Notify,
    pub(crate) timeline: Timeline,
    freeze: Freeze,
    timeout: Duration,
    pid: Pid,
    gone: watch::Receiver<bool>,
    killed: AtomicBool,
}

struct State {
    phase: Phase,
    waiting: VecDeque<Invocation>,
    /// Where the running invocation's answer goes, until its head is known.
    answer: Option<(String, oneshot::Sender<Answer>)>,
    runtime_in_next: bool,
    extensions: Vec<Extension>,
}

#[derive(PartialEq, Eq)]
enum Phase {
    Init,
    /// Between invocations, running.
    Idle,
    /// Between invocations, stopped.
    Frozen,
    /// From handing out an event until the runtime and every extension ask for the next one.
    Invoke(String),
    Shutdown,
}

struct Extension {
    name: String,
    in_next: bool,
}

/// An event on its way to the function.
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) event: Bytes,
    pub(crate) answer: oneshot::Sender<Answer>,
}

impl Invocation {
    fn untouched(self) {
        let _ = self.answer.send(Answer::Untouched(self.event));
    }
}

/// What the function answered.
pub(crate) enum Answer {
    Head(Prelude, mpsc::Receiver<Result<Bytes, io::Error>>),
    Failed,
    /// The process ended before it was given the event, which is still good.
    Untouched(Bytes),
}

impl Sandbox {
    /// Starts the process and its Runtime API.
    pub(crate) async fn start(
        options: &Options,
        timeline: Timeline,
        log: &Log,
    ) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        timeline.mark(What::Init);
        let (child, pid) = process::start(options, listener.local_addr()?, log)?;
        let (gone_sender, gone) = watch::channel(false);
        let sandbox = Arc::new(Self {
            state: Mutex::new(State {
                phase: Phase::Init,
                waiting: VecDeque::new(),
                answer: None,
                runtime_in_next: false,
                extensions: Vec::new(),
            }),
            changed: Notify::new(),
            timeline,
            freeze: options.freeze,
            timeout: options.timeout,
            pid,
            gone,
            killed: AtomicBool::new(false),
        });
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let api = axum::serve(listener, runtime_api::routes(Arc::clone(&sandbox)));
        let server = tokio::spawn(async move {
            let _ = api.await;
        });
        tokio::spawn(Arc::clone(&sandbox).watch(child, gone_sender, server.abort_handle()));
        tokio::spawn(Arc::clone(&sandbox).bound_init());
        Ok(sandbox)
    }

    /// Queues an event and lets the process run.
    pub(crate) fn submit(&self, invocation: Invocation) {
        let mut state = self.lock();
        if state.phase == Phase::Shutdown {
            return invocation.untouched();
        }
        if state.waiting.len() >= INVOCATIONS_WAITING_MAX {
            let _ = invocation.answer.send(Answer::Failed);
            return;
        }
        self.thaw(&mut state);
        state.waiting.push_back(invocation);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The runtime asks for an event; it waits until there is one.
    pub(crate) async fn next(self: &Arc<Self>) -> Next {
        self.timeline.mark(What::RuntimeNext);
        {
            let mut state = self.lock();
            state.runtime_in_next = true;
            self.settle(&mut state);
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(next) = self.hand_out() {
                return next;
            }
            changed.await;
        }
    }

    fn hand_out(self: &Arc<Self>) -> Option<Next> {
        let mut state = self.lock();
        if state.phase != Phase::Idle {
            return None;
        }
        let Invocation { id, event, answer } = state.waiting.pop_front()?;
        self.timeline.mark(What::Invoke { id: id.clone() });
        state.phase = Phase::Invoke(id.clone());
        state.runtime_in_next = false;
        state.answer = Some((id.clone(), answer));
        drop(state);
        tokio::spawn(Arc::clone(self).bound_invocation(id.clone()));
        Some(Next { id, event, deadline: SystemTime::now() + self.timeout })
    }

    /// Takes the place where the answer to `id` goes; `None` when nobody waits for it.
    pub(crate) fn claim(&self, id: &str) -> Option<oneshot::Sender<Answer>> {
        let mut state = self.lock();
        state.answer.take_if(|(running, _)| running == id).map(|(_, answer)| answer)
    }

    /// An extension registers, which only the Init phase allows.
    pub(crate) fn register(&self, name: String) -> Option<usize> {
        let mut state = self.lock();
        if state.phase != Phase::Init || state.extensions.len() >= EXTENSIONS_MAX {
            return None;
        }
        self.timeline.mark(What::ExtensionRegistered { name: name.clone() });
        state.extensions.push(Extension { name, in_next: false });
        Some(state.extensions.len() - 1)
    }

    /// An extension asks for its next event; false when there is no such extension.
    pub(crate) fn extension_waits(&self, number: usize) -> bool {
        let mut state = self.lock();
        let Some(extension) = state.extensions.get_mut(number) else { return false };
        extension.in_next = true;
        self.timeline.mark(What::ExtensionNext { name: extension.name.clone() });
        self.settle(&mut state);
        drop(state);
        self.changed.notify_waiters();
        true
    }

    /// Ends a phase when the runtime and every extension wait; freezes when nothing is to be done.
    fn settle(&self, state: &mut State) {
        if !state.runtime_in_next || state.extensions.iter().any(|extension| !extension.in_next) {
            return;
        }
        match state.phase {
            Phase::Init => self.timeline.mark(What::InitDone),
            Phase::Invoke(_) => {}
            Phase::Idle | Phase::Frozen | Phase::Shutdown => return,
        }
        state.phase = Phase::Idle;
        if self.freeze == Freeze::Between && state.waiting.is_empty() {
            // The mark comes first: what the process does in between would look as if it had run frozen.
            self.timeline.mark(What::Freeze);
            process::signal(self.pid, Signal::STOP);
            state.phase = Phase::Frozen;
        }
    }

    fn thaw(&self, state: &mut State) {
        if state.phase == Phase::Frozen {
            self.timeline.mark(What::Thaw);
            process::signal(self.pid, Signal::CONT);
            state.phase = Phase::Idle;
        }
    }

    /// The Shutdown phase. Without an extension the process is killed as it is, frozen, and never hears of it.
    pub(crate) async fn shut_down(&self) -> Shutdown {
        let polite = {
            let mut state = self.lock();
            let polite = !state.extensions.is_empty();
            if polite {
                self.thaw(&mut state);
            }
            state.phase = Phase::Shutdown;
            polite
        };
        if polite && !self.is_gone() {
            self.timeline.mark(What::Sigterm);
            process::signal(self.pid, Signal::TERM);
            if self.wait_gone(TERM_WAIT).await {
                return Shutdown::Clean;
            }
        }
        self.kill().await;
        Shutdown::Killed
    }

    /// Waits until the process is frozen; false when it does not happen within `wait`.
    pub(crate) async fn wait_frozen(&self, wait: Duration) -> bool {
        let frozen = async {
            while self.lock().phase != Phase::Frozen {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(wait, frozen).await.is_ok()
    }

    /// Kills the process and waits until it is gone.
    pub(crate) async fn kill(&self) {
        self.kill_now();
        self.wait_gone(EXIT_WAIT).await;
    }

    pub(crate) fn kill_now(&self) {
        if !self.is_gone() && !self.killed.swap(true, Ordering::SeqCst) {
            self.timeline.mark(What::Sigkill);
            process::signal(self.pid, Signal::KILL);
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// Waits until the process is gone; false when that takes longer than `wait`.
    pub(crate) async fn wait_gone(&self, wait: Duration) -> bool {
        let mut gone = self.gone.clone();
        tokio::time::timeout(wait, gone.wait_for(|gone| *gone)).await.is_ok()
    }

    async fn watch(
        self: Arc<Self>,
        mut child: Child,
        gone: watch::Sender<bool>,
        api: tokio::task::AbortHandle,
    ) {
        let code = child.wait().await.ok().and_then(|status| status.code());
        self.timeline.mark(What::Exit { code });
        let _ = gone.send(true);
        api.abort();
        // Whoever waits for an answer sees the sender drop.
        let mut state = self.lock();
        state.answer = None;
        let before = std::mem::replace(&mut state.phase, Phase::Shutdown);
        for invocation in state.waiting.drain(..) {
            match before {
                // A function that cannot start would not start for them either.
                Phase::Init => drop(invocation),
                Phase::Idle | Phase::Frozen | Phase::Invoke(_) | Phase::Shutdown => {
                    invocation.untouched();
                }
            }
        }
    }

    async fn bound_init(self: Arc<Self>) {
        tokio::time::sleep(INIT_WAIT).await;
        if self.lock().phase == Phase::Init {
            self.kill().await;
        }
    }

    /// Lambda ends the whole environment when an invocation passes its deadline, after-response work included.
    async fn bound_invocation(self: Arc<Self>, id: String) {
        tokio::time::sleep(self.timeout).await;
        if self.lock().phase == Phase::Invoke(id.clone()) && !self.is_gone() {
            self.timeline.mark(What::Timeout { id });
            self.kill().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the runtime is given.
pub(crate) struct Next {
    pub(crate) id: String,
    pub(crate) event: Bytes,
    pub(crate) deadline: SystemTime,
}
