//! What is a gateway under test configured with? The same for every adapter.

use std::{
    env,
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use tidegate_core::dialect::Dialect;

use crate::Result;

/// From the request to the first event, in the configuration under test.
pub const FIRST_BYTE_WAIT_MS: u64 = 1500;
/// Between two pieces, in the configuration under test.
pub const IDLE_WAIT_MS: u64 = 1000;
/// One answer in all, in the configuration under test.
pub const TOTAL_WAIT_MS: u64 = 5000;

/// The scripted provider's own model.
pub const MODEL: &str = "mock";
/// A model of the scripted provider whose name has a slash.
pub const SLASHED_MODEL: &str = "family/mock-2.5:free";
/// A model of a provider where nothing listens.
pub const UNREACHABLE_MODEL: &str = "unreachable";
/// A declared group whose first target cannot be reached.
pub const GROUP: &str = "declared-group";
/// Providers that one case has for itself, and fewer of the dialects that few cases are about: whoever fails too often is
/// left alone for a while.
pub const SPARES: u32 = 64;
/// Of each such dialect.
pub const FOREIGN_SPARES: u32 = 16;
/// The keys of a provider that a case has for itself and that has three of them.
pub const POOL_KEYS: [&str; 3] =
    ["sk-pool-canary-1-51c0", "sk-pool-canary-2-9e7d", "sk-pool-canary-3-b24f"];
/// The keys of a proxy that a case has for itself.
pub const PROXY_KEYS: [&str; 5] = [
    "sk-proxy-canary-1-40be",
    "sk-proxy-canary-2-7d13",
    "sk-proxy-canary-3-c9a6",
    "sk-proxy-canary-4-2f58",
    "sk-proxy-canary-5-e07b",
];
/// The slug of a declared proxy in front of the scripted provider; its path is open below `/script`.
pub const PROXY: &str = "declared-proxy";
/// A model of two providers, of which the first shows the first of those keys.
pub const TWICE_MODEL: &str = "mock-twice";
/// What the scripted provider wants to see. It must never be seen anywhere else.
pub const UPSTREAM_KEY: &str = "sk-upstream-canary-7f3a91c2";
/// Opens `/api`. It must never be seen in an answer or a log.
pub const ADMIN_TOKEN: &str = "admin-canary-token-0123456789abcdef";
/// The root secret. It must never be seen in an answer or a log.
pub const SECRET: &str = "5ec2e7ca9a0b4d1f8e3c6a7b2d9f0e1c5ec2e7ca9a0b4d1f8e3c6a7b2d9f0e1c";

/// One configuration and the folder for its data, which is removed in the end.
pub struct Setup {
    /// An empty folder.
    pub folder: PathBuf,
    provider_url: String,
    closed: SocketAddr,
    log_filter: &'static str,
    waits_ms: [u64; 3],
    declared_key: Option<String>,
    store_url: Option<String>,
    prices_url: Option<String>,
    tables: String,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// A configuration whose providers are the scripted one, one that refuses connections, and the demo provider.
    pub fn new(provider_url: &str) -> Result<Self> {
        // Asked for and given back at once: nothing listens there.
        let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = free_folder()?;
        let provider_url = provider_url.to_owned();
        Ok(Self {
            folder,
            provider_url,
            closed,
            log_filter: "info",
            waits_ms: [FIRST_BYTE_WAIT_MS, IDLE_WAIT_MS, TOTAL_WAIT_MS],
            declared_key: None,
            store_url: None,
            prices_url: None,
            tables: String::new(),
            variables: Vec::new(),
        })
    }

    /// Makes the gateway log as much as it can.
    #[must_use]
    pub fn talkative(mut self) -> Self {
        self.log_filter = "trace";
        self
    }

    /// Gives an upstream the time that much data takes.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.waits_ms = [30_000, 10_000, 60_000];
        self
    }

    /// Keeps everything in this database, which others may share.
    #[must_use]
    pub fn storing(mut self, url: &str) -> Self {
        self.store_url = Some(url.to_owned());
        self
    }

    /// Where everything is kept, unless the adapter has a place of its own.
    #[must_use]
    pub fn store(&self) -> Option<&str> {
        self.store_url.as_deref()
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Declares a client with this key.
    #[must_use]
    pub fn declaring(mut self, key: &str) -> Self {
        self.declared_key = Some(key.to_owned());
        self
    }

    /// Declares these tables too.
    #[must_use]
    pub fn adding(mut self, tables: &str) -> Self {
        tables.clone_into(&mut self.tables);
        self
    }

    /// Makes the gateway fetch its prices here; otherwise it fetches none.
    #[must_use]
    pub fn pricing(mut self, url: &str) -> Self {
        self.prices_url = Some(url.to_owned());
        self
    }

    /// The text of `tidegate.toml`.
    #[must_use]
    pub fn declaration(&self) -> String {
        let place = self.provider_url.trim_start_matches("http://").trim_end_matches("/v1");
        let [first_byte, idle, total] = self.waits_ms;
        let mut text = format!(
            "[media]\nallow = [\"{place}\"]\n\n[upstream]\nfirst_byte_wait_ms = {first_byte}\nidle_wait_ms = {idle}\n\
             total_wait_ms = {total}\n"
        );
        match &self.prices_url {
            Some(url) => write!(text, "\n[prices]\nurl = \"{url}\"\n"),
            None => write!(text, "\n[prices]\nrefresh = false\n"),
        }
        .expect("a String takes everything");
        let closed = format!("http://{}/v1", self.closed);
        let models = format!("\"{MODEL}\", \"{SLASHED_MODEL}\"");
        for (id, url, models) in [
            ("up", &self.provider_url, models),
            ("closed", &closed, format!("\"{UNREACHABLE_MODEL}\"")),
        ] {
            write!(
                text,
                "\n[[provider]]\nid = \"{id}\"\ndialect = \"openai_chat\"\nbase_url = \"{url}\"\n\
                 keys = [\"{UPSTREAM_KEY}\"]\nmodels = [{models}]\n"
            )
            .expect("a String takes everything");
        }
        for dialect in ["openai_responses", "anthropic", "gemini", "ollama"] {
            write!(
                text,
                "\n[[provider]]\nid = \"{dialect}\"\ndialect = \"{dialect}\"\nbase_url = \"{}\"\n\
                 keys = [\"{UPSTREAM_KEY}\"]\nmodels = [\"{MODEL}-{dialect}\"]\n",
                self.provider_url
            )
            .expect("a String takes everything");
        }
        write!(
            text,
            "\n[[group]]\nid = \"{GROUP}\"\ntargets = [\"{UNREACHABLE_MODEL}\", \"{MODEL}\"]\n"
        )
        .expect("a String takes everything");
        let twice = format!("\"{TWICE_MODEL}\"");
        self.another(("first", Dialect::OpenAiChat), &POOL_KEYS[..1], &twice, &mut text);
        self.another(("second", Dialect::OpenAiChat), &[UPSTREAM_KEY], &twice, &mut text);
        for dialect in Dialect::ALL {
            let chat = dialect == Dialect::OpenAiChat;
            for number in 0..if chat { SPARES } else { FOREIGN_SPARES } {
                let id = format!("spare-{}-{number}", dialect.name());
                self.another((&id, dialect), &[UPSTREAM_KEY], "", &mut text);
            }
        }
        for number in 0..FOREIGN_SPARES {
            self.another(
                (&format!("pool-{number}"), Dialect::OpenAiChat),
                &POOL_KEYS,
                "",
                &mut text,
            );
        }
        write!(
            text,
            "\n[[proxy]]\nid = \"{PROXY}\"\nbase_url = \"http://{place}\"\npaths = [\"/script\"]\n\
             keys = [\"{UPSTREAM_KEY}\"]\n"
        )
        .expect("a String takes everything");
        if let Some(key) = &self.declared_key {
            write!(text, "\n[[client]]\nname = \"declared\"\nkey = \"{key}\"\n")
                .expect("a String takes everything");
        }
        text + &self.tables
    }

    /// Declares a provider at the usual place. Where it lists no models, they are asked for by its name and theirs.
    fn another(
        &self,
        (id, dialect): (&str, Dialect),
        keys: &[&str],
        models: &str,
        text: &mut String,
    ) {
        let (dialect, url) = (dialect.name(), &self.provider_url);
        write!(
            text,
            "\n[[provider]]\nid = \"{id}\"\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\n\
             keys = {keys:?}\nmodels = [{models}]\n"
        )
        .expect("a String takes everything");
    }

    /// The environment of the gateway, beside what an adapter needs of its own.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("TIDEGATE_CONFIG", self.declaration()),
            ("TIDEGATE_DEMO", "true".to_owned()),
            ("TIDEGATE_SECRET", SECRET.to_owned()),
            ("TIDEGATE_ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("TIDEGATE_LOG", self.log_filter.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(self.store_url.clone().map(|url| ("DATABASE_URL".to_owned(), url)))
        .chain(self.variables.iter().cloned())
        .collect()
    }

    /// A path inside the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        // What stays behind lies in the system's folder for temporary things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The secrets that no answer and no log may ever show.
pub const CANARIES: [&str; 11] = [
    UPSTREAM_KEY,
    ADMIN_TOKEN,
    SECRET,
    POOL_KEYS[0],
    POOL_KEYS[1],
    POOL_KEYS[2],
    PROXY_KEYS[0],
    PROXY_KEYS[1],
    PROXY_KEYS[2],
    PROXY_KEYS[3],
    PROXY_KEYS[4],
];

fn free_folder() -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tidegate-contract-{}-{number}", std::process::id());
    let folder = env::temp_dir().join(name);
    // Left behind by a process of the same number that was killed.
    if Path::exists(&folder) {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
