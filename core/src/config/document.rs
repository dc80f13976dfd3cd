//! What does the file say, and in which line? Tables that are read key by key; what is left over is a mistake.

use std::borrow::Cow;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    hint::did_you_mean,
    mistake::{Mistake, Spot},
};

/// Where the lines of a text begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    /// The lines of `text`.
    pub(super) fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1).collect())
    }

    /// The line, counted from one, of the byte at `offset`.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset) + 1
    }
}

/// A table of the file, read key by key.
pub(super) struct Table<'t> {
    /// How the file writes it, such as `[[provider]]`.
    name: &'static str,
    line: usize,
    entries: Option<&'t DeTable<'t>>,
    lines: &'t Lines,
    known: Vec<&'static str>,
    disabled: bool,
}

impl<'t> Table<'t> {
    /// The table that is the file itself.
    pub(super) fn root(entries: &'t DeTable<'t>, lines: &'t Lines) -> Self {
        Self::new("the file", 1, Some(entries), lines)
    }

    fn new(
        name: &'static str,
        line: usize,
        entries: Option<&'t DeTable<'t>>,
        lines: &'t Lines,
    ) -> Self {
        Self { name, line, entries, lines, known: Vec::new(), disabled: false }
    }

    /// Whether anything stands under `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.contains_key(key))
    }

    /// What stands under `key`, which is known from then on.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Said<'t>> {
        self.known.push(key);
        let (name, value) = self.entries?.get_key_value(key)?;
        let spot = Spot::line(self.lines.at(name.span().start), format!("`{key}`"));
        Some(Said { spot, value: Value::File(value.get_ref(), self.lines) })
    }

    /// The table under `key`, empty when there is none. `name` is how the file writes it.
    pub(super) fn table(&mut self, key: &'static str, name: &'static str) -> Result<Self, Mistake> {
        let Some(said) = self.take(key) else { return Ok(self.nothing(name)) };
        let Value::File(DeValue::Table(entries), lines) = said.value else {
            return Err(said.spot.mistake(format!("must be a table: write {name} above its keys")));
        };
        let line = said.spot.line.unwrap_or(1);
        Ok(Self::new(name, line, Some(entries), lines))
    }

    /// The tables under `key`, one for each `[[key]]`.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        name: &'static str,
    ) -> Vec<Result<Self, Mistake>> {
        let Some(said) = self.take(key) else { return Vec::new() };
        let wrong = said.spot.mistake(format!("must be tables: write {name} above each"));
        let Value::File(DeValue::Array(items), lines) = said.value else { return vec![Err(wrong)] };
        let table = |item: &'t Spanned<DeValue<'t>>| {
            let line = lines.at(item.span().start);
            match item.get_ref() {
                DeValue::Table(entries) => Ok(Self::new(name, line, Some(entries), lines)),
                _ => Err(Mistake { line: Some(line), message: wrong.message.clone() }),
            }
        };
        items.iter().map(table).collect()
    }

    /// A table without keys, for one that is not there.
    pub(super) fn nothing(&self, name: &'static str) -> Self {
        Self::new(name, self.line, None, self.lines)
    }

    /// Reads `enabled`. A table that says no is disabled from then on.
    pub(super) fn enabled(&mut self) -> Result<bool, Mistake> {
        let Some(said) = self.take("enabled") else { return Ok(true) };
        let enabled = said.flag()?;
        self.disabled = !enabled;
        Ok(enabled)
    }

    /// Whether it says `enabled = false`, and may therefore be incomplete.
    pub(super) fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// A sentence about the table as a whole.
    pub(super) fn mistake(&self, predicate: &str) -> Mistake {
        Spot::line(self.line, self.name).mistake(predicate)
    }

    /// Ends the table: each key that nobody took is a mistake.
    pub(super) fn end(self) -> Vec<Mistake> {
        let keys = self.entries.into_iter().flat_map(DeTable::keys);
        let unknown = keys.filter(|key| !self.known.iter().any(|known| known == key.get_ref()));
        let mistake = |key: &Spanned<DeString<'_>>| {
            let hint = did_you_mean(key.get_ref(), &self.known);
            let message = format!("{} is not a key of {}{hint}", shown(key.get_ref()), self.name);
            Mistake { line: Some(self.lines.at(key.span().start)), message }
        };
        unknown.map(mistake).collect()
    }
}

/// A key as a sentence may repeat it: a long or strange one may be a secret in the wrong place.
fn shown(key: &str) -> Cow<'static, str> {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.');
    if key.len() <= 24 && key.bytes().all(plain) {
        format!("`{key}`").into()
    } else {
        "this".into()
    }
}

/// A value that somebody gave, in the file or in a variable.
pub(super) struct Said<'t> {
    /// Where it was said.
    pub(super) spot: Spot,
    value: Value<'t>,
}

enum Value<'t> {
    File(&'t DeValue<'t>, &'t Lines),
    Variable(String),
}

impl<'t> Said<'t> {
    /// What a variable says.
    pub(super) fn variable(name: &'static str, text: String) -> Self {
        Self { spot: Spot::variable(name), value: Value::Variable(text) }
    }

    /// A text, without the white space around it.
    pub(super) fn text(&self) -> Result<&str, Mistake> {
        let text = match &self.value {
            Value::File(value, _) => value.as_str(),
            Value::Variable(text) => Some(text.as_str()),
        };
        match text.map(str::trim) {
            Some("") => Err(self.spot.mistake("must not be empty")),
            Some(text) => Ok(text),
            None => Err(self.wrong("a text in quotes")),
        }
    }

    /// A whole number from 1 to `max`.
    pub(super) fn count(&self, max: u32) -> Result<u32, Mistake> {
        let number = match &self.value {
            Value::File(DeValue::Integer(number), _) => {
                Some(u32::from_str_radix(number.as_str(), number.radix()))
            }
            Value::File(..) => None,
            Value::Variable(text) => Some(text.trim().parse()),
        };
        match number {
            Some(Ok(number)) if (1..=max).contains(&number) => Ok(number),
            Some(_) => Err(self.spot.mistake(format!("must be a whole number from 1 to {max}"))),
            None => Err(self.wrong(&format!("a whole number from 1 to {max}, without quotes"))),
        }
    }

    /// A whole number from 0.
    pub(super) fn amount(&self) -> Result<i64, Mistake> {
        let Value::File(DeValue::Integer(number), _) = &self.value else {
            return Err(self.wrong("a whole number, without quotes"));
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if number >= 0 => Ok(number),
            _ => Err(self.spot.mistake("must be a whole number from 0")),
        }
    }

    /// A number that may have decimals.
    pub(super) fn decimal(&self) -> Result<f64, Mistake> {
        let text = self.number().ok_or_else(|| self.wrong("a number, without quotes"))?;
        text.parse().map_err(|_| self.spot.mistake("must be a number"))
    }

    /// A number that may have decimals, as it is written: with quotes, as in the API, or without.
    pub(super) fn digits(&self) -> Result<&str, Mistake> {
        match &self.value {
            Value::File(DeValue::String(_), _) | Value::Variable(_) => self.text(),
            Value::File(..) => self.number().ok_or_else(|| self.wrong("a number")),
        }
    }

    fn number(&self) -> Option<&str> {
        match &self.value {
            Value::File(DeValue::Integer(number), _) if number.radix() == 10 => {
                Some(number.as_str())
            }
            Value::File(DeValue::Float(number), _) => Some(number.as_str()),
            Value::File(..) | Value::Variable(_) => None,
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> Result<bool, Mistake> {
        match &self.value {
            Value::File(DeValue::Boolean(flag), _) => Ok(*flag),
            Value::File(..) => Err(self.wrong("true or false, without quotes")),
            Value::Variable(text) => match text.trim().to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Ok(true),
                "0" | "false" | "no" | "off" => Ok(false),
                _ => Err(self.spot.mistake("must be true or false")),
            },
        }
    }

    /// The value whose word this is.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&'static str, T)]) -> Result<T, Mistake> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let known: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
        let hint = did_you_mean(text, &known);
        Err(self.spot.mistake(format!("must be `{}`{hint}", known.join("` or `"))))
    }

    /// The items of a list, each with its own line.
    pub(super) fn list(&self) -> Result<Vec<Said<'t>>, Mistake> {
        let Value::File(DeValue::Array(items), lines) = self.value else {
            return Err(self.wrong("a list in square brackets"));
        };
        let item = |item: &'t Spanned<DeValue<'t>>| {
            let subject = format!("an entry of {}", self.spot.subject);
            let spot = Spot::line(lines.at(item.span().start), subject);
            Said { spot, value: Value::File(item.get_ref(), lines) }
        };
        Ok(items.iter().map(item).collect())
    }

    /// The one entry of an inline table such as `{ env = "NAME" }`: its key and its text.
    pub(super) fn reference(&self) -> Option<(&'t str, Option<&'t str>)> {
        let Value::File(DeValue::Table(entries), _) = self.value else { return None };
        let mut entries = entries.iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else { return None };
        Some((key.get_ref(), value.get_ref().as_str()))
    }

    /// The inline table that this is, if it has `key`. `name` is how a mistake calls it.
    pub(super) fn keyed(&self, key: &str, name: &'static str) -> Option<Table<'t>> {
        let Value::File(DeValue::Table(entries), lines) = self.value else { return None };
        let line = self.spot.line.unwrap_or(1);
        entries.contains_key(key).then(|| Table::new(name, line, Some(entries), lines))
    }

    fn wrong(&self, wanted: &str) -> Mistake {
        let found = match &self.value {
            Value::File(value, _) => value.type_str(),
            Value::Variable(_) => "string",
        };
        self.spot.mistake(format!("must be {wanted}, and this is {}", article(found)))
    }
}

fn article(kind: &str) -> String {
    match kind {
        "integer" | "array" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}
