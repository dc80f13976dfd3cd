//! Do the connections keep the rules that protect the file?

use super::*;
use crate::scratch::Folder;
use tidegate_core::{error::Kind, store::sql::Value};

fn ask(connection: &mut Connection, sql: &'static str) -> String {
    connection.text(sql).unwrap()
}

#[test]
fn the_writer_logs_ahead_and_checkpoints() {
    let folder = Folder::new();
    let mut writer = Connection::writer(&folder.path().join("a.db")).unwrap();
    assert_eq!(ask(&mut writer, "PRAGMA journal_mode"), "wal");
    assert_eq!(ask(&mut writer, "PRAGMA synchronous"), "1");
    assert_eq!(ask(&mut writer, "PRAGMA wal_autocheckpoint"), "1000");
    assert_eq!(ask(&mut writer, "PRAGMA busy_timeout"), "5000");
}

#[test]
fn a_reader_neither_writes_nor_checkpoints() {
    let folder = Folder::new();
    let path = folder.path().join("a.db");
    let mut writer = Connection::writer(&path).unwrap();
    let mut reader = Connection::reader(&path).unwrap();
    let create = || vec![Statement::new("CREATE TABLE a (b BIGINT)", Vec::new())];
    assert_eq!(ask(&mut reader, "PRAGMA wal_autocheckpoint"), "0");
    assert_eq!(ask(&mut reader, "PRAGMA query_only"), "1");
    assert!(reader.run(Begin::Deferred, create()).is_err());
    writer.run(Begin::Immediate, create()).unwrap();
}

#[tokio::test]
async fn closing_leaves_one_file_without_a_log() {
    let folder = Folder::new();
    let path = folder.path().join("a.db");
    let database = Libsql::open(&path).unwrap();
    let create = Statement::new("CREATE TABLE a (b BIGINT)", Vec::new());
    database.write(vec![create]).await.unwrap();
    database.read(vec![Statement::new("SELECT b AS b FROM a", Vec::new())]).await.unwrap();
    assert!(folder.path().join("a.db-wal").exists());
    drop(database);
    assert_eq!(folder.names(), ["a.db"]);
}

#[tokio::test]
async fn a_failed_batch_leaves_nothing_and_the_next_one_runs() {
    let database = Libsql::in_memory().unwrap();
    let insert = |b: i64| Statement::new("INSERT INTO a (b) VALUES (?)", vec![Value::Int(b)]);
    let create = Statement::new("CREATE TABLE a (b BIGINT PRIMARY KEY)", Vec::new());
    database.write(vec![create]).await.unwrap();
    let error = database.write(vec![insert(1), insert(1)]).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    database.write(vec![insert(1)]).await.unwrap();
    let rows =
        database.read(vec![Statement::new("SELECT b AS b FROM a", Vec::new())]).await.unwrap();
    assert_eq!(rows[0].rows, [[Value::Int(1)]]);
}
