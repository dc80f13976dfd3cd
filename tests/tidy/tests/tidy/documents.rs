//! Do the documents keep their form, and do they name what is there?

use tidegate_tidy::{File, files, read, root};

use crate::none;

const DECISION_LINES_MAX: usize = 40;
const DECISION_PARTS: [&str; 4] =
    ["## Context", "## Decision", "## Consequences", "## What would change our mind"];

#[test]
fn the_architecture_names_every_seam() {
    let architecture = read("ARCHITECTURE.md").expect("there is a map");
    let ports = read("core/src/ports.rs").expect("the seams are on one page");
    let broken: Vec<&str> = ports
        .lines()
        .flat_map(seams)
        .filter(|seam| !architecture.contains(&format!("`{seam}`")))
        .collect();
    let broken: Vec<String> = broken.into_iter().map(str::to_owned).collect();
    none(&broken, "Say in ARCHITECTURE.md, under the seams, what this one is for.");
}

#[test]
fn decisions_are_numbered_and_short() {
    let mut broken = Vec::new();
    for (record, number) in decisions().into_iter().zip(1..) {
        let name = record.path.trim_start_matches("docs/decisions/");
        if !name.starts_with(&format!("{number:04}-")) {
            broken.push(format!("{name} should begin with {number:04}-"));
        }
        if record.text.lines().count() > DECISION_LINES_MAX {
            broken.push(format!("{name} is longer than {DECISION_LINES_MAX} lines"));
        }
        let missing = DECISION_PARTS.iter().filter(|part| !record.text.contains(*part));
        broken.extend(missing.map(|part| format!("{name} has no `{part}`")));
    }
    none(&broken, "A decision is docs/decisions/NNNN-what.md, short, with four parts.");
}

#[test]
fn links_lead_somewhere() {
    let documents = files("").into_iter().filter(|file| file.ends_with(&[".md"]));
    let broken: Vec<String> = documents
        .flat_map(|file| {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let missing =
                local_links(&file.text).filter(|link| !root().join(&folder).join(link).exists());
            missing.map(|link| format!("{}: {link}", file.path)).collect::<Vec<_>>()
        })
        .collect();
    none(&broken, "A link leads to a file that is not there.");
}

fn decisions() -> Vec<File> {
    files("docs/decisions").into_iter().filter(|file| file.ends_with(&[".md"])).collect()
}

/// The traits that a line of `ports.rs` defines or takes over from the store.
fn seams(line: &str) -> Vec<&str> {
    if let Some(rest) = line.strip_prefix("pub trait ") {
        return rest.split([':', ' ']).next().into_iter().collect();
    }
    let Some(list) = line.strip_prefix("pub use crate::store::{") else { return Vec::new() };
    list.trim_end_matches("};").split(", ").collect()
}

/// Targets of `[text](target)` without those that leave the repository.
fn local_links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.contains(' '))
}
