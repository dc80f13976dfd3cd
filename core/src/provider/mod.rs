//! What is a provider? A row of data: where it is, which dialect it speaks, with which keys.

pub(crate) mod address;
mod auth;
pub mod base_url;
pub mod builtin;
pub mod catalog;
pub(crate) mod echo;
pub(crate) mod note;
pub(crate) mod traits;

pub use auth::Auth;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};

use self::base_url::BaseUrl;
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    identity::Secret,
};

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));

/// Without it Anthropic refuses any request.
const ANTHROPIC_VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));

/// A host that answers.
#[derive(Clone)]
pub struct Provider {
    /// Unique; the part before the slash in `provider/model`.
    pub id: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub host: Host,
    /// In which header it wants a key.
    pub auth: Auth,
    /// What it wants as `api-version` in the query.
    pub api_version: Option<String>,
    /// Credentials toward it. May be empty: a local model needs none.
    pub keys: Vec<Key>,
    /// How its keys take turns.
    pub rotation: Rotation,
    /// The models it serves under their own names. Any name passes with `provider/model`.
    pub models: Vec<String>,
    /// A disabled provider is shown and not used.
    pub enabled: bool,
    /// Whether it is asked for its models now and then, to see how it is.
    pub probe: bool,
    /// Who declared it.
    pub source: Source,
}

impl Provider {
    /// Whether it lists the model.
    #[must_use]
    pub fn serves(&self, model: &str) -> bool {
        self.models.iter().any(|served| served == model)
    }

    /// Says in a request to it who asks, and shows the key.
    pub(crate) fn sign(&self, headers: &mut HeaderMap, key: Option<&Key>) -> Result<()> {
        headers.insert(header::USER_AGENT, USER_AGENT);
        if self.dialect == Dialect::Anthropic {
            let (name, value) = ANTHROPIC_VERSION;
            headers.entry(name).or_insert(value);
        }
        let Some(key) = key else { return Ok(()) };
        let (name, before) = self.auth.header();
        let mut value = HeaderValue::try_from(format!("{before}{}", key.secret.expose()))
            .map_err(|_| Error::internal(format!("key {} is no header value", key.id)))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }
}

/// Where a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// In this process: the demo provider.
    Echo,
    /// An http or https URL without a trailing slash, such as `https://api.openai.com/v1`. In its path `{model}` may
    /// stand for the model's name.
    Url(String),
}

impl Host {
    /// Reads a base URL, `echo:` included.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "echo:" {
            return Ok(Self::Echo);
        }
        match BaseUrl::parse(text) {
            Ok(url) => Ok(Self::Url(url.to_string())),
            Err(wrong) => Err(Error::bad_request(format!("The base URL {wrong}."))),
        }
    }

    /// Scheme, host and port, written one way.
    #[must_use]
    pub fn origin(&self) -> String {
        let Self::Url(url) = self else { return "echo:".to_owned() };
        let Ok(uri) = url.parse::<http::Uri>() else { return url.clone() };
        let scheme = uri.scheme_str().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        format!("{scheme}://{host}:{port}")
    }
}

/// An upstream credential.
#[derive(Clone)]
pub struct Key {
    /// Unique within the provider; safe to show.
    pub id: String,
    /// Counts its changes: what was seen of it before one says nothing after it. 0 for what is declared.
    pub version: i64,
    /// What the provider wants to see.
    pub secret: Secret,
    /// What it may be used for.
    pub terms: Terms,
}

impl Key {
    /// A declared key without terms.
    #[must_use]
    pub fn new(id: String, secret: Secret) -> Self {
        Self { id, version: 0, secret, terms: Terms::NONE }
    }
}

/// What a key may be used for, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its share among the keys, where they take turns by weight.
    pub weight: u32,
    /// The only models it is used for; all when none is named.
    pub models: Vec<String>,
    /// Requests that it takes at a time.
    pub concurrency: Option<u32>,
    /// Requests that it takes a minute.
    pub rpm: Option<u32>,
    /// Tokens that it takes a minute.
    pub tpm: Option<u32>,
}

impl Terms {
    /// Those of a key of which nothing is said.
    pub const NONE: Self =
        Self { weight: 1, models: Vec::new(), concurrency: None, rpm: None, tpm: None };
}

/// How keys take turns. Those that cannot be used are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Rotation {
    /// One after another.
    #[default]
    RoundRobin,
    /// Each by its weight, spread evenly.
    Weighted,
    /// The one with the fewest requests in flight.
    LeastUsed,
}

impl Rotation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RoundRobin, Self::Weighted, Self::LeastUsed];

    /// The word in configuration and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::Weighted => "weighted",
            Self::LeastUsed => "least_used",
        }
    }
}

/// Who declared something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file: locked.
    File,
    /// A variable such as `OPENAI_API_KEY`: locked.
    Environment,
    /// The database: editable.
    Database,
}
