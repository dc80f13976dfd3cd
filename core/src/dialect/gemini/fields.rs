//! How is an object read whose names may be in camel case or in snake case? Under the camel case names.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    dialect::object::Object,
    error::{Error, Result},
    json,
};

/// An object's fields that are not `null`, under their camel case names.
pub(super) struct Fields<'a> {
    fields: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Reads one object.
    pub(super) fn read(source: &'a [u8]) -> Result<Self> {
        let object = Object::read(source)?;
        let present = object.iter().filter(|(_, value)| value.get() != "null");
        Ok(Self { fields: present.map(|(name, value)| (camel(name), value)).collect() })
    }

    /// Reads an object that stands in another one under `name`.
    pub(super) fn read_at(json: &'a RawValue, name: &str) -> Result<Self> {
        Self::read(json.get().as_bytes()).map_err(|_| wrong(name))
    }

    /// The value of a name; of a repeated name the last one.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.iter().rev().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    /// The value of a name as a typed one.
    pub(super) fn typed<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        json::read(value.get()).map(Some).map_err(|_| wrong(name))
    }

    /// The value of a name as text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        self.typed::<Cow<'_, str>>(name).map(|text| text.map(Cow::into_owned))
    }

    /// The value of a name as a whole number, which may be written as text or with a fraction of nothing.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        let text = self.get(name).map_or("", RawValue::get).trim_matches('"');
        if let Ok(exact) = text.parse() {
            return Ok(Some(exact));
        }
        let whole = format!("{number:.0}");
        if number.fract() == 0.0 {
            whole.parse().map(Some).map_err(|_| wrong(name))
        } else {
            Err(wrong(name))
        }
    }

    /// The value of a name as a number, which may be written as text.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number =
            value.get().trim_matches('"').parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| wrong(name))
    }

    /// The value of a name as an object.
    pub(super) fn nested(&self, name: &str) -> Result<Option<Self>> {
        self.get(name).map(|value| Self::read_at(value, name)).transpose()
    }

    /// The value of a name as a list; an empty one when it is missing.
    pub(super) fn list(&self, name: &str) -> Result<Vec<&'a RawValue>> {
        Ok(self.typed(name)?.unwrap_or_default())
    }

    /// Every name with its value, in the order they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// A field that is known has a value that is not.
pub(super) fn wrong(name: &str) -> Error {
    Error::bad_request(format!("`{name}` has the wrong type.")).at(name)
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' && !camel.is_empty() {
            raise = true;
        } else if std::mem::take(&mut raise) {
            camel.extend(letter.to_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        let source = br#"{"inline_data":1,"mimeType":2,"file_uri":null,"x_":3}"#;
        let fields = Fields::read(source).unwrap();
        let names: Vec<_> = fields.iter().map(|(name, value)| (name, value.get())).collect();
        assert_eq!(names, [("inlineData", "1"), ("mimeType", "2"), ("x", "3")]);
        assert!(fields.get("fileUri").is_none());
    }

    #[test]
    fn numbers_may_be_text() {
        let source = br#"{"a":"12","b":4e1,"c":1.5,"d":"x","e":9007199254740993}"#;
        let fields = Fields::read(source).unwrap();
        assert_eq!(fields.integer("a").unwrap(), Some(12));
        assert_eq!(fields.integer("b").unwrap(), Some(40));
        assert_eq!(fields.integer("e").unwrap(), Some(9_007_199_254_740_993));
        assert!(fields.integer("c").is_err());
        assert_eq!(fields.number("c").unwrap(), Some(1.5));
        assert!(fields.number("d").is_err());
        assert_eq!(fields.number("z").unwrap(), None);
    }
}
