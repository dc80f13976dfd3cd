//! What is known of a model? One line of the catalogue, read column by column.

use super::reasoning::Reasoning;
use crate::money::Price;

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// The provider's name for it.
    pub id: &'a str,
    /// The name for people.
    pub name: &'a str,
    /// Its release: a day such as `2024-05-13`, or a month.
    pub released: &'a str,
    /// Tokens of prompt and reply together, when known.
    pub context: Option<u64>,
    /// Tokens of the prompt, when bounded by itself.
    pub input_max: Option<u64>,
    /// Tokens of the reply, when known.
    pub output_max: Option<u64>,
    /// What it can do.
    pub capabilities: Capabilities<'a>,
    /// What it reads.
    pub input: Modalities<'a>,
    /// What it writes.
    pub output: Modalities<'a>,
    /// How its reasoning is steered.
    pub reasoning: Reasoning<'a>,
    /// Where it is in its life.
    pub status: Status,
    /// What it costs, when known. Free models cost zero.
    pub price: Option<Price>,
}

impl<'a> Model<'a> {
    /// Reads a line of the catalogue. [`source`](super::source) documents the columns and writes them.
    pub(crate) fn read(line: &'a str) -> Self {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap_or_default();
        let id = column();
        let name = Some(column()).filter(|name| !name.is_empty()).unwrap_or(id);
        let released = column();
        let mut limits = column().split('/').map(|limit| limit.parse().ok());
        let mut limit = || limits.next().flatten();
        let (context, input_max, output_max) = (limit(), limit(), limit());
        let capabilities = Capabilities(column());
        let (input, output) = column().split_once('>').unwrap_or_default();
        Self {
            id,
            name,
            released,
            context,
            input_max,
            output_max,
            capabilities,
            input: Modalities(input),
            output: Modalities(output),
            reasoning: Reasoning(column()),
            status: Status::read(column()),
            price: Price::read(column()),
        }
    }

    /// The release as Unix seconds, midnight UTC of its first day.
    #[must_use]
    pub fn released_at_s(&self) -> i64 {
        let mut parts = self.released.split('-').map(|part| part.parse().unwrap_or(1));
        let mut part = || parts.next().unwrap_or(1);
        let (year, month, day): (i64, i64, i64) = (part(), part(), part());
        // Days of the civil calendar, counted from a year that begins in March.
        let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
        let days =
            365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
        (days - 719_468) * 86_400
    }
}

/// Something that a model can or cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Files beside the text.
    Attachments,
    /// Thinks before it answers.
    Reasoning,
    /// Calls tools.
    Tools,
    /// Answers in a given JSON schema.
    StructuredOutput,
    /// Takes `temperature`.
    Temperature,
}

/// What a model can do. A small letter is a yes, a capital a no, and what is not there is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities<'a>(&'a str);

impl Capabilities<'_> {
    /// Whether the model can do this; `None` when nobody knows.
    #[must_use]
    pub fn has(self, capability: Capability) -> Option<bool> {
        let letter = match capability {
            Capability::Attachments => b'a',
            Capability::Reasoning => b'r',
            Capability::Tools => b't',
            Capability::StructuredOutput => b's',
            Capability::Temperature => b'h',
        };
        let found = self.0.bytes().find(|byte| byte.eq_ignore_ascii_case(&letter))?;
        Some(found.is_ascii_lowercase())
    }
}

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Moving images.
    Video,
    /// PDF files.
    Pdf,
}

/// Kinds of content, one letter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modalities<'a>(&'a str);

impl<'a> Modalities<'a> {
    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Modality> + 'a {
        self.0.bytes().filter_map(|letter| match letter {
            b't' => Some(Modality::Text),
            b'i' => Some(Modality::Image),
            b'a' => Some(Modality::Audio),
            b'v' => Some(Modality::Video),
            b'p' => Some(Modality::Pdf),
            _ => None,
        })
    }

    /// Whether this is among them.
    #[must_use]
    pub fn contains(self, modality: Modality) -> bool {
        self.iter().any(|one| one == modality)
    }
}

/// Where a model is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In service.
    Stable,
    /// Not finished.
    Beta,
    /// On its way out.
    Deprecated,
}

impl Status {
    fn read(word: &str) -> Self {
        match word {
            "beta" => Self::Beta,
            "deprecated" => Self::Deprecated,
            _ => Self::Stable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_time() {
        for (released, seconds) in [
            ("1970-01-01", 0),
            ("2000-03-01", 951_868_800),
            ("2024-02-29", 1_709_164_800),
            ("2024-05-13", 1_715_558_400),
            ("2025-09", 1_756_684_800),
        ] {
            let line = format!("m\t\t{released}");
            assert_eq!(Model::read(&line).released_at_s(), seconds, "{released}");
        }
    }

    #[test]
    fn a_capability_is_a_yes_a_no_or_unknown() {
        let capabilities = Capabilities("aRh");
        assert_eq!(capabilities.has(Capability::Attachments), Some(true));
        assert_eq!(capabilities.has(Capability::Reasoning), Some(false));
        assert_eq!(capabilities.has(Capability::Tools), None);
    }
}
