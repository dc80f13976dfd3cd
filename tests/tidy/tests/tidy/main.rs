//! Which rules does the repository keep? Each is a test, and its message says what to do.

mod documents;
mod layers;
mod lists;
mod text;

/// Fails with the rule and everything that breaks it.
#[track_caller]
fn none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}\n  {}\n", broken.join("\n  "));
}
