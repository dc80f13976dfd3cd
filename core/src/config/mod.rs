//! What did the operator declare? The file and the environment, typed and checked, all mistakes at once.

mod client;
mod document;
mod group;
mod hint;
mod keys;
mod mistake;
mod model;
mod people;
mod policy;
mod provider;
mod proxy;
mod read;
mod reading;
mod secret;
mod store_url;
mod team;
mod unique;
mod variables;

use std::{sync::Arc, time::Duration};

pub use mistake::Mistake;
pub use people::{Cookies, FIRST_ADMIN, People};
pub use variables::VARIABLES;

use crate::{
    budget::{Policy, Team},
    identity::Secret,
    media::Gate,
    money::Override,
    provider::Provider,
    proxy as proxies,
    route::Entry,
};

/// Everything that is declared. What is not declared lives in the database.
#[derive(Clone)]
pub struct Config {
    /// Where the server listens, `127.0.0.1:8080` unless declared.
    pub listen: String,
    /// The data folder of a server, `./data` unless declared.
    pub data: String,
    /// The database's URL; `None` is the file in the data folder.
    pub store_url: Option<String>,
    /// The token of a remote database, when it is not part of the URL.
    pub store_token: Option<Secret>,
    /// Where many instances count; `None` is where the platform usually does.
    pub counters_url: Option<String>,
    /// Whether a server that shares its counters takes room ahead, for many requests at once.
    pub counters_ahead: bool,
    /// The root secret, 32 bytes; a server generates one when it is not declared.
    pub secret: Option<RootSecret>,
    /// Declared providers in order: the file's first, then the environment's.
    pub providers: Vec<Provider>,
    /// What is declared for models.
    pub models: Vec<Override>,
    /// Declared clients.
    pub clients: Vec<DeclaredClient>,
    /// Declared teams.
    pub teams: Vec<Team>,
    /// Declared groups.
    pub groups: Vec<Arc<Entry>>,
    /// Declared proxies.
    pub proxies: Vec<Arc<proxies::Entry>>,
    /// The token that opens `/api` to programs. A server generates one when it is not declared; elsewhere `/api` stays
    /// closed without it.
    pub admin_token: Option<Secret>,
    /// What is declared about the people who use the dashboard.
    pub people: People,
    /// How long an upstream may take.
    pub waits: Waits,
    /// How long records are kept, when it is declared; otherwise it is a setting.
    pub retention_days: Option<u32>,
    /// Which media is fetched for providers that take no addresses; `None` when none is.
    pub media: Option<Gate>,
    /// Whether the models of `DeepSeek` are asked to answer in English when the client gives no instructions.
    pub deepseek_english: bool,
    /// Where newer prices come from; `None` leaves the embedded ones in force.
    pub prices_url: Option<String>,
    /// How the log looks.
    pub log: LogFormat,
    /// What is logged, as a `tracing` filter.
    pub log_filter: String,
}

/// How long an upstream may take; the defaults stand in [`limits`](crate::limits).
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// From the request to the first event.
    pub first_byte: Duration,
    /// Between two pieces.
    pub idle: Duration,
    /// In all.
    pub total: Duration,
}

/// The 32 bytes that every other secret is derived from.
#[derive(Clone)]
pub struct RootSecret(pub zeroize::Zeroizing<[u8; 32]>);

/// A client that the file declares.
#[derive(Clone)]
pub struct DeclaredClient {
    /// Its name.
    pub name: String,
    /// How its key is known.
    pub key: DeclaredKey,
    /// A disabled client is refused.
    pub enabled: bool,
    /// Whether it would rather be refused than lose a field.
    pub strict: bool,
    /// Its team; empty when it has none.
    pub team: String,
    /// What it is held to by itself.
    pub policy: Policy,
}

/// How a declared client's key is known.
#[derive(Clone)]
pub enum DeclaredKey {
    /// Public id and hex HMAC, as `tidegate key create --toml` prints them: `<public id>:<hash>`.
    Hash {
        /// The key's public id.
        public_id: String,
        /// Hex of the HMAC.
        hash: String,
    },
    /// The key itself, from a secret of the environment.
    Plain(Secret),
}

/// How the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads the declaration: `file` is the text of `tidegate.toml`, or else `TIDEGATE_CONFIG` holds it; `variable`
    /// looks up the environment. The command line wins over the environment, which wins over the file, which wins over
    /// the defaults; an adapter with a command line answers `variable` with what it says there. All mistakes come back
    /// at once.
    pub fn read(
        file: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Mistake>> {
        read::read(file, variable)
    }
}
