//! Does anything reach across a line of the architecture?

use tidegate_tidy::{File, files, has_word, read, rust};

use crate::none;

/// What the core may stand on: vocabulary, formats and cryptography, nothing that does I/O or brings a runtime.
const CORE_DEPENDENCIES: [&str; 27] = [
    "aes-gcm",
    "argon2",
    "async-trait",
    "axum-core",
    "base64",
    "bytes",
    "futures-channel",
    "futures-util",
    "hkdf",
    "hmac",
    "http",
    "http-body",
    "http-body-util",
    "idna_adapter",
    "imagesize",
    "libsql-hrana",
    "memchr",
    "serde",
    "serde_ignored",
    "serde_json",
    "serde_urlencoded",
    "sha2",
    "subtle",
    "toml",
    "tracing",
    "url",
    "zeroize",
];

#[test]
fn the_core_depends_on_little() {
    let manifest = read("core/Cargo.toml").expect("the core has a manifest");
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    let dependencies = manifest["dependencies"].as_table().expect("dependencies are a table");
    let broken: Vec<String> = dependencies
        .keys()
        .filter(|name| !CORE_DEPENDENCIES.contains(&name.as_str()))
        .cloned()
        .collect();
    none(
        &broken,
        "The core gained a dependency. If it does no I/O and needs no runtime, add it to CORE_DEPENDENCIES with the \
         reason in the commit; otherwise put it behind a seam of ports.rs.",
    );
}

#[test]
fn the_core_knows_no_platform() {
    let words =
        ["cloudflare", "lambda", "workers", "worker", "wasm_bindgen", "tokio", "reqwest", "axum"];
    let broken = lines_of(rust("core/src"), |line| {
        let line = line.to_lowercase();
        line.contains("cfg(target") || words.iter().any(|word| has_word(&line, word))
    });
    none(
        &broken,
        "Platform code belongs in adapters/<platform>, behind a seam of core/src/ports.rs.",
    );
}

/// The dialects: their folders, and what the code calls them.
const DIALECTS: [(&str, &str); 5] = [
    ("openai_chat", "OpenAiChat"),
    ("openai_responses", "OpenAiResponses"),
    ("anthropic", "Anthropic"),
    ("gemini", "Gemini"),
    ("ollama", "Ollama"),
];

#[test]
fn dialect_folders_have_the_same_files() {
    let wanted = ["error", "reply", "request", "stream", "wire"];
    let all = files("core/src/dialect");
    let there = |folder: &str, name: &str| {
        let file = format!("core/src/dialect/{folder}/{name}.rs");
        let inner = format!("core/src/dialect/{folder}/{name}/mod.rs");
        all.iter().any(|found| found.path == file || found.path == inner)
    };
    let broken: Vec<String> = DIALECTS
        .iter()
        .flat_map(|(folder, _)| wanted.map(|name| (*folder, name)))
        .filter(|(folder, name)| !there(folder, name))
        .map(|(folder, name)| format!("core/src/dialect/{folder}: {name}"))
        .collect();
    none(
        &broken,
        "Every dialect has a place for its errors, replies, requests, streams and wire types.",
    );
}

/// A dialect may ask whether something is its own; which dialect it is otherwise is asked in one place, and what an
/// operation does with each in the operation's own.
#[test]
fn only_one_file_matches_on_a_dialect() {
    let mut sources = rust("core/src");
    sources.extend(rust("adapters"));
    sources.retain(|file| {
        let path = file.path.as_str();
        let central = path == "core/src/dialect/mod.rs"
            || path.starts_with("core/src/dialect/laws/")
            || (path.starts_with("core/src/operation/") && path.ends_with("/mod.rs"));
        !central && !file.is_test()
    });
    let mut broken = Vec::new();
    for file in sources {
        let own = DIALECTS
            .iter()
            .find(|(folder, _)| file.path.starts_with(&format!("core/src/dialect/{folder}/")));
        let others = |line: &str| {
            let mut named = line.split("Dialect::").skip(1);
            named.any(|rest| !own.is_some_and(|(_, name)| rest.starts_with(name)))
        };
        broken.extend(lines_of(vec![file], |line| {
            let arm = line.find("Dialect::").is_some_and(|at| line[at..].contains("=>"));
            let asks = arm || (line.contains("matches!(") && line.contains("Dialect::"));
            asks && others(line)
        }));
    }
    none(
        &broken,
        "Give Dialect a method in core/src/dialect/mod.rs, which holds the only match on it.",
    );
}

#[test]
fn the_data_path_builds_no_json_tree() {
    let sources: Vec<File> = ["relay", "dialect", "operation"]
        .iter()
        .flat_map(|folder| rust(&format!("core/src/{folder}")))
        .collect();
    let broken = lines_of(sources, |line| has_word(line, "serde_json") && has_word(line, "Value"));
    none(
        &broken,
        "A hostile body of 10 MiB becomes a tree of 1 GiB. Borrow with RawValue, or read typed structs.",
    );
}

#[test]
fn bounds_live_in_one_file() {
    let mut sources = rust("core/src");
    sources.extend(rust("adapters"));
    sources.retain(|file| !file.path.ends_with("/limits.rs") && !file.is_test());
    let broken = lines_of(sources, |line| {
        !names_a_unit(line) && (literal_duration(line) || literal_size(line))
    });
    none(&broken, "Name the bound in core/src/limits.rs and use it from there.");
}

/// A day is not a bound.
fn names_a_unit(line: &str) -> bool {
    ["SECOND", "MINUTE", "HOUR", "DAY", "KIB", "MIB", "GIB"].iter().any(|unit| has_word(line, unit))
}

/// `Duration::from_secs(5)`, but not `Duration::from_secs(wait)` or a unit of one, which converts.
fn literal_duration(line: &str) -> bool {
    line.match_indices("Duration::from_").any(|(at, _)| {
        let argument = line[at..].split_once('(').map_or("", |(_, argument)| argument);
        let digits: String =
            argument.chars().take_while(|c| c.is_ascii_digit() || *c == '_').collect();
        !matches!(digits.as_str(), "" | "0" | "1")
    })
}

/// `1 << 20`, `16 * 1024`: a number of bytes.
fn literal_size(line: &str) -> bool {
    ["<< 10", "<< 20", "<< 30", "* 1024"].iter().any(|size| line.contains(size))
}

/// `path:line: text` of the lines outside tests that `breaks` holds for.
fn lines_of(sources: Vec<File>, breaks: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = sources.into_iter().filter(|file| !file.is_test());
    sources
        .flat_map(|file| {
            let lines = file.code().filter(|(_, line)| breaks(line));
            lines
                .map(|(number, line)| format!("{}:{number}: {line}", file.path))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_eyes_of_these_rules_see() {
    assert!(literal_duration("const WAIT: Duration = Duration::from_secs(5);"));
    assert!(!literal_duration("Duration::from_millis(wait_ms)"));
    assert!(literal_size("let max = 16 * 1024;"));
    assert!(!literal_size("let id = high << 8;"));
    assert!(has_word("use serde_json::{Map, Value};", "Value"));
    assert!(!has_word("use serde_json::value::RawValue;", "Value"));
}
