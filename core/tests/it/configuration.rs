//! Does the declaration hold what its documents promise, whatever somebody writes into it?

#![expect(clippy::disallowed_methods, reason = "the documents are files")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path};

use proptest::prelude::*;
use tidegate_core::config::{Config, Mistake, VARIABLES};

/// Stands in a configuration wherever a value stands.
const CANARY: &str = "sk-canary-0123456789abcdef";

const WHOLE: &str = include_str!("../data/config/whole.toml");

fn read(file: &str) -> Result<Config, Vec<Mistake>> {
    Config::read(Some(file), &|_| None)
}

proptest! {
    #[test]
    fn no_bytes_make_the_reading_panic(bytes: Vec<u8>) {
        let _ = read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_makes_the_reading_panic(at in 0..WHOLE.len(), cut in 0..40_usize, with in "[\\[\\]{}=\"'.,#a-z0-9é\n ]{0,12}") {
        let mut text = WHOLE.as_bytes().to_vec();
        text.splice(at..(at + cut).min(WHOLE.len()), with.bytes());
        let text = String::from_utf8_lossy(&text);
        if let Err(mistakes) = read(&text) {
            let lines = text.lines().count() + 1;
            prop_assert!(!mistakes.is_empty());
            prop_assert!(mistakes.iter().all(|one| one.line.is_none_or(|line| (1..=lines).contains(&line))));
            prop_assert!(mistakes.is_sorted_by_key(|one| one.line.unwrap_or(usize::MAX)));
        }
    }

    #[test]
    fn no_mistake_repeats_a_value(
        table in "(\\[\\[provider\\]\\]|\\[\\[model\\]\\]|\\[\\[client\\]\\]|\\[store\\]|\\[log\\]|\\[upstream\\]|)",
        keys in proptest::collection::vec("(id|dialect|base_url|keys|models|price|context|display_name|enabled|name|key|key_hash|url|token|format|filter|listen|data|demo)", 1..6),
        shape in "(\"@\"|'@'|@|\"@|\"http://u:@@h\"|\"https://h?@\"|\\[\"@\"\\]|\\[\"@\", \"@\"\\]|\\{ env = \"@\" \\}|\\{ @ = 1 \\}|\\[@\\])",
    ) {
        let value = shape.replace('@', CANARY);
        let lines: String = keys.iter().fold(String::new(), |lines, key| lines + key + " = " + &value + "\n");
        for mistake in read(&format!("{table}\n{lines}")).err().unwrap_or_default() {
            prop_assert!(!mistake.to_string().contains("canary"), "{mistake}");
        }
    }
}

#[test]
fn no_variable_is_repeated() {
    let secrets = VARIABLES.into_iter().filter(|name| *name != "TIDEGATE_CONFIG");
    for name in secrets {
        for value in
            [format!("{CANARY} {CANARY}"), format!("http://{CANARY}@h"), format!("/{CANARY}")]
        {
            let variable = |asked: &str| (asked == name).then(|| value.clone());
            for mistake in Config::read(None, &variable).err().unwrap_or_default() {
                assert!(mistake.message.starts_with(name), "{mistake}");
                assert!(!mistake.to_string().contains("canary"), "{mistake}");
            }
        }
    }
}

#[test]
fn the_list_of_variables_is_what_is_asked_for() {
    let asked = RefCell::new(BTreeSet::new());
    let variable = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        (name == "OLLAMA_BASE_URL").then(|| "http://gpu:11434".to_owned())
    };
    assert!(Config::read(None, &variable).is_ok());
    // The place of the file and the user to become are the adapter's questions.
    asked.borrow_mut().extend(["TIDEGATE_CONFIG_FILE", "TIDEGATE_USER"].map(str::to_owned));
    let listed: BTreeSet<String> = VARIABLES.map(str::to_owned).into();
    assert_eq!(asked.into_inner(), listed);
}

#[test]
fn a_configuration_in_a_variable_is_read_like_a_file() {
    let variable = |name: &str| (name == "TIDEGATE_CONFIG").then(|| "x = 1\ny = 2\n".to_owned());
    let lines: Vec<_> =
        Config::read(None, &variable).err().unwrap().iter().map(|one| one.line).collect();
    assert_eq!(lines, [Some(1), Some(2)]);
    assert!(Config::read(Some(""), &variable).is_ok(), "a file that is named counts alone");
}

#[test]
fn a_deep_or_long_file_is_refused() {
    for text in [format!("x = {}", "[".repeat(100_000)), "#".repeat((1 << 20) + 1)] {
        assert_eq!(read(&text).err().unwrap()[0].line, Some(1));
    }
}

#[test]
fn every_example_of_the_documents_is_valid() {
    let mut count = 0;
    for document in ["docs/configuration.md", "docs/coming-from.md", "docs/proxies.md"] {
        let text = document_text(document);
        for example in text.split("```toml\n").skip(1) {
            let example = example.split("```").next().unwrap();
            let variable = |name: &str| name.starts_with("EXAMPLE_").then(|| "example".to_owned());
            let mistakes = Config::read(Some(example), &variable).err().unwrap_or_default();
            assert!(mistakes.is_empty(), "{document}:\n{example}\n{mistakes:?}");
            count += 1;
        }
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn every_variable_stands_in_the_documents() {
    let (example, reference) =
        (document_text(".env.example"), document_text("docs/configuration.md"));
    let listed: Vec<&str> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
        .map(|(name, _)| name.trim())
        .collect();
    assert_eq!(listed, VARIABLES);
    for name in VARIABLES {
        assert!(reference.contains(&format!("`{name}`")), "{name}");
    }
}

fn document_text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(path)).unwrap()
}
