//! Do two lists that must agree say the same?

use std::collections::BTreeSet;

use tidegate_core::{
    config::VARIABLES,
    router::{ROUTES, Route},
};
use tidegate_tidy::{files, read};

use crate::none;

#[test]
fn migrations_are_numbered_without_gaps() {
    let names = files("migrations").into_iter().filter(|file| file.ends_with(&[".sql"]));
    let names = names.map(|file| file.path.trim_start_matches("migrations/").to_owned());
    let broken: Vec<String> = names
        .zip(1..)
        .filter(|(name, number)| !name.starts_with(&format!("{number:04}_")))
        .map(|(name, number)| format!("migrations/{name} should begin with {number:04}_"))
        .collect();
    none(&broken, "Name a migration NNNN_what.sql, counted from 0001 without gaps.");
}

#[test]
fn the_example_environment_lists_every_variable() {
    let example = read(".env.example").expect("there is an example of the environment");
    let listed: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| is_variable(name))
        .collect();
    let known = BTreeSet::from(VARIABLES);
    let differing = listed.symmetric_difference(&known);
    let broken: Vec<String> = differing.map(|name| (*name).to_owned()).collect();
    none(&broken, "`.env.example` lists exactly config::VARIABLES; these are in one of them only.");
}

#[test]
fn lock_files_name_no_host() {
    let locks = files("").into_iter().filter(|file| file.ends_with(&["package-lock.json"]));
    let broken: Vec<String> =
        locks.filter(|file| file.text.contains("\"resolved\"")).map(|file| file.path).collect();
    none(&broken, "Write the lock file with `npm install --omit-lockfile-registry-resolved`.");
}

#[test]
fn every_route_has_a_contract_case() {
    let cases: String =
        files("tests/contract/src/cases").into_iter().map(|file| file.text).collect();
    let asked = |route: &Route| {
        let path = fixed_part(route.pattern);
        // The root is part of every path.
        if path == "/" { cases.contains("\"/\"") } else { cases.contains(path) }
    };
    let missing = ROUTES.iter().filter(|route| !asked(route));
    let broken: Vec<String> =
        missing.map(|route| format!("{} {}", route.method, route.pattern)).collect();
    none(&broken, "Add a case in tests/contract/src/cases for the route.");
}

#[test]
fn documents_name_commands_that_exist() {
    let source = read("xtask/src/main.rs").expect("there is one tool");
    let tasks: BTreeSet<String> = source
        .split_once("enum Task {")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .map(|(list, _)| list.lines().filter_map(variant).collect())
        .expect("the tool has an enum of its tasks");
    let texts = files("")
        .into_iter()
        .filter(|file| file.ends_with(&[".md", ".ci/run", ".toml", "Dockerfile"]));
    let broken: Vec<String> = texts
        .flat_map(|file| {
            let named = file.text.split("cargo xtask ").skip(1).filter_map(first_word);
            let missing = named.filter(|word| !tasks.contains(*word));
            missing.map(|word| format!("{}: cargo xtask {word}", file.path)).collect::<Vec<_>>()
        })
        .collect();
    none(&broken, "A document names a command that xtask does not have.");
}

/// `/v1/models/{id}` is asked for as `/v1/models/…`.
fn fixed_part(path: &str) -> &str {
    path.split_once('{').map_or(path, |(fixed, _)| fixed)
}

fn is_variable(name: &str) -> bool {
    name.len() > 3 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// `    Contract(contract::Options),` → `contract`.
fn variant(line: &str) -> Option<String> {
    let name = line.trim().split(['(', ',', ' ']).next()?;
    let upper = name.chars().next()?.is_ascii_uppercase();
    (upper && name.chars().all(char::is_alphanumeric)).then(|| name.to_lowercase())
}

/// The word that a text begins with, if it begins with one.
fn first_word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}
