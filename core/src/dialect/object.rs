//! How is a JSON object read without building a tree? As an ordered list of names and raw values.
//!
//! Serde's `flatten`, `tag` and `untagged` cannot carry raw values, so objects that keep unknown fields go through here.

use std::{borrow::Cow, fmt, ops::Range};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    json,
};

/// An object's fields in the order they came, repeated names included.
pub(crate) struct Object<'a> {
    source: &'a [u8],
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads one object; its values are checked to be JSON and otherwise left alone.
    pub(crate) fn read(source: &'a [u8]) -> Result<Self> {
        let Fields(fields) = serde_json::from_slice(source).map_err(|error| {
            // Serde's own text may quote the input; the position is enough.
            let (line, column) = (error.line(), error.column());
            Error::bad_request(format!(
                "The body is not a JSON object that can be read (line {line}, column {column})."
            ))
        })?;
        Ok(Self { source, fields })
    }

    /// The value of a name; of a repeated name the last one, as most parsers have it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.iter().rev().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    /// The value of a name, unless it is `null`.
    pub(crate) fn present(&self, name: &str) -> Option<&'a RawValue> {
        self.get(name).filter(|value| value.get() != "null")
    }

    /// The names of all fields that are not `null`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|(_, value)| value.get() != "null").map(|(name, _)| &**name)
    }

    /// The value of a name as an object. A missing name and `null` are `None`.
    pub(crate) fn nested(&self, name: &str) -> Result<Option<Object<'a>>> {
        let Some(value) = self.present(name) else { return Ok(None) };
        Object::read(value.get().as_bytes())
            .map(Some)
            .map_err(|_| Error::bad_request(format!("`{name}` has the wrong type.")).at(name))
    }

    /// The value of a name as a typed one. A missing name and `null` are `None`.
    pub(crate) fn typed<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        json::read(value.get())
            .map_err(|_| Error::bad_request(format!("`{name}` has the wrong type.")).at(name))
    }

    /// Where the values of a name stand in the source.
    pub(crate) fn spans(&self, name: &str) -> impl Iterator<Item = Range<usize>> {
        let fields = self.fields.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| self.span(value))
    }

    /// Where the closing brace stands in the source.
    pub(crate) fn end(&self) -> usize {
        self.source.iter().rposition(|byte| *byte == b'}').unwrap_or(self.source.len())
    }

    /// Every name with its value, in the order they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.fields.iter().map(|(name, value)| (&**name, *value))
    }

    /// Whether there is no field at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn span(&self, value: &RawValue) -> Range<usize> {
        // A raw value borrows from the source, so the distance of their addresses is its offset.
        let start = value.get().as_ptr().addr() - self.source.as_ptr().addr();
        start..start + value.get().len()
    }
}

struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Collect<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect(std::marker::PhantomData))
    }
}

/// A name that is borrowed unless it holds an escape. (`Cow` itself is always read as owned.)
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_place() {
        let source = br#" {"b": 1, "a" : [2, {"b": 3}], "b":null} "#;
        let object = Object::read(source).unwrap();
        assert_eq!(object.get("b").unwrap().get(), "null");
        let spans: Vec<_> = object.spans("b").map(|span| &source[span]).collect();
        assert_eq!(spans, [&b"1"[..], b"null"]);
        assert_eq!(&source[object.spans("a").next().unwrap()], br#"[2, {"b": 3}]"#);
        assert_eq!(source[object.end()], b'}');
    }

    #[test]
    fn an_escaped_name_is_the_same_name() {
        let object = Object::read(br#"{"mod\u0065l":"x"}"#).unwrap();
        assert_eq!(object.typed::<String>("model").unwrap().unwrap(), "x");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for source in ["", "[]", "null", "{", r#"{"a":}"#, r#"{"a":1}}"#, "{\"a\":\"\u{1}\"}"] {
            assert!(Object::read(source.as_bytes()).is_err(), "{source}");
        }
        assert!(Object::read(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
    }
}
