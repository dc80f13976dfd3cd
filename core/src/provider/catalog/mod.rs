//! Which models does a provider have, and what can they do? A snapshot of models.dev, searched where it lies.
//!
//! The snapshot is text: `@provider`, then one line a model, both sorted. Nothing is parsed before it is asked for, so
//! it costs neither time at the start nor memory beside the program's own. [`source`] makes it, and
//! `core/data/README.md` says from what.

mod model;
mod reasoning;
mod source;

pub use model::{Capabilities, Capability, Modalities, Modality, Model, Status};
pub use reasoning::{Budget, Effort, Interleaved, Reasoning};

pub(crate) use source::convert;

use memchr::memmem;

/// The catalogue.
pub(crate) const TEXT: &str = include_str!("../../../data/catalog.tsv");

/// The ids of all providers of the catalogue, sorted.
pub fn providers() -> impl Iterator<Item = &'static str> {
    TEXT.lines().filter_map(|line| line.strip_prefix('@'))
}

/// All models of a provider, sorted by id; none when the catalogue does not know it.
pub fn models(provider_id: &str) -> impl Iterator<Item = Model<'static>> {
    section(provider_id).lines().map(Model::read)
}

/// The model of exactly this id.
#[must_use]
pub fn exact(provider_id: &str, model: &str) -> Option<Model<'static>> {
    // A tab ends the id, so that no id is found inside another column.
    if model.contains(['\t', '\n']) {
        return None;
    }
    let line = from_line(section(provider_id), &format!("{model}\t"))?;
    line.lines().next().map(Model::read)
}

/// The model of this id, or else the one that it is a version of: `gpt-4o-2024-08-06` is a `gpt-4o` unless it has a
/// line of its own. The answer's `id` says which of the two was found.
#[must_use]
pub fn find(provider_id: &str, model: &str) -> Option<Model<'static>> {
    exact(provider_id, model).or_else(|| exact(provider_id, unversioned(model)?))
}

/// The id without the version at its end: a date (`-2024-08-06`, `-20240806`, `@20240806`, `-0806`), Google's number
/// (`-001`) or `-latest`. `None` when there is no version.
#[must_use]
pub fn unversioned(model: &str) -> Option<&str> {
    let cut = model.rfind(['-', '@'])?;
    let (rest, last) = (&model[..cut], &model[cut + 1..]);
    if last == "latest" {
        return Some(rest);
    }
    if !last.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match last.len() {
        2 => {
            let (rest, month) = rest.rsplit_once('-')?;
            let (rest, year) = rest.rsplit_once('-')?;
            is_date(year, month, last).then_some(rest)
        }
        3 => Some(rest),
        4 => is_date("2000", &last[..2], &last[2..]).then_some(rest),
        8 => is_date(&last[..4], &last[4..6], &last[6..]).then_some(rest),
        _ => None,
    }
}

fn is_date(year: &str, month: &str, day: &str) -> bool {
    let within = |text: &str, digits: usize, low: u32, high: u32| {
        text.len() == digits && text.parse().is_ok_and(|number| (low..=high).contains(&number))
    };
    within(year, 4, 2000, 2099) && within(month, 2, 1, 12) && within(day, 2, 1, 31)
}

/// The lines of a provider's models.
fn section(provider_id: &str) -> &'static str {
    let header = format!("@{provider_id}\n");
    let Some(text) = from_line(TEXT, &header) else { return "" };
    let models = &text[header.len()..];
    let end = memmem::find(models.as_bytes(), b"\n@").map_or(models.len(), |end| end + 1);
    &models[..end]
}

/// The text from the first line on that begins with `start`.
fn from_line<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    if text.starts_with(start) {
        return Some(text);
    }
    let at = memmem::find(text.as_bytes(), format!("\n{start}").as_bytes())?;
    Some(&text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_off() {
        for (id, base) in [
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("claude-3-5-sonnet-20241022", Some("claude-3-5-sonnet")),
            ("claude-sonnet-4-5@20250929", Some("claude-sonnet-4-5")),
            ("gpt-4-0613", Some("gpt-4")),
            ("gemini-2.0-flash-001", Some("gemini-2.0-flash")),
            ("chatgpt-4o-latest", Some("chatgpt-4o")),
            ("gpt-4o", None),
            ("gpt-4", None),
            ("claude-opus-4-5", None),
            ("mistral-large-2411", None),
            ("qwen-72", None),
            ("llama-3-70b-8192", None),
            ("x-2024-13-06", None),
            ("x-08-06", None),
            ("-08-06", None),
            ("", None),
            ("é-é", None),
        ] {
            assert_eq!(unversioned(id), base, "{id}");
        }
    }

    #[test]
    fn a_version_without_a_line_of_its_own_is_its_base() {
        let id = |model| find("openai", model).map(|model| model.id);
        assert_eq!(id("gpt-4o-2024-08-06"), Some("gpt-4o-2024-08-06"));
        assert_eq!(id("gpt-4.1-2025-04-14"), Some("gpt-4.1"));
        assert_eq!(id("gpt-4o-2024-99-06"), None);
        assert_eq!(exact("openai", "gpt-4.1-2025-04-14").map(|model| model.id), None);
    }

    #[test]
    fn only_whole_ids_are_found() {
        for (provider, model) in [
            ("openai", ""),
            ("openai", "gpt"),
            ("openai", "GPT-4o"),
            ("openai", "gpt-4o\tGPT-4o"),
            ("openai", "@anthropic"),
            ("openai", "claude-opus-4-5"),
            ("open", "gpt-4o"),
            ("", "gpt-4o"),
            ("nobody", "gpt-4o"),
        ] {
            assert!(find(provider, model).is_none(), "{provider} {model:?}");
        }
        assert_eq!(models("nobody").count(), 0);
    }
}
