//! What does a case hold? A running gateway, the scripted provider, and a client of its own.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidegate_core::dialect::Dialect;
use tidegate_provider::{Provider, Script, Seen, tag};

use crate::{
    Result,
    adapters::{Adapter, Instance},
    failed,
    setup::{ADMIN_TOKEN, CANARIES, FOREIGN_SPARES, MODEL, SPARES, Setup},
    wire::{Answer, Ask, exchange},
};

/// The route of chat completions.
pub const CHAT: &str = "/v1/chat/completions";

/// How long a record may take to be readable: a flush, and a slow machine.
const RECORD_WAIT: Duration = Duration::from_secs(5);

/// Everything a case may touch.
pub struct World {
    /// The adapter under test.
    pub adapter: Adapter,
    /// The running gateway.
    pub gateway: Arc<Instance>,
    /// The upstream.
    pub provider: Arc<Provider>,
    /// This case's own client.
    pub client: Client,
    /// What its requests ask for.
    model: String,
    tag: String,
}

/// A client of the gateway, made through its API.
#[derive(Clone, Debug)]
pub struct Client {
    /// What records call it.
    pub id: String,
    /// What it shows.
    pub key: String,
}

impl World {
    /// A client and a tag of their own for the case `name`.
    pub async fn new(
        adapter: Adapter,
        gateway: Arc<Instance>,
        provider: Arc<Provider>,
        name: &str,
    ) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("{}-{name}-{number}", adapter.name());
        let client = create_client(gateway.address, json!({ "name": tag })).await?;
        let model = MODEL.to_owned();
        Ok(Self { adapter, gateway, provider, client, model, tag })
    }

    /// A world over a gateway that no other case uses and that has seen nothing but the making of a client.
    pub async fn fresh(&self, setup: Setup) -> Result<Self> {
        let gateway = Arc::new(self.adapter.start(setup).await?);
        Self::new(self.adapter, gateway, Arc::clone(&self.provider), "fresh").await
    }

    /// A world over a gateway that nobody else asks and that has answered nothing yet: this case's client is declared
    /// there, not made. Also for cases that move very much: a Worker's isolate has one thread, and while it is busy the
    /// time-outs of all its other requests run out.
    pub async fn untouched(&self) -> Result<Self> {
        let setup = self.setup()?.declaring(&self.client.key);
        let gateway = Arc::new(self.adapter.start(setup).await?);
        let (provider, client) = (Arc::clone(&self.provider), self.client.clone());
        let (model, tag) = (self.model.clone(), self.tag.clone());
        Ok(Self { adapter: self.adapter, gateway, provider, client, model, tag })
    }

    /// The same world, whose requests go to a provider that no other case asks: who fails too often is left alone.
    #[must_use]
    pub fn apart(&self) -> Self {
        self.asking(format!("{}/{MODEL}", spare(Dialect::OpenAiChat)))
    }

    /// The same, to one that has the keys of [`POOL_KEYS`](crate::setup::POOL_KEYS).
    #[must_use]
    pub fn pooled(&self) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed) % FOREIGN_SPARES;
        self.asking(format!("pool-{number}/{MODEL}"))
    }

    /// The same world, whose requests ask for this model.
    #[must_use]
    pub fn asking(&self, model: String) -> Self {
        let (gateway, provider) = (Arc::clone(&self.gateway), Arc::clone(&self.provider));
        let (client, tag) = (self.client.clone(), self.tag.clone());
        Self { adapter: self.adapter, gateway, provider, client, model, tag }
    }

    /// The provider that its requests go to.
    #[must_use]
    pub fn asked_provider(&self) -> &str {
        self.model.split_once('/').map_or("up", |(provider, _)| provider)
    }

    /// The same world over another process of the gateway, which begins with the data of the one that ends here.
    pub async fn restarted(self) -> Result<Self> {
        let Some(gateway) = Arc::into_inner(self.gateway) else {
            return failed("somebody else uses this gateway");
        };
        let gateway = Arc::new(self.adapter.start(gateway.end().await).await?);
        Ok(Self { gateway, ..self })
    }

    /// A set-up for [`fresh`](Self::fresh).
    pub fn setup(&self) -> Result<Setup> {
        Setup::new(&self.provider.base_url())
    }

    /// Makes the provider answer this case's requests with `script`.
    pub fn play(&self, script: Script) {
        self.provider.play(&self.tag, script);
    }

    /// Makes the provider answer those of them that show this key with another script.
    pub fn play_for(&self, key: &str, script: Script) {
        self.provider.play_for(&self.tag, key, script);
    }

    /// Makes the provider answer a URL of this case with `script`.
    #[must_use]
    pub fn publish(&self, script: Script) -> String {
        self.provider.play(&self.file(), script);
        self.provider.url(&self.file())
    }

    /// The requests for that URL.
    #[must_use]
    pub fn fetched(&self) -> Vec<Seen> {
        self.provider.seen(&self.file())
    }

    fn file(&self) -> String {
        format!("{}-file", self.tag)
    }

    /// The words that a request must hold somewhere for the provider to play this case's script.
    #[must_use]
    pub fn tag(&self) -> String {
        tag(&self.tag)
    }

    /// Where a request needs no body to play this case's script, below the provider's origin.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/script/{}", self.tag)
    }

    /// The requests that reached the provider with something behind that path.
    #[must_use]
    pub fn seen_behind(&self, rest: &str) -> Vec<Seen> {
        self.provider.seen(&format!("{}{rest}", self.tag))
    }

    /// A whole chat request with this case's tag and `fields` in place of the usual ones.
    #[must_use]
    pub fn chat(&self, fields: Value) -> Ask {
        let mut body = json!({
            "model": self.model,
            "messages": [{ "role": "user", "content": format!("hello {}", self.tag()) }],
        });
        if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
            body.extend(fields);
        }
        self.post(body.to_string())
    }

    /// A streamed chat request that wants its usage, so that nothing is taken out of the answer.
    #[must_use]
    pub fn stream(&self) -> Ask {
        self.chat(json!({ "stream": true, "stream_options": { "include_usage": true } }))
    }

    /// A chat request with exactly this body, as this case's client.
    #[must_use]
    pub fn post(&self, body: impl Into<String>) -> Ask {
        Ask::post(CHAT, body.into()).bearer(&self.client.key)
    }

    /// Sends a request and reads the answer to its end. No secret may be in it.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer> {
        let answer = exchange(self.gateway.address, ask).await?;
        let shown = format!("{:?} {}", answer.headers, answer.text());
        for canary in CANARIES.into_iter().chain([self.client.key.as_str()]) {
            if shown.contains(canary) {
                return failed(format!("the answer shows the secret {canary}: {shown}"));
            }
        }
        Ok(answer)
    }

    /// Sends a request to the API as its administrator.
    pub async fn admin(&self, method: &'static str, path: &str) -> Result<Answer> {
        let ask = Ask::new(method, path).bearer(ADMIN_TOKEN);
        // What a case deletes, it has just made.
        self.ask(&if method == "DELETE" { ask.header("if-match", "*") } else { ask }).await
    }

    /// Sends JSON to the API as its administrator, about this version when there is one.
    pub async fn edit(
        &self,
        method: &'static str,
        path: &str,
        version: Option<&str>,
        body: Value,
    ) -> Result<Answer> {
        let mut ask = Ask::post(path, body.to_string()).bearer(ADMIN_TOKEN);
        ask.method = method;
        let ask = match version {
            Some(version) => ask.header("if-match", version),
            None => ask,
        };
        self.ask(&ask).await
    }

    /// Reads from the API as its administrator.
    pub async fn admin_at(&self, path: &str) -> Result<Answer> {
        self.ask(&Ask::new("GET", path).bearer(ADMIN_TOKEN)).await
    }

    /// Makes another client.
    pub async fn another_client(&self, fields: Value) -> Result<Client> {
        create_client(self.gateway.address, fields).await
    }

    /// The requests of this case that reached the provider.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.provider.seen(&self.tag)
    }

    /// The only request of this case that reached the provider.
    pub fn seen_once(&self) -> Result<Seen> {
        match <[Seen; 1]>::try_from(self.seen()) {
            Ok([seen]) => Ok(seen),
            Err(seen) => failed(format!("{} requests reached the provider, not one", seen.len())),
        }
    }

    /// Waits until `enough` is true of this case's first request at the provider.
    pub async fn seen_until(&self, wait: Duration, enough: impl Fn(&Seen) -> bool) -> Result<Seen> {
        match self.provider.until(&self.tag, 0, wait, enough).await {
            Some(seen) => Ok(seen),
            None => failed(format!("not so after {wait:?} at the provider: {:?}", self.seen())),
        }
    }

    /// This case's client's records, newest first.
    pub async fn records(&self) -> Result<Vec<Value>> {
        records_of(self.gateway.address, &self.client.id).await
    }

    /// Waits for the record of an answer.
    pub async fn record(&self, answer: &Answer) -> Result<Value> {
        let id = answer.request_id()?;
        let records = self.until_records(1, |record| record["id"] == id).await?;
        Ok(records[0].clone())
    }

    /// Waits for `count` records of this client that are `wanted`, and fails when there are more.
    pub async fn until_records(
        &self,
        count: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Value>> {
        let deadline = Instant::now() + RECORD_WAIT;
        loop {
            let mut records = self.records().await?;
            let all = records.len();
            records.retain(&wanted);
            if records.len() == count {
                return Ok(records);
            }
            if records.len() > count || Instant::now() > deadline {
                return failed(format!("{} of {all} records, not {count}", records.len()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for this client's only record and makes sure that no second one follows.
    pub async fn only_record(&self) -> Result<Value> {
        self.until_records(1, |_| true).await?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        Ok(self.until_records(1, |_| true).await?[0].clone())
    }
}

/// A provider of this dialect that no other case asks.
#[must_use]
pub fn spare(dialect: Dialect) -> String {
    static CHAT: AtomicU32 = AtomicU32::new(0);
    static FOREIGN: AtomicU32 = AtomicU32::new(0);
    let (count, spares) = match dialect {
        Dialect::OpenAiChat => (&CHAT, SPARES),
        Dialect::OpenAiResponses | Dialect::Anthropic | Dialect::Gemini | Dialect::Ollama => {
            (&FOREIGN, FOREIGN_SPARES)
        }
    };
    let number = count.fetch_add(1, Ordering::Relaxed) % spares;
    format!("spare-{}-{number}", dialect.name())
}

/// All records of one client, newest first, page after page.
pub async fn records_of(gateway: SocketAddr, client: &str) -> Result<Vec<Value>> {
    let mut records = Vec::new();
    let mut before = None::<String>;
    loop {
        let mut path = format!("/api/records?client={client}&limit=500");
        if let Some(cursor) = &before {
            write!(path, "&before={cursor}").expect("a String takes everything");
        }
        let answer = exchange(gateway, &Ask::new("GET", path).bearer(ADMIN_TOKEN)).await?;
        if answer.status != 200 {
            return failed(format!("records: {} {}", answer.status, answer.text()));
        }
        let mut page = answer.json()?;
        let Some(rows) = page["data"].as_array_mut() else {
            return failed(format!("no records in {page}"));
        };
        records.append(rows);
        match page["next"].as_str() {
            Some(cursor) => before = Some(cursor.to_owned()),
            None => return Ok(records),
        }
    }
}

/// Makes a client through the API.
pub async fn create_client(gateway: SocketAddr, fields: Value) -> Result<Client> {
    let ask = Ask::post("/api/clients", fields.to_string()).bearer(ADMIN_TOKEN);
    let answer = exchange(gateway, &ask).await?;
    if answer.status != 201 {
        return failed(format!("no client was made: {} {}", answer.status, answer.text()));
    }
    let made = answer.json()?;
    match (made["id"].as_str(), made["key"].as_str()) {
        (Some(id), Some(key)) => Ok(Client { id: id.to_owned(), key: key.to_owned() }),
        _ => failed(format!("a client without id or key: {made}")),
    }
}
