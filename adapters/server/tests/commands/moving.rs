//! Do export, import and backup do what they say, as processes, beside a running server and without one?

use std::sync::Arc;

use tidegate_core::store::sql::{Database, Statement};
use tidegate_native::Libsql;

use super::*;

const PASSPHRASE: &str = "correct horse battery";
const KEY: &str = "sk-canary-of-a-provider-7d1";

impl Place {
    /// A command that knows the passphrase.
    fn moving(&self, line: &str) -> Output {
        self.command(line).env("TIDEGATE_PASSPHRASE", PASSPHRASE).output().unwrap()
    }

    /// The standard output of such a command that succeeds.
    fn moved(&self, line: &str) -> String {
        let output = self.moving(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The complaint of such a command that fails.
    fn refused(&self, line: &str) -> String {
        let output = self.moving(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    fn token(&self, data: &str) -> String {
        let contact = fs::read_to_string(self.path(data).join("token")).unwrap();
        let (_, rest) = contact.split_once("\"token\":\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Makes a database of another program.
    fn foreign(&self, name: &str, statements: &[&str]) {
        let database = Libsql::open(&self.path(name)).unwrap();
        let batch =
            statements.iter().map(|sql| Statement::new((*sql).to_owned(), Vec::new())).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Arc::new(database).write(batch)).unwrap();
    }
}

impl Server {
    /// Asks the API as an admin, and returns the whole answer.
    fn admin(&self, token: &str, line: &str, body: &str) -> String {
        self.ask(&format!(
            "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn end(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.ended(), Some(0));
    }
}

/// A server with a provider, its key, a client and a user; the client's key.
fn furnished(place: &Place) -> (Server, String) {
    let key = place.tell("key create --name website");
    let server = place.serve("");
    let token = place.token("data");
    let provider =
        r#"{"dialect":"openai_chat","base_url":"http://127.0.0.1:9/v1","models":["m-1"]}"#;
    let answer = server.admin(&token, "PUT /api/providers/up", provider);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let body = format!(r#"{{"provider":"up","secret":"{KEY}"}}"#);
    let answer = server.admin(&token, "POST /api/keys", &body);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    place.tell("user create ada --role admin");
    (server, key.trim().to_owned())
}

#[test]
fn everything_moves_from_a_running_server_into_an_empty_folder() {
    let place = Place::new();
    let (server, key) = furnished(&place);
    let told = place.moved("export --out all.tidegate --records");
    assert!(told.contains("client: 1 exported") && told.contains("provider: 1 exported"), "{told}");
    let file = fs::read_to_string(place.path("all.tidegate")).unwrap();
    for secret in [KEY, &key, PASSPHRASE, "\"hash\":\"opened"] {
        assert!(!file.contains(secret), "{secret} can be read");
    }
    let names: Vec<String> = fs::read_dir(place.path("data"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with("backup-")), "{names:?}");
    server.end();

    let told = place.moved("import all.tidegate --data new");
    assert!(told.contains("client: 1 taken") && told.contains("key: 1 taken"), "{told}");
    assert!(told.contains("secret.old"), "{told}");
    let server = place.serve("--data new");
    assert!(server.models(&key).starts_with("HTTP/1.1 200"), "the client keeps its key");
    let keys = server.admin(&place.token("new"), "GET /api/keys", "");
    assert!(keys.contains("\"usable\":true") && keys.contains("\"last_four\":\"-7d1\""), "{keys}");
    assert!(place.tell("user list --data new").contains("ada"));
    server.end();

    // What is the same is there once.
    let refused = place.refused("import all.tidegate --data new");
    assert!(
        refused.contains("--merge") && refused.contains("Both have the provider up."),
        "{refused}"
    );
    let told = place.moved("import all.tidegate --data new --merge");
    assert!(told.contains("client: 0 taken, 1 were there already"), "{told}");
    assert_eq!(place.tell("key list --data new").lines().count(), 1);
}

#[test]
fn a_file_that_is_not_whole_or_not_opened_changes_nothing() {
    let place = Place::new();
    place.tell("key create --name website");
    assert!(place.run("export --out a").status.code() == Some(1), "without a passphrase");
    place.moved("export --out a");
    assert!(place.refused("export --out a").contains("is there already"));
    let whole = fs::read(place.path("a")).unwrap();
    let import = |bytes: &[u8]| {
        fs::write(place.path("b"), bytes).unwrap();
        place.refused("import b --data new")
    };
    assert!(import(&whole[..whole.len() - 1]).contains("ends early"));
    let half = whole[..whole.len() / 2].iter().rposition(|byte| *byte == b'\n').unwrap();
    assert!(import(&whole[..=half]).contains("ends early"));
    let mut broken = whole.clone();
    let at = broken.iter().rposition(|byte| *byte == b'w').unwrap();
    broken[at] = b'v';
    assert!(import(&broken).contains("damaged"));
    assert!(import(b"{}\n").contains("no file that `tidegate export` has written"));
    let wrong = place
        .command("import a --data new")
        .env("TIDEGATE_PASSPHRASE", "another passphrase")
        .output()
        .unwrap();
    assert!(text(&wrong.stderr).contains("does not fit"), "{}", text(&wrong.stderr));
    assert!(!has(&place.path("new")), "nothing is made before the file is known to be good");
    place.write("words", &format!("{PASSPHRASE}\n"));
    place.tell("import a --data new --passphrase-file words");
}

#[test]
fn nothing_comes_in_under_a_running_server() {
    let place = Place::new();
    let (server, _) = furnished(&place);
    place.moved("export --out all");
    let refused = place.refused("import all --merge");
    assert!(refused.contains("Stop it first"), "{refused}");
    server.end();
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_starts() {
    let place = Place::new();
    let (server, key) = furnished(&place);
    let told = place.tell("backup --out copy.db");
    assert!(told.contains("copy.db"), "{told}");
    assert!(text(&place.run("backup --out copy.db").stderr).contains("is there already"));
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(
            &place.path("copy.db").metadata().unwrap().permissions()
        ) & 0o777,
        0o600
    );
    server.end();
    fs::create_dir(place.path("new")).unwrap();
    fs::copy(place.path("copy.db"), place.path("new/tidegate.db")).unwrap();
    fs::copy(place.path("data/secret"), place.path("new/secret")).unwrap();
    let server = place.serve("--data new");
    assert!(server.models(&key).starts_with("HTTP/1.1 200"));
    server.end();
    // Without a server the command takes the file itself.
    place.tell("backup --out second.db");
    assert!(has(&place.path("second.db")));
    let remote = place.command("backup --out c").env("DATABASE_URL", "http://127.0.0.1:9").output();
    assert!(text(&remote.unwrap().stderr).contains("its own tools"));
}

/// The schema as the models of API Key Rotator make it (`internal/models/models.go`), by GORM's driver for SQLite.
const ROTATOR: [&str; 8] = [
    "CREATE TABLE `proxy_configs` (`id` integer PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `slug` text NOT NULL, \
     `config_type` text NOT NULL, `api_key_location` text, `api_key_name` text, `is_active` numeric DEFAULT true, \
     `created_at` datetime, `updated_at` datetime, `method` text, `target_url` text, `target_base_url` text, \
     `api_format` text DEFAULT \"openai_compatible\")",
    "CREATE TABLE `api_keys` (`id` integer PRIMARY KEY AUTOINCREMENT, `key_value` text NOT NULL, \
     `is_active` numeric DEFAULT true, `proxy_config_id` integer)",
    "INSERT INTO proxy_configs VALUES (1, 'Flow', 'siliconflow', 'LLM', 'header', 'Authorization', 1, '2026-05-01', \
     '2026-05-01', NULL, NULL, 'https://api.siliconflow.cn/v1', 'openai_compatible')",
    "INSERT INTO proxy_configs VALUES (2, 'Weather', 'weather', 'GENERIC', 'query', 'appid', 0, '2026-05-01', \
     '2026-05-01', 'GET', 'https://api.example.com/data/2.5/weather', NULL, NULL)",
    "INSERT INTO proxy_configs VALUES (3, 'Strange', 'strange', 'LLM', NULL, NULL, 1, '2026-05-01', '2026-05-01', NULL, \
     NULL, 'https://api.example.com', 'a_format_of_tomorrow')",
    "INSERT INTO api_keys VALUES (1, 'sk-first-canary-000001', 1, 1), (2, 'sk-second-canary-00002', 0, 1)",
    "INSERT INTO api_keys VALUES (3, 'weather-canary-1', 1, 2)",
    "INSERT INTO api_keys VALUES (4, 'sk-lost', 1, 9)",
];

#[test]
fn api_key_rotator_comes_in_through_the_api() {
    let place = Place::new();
    place.foreign("rotator.db", &ROTATOR);
    let server = place.serve("");
    let told = place.tell("import rotator.db --from api-key-rotator");
    for part in [
        "provider siliconflow: taken",
        "2 keys of provider siliconflow: taken",
        "proxy weather: taken",
        "- configuration strange: its format `a_format_of_tomorrow` is not spoken here.",
        "- 1 keys: their configuration is gone.",
        "- GLOBAL_PROXY_KEYS",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("canary"), "{told}");
    let token = place.token("data");
    let proxy = server.admin(&token, "GET /api/proxies/weather", "");
    for part in ["\"key_in\":\"query\"", "\"key_name\":\"appid\"", "[\"GET\"]", "\"enabled\":false"]
    {
        assert!(proxy.contains(part), "{part}: {proxy}");
    }
    let keys = server.admin(&token, "GET /api/keys?provider=siliconflow", "");
    assert_eq!(keys.matches("\"usable\":true").count(), 2, "{keys}");
    assert_eq!(keys.matches("\"enabled\":false").count(), 1, "{keys}");
    // Again: what is there stays, and no key is there twice.
    let again = place.tell("import rotator.db --from api-key-rotator");
    assert!(again.contains("provider siliconflow: it is there already"), "{again}");
    assert_eq!(server.admin(&token, "GET /api/keys", "").matches("\"usable\"").count(), 3);
    let again = place.tell("import rotator.db --from api-key-rotator --replace");
    assert!(
        again.contains("provider siliconflow: taken, in the place of what was there"),
        "{again}"
    );
    server.end();
    let refused = place.run("import data/tidegate.db --from api-key-rotator");
    assert!(text(&refused.stderr).contains("no database of API Key Rotator"));
}

/// `model_groups` as `GopherGate`'s plan of automatic routing and its later columns have it. Of the other tables its documents
/// name the tables and what they are for; the reader takes the columns that it finds.
const GOPHERGATE: [&str; 12] = [
    "CREATE TABLE provider_configs (id TEXT PRIMARY KEY, display_name TEXT, enabled BOOLEAN DEFAULT TRUE, base_url TEXT, \
     api_key TEXT, credit_balance REAL DEFAULT 0.0)",
    "CREATE TABLE model_configs (id TEXT PRIMARY KEY, provider_id TEXT NOT NULL, display_name TEXT, \
     enabled BOOLEAN DEFAULT TRUE, prompt_cost_per_m REAL, completion_cost_per_m REAL, mapping TEXT)",
    "CREATE TABLE model_groups (id TEXT PRIMARY KEY, strategy TEXT NOT NULL DEFAULT 'heuristic', selector_model TEXT, \
     targets TEXT NOT NULL DEFAULT '[]', complexity_threshold INTEGER, heuristic_rules TEXT, logic_level INTEGER, \
     primary_use TEXT, created_at DATETIME, updated_at DATETIME)",
    "CREATE TABLE clients (id INTEGER PRIMARY KEY, client_id TEXT UNIQUE NOT NULL, name TEXT, is_active BOOLEAN, \
     rate_limit_per_minute INTEGER)",
    "CREATE TABLE client_tokens (id INTEGER PRIMARY KEY, client_id TEXT, token TEXT)",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, role TEXT)",
    "CREATE TABLE llm_requests (id INTEGER PRIMARY KEY, model TEXT)",
    "INSERT INTO provider_configs VALUES ('grok', 'Grok', 1, NULL, 'xai-canary-0000000001', 5.0), \
     ('openai', 'OpenAI', 1, NULL, NULL, 0), ('gemini', 'Gemini', 1, NULL, 'c2VhbGVkLW9yLW5vdC1ub2JvZHkta25vd3M=', 0), \
     ('ollama', 'Ollama', 1, 'http://localhost:11434', NULL, 0)",
    "INSERT INTO model_configs VALUES ('grok-4', 'grok', NULL, 1, 2.5, 10, NULL), ('old', 'openai', NULL, 0, NULL, NULL, NULL)",
    "INSERT INTO model_groups VALUES ('ours', 'heuristic', NULL, '[\"grok-4\",\"gpt-4o\"]', NULL, \
     '[{\"pattern\":\"sql\",\"target\":1}]', 5, 'Support', NULL, NULL), \
     ('sorter', 'classifier', 'grok-4', '[\"ours\",\"gpt-4o\"]', 10, NULL, NULL, NULL, NULL, NULL)",
    "INSERT INTO clients VALUES (1, 'web-1', 'website', 1, 60)",
    "INSERT INTO client_tokens VALUES (1, 'web-1', 'sk-old-canary'); ",
];

#[test]
fn gophergate_comes_in_with_a_report() {
    let place = Place::new();
    place.foreign("gopher.db", &GOPHERGATE);
    place.foreign("gopher.db", &["INSERT INTO users VALUES (1, 'ada', '$2a$12$canary', 'admin')"]);
    place.foreign("gopher.db", &["INSERT INTO llm_requests VALUES (1, 'grok-4')"]);
    let told = place.tell("import gopher.db --from gophergate");
    for part in [
        "provider xai: taken",
        "1 keys of provider xai: taken",
        "provider ollama: taken",
        "model xai/grok-4: taken",
        "model openai/old: taken",
        "group ours: taken",
        "group sorter: taken",
        "client website: taken, with a new key, shown this once: tg_",
        "user ada: taken, without a password",
        "- provider openai: it has no key in the database",
        "- the key of provider gemini: it is sealed, and LLM_PROXY__ENCRYPTION_KEY",
        "- the credit of provider grok",
        "- 1 rows of client_tokens",
        "- 1 rows of llm_requests",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("canary"), "{told}");
    let server = place.serve("");
    let key = told.split("shown this once: ").nth(1).unwrap().lines().next().unwrap();
    assert!(server.models(key).starts_with("HTTP/1.1 200"));
    let group = server.admin(&place.token("data"), "GET /api/groups/ours", "");
    for part in ["\"keywords\":[\"sql\"]", "\"step by step\"", "\"logic_level\":5"] {
        assert!(group.contains(part), "{part}: {group}");
    }
    server.end();
}

#[test]
fn litellm_comes_in_with_a_report() {
    let place = Place::new();
    place.write(
        "config.yaml",
        "model_list:\n  - model_name: fast\n    litellm_params: { model: openai/gpt-4o-mini, api_key: os.environ/LITE }\n\
         router_settings:\n  model_group_alias: { quick: fast }\n",
    );
    let mut import = place.command("import config.yaml --from litellm");
    let output = import.env("LITE", "sk-canary-of-litellm-1").output().unwrap();
    let told = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["provider openai: taken", "1 keys of provider openai: taken", "group fast: taken"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = place.tell("import config.yaml --from litellm");
    assert!(told.contains("the variable LITE, which is not set here"), "{told}");
    place.write("config.yaml", "model_list: [");
    let refused = place.run("import config.yaml --from litellm");
    assert!(text(&refused.stderr).contains("is no YAML"), "{}", text(&refused.stderr));
}
