//! How do values cross to `PostgreSQL` and back? With the types that they have here, never with those that the server
//! would guess: beside a literal it takes a placeholder for 32 bits wide.

use std::error::Error;

use tidegate_core::store::sql::Value;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

/// A value for a placeholder.
#[derive(Debug)]
pub(super) struct Bound<'v>(pub(super) &'v Value);

/// The type that a placeholder is declared with. That of a NULL follows from where it stands.
pub(super) fn declared(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Real(_) => Type::FLOAT8,
        Value::Text(_) => Type::TEXT,
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(wanted, out),
            Value::Real(value) => value.to_sql(wanted, out),
            // Its text has room for every character but this one.
            Value::Text(text) if text.contains('\0') => {
                text.replace('\0', "\u{fffd}").to_sql(wanted, out)
            }
            Value::Text(text) => text.to_sql(wanted, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A field of a row.
pub(super) struct Field(pub(super) Value);

impl<'r> FromSql<'r> for Field {
    fn from_sql(found: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let value = match *found {
            Type::INT8 => Value::Int(i64::from_sql(found, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(found, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(found, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(found, raw)?),
            _ => Value::Text(String::from_sql(found, raw)?),
        };
        Ok(Self(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    /// No decimals: every sum is made a whole number by the store.
    fn accepts(found: &Type) -> bool {
        matches!(*found, Type::INT8 | Type::INT4 | Type::INT2 | Type::FLOAT8)
            || matches!(*found, Type::TEXT | Type::VARCHAR)
    }
}
