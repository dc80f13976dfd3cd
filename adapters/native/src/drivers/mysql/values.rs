//! How do values cross to MySQL and back?

use mysql_async::{Row, Value as Field, consts::ColumnType};
use tidegate_core::store::sql::Value;

/// A value for a placeholder.
pub(super) fn bound(value: &Value) -> Field {
    match value {
        Value::Null => Field::NULL,
        Value::Int(value) => Field::Int(*value),
        Value::Real(value) => Field::Double(*value),
        Value::Text(text) => Field::Bytes(text.as_bytes().to_vec()),
    }
}

/// The fields of a row.
pub(super) fn fields(row: Row) -> Vec<Value> {
    let columns = row.columns();
    let kinds = columns.iter().map(mysql_async::Column::column_type);
    row.unwrap().into_iter().zip(kinds).map(|(field, kind)| unbound(field, kind)).collect()
}

/// The schema has neither times nor dates.
fn unbound(field: Field, kind: ColumnType) -> Value {
    match field {
        Field::NULL | Field::Date(..) | Field::Time(..) => Value::Null,
        Field::Int(value) => Value::Int(value),
        // More than that is no number of ours; it is then refused where it is read.
        Field::UInt(value) => i64::try_from(value).map_or(Value::Null, Value::Int),
        Field::Float(value) => Value::Real(value.into()),
        Field::Double(value) => Value::Real(value),
        Field::Bytes(bytes) => text(String::from_utf8_lossy(&bytes).into_owned(), kind),
    }
}

/// Where an expression mixes whole numbers and placeholders, some versions make a decimal of it, which crosses as text.
fn text(text: String, kind: ColumnType) -> Value {
    match (kind, text.parse()) {
        (ColumnType::MYSQL_TYPE_NEWDECIMAL, Ok(value)) => Value::Int(value),
        _ => Value::Text(text),
    }
}
