//! How does D1 run a batch? As one transaction; its rows come as objects whose properties keep the column order.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use tidegate_core::{
    Error, Result,
    error::Kind,
    limits,
    store::sql::{Database, Flavor, Outcome, Statement, Value},
};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result, js_sys, send::SendFuture};

use crate::platform::Timer;

/// A D1 database. The runtime keeps the connection; nothing is held between two batches.
pub struct D1(D1Database);

impl D1 {
    /// The database behind a binding.
    #[must_use]
    pub fn new(database: D1Database) -> Self {
        Self(database)
    }
}

#[async_trait]
impl Database for D1 {
    fn flavor(&self) -> Flavor {
        Flavor::Sqlite
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        SendFuture::new(run(&self.0, batch)).await
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        SendFuture::new(run(&self.0, batch)).await
    }
}

async fn run(database: &D1Database, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let prepared = batch.into_iter().map(|statement| prepare(database, statement));
    let prepared = prepared.collect::<worker::Result<Vec<_>>>().map_err(failed)?;
    let answer = std::pin::pin!(database.batch(prepared));
    let time_out = std::pin::pin!(Timer::start(limits::DATABASE_WAIT).wait());
    match select(answer, time_out).await {
        Either::Left((results, _)) => results.map_err(failed)?.iter().map(outcome).collect(),
        Either::Right(((), _)) => Err(Error::store("D1 does not answer")),
    }
}

fn prepare(database: &D1Database, statement: Statement) -> worker::Result<D1PreparedStatement> {
    let args: Vec<JsValue> = statement.args.iter().map(bound).collect();
    database.prepare(statement.sql).bind(&args)
}

/// D1 takes no big integers, so an integer travels as a float; SQLite stores a whole one as the integer it is.
fn bound(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        #[expect(clippy::cast_precision_loss, reason = "the store keeps integers below 2^53")]
        Value::Int(int) => JsValue::from_f64(*int as f64),
        Value::Real(real) => JsValue::from_f64(*real),
        Value::Text(text) => JsValue::from_str(text),
    }
}

fn outcome(result: &D1Result) -> Result<Outcome> {
    if let Some(error) = result.error() {
        return Err(refused(&error));
    }
    let changes = result.meta().map_err(Error::store)?.and_then(|meta| meta.changes);
    let rows: Vec<Row> = result.results().map_err(Error::store)?;
    let columns = rows.first().map(|row| row.columns.clone()).unwrap_or_default();
    let rows = rows.into_iter().map(|row| row.values).collect();
    Ok(Outcome { columns, rows, changed: changes.unwrap_or_default() as u64 })
}

/// One row: a JavaScript object, its properties in the order of the columns.
struct Row {
    columns: Vec<String>,
    values: Vec<Value>,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Columns)
    }
}

struct Columns;

impl<'de> Visitor<'de> for Columns {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Row, M::Error> {
        let mut row = Row { columns: Vec::new(), values: Vec::new() };
        while let Some((column, Cell(value))) = map.next_entry()? {
            row.columns.push(column);
            row.values.push(value);
        }
        Ok(row)
    }
}

/// One value. JavaScript does not tell 2 from 2.0: a whole number is an integer.
struct Cell(Value);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)
    }
}

struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NULL, a number or text")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Cell, E> {
        Ok(Cell(Value::Null))
    }

    fn visit_i64<E: de::Error>(self, int: i64) -> Result<Cell, E> {
        Ok(Cell(Value::Int(int)))
    }

    fn visit_u64<E: de::Error>(self, int: u64) -> Result<Cell, E> {
        i64::try_from(int).map(|int| Cell(Value::Int(int))).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, real: f64) -> Result<Cell, E> {
        Ok(Cell(Value::Real(real)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(Value::Text(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Cell, E> {
        Ok(Cell(Value::Text(text)))
    }
}

/// Whatever is not known to be a refusal may have been committed.
fn failed(error: worker::Error) -> Error {
    match error {
        worker::Error::D1(error) => {
            let error: &js_sys::Error = error.as_ref();
            refused(&String::from(error.message()))
        }
        other => Error::store(other),
    }
}

pub(crate) fn refused(message: &str) -> Error {
    if message.contains("SQLITE_CONSTRAINT") || message.contains("constraint failed") {
        return Error::new(Kind::Conflict, "Another change came first.").because(message);
    }
    Error::store(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_the_order_of_its_columns() {
        let row: Row =
            serde_json::from_str(r#"{"z":1,"a":"x","m":null,"b":0.5,"at_ms":1790000000000}"#)
                .unwrap();
        assert_eq!(row.columns, ["z", "a", "m", "b", "at_ms"]);
        let text = Value::Text("x".to_owned());
        let expected =
            [Value::Int(1), text, Value::Null, Value::Real(0.5), Value::Int(1_790_000_000_000)];
        assert_eq!(row.values, expected);
    }

    #[test]
    fn a_violated_constraint_is_a_conflict_and_all_else_may_have_been_committed() {
        let check = |message, kind| assert_eq!(refused(message).kind, kind, "{message}");
        check("D1_ERROR: UNIQUE constraint failed: a.id: SQLITE_CONSTRAINT", Kind::Conflict);
        check("D1_ERROR: CHECK constraint failed: ok = 1: SQLITE_CONSTRAINT", Kind::Conflict);
        check("D1_ERROR: no such table: a: SQLITE_ERROR", Kind::Unavailable);
        check("D1_ERROR: Network connection lost.", Kind::Unavailable);
    }
}
