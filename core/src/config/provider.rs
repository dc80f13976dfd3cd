//! Which providers are declared? The file's in order, then those whose variables are set.

use super::{
    document::{Said, Table},
    keys::{self, Drafted},
    mistake::Mistake,
    reading::Reading,
    secret,
    unique::Unique,
};
use crate::{
    dialect::Dialect,
    limits,
    provider::{
        Auth, Host, Provider, Rotation, Source,
        base_url::BaseUrl,
        builtin::{self, BUILTIN, Builtin, ECHO},
    },
};

/// Reads `demo`, every `[[provider]]`, and the variables of the built-in providers that the file leaves out.
pub(super) fn read(
    root: &mut Table<'_>,
    key_ids: &mut Unique,
    reading: &mut Reading<'_>,
) -> Vec<Provider> {
    let demo = reading.setting(root, "demo", "TIDEGATE_DEMO", read_flag).unwrap_or_default();
    let mut ids = Unique::default();
    let mut declared = Vec::new();
    let mut providers = Vec::new();
    for mut table in reading.tables(root, "provider", "[[provider]]") {
        let id = reading.needed(&mut table, "id", |said| ids.first(said, read_id(said)?));
        declared.extend(id.clone());
        providers.extend(read_one(id, table, key_ids, reading));
    }
    let is_free = |id: &str| !declared.iter().any(|declared| declared == id);
    for row in BUILTIN.iter().filter(|row| is_free(row.id)) {
        let Usual { host, keys, models } = from_variables(row, reading);
        let asked = [row.key_variables, row.url_variable];
        if let Some(host) =
            host.filter(|_| asked.iter().any(|names| reading.environment.any(names)))
        {
            let draft = Draft { keys, models, ..Draft::at(host, row.dialect) };
            providers.push(draft.finish(row.id, Source::Environment));
        }
    }
    if demo && is_free(ECHO) {
        let asked = reading.environment.any(&["TIDEGATE_DEMO"]);
        let source = if asked { Source::Environment } else { Source::File };
        providers.push(Draft::at(Host::Echo, Dialect::OpenAiChat).finish(ECHO, source));
    }
    providers
}

/// What the table of a built-in provider leaves out is as it would be without the table.
fn read_one(
    id: Option<String>,
    mut table: Table<'_>,
    key_ids: &mut Unique,
    reading: &mut Reading<'_>,
) -> Option<Provider> {
    let enabled = reading.enabled(&mut table);
    let row = id.as_deref().and_then(builtin::find);
    let usual = row.map(|row| from_variables(row, reading));
    let Usual { host, keys, models } = usual.unwrap_or_default();
    let host = reading.needed_or(&mut table, "base_url", host, read_host);
    let dialect = match host {
        Some(Host::Echo) => Some(Dialect::OpenAiChat),
        Some(Host::Url(_)) | None => row.map(|row| row.dialect),
    };
    let dialect =
        reading.needed_or(&mut table, "dialect", dialect, |said| said.one_of(&dialects()));
    let auth = reading.optional(&mut table, "auth", |said| said.one_of(&auths()));
    let api_version = reading.optional(&mut table, "api_version", read_version);
    let keys = match table.take("keys") {
        Some(said) => keys::read(&said, &table, key_ids, reading),
        None => usual_keys(keys, row, &table, reading),
    };
    let rotation = reading.optional(&mut table, "rotation", |said| said.one_of(&rotations()));
    let probe = reading.optional(&mut table, "probe", read_flag).unwrap_or(true);
    let models = match table.take("models") {
        Some(said) => read_models(&said, reading),
        None => models,
    };
    reading.end_table(table);
    let rotation = rotation.unwrap_or_default();
    let at = Draft::at(host?, dialect?);
    let draft = Draft { keys, models, auth, api_version, rotation, enabled, probe, ..at };
    Some(draft.finish(&id?, Source::File))
}

/// What a built-in provider is without a table.
#[derive(Default)]
struct Usual {
    host: Option<Host>,
    keys: Vec<Drafted>,
    models: Option<Vec<String>>,
}

/// The keys of a table that names none: those of a built-in's variables.
fn usual_keys(
    keys: Vec<Drafted>,
    row: Option<&Builtin>,
    table: &Table<'_>,
    reading: &mut Reading<'_>,
) -> Vec<Drafted> {
    if table.has("base_url") {
        // A key from a variable goes to the built-in's own place and nowhere else.
        return Vec::new();
    }
    if let (true, Some(variable)) = (keys.is_empty(), row.and_then(|row| row.key_variables.first()))
    {
        reading.note_missing(table, &format!("`keys`, or the variable {variable}"));
    }
    keys
}

/// A provider without a name; most of its keys have no names either.
struct Draft {
    host: Host,
    dialect: Dialect,
    keys: Vec<Drafted>,
    /// `None`: whatever is usual for it.
    models: Option<Vec<String>>,
    /// `None`: whatever is usual for it.
    auth: Option<Auth>,
    api_version: Option<String>,
    rotation: Rotation,
    enabled: bool,
    probe: bool,
}

impl Draft {
    fn at(host: Host, dialect: Dialect) -> Self {
        let (keys, models, auth, api_version) = (Vec::new(), None, None, None);
        let rotation = Rotation::default();
        let (enabled, probe) = (true, true);
        Self { host, dialect, keys, models, auth, api_version, rotation, enabled, probe }
    }

    fn finish(self, id: &str, source: Source) -> Provider {
        let Self { host, dialect, keys, models, auth, api_version, rotation, enabled, probe } =
            self;
        let name = |(at, key): (usize, Drafted)| key.finish(id, at);
        let keys = keys.into_iter().enumerate().map(name).collect();
        let host = native(host, dialect);
        let auth = auth.unwrap_or_else(|| Auth::usual(&host, dialect));
        let (id, models_known) = (id.to_owned(), models);
        let models = Vec::new();
        let mut provider = Provider {
            id,
            dialect,
            host,
            auth,
            api_version,
            keys,
            rotation,
            models,
            enabled,
            probe,
            source,
        };
        provider.models = models_known.unwrap_or_else(|| builtin::usual_models(&provider));
        provider
    }
}

/// Ollama's own dialect stands beside the `/v1` of the other one, and people write the address either way.
fn native(host: Host, dialect: Dialect) -> Host {
    match host {
        Host::Url(url) if !dialect.is_versioned() => {
            Host::Url(url.strip_suffix("/v1").map_or_else(|| url.clone(), str::to_owned))
        }
        Host::Url(_) | Host::Echo => host,
    }
}

/// A built-in provider as its variables have it, whether they are set or not.
fn from_variables(row: &Builtin, reading: &mut Reading<'_>) -> Usual {
    let url = row.url_variable.iter().find_map(|name| reading.environment.said(name));
    let host = url.and_then(|said| reading.keep(read_versioned_host(&said)));
    let host = host.or_else(|| row.base_url.map(|url| Host::Url(url.to_owned())));
    let keys = row.key_variables.iter().find_map(|name| reading.environment.said(name));
    let keys = keys.map(|said| secret::split(&said)).unwrap_or_default();
    let models = row.model_variable.iter().find_map(|name| reading.environment.said(name));
    // Ollama itself has a variable OLLAMA_MODELS, its folder; without the URL it is not meant for us.
    let models = models.filter(|_| reading.environment.any(row.url_variable));
    let models = models.and_then(|said| reading.keep(split_models(&said)));
    let keys = reading.keep_all(secret::credentials(&keys));
    let keys = keys.into_iter().map(Drafted::from).collect();
    Usual { host, keys, models }
}

fn dialects() -> [(&'static str, Dialect); Dialect::ALL.len()] {
    Dialect::ALL.map(|dialect| (dialect.name(), dialect))
}

pub(super) fn rotations() -> [(&'static str, Rotation); Rotation::ALL.len()] {
    Rotation::ALL.map(|rotation| (rotation.name(), rotation))
}

fn auths() -> [(&'static str, Auth); Auth::ALL.len()] {
    Auth::ALL.map(|auth| (auth.name(), auth))
}

/// It goes into a URL as it stands.
fn read_version(said: &Said<'_>) -> Result<String, Mistake> {
    let version = said.text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if version.len() > limits::ID_BYTES_MAX || !version.bytes().all(plain) {
        return Err(said.spot.mistake("must be letters, digits, `-`, `_` and `.`"));
    }
    Ok(version.to_owned())
}

fn read_flag(said: &Said<'_>) -> Result<bool, Mistake> {
    said.flag()
}

pub(super) fn read_id(said: &Said<'_>) -> Result<String, Mistake> {
    let id = said.text()?;
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    if id.len() > limits::ID_BYTES_MAX || !id.bytes().all(plain) {
        let wanted = "must be small letters, digits, `-`, `_` and `.`, because it stands before the slash in `provider/model`";
        return Err(said.spot.mistake(wanted));
    }
    Ok(id.to_owned())
}

fn read_host(said: &Said<'_>) -> Result<Host, Mistake> {
    match said.text()? {
        "echo:" => Ok(Host::Echo),
        text => match BaseUrl::parse(text) {
            Ok(url) => Ok(Host::Url(url.to_string())),
            Err(why) => Err(said.spot.mistake(why)),
        },
    }
}

/// People write Ollama's address with or without the version.
fn read_versioned_host(said: &Said<'_>) -> Result<Host, Mistake> {
    match BaseUrl::parse(said.text()?) {
        Ok(url) => Ok(Host::Url(url.ending_in("v1").to_string())),
        Err(why) => Err(said.spot.mistake(why)),
    }
}

fn read_models(said: &Said<'_>, reading: &mut Reading<'_>) -> Option<Vec<String>> {
    let items = reading.keep(said.list())?;
    let mut models = Unique::default();
    let model = |item: &Said<'_>| models.first(item, read_model(item, item.text()?)?);
    Some(reading.keep_all(items.iter().map(model).collect()))
}

fn split_models(said: &Said<'_>) -> Result<Vec<String>, Mistake> {
    said.text()?.split(',').map(|name| read_model(said, name.trim())).collect()
}

pub(super) fn read_model(said: &Said<'_>, name: &str) -> Result<String, Mistake> {
    let most = limits::MODEL_BYTES_MAX;
    let wrong = if name.is_empty() {
        "holds an empty name".to_owned()
    } else if name.len() > most {
        format!("holds a name longer than {most} bytes")
    } else if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "holds a name with white space in it".to_owned()
    } else if name.starts_with(['/', '~', '.']) || name.contains('\\') {
        "must hold names of models, and one of them looks like a folder".to_owned()
    } else {
        return Ok(name.to_owned());
    };
    Err(said.spot.mistake(wrong))
}
