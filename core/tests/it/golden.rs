//! Does every input still give the output that lies beside it? `UPDATE=1 cargo test` rewrites the outputs.

#![expect(clippy::disallowed_methods, reason = "the cases are files")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tidegate_core::{
    config::{Config, LogFormat},
    limits::RETENTION_DAYS,
    media::Gate,
    money::{Override, Rates, Tier, Unit, decimal},
    provider::{Host, Source, Terms},
};

/// `NAME.toml` is a configuration and `NAME.txt` what becomes of it: its mistakes, or what it means. Lines that begin
/// with `#$ ` set variables.
#[test]
fn configurations() {
    walk("config", "toml", "txt", |input| {
        let variables: Vec<(&str, &str)> =
            input.lines().filter_map(|line| line.strip_prefix("#$ ")?.split_once('=')).collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match Config::read(Some(input), &variable) {
            Ok(config) => describe(&config),
            Err(mistakes) => {
                let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                lines.join("\n") + "\n"
            }
        }
    });
}

/// Compares the output of every input in `core/tests/data/<folder>` with the file beside it.
fn walk(folder: &str, input: &str, output: &str, run: impl Fn(&str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == input)).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no cases in {}", folder.display());
    let mut wrong = Vec::new();
    for path in inputs {
        let expected = path.with_extension(output);
        let got = run(&fs::read_to_string(&path).unwrap());
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &got).unwrap();
        } else if fs::read_to_string(&expected).ok().as_ref() != Some(&got) {
            wrong.push(format!("{}:\n{got}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn describe(config: &Config) -> String {
    let mut lines = vec![
        format!("listen {}, data {}", config.listen, config.data),
        format!("store {}", config.store_url.as_deref().unwrap_or("in the data folder")),
        format!("store token {}", is_set(config.store_token.is_some())),
        format!("secret {}", is_set(config.secret.is_some())),
        format!("admin token {}", is_set(config.admin_token.is_some())),
        format!("waits {:?}", config.waits),
        format!("retention {} days", config.retention_days.unwrap_or(RETENTION_DAYS)),
        format!("log {} {}", log_format(config.log), config.log_filter),
        format!("media {}", config.media.as_ref().map_or("not fetched".to_owned(), media)),
        format!("deepseek in english {}", is_on(config.deepseek_english)),
    ];
    lines.extend((!config.counters_ahead).then(|| "counters not ahead".to_owned()));
    lines.extend(config.counters_url.iter().map(|url| format!("counters {url}")));
    for provider in &config.providers {
        let host = match &provider.host {
            Host::Echo => "echo:",
            Host::Url(url) => url,
        };
        let keys: Vec<&str> = provider.keys.iter().map(|key| key.id.as_str()).collect();
        let source = match provider.source {
            Source::File => "file",
            Source::Environment => "environment",
            Source::Database => "database",
        };
        let models = match provider.models.as_slice() {
            [first, second, rest @ ..] if !rest.is_empty() => {
                format!("{first}, {second} and more")
            }
            few => few.join(", "),
        };
        lines.push(format!(
            "provider {} {} {host} {} by the {source}",
            provider.id,
            provider.dialect.name(),
            is_on(provider.enabled)
        ));
        let version = provider.api_version.as_deref().unwrap_or("none");
        lines.push(format!("  auth {}, version {version}", provider.auth.name()));
        lines.push(format!("  keys {}; models {models}", keys.join(", ")));
        let told = provider.keys.iter().filter(|key| key.terms != Terms::NONE);
        lines.extend(
            told.map(|key| format!("  {} {}: {:?}", provider.rotation.name(), key.id, key.terms)),
        );
    }
    for entry in &config.proxies {
        let proxy = serde_json::to_string(&entry.proxy).unwrap();
        lines.push(format!("proxy {} {proxy}", entry.slug));
        let keys = entry.pool.keys.iter();
        lines.extend(keys.map(|key| format!("  {}: {:?}", key.id, key.terms)));
    }
    lines.extend(config.models.iter().map(model));
    for client in &config.clients {
        let strict = if client.strict { ", strict" } else { "" };
        lines.push(format!("client {} {}{strict}", client.name, is_on(client.enabled)));
    }
    for entry in &config.groups {
        let group = serde_json::to_string(&entry.group).unwrap();
        lines.push(format!("group {} {group}", entry.id));
    }
    lines.join("\n") + "\n"
}

fn model(set: &Override) -> String {
    let bound = |tokens: Option<u64>| tokens.map_or("as listed".to_owned(), |it| it.to_string());
    let tier = |tier: &Tier| format!("; above {}{}", tier.above_tokens, rates(&tier.rates));
    let price = set.price.as_ref().map(|price| {
        let tiers: String = price.tiers.iter().map(tier).collect();
        format!("\n  price{}{tiers}", rates(&price.base))
    });
    format!(
        "model {} {}, called {:?}, context {}, output {}{}",
        set.name,
        is_on(set.enabled),
        set.display_name,
        bound(set.context),
        bound(set.output_max),
        price.unwrap_or_default()
    )
}

fn rates(rates: &Rates) -> String {
    let own = |unit: Unit| Some(format!(" {} {}", unit.name(), decimal::write(rates.get(unit)?)));
    Unit::ALL.into_iter().filter_map(own).collect()
}

fn media(gate: &Gate) -> String {
    let places: Vec<String> = gate.allowed().map(ToString::to_string).collect();
    format!("fetched from the public and [{}]", places.join(", "))
}

fn is_set(set: bool) -> &'static str {
    if set { "set" } else { "not set" }
}

fn is_on(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

fn log_format(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Human => "human",
        LogFormat::Json => "json",
    }
}
