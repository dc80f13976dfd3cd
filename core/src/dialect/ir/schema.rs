//! What shape must JSON have? A schema as a tree, because a dialect with fewer words needs it rewritten.

use std::fmt;

use serde::{
    Serialize, Serializer,
    de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, value::RawValue};

use crate::{
    error::{Error, Result},
    limits::{JSON_DEPTH_MAX, SCHEMA_NODES_MAX},
};

/// A bounded JSON tree: fields keep their order, and numbers their value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Schema {
    /// `null`.
    Null,
    /// `true` and `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Schema>),
    /// An object.
    Map(Vec<(String, Schema)>),
}

impl Schema {
    /// Reads a schema; one that is too deep or too large is refused.
    pub(crate) fn read(json: &RawValue) -> Result<Self> {
        let mut nodes = SCHEMA_NODES_MAX;
        let mut source = serde_json::Deserializer::from_str(json.get());
        Bounded { nodes: &mut nodes, depth: JSON_DEPTH_MAX }
            .deserialize(&mut source)
            .map_err(|_| Error::bad_request("A schema is too deep, too large, or not JSON."))
    }

    /// An empty object.
    pub(crate) fn empty() -> Self {
        Self::Map(Vec::new())
    }

    /// The value of a name, of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The text, of a string.
    pub(crate) fn as_text(&self) -> Option<&str> {
        let Self::Text(text) = self else { return None };
        Some(text)
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

/// Reads a tree of at most so many nodes and so deep.
struct Bounded<'n> {
    nodes: &'n mut usize,
    depth: usize,
}

impl Bounded<'_> {
    fn inner<E: serde::de::Error>(&mut self) -> Result<Bounded<'_>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Bounded { nodes: self.nodes, depth })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Schema;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Schema, D::Error> {
        let left = self.nodes.checked_sub(1);
        *self.nodes = left.ok_or_else(|| serde::de::Error::custom("too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Schema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Schema, E> {
        Ok(Schema::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Schema, E> {
        Ok(Schema::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Schema, E> {
        Ok(Schema::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Schema, E> {
        Ok(Schema::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Schema, E> {
        Number::from_f64(value).map(Schema::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Schema, E> {
        Ok(Schema::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Schema, E> {
        Ok(Schema::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Schema, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.inner()?)? {
            items.push(item);
        }
        Ok(Schema::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Schema, A::Error> {
        let mut fields: Vec<(String, Schema)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.inner()?)?;
            // Of a repeated name the last one counts, as most parsers have it.
            match fields.iter_mut().find(|(field, _)| *field == name) {
                Some((_, earlier)) => *earlier = value,
                None => fields.push((name, value)),
            }
        }
        Ok(Schema::Map(fields))
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut nodes = SCHEMA_NODES_MAX;
        Bounded { nodes: &mut nodes, depth: JSON_DEPTH_MAX }.deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Schema> {
        Schema::read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_schema_keeps_its_order_and_its_numbers() {
        let json = r#"{"type":"object","z":1,"a":[1.5,-2,18446744073709551615,null,true],"e":{}}"#;
        assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
    }

    #[test]
    fn a_schema_is_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&deep(JSON_DEPTH_MAX)).is_ok());
        assert!(read(&deep(JSON_DEPTH_MAX + 2)).is_err());
        let wide = format!("[{}0]", "0,".repeat(SCHEMA_NODES_MAX));
        assert!(read(&wide).is_err());
    }
}
