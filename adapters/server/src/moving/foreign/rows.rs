//! How is a table of another program read? By the columns that it really has: versions of the program differ.

use std::sync::Arc;

use tidegate_core::{
    Error, Result,
    limits::IMPORT_ROWS_MAX,
    store::sql::{Database, Statement, Value},
};
use tidegate_native::{HttpClient, Place, SystemClock, Writing, open_store};

/// One row, by the names of its columns.
pub(super) struct Row {
    columns: Arc<Vec<String>>,
    values: Vec<Value>,
}

impl Row {
    /// What a column says, whatever type it has. Nothing where there is no such column, or no value in it.
    pub(super) fn text(&self, column: &str) -> Option<String> {
        match self.value(column)? {
            Value::Null => None,
            Value::Int(number) => Some(number.to_string()),
            Value::Real(number) => Some(number.to_string()),
            Value::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        }
    }

    /// The same, of the first of these columns that says anything.
    pub(super) fn any(&self, columns: &[&str]) -> Option<String> {
        columns.iter().find_map(|column| self.text(column))
    }

    /// Yes, unless it says no.
    pub(super) fn is(&self, column: &str) -> bool {
        let said = self.text(column).map(|text| text.to_lowercase());
        !matches!(said.as_deref(), Some("0" | "false" | "f" | "no"))
    }

    /// A whole number that is more than nothing.
    pub(super) fn whole(&self, column: &str) -> Option<u32> {
        self.text(column)?.parse().ok().filter(|number| *number > 0)
    }

    /// A number that is more than nothing.
    pub(super) fn number(&self, column: &str) -> Option<f64> {
        self.text(column)?.parse().ok().filter(|number| *number > 0.0)
    }

    fn value(&self, column: &str) -> Option<&Value> {
        let place = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.values.get(place)
    }
}

/// The rows of a table; `None` where there is no such table.
pub(super) async fn table(database: &dyn Database, name: &str) -> Result<Option<Vec<Row>>> {
    let ask = Statement::new(format!("SELECT * FROM {name} LIMIT {}", IMPORT_ROWS_MAX + 1), vec![]);
    let outcome = match database.read(vec![ask]).await {
        Ok(mut outcomes) => outcomes.pop().unwrap_or_default(),
        // SQLite, MySQL.
        Err(error) if error.detail.contains("no such table") => return Ok(None),
        Err(error) if error.detail.starts_with("1146:") => return Ok(None),
        Err(error) => return Err(error),
    };
    if outcome.rows.len() > IMPORT_ROWS_MAX {
        let message = format!("The table `{name}` has more than {IMPORT_ROWS_MAX} rows.");
        return Err(Error::bad_request(message));
    }
    let columns = Arc::new(outcome.columns);
    let row = |values| Row { columns: Arc::clone(&columns), values };
    Ok(Some(outcome.rows.into_iter().map(row).collect()))
}

/// How many rows a table has; `None` where there is no such table.
pub(super) async fn count(database: &dyn Database, name: &str) -> Option<i64> {
    let ask = Statement::new(format!("SELECT COUNT(*) AS n FROM {name}"), vec![]);
    let outcome = database.read(vec![ask]).await.ok()?.pop()?;
    match outcome.rows.first()?.first()? {
        Value::Int(rows) => Some(*rows),
        Value::Null | Value::Real(_) | Value::Text(_) => None,
    }
}

/// A MySQL database by its URL, also as Go's driver writes it: `mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME?…`.
pub(super) fn mysql(url: &str) -> Result<Arc<dyn Database>> {
    let place = Place::parse(Some(&plain_url(url)), "unused".as_ref())?;
    let upstream = Arc::new(HttpClient::new()?);
    let opened = open_store((place, Writing::Alone), None, upstream, Arc::new(SystemClock))?;
    Ok(opened.database)
}

fn plain_url(url: &str) -> String {
    match url.split_once("@tcp(") {
        None => url.to_owned(),
        Some((user, rest)) => {
            let place = rest.split('?').next().unwrap_or(rest);
            format!("{user}@{}", place.replacen(')', "", 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_go_is_read() {
        let plain = "mysql://app:pw@db:3306/rotator";
        assert_eq!(plain_url("mysql://app:pw@tcp(db:3306)/rotator?charset=utf8mb4"), plain);
        assert_eq!(plain_url(plain), plain);
    }

    #[test]
    fn a_column_may_be_missing_or_of_any_type() {
        let columns = Arc::new(["a", "b", "c"].map(str::to_owned).to_vec());
        let values = vec![Value::Int(0), Value::from(" x "), Value::Null];
        let row = Row { columns, values };
        assert_eq!(
            (row.text("A"), row.text("b"), row.text("c")),
            (Some("0".to_owned()), Some("x".to_owned()), None)
        );
        assert!(!row.is("a") && row.is("b") && row.is("c") && row.is("d"));
        assert_eq!(row.any(&["d", "c", "b"]).as_deref(), Some("x"));
    }
}
