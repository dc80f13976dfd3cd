//! Does every file read as it should?

use tidegate_tidy::{File, files, rust};

use crate::none;

const LINES_WANTED: usize = 300;
const LINES_MAX: usize = 500;
/// What people write and read line by line.
const SOURCES: [&str; 8] = [".rs", ".ts", ".svelte", ".mjs", ".js", ".py", ".sh", ".sql"];

#[test]
fn files_are_short() {
    let sources = files("").into_iter().filter(|file| file.ends_with(&SOURCES));
    let lengths: Vec<(usize, String)> =
        sources.map(|file| (file.text.lines().count(), file.path)).collect();
    for (length, path) in lengths.iter().filter(|(length, _)| *length > LINES_WANTED) {
        println!("{path} has {length} lines; {LINES_WANTED} are wanted");
    }
    let long = lengths.iter().filter(|(length, _)| *length > LINES_MAX);
    let broken: Vec<String> =
        long.map(|(length, path)| format!("{path}: {length} lines")).collect();
    none(&broken, &format!("Split the file: {LINES_MAX} lines are the most."));
}

#[test]
fn files_say_which_question_they_answer() {
    let silent = rust("").into_iter().filter(|file| !file.text.starts_with("//! "));
    let broken: Vec<String> = silent.map(|file| file.path).collect();
    none(&broken, "Open the file with one `//!` sentence that says what question it answers.");
}

#[test]
fn nothing_is_left_unfinished() {
    // Spelled in halves, so that this file does not break its own rule.
    let marks = [
        concat!("#[ign", "ore"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    let sources = files("").into_iter().filter(|file| file.ends_with(&SOURCES));
    let broken = places(sources, |line| marks.iter().any(|mark| line.contains(mark)));
    none(&broken, "Finish it, or leave it out and say so in a decision record.");
}

#[test]
fn names_say_what_a_thing_is() {
    let vague = ["Manager", "Handler", "Helper", "Util", "Utils", "Service", "Impl"];
    let broken = places(rust("").into_iter(), |line| {
        let mut words = line.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_');
        let Some(name) =
            words.by_ref().skip_while(|word| !matches!(*word, "struct" | "enum" | "trait")).nth(1)
        else {
            return false;
        };
        !line.trim_start().starts_with("//") && vague.iter().any(|end| name.ends_with(end))
    });
    none(&broken, "Name the thing for what it is, not for its place in a pattern.");
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let everywhere =
        [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), "/Users/"];
    let written = files("").into_iter().filter(|file| {
        !file.path.starts_with("core/tests/data/")
            && !file.ends_with(&["Cargo.lock", "package-lock.json"])
    });
    let broken: Vec<String> = written
        .flat_map(|file| {
            let mut broken = within(&file, &file.text, &everywhere);
            // A test may use the folder for what is temporary.
            if !file.is_test() {
                let end = file.text.find("#[cfg(test)]").unwrap_or(file.text.len());
                broken.extend(within(&file, &file.text[..end], &[concat!("/tm", "p/")]));
            }
            broken
        })
        .collect();
    none(&broken, "Take the path from the environment, an option or the folder of the clone.");
}

/// The lines of `text` that name an absolute path under one of these folders.
fn within(file: &File, text: &str, folders: &[&str]) -> Vec<String> {
    let absolute = |line: &str, folder: &str| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + folder.len()..].chars().next();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-}$/*".contains(c))
                && after.is_some_and(char::is_alphanumeric)
        })
    };
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| folders.iter().any(|folder| absolute(line, folder)));
    lines.map(|(line, number)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

/// `path:line: text` of the lines that `breaks` holds for.
fn places(sources: impl Iterator<Item = File>, breaks: impl Fn(&str) -> bool) -> Vec<String> {
    sources
        .flat_map(|file| {
            let lines = file.text.lines().zip(1..).filter(|(line, _)| breaks(line));
            lines
                .map(|(line, number)| format!("{}:{number}: {}", file.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect()
}
