//! What does a test hold? A function behind a URL, its timeline, and the ways to end it.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot},
    task::JoinHandle,
};

use crate::{
    connection::{Client, Door},
    front,
    limits::{EXIT_WAIT, STARTS_MAX},
    process::Log,
    sandbox::{Answer, Invocation, Sandbox},
    timeline::{Moment, Timeline, What},
};

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The function's executable.
    pub command: PathBuf,
    /// Its arguments; Lambda gives none.
    pub arguments: Vec<String>,
    /// Its environment, beside what Lambda sets and what the caller's own environment holds.
    pub env: Vec<(String, String)>,
    /// Whether the process is stopped between invocations.
    pub freeze: Freeze,
    /// How long one invocation may take, after-response work included.
    pub timeout: Duration,
    /// Where the function URL listens; port 0 picks a free one.
    pub listen: SocketAddr,
}

impl Options {
    /// Runs `command` as Lambda would, for at most 30 s an invocation.
    #[must_use]
    pub fn new(command: impl Into<PathBuf>) -> Self {
        Self {
            command: command.into(),
            arguments: Vec::new(),
            env: Vec::new(),
            freeze: Freeze::Between,
            timeout: Duration::from_secs(30),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }

    /// Sets a variable of the function's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// Whether the process is stopped between invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// As Lambda does.
    Between,
    /// For debugging.
    Never,
}

/// How the Shutdown phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// The process ended by itself after SIGTERM.
    Clean,
    /// The process was killed.
    Killed,
}

/// What came of an event that is not a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invoked {
    /// The function answered.
    Answered {
        /// The status in the answer's head.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// The function failed; a schedule would try again.
    Failed,
}

/// A running function URL. Dropping it kills the function.
pub struct Emulator {
    environment: Arc<Environment>,
    address: SocketAddr,
    front: JoinHandle<()>,
}

/// The one execution environment: a sandbox, replaced by a cold start when it is gone.
pub(crate) struct Environment {
    options: Options,
    pub(crate) timeline: Timeline,
    log: Log,
    sandbox: Mutex<Option<Arc<Sandbox>>>,
    requests: AtomicU64,
}

impl Emulator {
    /// Opens the function URL. The function starts with the first request.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let timeline = Timeline::new();
        let environment = Arc::new(Environment {
            options,
            timeline: timeline.clone(),
            log: Log::default(),
            sandbox: Mutex::new(None),
            requests: AtomicU64::new(1),
        });
        let routes = front::routes(Arc::clone(&environment));
        let service = routes.into_make_service_with_connect_info::<Client>();
        let front = tokio::spawn(async move {
            let _ = axum::serve(Door { listener, timeline }, service).await;
        });
        Ok(Self { environment, address, front })
    }

    /// The function URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happened so far.
    #[must_use]
    pub fn timeline(&self) -> Vec<Moment> {
        self.environment.timeline.moments()
    }

    /// What the function wrote to its standard output and error so far, over all cold starts.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.environment.log.lines()
    }

    /// Hands the function an event that is not a request, such as a schedule's.
    pub async fn invoke(&self, event: impl Into<bytes::Bytes>) -> Invoked {
        let id = self.environment.next_id();
        match self.environment.invoke(id, event.into()).await {
            Answer::Head(prelude, mut pieces) => {
                let mut body = Vec::new();
                while let Some(piece) = pieces.recv().await {
                    let Ok(piece) = piece else { return Invoked::Failed };
                    body.extend_from_slice(&piece);
                }
                Invoked::Answered { status: prelude.status, body }
            }
            Answer::Failed | Answer::Untouched(_) => Invoked::Failed,
        }
    }

    /// Waits until the function is frozen; false when that does not happen within `wait`.
    pub async fn wait_frozen(&self, wait: Duration) -> bool {
        match self.environment.live().await {
            Some(sandbox) => sandbox.wait_frozen(wait).await,
            None => false,
        }
    }

    /// Kills the function without a word while it is frozen, as Lambda recycles an environment. The next request finds
    /// a cold start. False, and nothing is killed, when it does not freeze within `wait`.
    pub async fn kill_while_frozen(&self, wait: Duration) -> bool {
        let Some(sandbox) = self.environment.live().await else { return false };
        if !sandbox.wait_frozen(wait).await {
            return false;
        }
        sandbox.kill().await;
        true
    }

    /// Runs the Shutdown phase. The next request finds a cold start.
    pub async fn shutdown(&self) -> Shutdown {
        match self.environment.live().await {
            Some(sandbox) => sandbox.shut_down().await,
            None => Shutdown::Clean,
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.front.abort();
        self.environment.kill_now();
    }
}

impl Environment {
    pub(crate) fn next_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives the function one event and waits for the head of its answer. A process that ends before it took the event
    /// is replaced, as the platform would.
    pub(crate) async fn invoke(&self, id: String, mut event: bytes::Bytes) -> Answer {
        self.timeline.mark(What::Request { id: id.clone() });
        for _ in 0..STARTS_MAX {
            let Ok(sandbox) = self.warm().await else { return Answer::Failed };
            let (answer, answered) = oneshot::channel();
            sandbox.submit(Invocation { id: id.clone(), event, answer });
            match answered.await {
                Ok(Answer::Untouched(again)) => event = again,
                Ok(answer) => return answer,
                Err(_) => return Answer::Failed,
            }
            sandbox.wait_gone(EXIT_WAIT).await;
        }
        Answer::Failed
    }

    async fn warm(&self) -> io::Result<Arc<Sandbox>> {
        let mut slot = self.sandbox.lock().await;
        if let Some(sandbox) = slot.as_ref().filter(|sandbox| !sandbox.is_gone()) {
            return Ok(Arc::clone(sandbox));
        }
        let sandbox = Sandbox::start(&self.options, self.timeline.clone(), &self.log).await?;
        Ok(Arc::clone(slot.insert(sandbox)))
    }

    async fn live(&self) -> Option<Arc<Sandbox>> {
        self.sandbox.lock().await.clone().filter(|sandbox| !sandbox.is_gone())
    }

    fn kill_now(&self) {
        if let Ok(slot) = self.sandbox.try_lock()
            && let Some(sandbox) = slot.as_ref()
        {
            sandbox.kill_now();
        }
    }
}
