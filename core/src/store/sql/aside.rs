//! How is a record written down where no database is? As a line of JSON: its columns by their names, so that other versions
//! of the gateway can read it, and what is to be settled with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    super::{Add, Ahead, Record, Settlement},
    columns::{COLUMNS, record, values},
    database::{Outcome, Value},
    rows::rows,
};
use crate::error::{Error, Result};

/// One value of a column.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Cell {
    Int(i64),
    Text(String),
}

#[derive(Serialize, Deserialize)]
struct Line {
    columns: BTreeMap<String, Cell>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settlement: Option<Settled>,
}

#[derive(Serialize, Deserialize)]
struct Settled {
    id: String,
    holds: bool,
    adds: Vec<Spent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ahead: Option<Drawn>,
}

/// What was counted ahead, and where.
#[derive(Serialize, Deserialize)]
struct Drawn {
    id: String,
    taken: Vec<(String, i64)>,
}

#[derive(Serialize, Deserialize)]
struct Spent {
    name: String,
    by: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
    expires_at_ms: i64,
}

/// The line of a record.
pub fn write_aside(record: &Record) -> Result<Vec<u8>> {
    let cell = |(name, value): (&&str, Value)| {
        let cell = match value {
            Value::Int(value) => Cell::Int(value),
            Value::Text(text) => Cell::Text(text),
            Value::Null | Value::Real(_) => return Err(Error::internal(format!("{name} is none"))),
        };
        Ok(((*name).to_owned(), cell))
    };
    let columns = COLUMNS.iter().zip(values(record)).map(cell).collect::<Result<_>>()?;
    let settlement = record.settlement.as_deref().map(|it| Settled {
        id: it.id.clone(),
        holds: it.holds,
        adds: it.adds.iter().map(spent).collect(),
        ahead: it.ahead.clone().map(|Ahead { id, taken }| Drawn { id, taken }),
    });
    serde_json::to_vec(&Line { columns, settlement }).map_err(Error::internal)
}

/// The record of a line. A column that the line does not have is as in a record of which nothing is known.
pub fn read_aside(line: &[u8]) -> Result<Record> {
    let Line { mut columns, settlement } = serde_json::from_slice(line).map_err(Error::internal)?;
    let unknown = values(&Record::default());
    let row = COLUMNS.iter().zip(unknown).map(|(name, unknown)| match columns.remove(*name) {
        Some(Cell::Int(value)) => Value::Int(value),
        Some(Cell::Text(text)) => Value::Text(text),
        None => unknown,
    });
    let names = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let outcome = Outcome { columns: names, rows: vec![row.collect()], changed: 0 };
    let fields = rows(outcome, &COLUMNS)?.pop();
    let mut record = record(fields.ok_or_else(|| Error::internal("a line without a record"))?)?;
    record.settlement = settlement.map(|it| {
        let adds = it.adds.into_iter().map(add).collect();
        let ahead = it.ahead.map(|Drawn { id, taken }| Ahead { id, taken });
        Box::new(Settlement { id: it.id, adds, holds: it.holds, ahead })
    });
    Ok(record)
}

/// What was used is never refused, so it has no cap.
fn spent(add: &Add) -> Spent {
    let Add { name, by, floor, cap: _, expires_at_ms } = add;
    Spent { name: name.clone(), by: *by, floor: *floor, expires_at_ms: *expires_at_ms }
}

fn add(Spent { name, by, floor, expires_at_ms }: Spent) -> Add {
    Add { name, by, floor, cap: None, expires_at_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Ended, Tariff};

    fn full() -> Record {
        let mut record = Record {
            id: "0198-a".to_owned(),
            at_ms: 1_800_000_000_000,
            client: "alice".to_owned(),
            error: "with \"quotes\"\nand lines \u{1f600}".to_owned(),
            status: 200,
            cost_nano: 123_456_789,
            bytes_out: 77,
            stale: true,
            unchecked: true,
            recalled: true,
            ended: Ended::Cut,
            ..Record::default()
        };
        record.usage.prompt = 9_007_199_254_740_991;
        record.usage.tariff = Tariff::Flex;
        let spent = |name: &str, by, floor| Add {
            name: name.to_owned(),
            by,
            floor,
            cap: None,
            expires_at_ms: i64::MAX,
        };
        let adds = vec![spent("client:a/dollars/day/0", 5, None), spent("b", -1, Some(7))];
        let ahead = Some(Ahead { id: "lease".to_owned(), taken: vec![("b".to_owned(), 3)] });
        let settlement = Settlement { id: record.id.clone(), adds, holds: true, ahead };
        record.settlement = Some(Box::new(settlement));
        record
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for record in [full(), Record::default()] {
            assert_eq!(read_aside(&write_aside(&record).unwrap()).unwrap(), record);
        }
    }

    #[test]
    fn what_another_version_has_not_written_is_unknown() {
        let line = br#"{"columns":{"id":"x","at_ms":5,"of_tomorrow":"?"}}"#;
        let record = read_aside(line).unwrap();
        assert_eq!(record, Record { id: "x".to_owned(), at_ms: 5, ..Record::default() });
    }

    #[test]
    fn nonsense_is_an_error() {
        for line in
            [&b""[..], b"{}", b"{\"columns\":{\"status\":\"x\"}}", b"{\"columns\":{\"id\":1}}"]
        {
            assert!(read_aside(line).is_err());
        }
    }
}
