//! A gateway on scripted seams, driven as a client would drive it.

pub(crate) mod bad;
pub(crate) mod keys;
pub(crate) mod papers;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tidegate_core::{
    Body, Gateway, State,
    budget::Policy,
    config::{Config, DeclaredClient, DeclaredKey, LogFormat, People, RootSecret, Waits},
    dialect::Dialect,
    identity::{Inline, Secret, mint},
    live::Unwatched,
    media::Gate,
    ports::{Call, Ports, Store, Transport, Vitals},
    provider::{Auth, Host, Key, Provider, Rotation, Source},
    recall::MemoryCache,
    store::{Counters, Record, memory::MemoryCounters},
    testing::{FakeUpstream, HastyClock, Kept, Later, SeededRandom, SilentStore, Still},
};

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) upstream: Arc<FakeUpstream>,
    /// Where media is fetched.
    pub(crate) media: Arc<FakeUpstream>,
    pub(crate) kept: Arc<Kept>,
    pub(crate) later: Arc<Later>,
    /// Whoever waits for it moves it on.
    pub(crate) clock: Arc<HastyClock>,
    pub(crate) key: String,
    counters: Arc<dyn Counters>,
}

/// When a world begins.
pub(crate) const NOW: i64 = 1_800_000_000_000;

impl World {
    /// A gateway with one client, a provider `up` whose only model is `mock`, the echo, and a provider for each of some
    /// other dialects, called by its name.
    pub(crate) fn new() -> Self {
        Self::declaring(|_| {})
    }

    /// The same, with something declared otherwise.
    pub(crate) fn declaring(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(Arc::new(SilentStore), change)
    }

    /// The same, over a store that others may have too.
    pub(crate) fn over(store: Arc<dyn Store>, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(HastyClock::at(NOW));
        Self::counting((store, Arc::new(MemoryCounters::default()), clock), change)
    }

    /// Another instance that shares this one's time and counters.
    pub(crate) fn beside(&self, change: impl FnOnce(&mut Config)) -> Self {
        let shared = (Arc::new(SilentStore) as _, self.counters.clone(), self.clock.clone());
        Self::counting(shared, change)
    }

    /// The same, with counters that others may have too.
    pub(crate) fn counting(
        (store, counters, clock): (Arc<dyn Store>, Arc<dyn Counters>, Arc<HastyClock>),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let key = mint(&SeededRandom::new(1)).key.expose().to_owned();
        let upstream = Arc::new(FakeUpstream::default());
        let media = Arc::new(FakeUpstream::default());
        let (kept, later) = (Arc::new(Kept::default()), Arc::new(Later::default()));
        let ports = Ports {
            upstream: upstream.clone(),
            media: media.clone(),
            store,
            counters: counters.clone(),
            journal: kept.clone(),
            feed: Arc::new(Unwatched),
            cache: Arc::new(MemoryCache::new(Arc::new(clock.clone()))),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SeededRandom::new(2)),
            hasher: Arc::new(Inline),
        };
        let mut config = config(&key);
        change(&mut config);
        let machine = Still(Vitals { cpus: Some(2), ..Vitals::default() });
        let state =
            State::new(config).expect("the secret is set").on(Arc::new(machine)).beginning_at(0);
        let gateway = Gateway::new(ports, Arc::new(state));
        Self { gateway, upstream, media, kept, later, clock, key, counters }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        let call = Call {
            background: self.later.clone(),
            gone: Box::pin(std::future::pending()),
            peer: None,
            transport: Transport::Https,
        };
        self.gateway.handle(request, call).await
    }

    pub(crate) fn chat(&self, body: &str) -> Request<Body> {
        Request::post("/v1/chat/completions")
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::from(body.to_owned()))
            .expect("the request is a request")
    }

    /// Sends a chat and reads the whole answer: its status, its body.
    pub(crate) async fn ask(&self, body: &str) -> (u16, Bytes) {
        read(self.send(self.chat(body)).await).await
    }

    /// Runs what was left for after the response, and returns the only record.
    pub(crate) async fn record(&self) -> Record {
        self.later.run_all().await;
        let records = self.kept.records();
        assert_eq!(records.len(), 1, "exactly one record: {records:?}");
        records.into_iter().next().expect("there is one")
    }
}

pub(crate) async fn read(response: Response<Body>) -> (u16, Bytes) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body never fails");
    (status, body.to_bytes())
}

fn config(key: &str) -> Config {
    let provider = |id: &str, host, models: &[&str], keys: &[&str]| Provider {
        id: id.to_owned(),
        dialect: Dialect::OpenAiChat,
        host,
        auth: Auth::Bearer,
        api_version: None,
        keys: keys
            .iter()
            .enumerate()
            .map(|(at, key)| Key::new(format!("{id}-{}", at + 1), Secret::new((*key).to_owned())))
            .collect(),
        rotation: Rotation::default(),
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        enabled: true,
        probe: true,
        source: Source::File,
    };
    let up = Host::Url("http://up.example/v1".to_owned());
    let speaking = |dialect: Dialect| {
        let host = Host::Url(format!("http://{}.example", dialect.name()));
        Provider { dialect, ..provider(dialect.name(), host, &[], &["sk-other"]) }
    };
    let wait = Duration::from_secs(1);
    Config {
        listen: String::new(),
        data: String::new(),
        store_url: None,
        store_token: None,
        counters_url: None,
        counters_ahead: true,
        secret: Some(RootSecret(zeroize::Zeroizing::new([7; 32]))),
        providers: vec![
            provider("up", up, &["mock"], &["sk-first", "sk-second"]),
            provider("echo", Host::Echo, &["echo"], &[]),
            speaking(Dialect::Anthropic),
            speaking(Dialect::Gemini),
            speaking(Dialect::Ollama),
        ],
        models: Vec::new(),
        clients: vec![DeclaredClient {
            name: "test".to_owned(),
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
        media: Some(Gate::default()),
        deepseek_english: true,
        prices_url: None,
        log: LogFormat::Human,
        log_filter: String::new(),
    }
}
