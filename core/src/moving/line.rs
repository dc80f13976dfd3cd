//! What stands in the file? JSON, one value a line: what the file is, then documents, then rows of tables, then its end.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    error::{Error, Result},
    ports::Millis,
    store::{Document, Kind, sql::Value},
};

/// The form that this code writes and reads.
pub(super) const FORM: u32 = 1;

/// A line that is no row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first: what this is, and what opens it.
    Tidegate(Head),
    /// A root secret, sealed; the one that writes comes first.
    Root(String),
    /// A document.
    Document(Box<Said>),
    /// Rows of this table follow.
    Table(Rows),
    /// The last: nothing is missing before it.
    End(End),
}

/// What the file is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) moving: u32,
    /// The version of Tidegate that wrote it.
    pub(super) version: String,
    pub(super) at_ms: Millis,
    /// The newest revision of its documents.
    pub(super) revision: i64,
    pub(super) pruned_before_ms: Millis,
    /// How the passphrase becomes a key.
    pub(super) salt: String,
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    /// Opens when the passphrase is the right one.
    pub(super) check: String,
}

/// A document, as its store had it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) kind: String,
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) parent: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) revision: i64,
    pub(super) shape: i64,
    /// Of an upstream key: toward where it may be used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) origin: String,
    /// JSON as a text, so that it is the same to the last byte. Its secrets are sealed.
    pub(super) body: String,
}

/// What the rows that follow are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rows {
    pub(super) name: String,
    /// What stands in a row, in this order.
    pub(super) columns: Vec<String>,
}

/// How the file ends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    /// How many lines stand before this one.
    pub(super) lines: u64,
    /// Made of all of them with the passphrase, in hex.
    pub(super) mac: String,
}

/// One of both.
pub(super) enum Read {
    Line(Line),
    Row(Vec<Value>),
}

impl Line {
    /// As it stands in the file.
    pub(super) fn write(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self).map_err(Error::internal)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Reads a line. `number` is its place, for whoever looks at the file.
pub(super) fn read(text: &[u8], number: u64) -> Result<Read> {
    let read = match text.first() {
        Some(b'[') => serde_json::from_slice::<Vec<Field>>(text)
            .map(|row| Read::Row(row.into_iter().map(|field| field.0).collect())),
        _ => serde_json::from_slice(text).map(Read::Line),
    };
    read.map_err(|error| {
        Error::bad_request(format!("The file is damaged: line {number} cannot be read."))
            .because(error)
    })
}

/// A row as it stands in the file.
pub(super) fn write_row(row: &[Value], text: &mut Vec<u8>) -> Result<()> {
    text.push(b'[');
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        match value {
            Value::Null => text.extend_from_slice(b"null"),
            Value::Int(number) => text.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(said) => {
                serde_json::to_writer(&mut *text, said).map_err(Error::internal)?;
            }
            Value::Real(_) => return Err(Error::internal("the store has no fractions")),
        }
    }
    text.extend_from_slice(b"]\n");
    Ok(())
}

/// A value of a row.
struct Field(Value);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Fields)
    }
}

struct Fields;

impl de::Visitor<'_> for Fields {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, a text or null")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Field, E> {
        Ok(Field(Value::Null))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> std::result::Result<Field, E> {
        Ok(Field(Value::Int(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> std::result::Result<Field, E> {
        i64::try_from(number).map(Value::Int).map(Field).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Field, E> {
        Ok(Field(Value::from(text)))
    }

    fn visit_string<E: de::Error>(self, text: String) -> std::result::Result<Field, E> {
        Ok(Field(Value::Text(text)))
    }
}

impl Said {
    /// The document with this body.
    pub(super) fn document(&self, body: String) -> Result<Document> {
        let kind =
            Kind::ALL.into_iter().find(|kind| kind.name() == self.kind).ok_or_else(|| {
                Error::bad_request(format!(
                    "A newer Tidegate wrote this file: documents of kind `{}` are not known here.",
                    self.kind
                ))
            })?;
        Ok(Document {
            kind,
            id: self.id.clone(),
            parent: self.parent.clone(),
            name: self.name.clone(),
            version: self.version,
            revision: self.revision,
            deleted: false,
            shape: self.shape,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let row = vec![Value::Null, Value::Int(i64::MIN), Value::from("a \"b\"\n\u{1f980}")];
        let mut text = Vec::new();
        write_row(&row, &mut text).unwrap();
        assert_eq!(text.split(|byte| *byte == b'\n').count(), 2, "one line, and nothing behind it");
        let Ok(Read::Row(back)) = read(&text, 1) else { panic!("no row") };
        assert_eq!(back, row);
    }

    #[test]
    fn what_is_no_line_is_named_by_its_place() {
        for wrong in ["", "{}", "[1.5]", "[[]]", "{\"more\":1}", "{\"root\":\"a\"} {}"] {
            let error = read(wrong.as_bytes(), 7).err().expect(wrong);
            assert_eq!(error.message, "The file is damaged: line 7 cannot be read.", "{wrong}");
        }
    }
}
