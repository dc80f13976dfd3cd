//! In what order is the declaration read? The file's tables from top to bottom, each value beside its variable.

use std::{net::SocketAddr, time::Duration};

use toml::de::{DeTable, Error};

use super::{
    Config, LogFormat, Waits, client,
    document::{Lines, Said, Table},
    group,
    mistake::{Mistake, Spot},
    model, people, provider, proxy,
    reading::Reading,
    secret, store_url, team,
    unique::Unique,
    variables::Environment,
};
use crate::{
    identity::Secret,
    limits,
    media::{Gate, Place},
    provider::base_url::BaseUrl,
};

/// This machine alone.
const LISTEN: &str = "127.0.0.1:8080";
const DATA: &str = "./data";
const PRICES_URL: &str = "https://models.dev/api.json";
const LOG_FILTER: &str = "info";
const FORMATS: [(&str, LogFormat); 2] = [("human", LogFormat::Human), ("json", LogFormat::Json)];

/// Reads everything. See [`Config::read`].
pub(super) fn read(
    file: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Vec<Mistake>> {
    let environment = Environment(variable);
    let text = match file {
        Some(text) => text.to_owned(),
        None => environment.text("TIDEGATE_CONFIG").unwrap_or_default(),
    };
    let mut reading = Reading::new(environment);
    if text.len() > limits::CONFIG_BYTES_MAX {
        let most = limits::CONFIG_BYTES_MAX >> 10;
        reading.note(Spot::line(1, "the file").mistake(format!("is longer than {most} KiB")));
        return Err(reading.end());
    }
    let lines = Lines::of(&text);
    let (document, errors) = DeTable::parse_recoverable(&text);
    for error in &errors {
        reading.note_syntax(syntax_mistake(error, &lines));
    }
    let config = read_root(Table::root(document.get_ref(), &lines), &mut reading);
    let mistakes = reading.end();
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

/// The parser's message says what it expected; its longer form would repeat the line, and with it a secret.
fn syntax_mistake(error: &Error, lines: &Lines) -> Mistake {
    let line = error.span().map_or(1, |span| lines.at(span.start));
    let message = error.message().trim_end_matches(", expected nothing");
    Spot::line(line, "the file").mistake(format!("is not TOML here: {message}"))
}

fn read_root(mut root: Table<'_>, reading: &mut Reading<'_>) -> Config {
    let listen = reading.setting(&mut root, "listen", "TIDEGATE_LISTEN", read_listen);
    let data = reading.setting(&mut root, "data", "TIDEGATE_DATA", owned_text);
    let retention_days =
        reading.setting(&mut root, "retention_days", "TIDEGATE_RETENTION_DAYS", read_days);
    let (store_url, store_token) = read_store(&mut root, reading);
    let (counters_url, counters_ahead) = read_counters(&mut root, reading);
    let (log, log_filter) = read_log(&mut root, reading);
    let waits = read_waits(&mut root, reading);
    let media = read_media(&mut root, reading);
    let deepseek_english = read_deepseek(&mut root, reading);
    let prices_url = read_prices(&mut root, reading);
    let mut key_ids = Unique::default();
    let providers = provider::read(&mut root, &mut key_ids, reading);
    let proxies = proxy::read(&mut root, &mut key_ids, reading);
    let models = model::read(&mut root, reading);
    let clients = client::read(&mut root, reading);
    let teams = team::read(&mut root, reading);
    let groups = group::read(&mut root, reading);
    let secret = secret::root(reading.environment);
    let secret = reading.keep(secret).flatten();
    let admin_token = reading.environment.said("TIDEGATE_ADMIN_TOKEN");
    let admin_token = admin_token.and_then(|said| reading.keep(secret::admin_token(&said)));
    let people = people::read(&mut root, reading);
    reading.end_table(root);
    Config {
        listen: listen.unwrap_or_else(|| LISTEN.to_owned()),
        data: data.unwrap_or_else(|| DATA.to_owned()),
        store_url,
        store_token,
        counters_url,
        counters_ahead,
        secret,
        providers,
        models,
        clients,
        teams,
        groups,
        proxies,
        admin_token,
        people,
        waits,
        retention_days,
        media,
        deepseek_english,
        prices_url,
        log: log.unwrap_or(LogFormat::Human),
        log_filter: log_filter.unwrap_or_else(|| LOG_FILTER.to_owned()),
    }
}

fn read_store(root: &mut Table<'_>, reading: &mut Reading<'_>) -> (Option<String>, Option<Secret>) {
    let mut table = reading.table(root, "store", "[store]");
    let url = reading.setting(&mut table, "url", "DATABASE_URL", store_url::read);
    let token = table.take("token");
    let token = token.and_then(|said| reading.keep(secret::one(&said, reading.environment)));
    let variable = reading.environment.said("DATABASE_TOKEN");
    let variable = variable.and_then(|said| reading.keep(secret::of_variable(&said)));
    reading.end_table(table);
    (url, variable.or(token))
}

fn read_counters(root: &mut Table<'_>, reading: &mut Reading<'_>) -> (Option<String>, bool) {
    let mut table = reading.table(root, "counters", "[counters]");
    let url = reading.setting(&mut table, "url", "REDIS_URL", store_url::read_counters);
    let ahead = reading.optional(&mut table, "ahead", read_flag);
    reading.end_table(table);
    (url, ahead.unwrap_or(true))
}

fn read_log(
    root: &mut Table<'_>,
    reading: &mut Reading<'_>,
) -> (Option<LogFormat>, Option<String>) {
    let mut table = reading.table(root, "log", "[log]");
    let format =
        reading.setting(&mut table, "format", "TIDEGATE_LOG_FORMAT", |said| said.one_of(&FORMATS));
    let filter = reading.setting(&mut table, "filter", "TIDEGATE_LOG", owned_text);
    reading.end_table(table);
    (format, filter)
}

fn read_waits(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Waits {
    let mut table = reading.table(root, "upstream", "[upstream]");
    let mut wait = |key, default| {
        let said = table.take(key);
        said.and_then(|said| reading.keep(read_wait(&said))).unwrap_or(default)
    };
    let waits = Waits {
        first_byte: wait("first_byte_wait_ms", limits::UPSTREAM_FIRST_BYTE_WAIT),
        idle: wait("idle_wait_ms", limits::UPSTREAM_IDLE_WAIT),
        total: wait("total_wait_ms", limits::UPSTREAM_TOTAL_WAIT),
    };
    reading.end_table(table);
    waits
}

/// On unless it is switched off.
fn read_media(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Option<Gate> {
    let mut table = reading.table(root, "media", "[media]");
    let fetch = reading.optional(&mut table, "fetch", read_flag);
    let allow = table.take("allow").and_then(|said| reading.keep(said.list())).unwrap_or_default();
    let allow = reading.keep_all(allow.iter().map(read_place).collect());
    reading.end_table(table);
    fetch.unwrap_or(true).then(|| Gate::new(allow))
}

fn read_place(said: &Said<'_>) -> Result<Place, Mistake> {
    Place::parse(said.text()?).map_err(|wrong| said.spot.mistake(wrong))
}

/// On unless it is switched off: these models answer many a question in Chinese.
fn read_deepseek(root: &mut Table<'_>, reading: &mut Reading<'_>) -> bool {
    let mut table = reading.table(root, "deepseek", "[deepseek]");
    let english = reading.optional(&mut table, "english", read_flag);
    reading.end_table(table);
    english.unwrap_or(true)
}

/// Refreshed unless that is switched off.
fn read_prices(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Option<String> {
    let mut table = reading.table(root, "prices", "[prices]");
    let url = reading.optional(&mut table, "url", read_web_url);
    let refresh = reading.optional(&mut table, "refresh", read_flag).unwrap_or(true);
    reading.end_table(table);
    refresh.then(|| url.unwrap_or_else(|| PRICES_URL.to_owned()))
}

fn read_web_url(said: &Said<'_>) -> Result<String, Mistake> {
    let text = said.text()?;
    let wrong = || said.spot.mistake("must be a URL that starts with https:// or http://");
    let url: http::Uri = text.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(wrong());
    };
    BaseUrl::parse(&format!("{scheme}://{authority}")).map_err(|why| said.spot.mistake(why))?;
    Ok(text.to_owned())
}

fn read_flag(said: &Said<'_>) -> Result<bool, Mistake> {
    said.flag()
}

fn read_listen(said: &Said<'_>) -> Result<String, Mistake> {
    match said.text()?.parse::<SocketAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(said.spot.mistake("must be an address and a port, such as 127.0.0.1:8080")),
    }
}

fn read_days(said: &Said<'_>) -> Result<u32, Mistake> {
    said.count(limits::RETENTION_DAYS_MAX)
}

fn read_wait(said: &Said<'_>) -> Result<Duration, Mistake> {
    said.count(limits::UPSTREAM_WAIT_MS_MAX).map(|ms| Duration::from_millis(ms.into()))
}

fn owned_text(said: &Said<'_>) -> Result<String, Mistake> {
    said.text().map(str::to_owned)
}
