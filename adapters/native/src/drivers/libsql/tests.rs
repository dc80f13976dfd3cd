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

#[tokio::test]
async fn a_copy_is_whole_while_somebody_writes() {
    let folder = Folder::new();
    let (path, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let database = Arc::new(Libsql::open(&path).unwrap());
    let text = |text: &'static str| vec![Statement::new(text, Vec::new())];
    database.write(text("CREATE TABLE a (b BIGINT)")).await.unwrap();
    // Each batch writes two rows, so that half of one would show.
    let insert = "INSERT INTO a (b) VALUES (1), (2)";
    let writing = Arc::clone(&database);
    let task = tokio::spawn(async move {
        for _ in 0..500 {
            writing.write(vec![Statement::new(insert, Vec::new())]).await.unwrap();
        }
    });
    let (copying, target) = (Arc::clone(&database), to.clone());
    tokio::task::spawn_blocking(move || copying.copy(&target)).await.unwrap().unwrap();
    task.await.unwrap();
    let copy = Libsql::open(&to).unwrap();
    let count = |outcomes: Vec<Outcome>| outcomes[0].rows[0][0].clone();
    let asked = text("SELECT COUNT(*) AS n FROM a");
    let Value::Int(copied) = count(copy.read(asked.clone()).await.unwrap()) else { panic!() };
    assert_eq!(copied % 2, 0);
    assert_eq!(count(database.read(asked).await.unwrap()), Value::Int(1000));
    assert!(database.copy(&to).is_err(), "what is there is not overwritten");
}

#[tokio::test]
async fn a_foreign_file_stays_as_it_is() {
    let folder = Folder::new();
    let path = folder.path().join("a.db");
    let mut theirs = Connection::connect(&path).unwrap();
    let create = Statement::new("CREATE TABLE a (b BIGINT)", Vec::new());
    theirs.run(Begin::Immediate, vec![create]).unwrap();
    drop(theirs);
    let before = std::fs::read(&path).unwrap();
    let foreign = Libsql::foreign(&path).unwrap();
    let ask = Statement::new("SELECT b AS b FROM a", Vec::new());
    assert!(foreign.read(vec![ask]).await.unwrap()[0].rows.is_empty());
    let insert = Statement::new("INSERT INTO a (b) VALUES (1)", Vec::new());
    assert!(foreign.write(vec![insert]).await.is_err());
    drop(foreign);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(folder.names(), ["a.db"]);
    assert!(Libsql::foreign(&folder.path().join("missing.db")).is_err());
}
