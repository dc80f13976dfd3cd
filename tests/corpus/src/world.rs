//! What does the gateway do with one request, and what does the provider see of it?

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tidegate_core::{
    Body, Gateway, State,
    budget::Policy,
    config::{Config, DeclaredClient, DeclaredKey, LogFormat, People, RootSecret, Waits},
    dialect::Dialect,
    identity::{Inline, Secret, mint},
    live::Unwatched,
    ports::{Call, Ports, Transport},
    provider::{Auth, Host, Key, Provider, Rotation, Source},
    recall::MemoryCache,
    store::{Record, memory::MemoryCounters},
    testing::{FakeUpstream, Kept, Later, ManualClock, SeededRandom},
};

use crate::{frames::Dice, store::EmptyStore};

const NOW: i64 = 1_800_000_000_000;

/// A request of a client to a provider of some dialect, and what that provider says to it.
pub(crate) struct Turn<'a> {
    pub(crate) client: Dialect,
    pub(crate) provider: Dialect,
    /// The model, as the provider calls it.
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    /// How a client of Gemini wants a stream framed.
    pub(crate) framing: Framing,
    pub(crate) request: Map<String, Value>,
    /// The status of the provider's answer.
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) pieces: Vec<Bytes>,
}

/// How the events of a stream of Gemini are told apart.
#[derive(Clone, Copy)]
pub(crate) enum Framing {
    Events,
    /// The elements of one array.
    Array,
}

/// What came of a turn.
pub(crate) struct Outcome {
    pub(crate) status: u16,
    /// The fields that were named as lost.
    pub(crate) dropped: Vec<String>,
    /// What the client got.
    pub(crate) body: Bytes,
    /// The body that the provider got; `None` when it was not asked.
    pub(crate) asked: Option<Bytes>,
    /// Where the provider was asked; empty when it was not.
    pub(crate) url: String,
    /// What was written down.
    pub(crate) record: Option<Record>,
}

/// Sends one request through a fresh gateway. `Err` says that it never ended.
pub(crate) fn run(turn: Turn<'_>) -> Result<Outcome, String> {
    let key = mint(&SeededRandom::new(1)).key.expose().to_owned();
    let upstream = Arc::new(FakeUpstream::default());
    let (kept, later) = (Arc::new(Kept::default()), Arc::new(Later::default()));
    let ports = Ports {
        upstream: upstream.clone(),
        media: upstream.clone(),
        store: Arc::new(EmptyStore),
        counters: Arc::new(MemoryCounters::default()),
        journal: kept.clone(),
        feed: Arc::new(Unwatched),
        cache: Arc::new(MemoryCache::new(Arc::new(ManualClock::at(NOW)))),
        clock: Arc::new(ManualClock::at(NOW)),
        random: Arc::new(SeededRandom::new(2)),
        hasher: Arc::new(Inline),
    };
    let state = State::new(config(&key)).map_err(|error| error.message.to_string())?;
    let gateway = Gateway::new(ports, Arc::new(state));
    let request = request(&turn, &key)?;
    upstream.answer(turn.status, turn.content_type, turn.pieces.into_iter().map(Ok).collect());
    let work = async {
        let gone = Box::pin(std::future::pending());
        let call =
            Call { background: later.clone(), gone, peer: None, transport: Transport::Https };
        let response = gateway.handle(request, call).await;
        let status = response.status().as_u16();
        let dropped = response.headers().get("x-tidegate-dropped");
        let dropped = dropped.and_then(|names| names.to_str().ok()).unwrap_or_default();
        let dropped = dropped.split(',').map(str::trim).filter(|name| !name.is_empty());
        let dropped = dropped.map(str::to_owned).collect();
        let body = match response.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => Bytes::from(format!("broken off: {error}")),
        };
        later.run_all().await;
        (status, dropped, body)
    };
    let (status, dropped, body) = finish(work).ok_or("the answer never ended")?;
    let asked = upstream.asked().into_iter().next();
    let (url, asked) = asked.map_or_else(Default::default, |asked| (asked.url, Some(asked.body)));
    let record = kept.records().into_iter().next();
    Ok(Outcome { status, dropped, body, asked, url, record })
}

/// The client's request, with the model where the dialect has it.
fn request(turn: &Turn<'_>, key: &str) -> Result<Request<Body>, String> {
    let model = format!("{}/{}", turn.provider.name(), turn.model);
    let mut body = turn.request.clone();
    if turn.client != Dialect::Gemini {
        body.insert("model".to_owned(), Value::String(model.clone()));
    }
    let request = Request::post(path(turn, &model))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Body::from(Value::Object(body).to_string()));
    request.map_err(|error| format!("no request: {error}"))
}

fn path(turn: &Turn<'_>, model: &str) -> String {
    match turn.client {
        Dialect::OpenAiChat => "/v1/chat/completions".to_owned(),
        Dialect::OpenAiResponses => "/v1/responses".to_owned(),
        Dialect::Anthropic => "/v1/messages".to_owned(),
        Dialect::Gemini => {
            let (verb, query) = match (turn.stream, turn.framing) {
                (false, _) => ("generateContent", ""),
                (true, Framing::Array) => ("streamGenerateContent", ""),
                (true, Framing::Events) => ("streamGenerateContent", "?alt=sse"),
            };
            format!("/v1beta/models/{model}:{verb}{query}")
        }
        Dialect::Ollama => "/api/chat".to_owned(),
    }
}

/// A model of the provider: for half of the cases one that is known to understand all that Anthropic can say, else one
/// that nobody knows.
pub(crate) fn model(provider: Dialect, case: &str) -> &'static str {
    let known = provider == Dialect::Anthropic && Dice::new(case).up_to(1) == 0;
    if known { "claude-sonnet-4-6" } else { "model" }
}

fn config(key: &str) -> Config {
    let wait = Duration::from_secs(1);
    Config {
        listen: String::new(),
        data: String::new(),
        store_url: None,
        store_token: None,
        counters_url: None,
        counters_ahead: true,
        secret: Some(RootSecret(zeroize::Zeroizing::new([7; 32]))),
        providers: Dialect::ALL.into_iter().map(provider).collect(),
        models: Vec::new(),
        clients: vec![DeclaredClient {
            name: "corpus".to_owned(),
            key: DeclaredKey::Plain(Secret::new(key.to_owned())),
            enabled: true,
            strict: false,
            team: String::new(),
            policy: Policy::default(),
        }],
        teams: Vec::new(),
        groups: Vec::new(),
        proxies: Vec::new(),
        admin_token: None,
        people: People::default(),
        waits: Waits { first_byte: wait, idle: wait, total: wait },
        retention_days: Some(30),
        // The one thing that is added to a request of the same dialect.
        media: None,
        deepseek_english: false,
        prices_url: None,
        log: LogFormat::Human,
        log_filter: String::new(),
    }
}

/// A provider at the place where its dialect was made.
fn provider(dialect: Dialect) -> Provider {
    let url = match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "https://api.openai.com/v1",
        Dialect::Anthropic => "https://api.anthropic.com/v1",
        Dialect::Gemini => "https://generativelanguage.googleapis.com/v1beta",
        Dialect::Ollama => "http://127.0.0.1:11434",
    };
    let host = Host::Url(url.to_owned());
    Provider {
        id: dialect.name().to_owned(),
        dialect,
        auth: Auth::usual(&host, dialect),
        api_version: None,
        host,
        keys: vec![Key::new("key".to_owned(), Secret::new("sk-corpus".to_owned()))],
        rotation: Rotation::default(),
        models: Vec::new(),
        enabled: true,
        probe: false,
        source: Source::File,
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs work to its end. Nothing here waits for the outside world, so work that sleeps without being woken sleeps for
/// ever, and is given up: `None`.
fn finish<T>(work: impl Future<Output = T>) -> Option<T> {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(done) => return Some(done),
            Poll::Pending if woken.0.swap(false, Ordering::SeqCst) => {}
            Poll::Pending => return None,
        }
    }
}
