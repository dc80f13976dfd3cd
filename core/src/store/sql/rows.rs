//! How do rows become values of the core? By column name: not every database keeps the order of a SELECT.

use crate::error::{Error, Result};

use super::database::{Outcome, Value};

/// The fields of one row, taken one after the other in the order they were asked for.
pub(super) struct Fields(std::vec::IntoIter<Value>);

/// The rows of an outcome with exactly `columns`, in that order.
pub(super) fn rows(outcome: Outcome, columns: &[&str]) -> Result<Vec<Fields>> {
    // Without rows D1 tells no column names.
    if outcome.rows.is_empty() {
        return Ok(Vec::new());
    }
    if outcome.columns.iter().map(String::as_str).eq(columns.iter().copied()) {
        return Ok(outcome.rows.into_iter().map(|row| Fields(row.into_iter())).collect());
    }
    let places =
        columns
            .iter()
            .map(|column| {
                outcome.columns.iter().position(|name| name == column).ok_or_else(|| {
                    Error::internal(format!("the database left out column {column}"))
                })
            })
            .collect::<Result<Vec<usize>>>()?;
    Ok(outcome.rows.into_iter().map(|row| reordered(row, &places)).collect())
}

/// The single integer of a statement that asks for one, `None` when it found no row or NULL.
pub(super) fn number(outcome: Option<Outcome>) -> Result<Option<i64>> {
    let value = outcome.and_then(|outcome| outcome.rows.into_iter().next()?.into_iter().next());
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => integer(value).map(Some),
    }
}

impl Fields {
    /// All that are left: texts, integers and NULLs.
    pub(super) fn values(self) -> Result<Vec<Value>> {
        let value = |value| match value {
            Value::Real(_) => integer(value).map(Value::Int),
            other => Ok(other),
        };
        self.0.map(value).collect()
    }

    /// The next field, text.
    pub(super) fn text(&mut self) -> Result<String> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            other => Err(Error::internal(format!("the database gave {other:?} for text"))),
        }
    }

    /// The next field, an integer.
    pub(super) fn int(&mut self) -> Result<i64> {
        integer(self.0.next().unwrap_or(Value::Null))
    }

    /// The next field, an integer that is a number of something.
    pub(super) fn count<T: TryFrom<i64>>(&mut self) -> Result<T> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| Error::internal(format!("{value} is out of range")))
    }

    /// The next field, a 0 or 1.
    pub(super) fn flag(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }
}

/// D1 hands integers over as floats.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^53")]
fn integer(value: Value) -> Result<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Int(value) => Ok(value),
        Value::Real(value) if value.fract() == 0.0 && value.abs() <= EXACT_MAX => Ok(value as i64),
        other => Err(Error::internal(format!("the database gave {other:?} for an integer"))),
    }
}

fn reordered(mut row: Vec<Value>, places: &[usize]) -> Fields {
    let take = |place: &usize| {
        row.get_mut(*place).map_or(Value::Null, |v| std::mem::replace(v, Value::Null))
    };
    Fields(places.iter().map(take).collect::<Vec<Value>>().into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            columns: vec!["b".to_owned(), "a".to_owned()],
            rows: vec![vec![Value::Real(2.0), Value::from("x")]],
            changed: 0,
        }
    }

    #[test]
    fn fields_come_in_the_order_asked_for() {
        let mut found = rows(outcome(), &["a", "b"]).unwrap();
        let fields = &mut found[0];
        assert_eq!((fields.text().unwrap(), fields.int().unwrap()), ("x".to_owned(), 2));
    }

    #[test]
    fn a_missing_column_is_an_error() {
        assert!(rows(outcome(), &["c"]).is_err());
    }

    #[test]
    fn fractions_and_text_are_no_integers() {
        assert!(integer(Value::Real(0.5)).is_err());
        assert!(integer(Value::from("1")).is_err());
        assert_eq!(integer(Value::Real(9_007_199_254_740_991.0)).unwrap(), 9_007_199_254_740_991);
    }
}
