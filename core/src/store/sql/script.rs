//! How does a commit look as text, for a database that only its own tool reaches?

use super::{
    super::{Audit, Change},
    database::{Statement, Value},
    documents,
};

/// The statements of a commit, one a line, with their values written into them.
#[must_use]
pub fn script(changes: Vec<Change>, audit: &Audit) -> String {
    documents::batch(changes, audit).iter().map(|statement| line(statement) + ";\n").collect()
}

fn line(statement: &Statement) -> String {
    let mut pieces = statement.sql.split('?');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (value, piece) in statement.args.iter().zip(pieces) {
        text.push_str(&literal(value));
        text.push_str(piece);
    }
    text
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_their_placeholders_stood() {
        let args = vec![Value::from("O'Hara?"), Value::Null, Value::Int(-3)];
        let statement = Statement::new("INSERT INTO t VALUES (?, ?, ?)", args);
        assert_eq!(line(&statement), "INSERT INTO t VALUES ('O''Hara?', NULL, -3)");
    }
}
