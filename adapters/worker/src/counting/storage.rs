//! How does an object run a batch? At once, in the SQLite that belongs to it; nothing else happens there meanwhile.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    store::sql::{Database, Flavor, Outcome, Statement, Value},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use worker::{
    SqlStorage, SqlStorageValue, Storage,
    js_sys::{Function, Reflect},
    send::SendWrapper,
};

use crate::d1::refused;

const CHANGES: &str = "SELECT changes() AS changed";

/// The database of one object.
pub(super) struct OwnSql(SendWrapper<Storage>);

impl OwnSql {
    pub(super) fn new(storage: Storage) -> Self {
        Self(SendWrapper::new(storage))
    }
}

#[async_trait]
impl Database for OwnSql {
    fn flavor(&self) -> Flavor {
        Flavor::Sqlite
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let sql = self.0.sql();
        batch.iter().map(|statement| outcome(&sql, statement)).collect()
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        transaction(&self.0, batch)
    }
}

/// What is thrown takes all back.
fn transaction(storage: &Storage, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
    let (sql, told) = (storage.sql(), Rc::new(RefCell::new(None)));
    let telling = Rc::clone(&told);
    let inside = Closure::once_assert_unwind_safe(move || {
        let outcomes: Result<Vec<Outcome>> =
            batch.iter().map(|statement| changed(&sql, statement)).collect();
        let undone = outcomes.is_err();
        *telling.borrow_mut() = Some(outcomes);
        if undone { Err(JsValue::from_str("taken back")) } else { Ok(JsValue::UNDEFINED) }
    });
    let storage = storage.as_raw();
    let begin: Function = Reflect::get(storage, &"transactionSync".into())
        .and_then(JsCast::dyn_into)
        .map_err(|cause| Error::store(worker::Error::from(cause)))?;
    let ended = begin.call1(storage, inside.as_ref().unchecked_ref::<Function>());
    match (told.take(), ended) {
        (Some(Err(error)), _) => Err(error),
        (Some(Ok(outcomes)), Ok(_)) => Ok(outcomes),
        (_, Err(cause)) => Err(Error::store(worker::Error::from(cause))),
        (None, Ok(_)) => Err(Error::store("an object has run no transaction")),
    }
}

fn changed(sql: &SqlStorage, statement: &Statement) -> Result<Outcome> {
    let mut done = outcome(sql, statement)?;
    if statement.sql.starts_with("SELECT ") {
        return Ok(done);
    }
    let count = rows(sql, CHANGES, Vec::new())?;
    if let Some(Value::Int(count)) = count.rows.first().and_then(|row| row.first()) {
        done.changed = u64::try_from(*count).unwrap_or(0);
    }
    Ok(done)
}

fn outcome(sql: &SqlStorage, statement: &Statement) -> Result<Outcome> {
    rows(sql, &statement.sql, statement.args.iter().map(bound).collect())
}

fn rows(sql: &SqlStorage, text: &str, args: Vec<SqlStorageValue>) -> Result<Outcome> {
    let failed = |error: worker::Error| refused(&error.to_string());
    let cursor = sql.exec(text, args).map_err(failed)?;
    let columns = cursor.column_names();
    let row = |row: worker::Result<Vec<SqlStorageValue>>| {
        row.map_err(failed)?.into_iter().map(value).collect::<Result<Vec<Value>>>()
    };
    let rows = cursor.raw().map(row).collect::<Result<_>>()?;
    Ok(Outcome { columns, rows, changed: 0 })
}

fn bound(value: &Value) -> SqlStorageValue {
    match value {
        Value::Null => SqlStorageValue::Null,
        // A number of JavaScript is a float, here as for D1; SQLite stores a whole one as the integer it is.
        #[expect(clippy::cast_precision_loss, reason = "the store keeps integers below 2^53")]
        Value::Int(int) => SqlStorageValue::Float(*int as f64),
        Value::Real(real) => SqlStorageValue::Float(*real),
        Value::Text(text) => SqlStorageValue::String(text.clone()),
    }
}

fn value(value: SqlStorageValue) -> Result<Value> {
    Ok(match value {
        SqlStorageValue::Null => Value::Null,
        SqlStorageValue::Boolean(yes) => Value::Int(i64::from(yes)),
        SqlStorageValue::Integer(int) => Value::Int(int),
        SqlStorageValue::Float(real) => Value::Real(real),
        SqlStorageValue::String(text) => Value::Text(text),
        SqlStorageValue::Blob(_) => return Err(Error::store("an object holds bytes")),
    })
}
