//! What does the repository hold? Its files, as the rules in `tests/tidy` read them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// One file of the repository.
pub struct File {
    /// From the root, with slashes: `core/src/lib.rs`.
    pub path: String,
    /// Its text; files that are not UTF-8 are left out of every list.
    pub text: String,
}

/// A line with its number, counted from one.
pub type Line<'f> = (usize, &'f str);

impl File {
    /// What the compiler reads of a Rust file outside its tests: no comments, and nothing from `mod tests` on, which
    /// stands last.
    pub fn code(&self) -> impl Iterator<Item = Line<'_>> {
        let end = self.text.find("\n#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().zip(1..).map(|(line, number)| (number, line));
        lines
            .map(|(number, line)| (number, before_comment(line)))
            .filter(|(_, line)| !line.is_empty())
    }

    /// Whether this is test code as a whole.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.path.split('/').any(|part| {
            matches!(part, "tests" | "tests.rs" | "testing" | "testing.rs" | "laws" | "laws.rs")
        })
    }

    /// Whether the file's name ends with one of these.
    #[must_use]
    pub fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }
}

/// The repository's root: the clone that the tests are run in, which need not be the one they were built in.
#[must_use]
pub fn root() -> PathBuf {
    let package = env::var("CARGO_MANIFEST_DIR");
    Path::new(package.as_deref().unwrap_or(env!("CARGO_MANIFEST_DIR"))).join("../..")
}

/// The text of one file, or nothing.
#[must_use]
pub fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// Every file under `folder` that is not ignored, by path.
#[must_use]
pub fn files(folder: &str) -> Vec<File> {
    let ignored = read(".gitignore").unwrap_or_default();
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let mut found = Vec::new();
    walk(folder, &ignored, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file under `folder`.
#[must_use]
pub fn rust(folder: &str) -> Vec<File> {
    let mut found = files(folder);
    found.retain(|file| file.ends_with(&[".rs"]));
    found
}

/// Whether `line` has `word` with no letter, digit or underscore beside it.
#[must_use]
pub fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

fn walk(folder: &str, ignored: &[&str], found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".git" || ignored.contains(&name.as_str()) {
            continue;
        }
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, ignored, found),
            Ok(kind) if kind.is_file() => found.extend(read(&path).map(|text| File { path, text })),
            _ => {}
        }
    }
}

/// A `//` inside a text, as in a URL, has no blank before it.
fn before_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with("//") {
        return "";
    }
    line.find(" // ").map_or(line, |at| &line[..at])
}
