//! What goes over the wire, and what becomes of every way in which a database can fail to answer?

use std::time::Duration;

use futures_executor::block_on;

use super::*;
use crate::{
    error::Kind,
    ports::{BoxFuture, Millis},
    testing::FakeUpstream,
};

/// A clock on which every wait is over at once.
struct HastyClock;

impl Clock for HastyClock {
    fn now(&self) -> Millis {
        0
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }
}

fn database(url: &str, upstream: &Arc<FakeUpstream>) -> Hrana {
    let upstream = Arc::<FakeUpstream>::clone(upstream);
    Hrana::new(url, None, upstream, Arc::new(HastyClock)).unwrap()
}

/// One write of one statement, after the upstream was given its script.
fn write(script: impl Fn(&FakeUpstream)) -> (Result<Vec<Outcome>>, usize) {
    let upstream = Arc::new(FakeUpstream::default());
    script(&upstream);
    let statement = Statement::new("DELETE FROM a", Vec::new());
    let done = block_on(database("http://db", &upstream).write(vec![statement]));
    (done, upstream.asked().len())
}

fn answer(upstream: &FakeUpstream, result: &str) {
    let body = format!(
        r#"{{"baton":null,"base_url":null,"results":[{{"type":"ok","response":{{"type":"batch","result":{result}}}}}]}}"#
    );
    upstream.answer(200, "application/json", vec![Ok(body.into())]);
}

const BUSY: &str = r#"{"step_results":[null,null,null,null],
    "step_errors":[{"message":"database is locked","code":"SQLITE_BUSY"},null,null,null]}"#;
const DONE: &str = r#"{"step_results":[
    {"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null},
    {"cols":[],"rows":[],"affected_row_count":7,"last_insert_rowid":"3"},
    {"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null},null],
    "step_errors":[null,null,null,null]}"#;

#[test]
fn the_url_says_where_and_may_hold_the_token() {
    for (url, endpoint, token) in [
        ("libsql://db.example", "https://db.example/v2/pipeline", None),
        ("libsql://db?tls=0", "http://db/v2/pipeline", None),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v2/pipeline", None),
        ("libsql://db?authToken=abc", "https://db/v2/pipeline", Some("Bearer abc")),
    ] {
        let upstream = Arc::new(FakeUpstream::default());
        answer(&upstream, DONE);
        let statement = Statement::new("DELETE FROM a", Vec::new());
        block_on(database(url, &upstream).write(vec![statement])).unwrap();
        let asked = upstream.asked().remove(0);
        let header = asked.headers.into_iter().find(|(name, _)| name == "authorization");
        assert_eq!(asked.url, endpoint);
        assert_eq!(header.map(|(_, value)| value).as_deref(), token, "{url}");
    }
}

#[test]
fn what_is_no_url_is_refused_and_not_repeated() {
    for url in ["libsql://", "ftp://host", "secret-token", "http:///path"] {
        let upstream = Arc::new(FakeUpstream::default());
        let error = Hrana::new(url, None, upstream, Arc::new(HastyClock)).err().unwrap();
        assert_eq!(error.kind, Kind::BadRequest, "{url}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn a_busy_database_is_asked_again_a_few_times() {
    let (done, asked) = write(|upstream| {
        answer(upstream, BUSY);
        answer(upstream, DONE);
    });
    assert_eq!((done.unwrap()[0].changed, asked), (7, 2));
    let (done, asked) = write(|upstream| (0..9).for_each(|_| answer(upstream, BUSY)));
    assert_eq!((done.unwrap_err().kind, asked), (Kind::Unavailable, 3));
}

#[test]
fn what_may_have_been_done_is_not_asked_again() {
    let scripts: [fn(&FakeUpstream); 6] = [
        FakeUpstream::hang,
        |upstream| upstream.fail(Kind::UpstreamUnreachable),
        |upstream| upstream.answer(502, "text/html", vec![Ok("<html>".into())]),
        |upstream| upstream.answer(401, "text/plain", vec![Ok("no".into())]),
        |upstream| upstream.answer(200, "application/json", vec![Ok("{\"results\":".into())]),
        |upstream| {
            let broken = std::io::Error::other("reset");
            upstream.answer(200, "application/json", vec![Ok("{".into()), Err(broken)]);
        },
    ];
    for (place, script) in scripts.into_iter().enumerate() {
        let (done, asked) = write(script);
        assert_eq!((done.unwrap_err().kind, asked), (Kind::Unavailable, 1), "script {place}");
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let (done, _) = write(|upstream| {
        let mebibyte = bytes::Bytes::from(vec![b' '; 1 << 20]);
        let pieces = vec![mebibyte; (DATABASE_BYTES_MAX >> 20) + 1];
        upstream.answer(200, "application/json", pieces.into_iter().map(Ok).collect());
    });
    assert!(done.unwrap_err().detail.contains("larger than"));
}

#[test]
fn a_batch_is_one_conditional_transaction() {
    let statement = Statement::new("SELECT ?", vec![Value::Int(i64::MAX), Value::from("ä")]);
    let text = String::from_utf8(body(steps(WRITE, vec![statement])).unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let steps = &json["requests"][0]["batch"]["steps"];
    let sql: Vec<_> = (0..4).map(|i| steps[i]["stmt"]["sql"].as_str().unwrap()).collect();
    assert_eq!(sql, ["BEGIN IMMEDIATE", "SELECT ?", "COMMIT", "ROLLBACK"]);
    assert_eq!(steps[2]["condition"], serde_json::json!({"type": "ok", "step": 1}));
    // As a JSON number the integer would lose its last digits on the way.
    assert_eq!(steps[1]["stmt"]["args"][0]["value"], "9223372036854775807");
    assert_eq!(json["requests"][1]["type"], "close");
}

#[test]
fn a_failed_step_is_the_error() {
    let answer = br#"{"step_results":[null,null,null,null],
        "step_errors":[null,{"message":"UNIQUE constraint failed: flushes.id","code":"SQLITE_CONSTRAINT"},null,null]
    }"#;
    let error = outcomes(serde_json::from_slice(answer).unwrap(), 1).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
}

#[test]
fn an_answer_without_a_commit_is_no_success() {
    let answer = br#"{"step_results":[null,null,null],"step_errors":[null,null,null]}"#;
    assert!(outcomes(serde_json::from_slice(answer).unwrap(), 1).is_err());
}

/// Two writes of one statement each, and what the database says of their eleven steps: what went well, as a 1.
fn together(well: &str, errors: &str) -> Vec<Result<Vec<Outcome>>> {
    let upstream = Arc::new(FakeUpstream::default());
    let one = r#"{"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":null}"#;
    let results: Vec<_> = well.chars().map(|c| if c == '1' { one } else { "null" }).collect();
    let result = format!(r#"{{"step_results":[{}],"step_errors":[{errors}]}}"#, results.join(","));
    (0..DATABASE_TRIES_MAX).for_each(|_| answer(&upstream, &result));
    let writes =
        ["DELETE FROM a", "DELETE FROM b"].map(|text| vec![Statement::new(text, Vec::new())]);
    block_on(database("http://db", &upstream).write_together(writes.into()))
}

#[test]
fn writes_together_are_refused_alone_and_lost_together() {
    let kinds = |done: Vec<Result<Vec<Outcome>>>| -> Vec<_> {
        done.into_iter()
            .map(|one| one.map(|outcomes| outcomes[0].changed).map_err(|e| e.kind))
            .collect()
    };
    let refused =
        r#"null,null,{"message":"UNIQUE constraint failed: a","code":"SQLITE_CONSTRAINT"}"#;
    let busy = r#"{"message":"database is locked","code":"SQLITE_BUSY"}"#;
    // BEGIN; SAVEPOINT, statement, RELEASE, ROLLBACK TO, RELEASE; the same; COMMIT, ROLLBACK.
    assert_eq!(kinds(together("1111001110010", "")), [Ok(1), Ok(1)]);
    assert_eq!(kinds(together("1100111110010", refused)), [Err(Kind::Conflict), Ok(1)]);
    let lost = [Err(Kind::Unavailable), Err(Kind::Unavailable)];
    assert_eq!(kinds(together("1111001110000", "")), lost);
    assert_eq!(kinds(together("0000000000000", busy)), lost);
    // A statement that says neither that it did something nor why not.
    assert_eq!(kinds(together("1111001100010", "")), [Ok(1), Err(Kind::Unavailable)]);
}

#[test]
fn writes_together_stand_behind_savepoints() {
    let writes =
        ["DELETE FROM a", "DELETE FROM b"].map(|text| vec![Statement::new(text, Vec::new())]);
    let (steps, places) = together::steps(writes.into());
    let sql: Vec<_> = steps.iter().map(|step| step.stmt.sql.as_deref().unwrap()).collect();
    let around =
        |statement| ["SAVEPOINT one", statement, "RELEASE one", "ROLLBACK TO one", "RELEASE one"];
    let within = [around("DELETE FROM a"), around("DELETE FROM b")].concat();
    assert_eq!(sql, [&["BEGIN IMMEDIATE"][..], &within, &["COMMIT", "ROLLBACK"]].concat());
    assert_eq!(places, [2..3, 7..8]);
}
