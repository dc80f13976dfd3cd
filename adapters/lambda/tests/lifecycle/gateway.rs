//! What must hold of the gateway itself? Its records are there when the process is frozen, and never before the client
//! has its answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use libtest_mimic::Trial;
use serde_json::Value;
use tidegate_emulator::{Invoked, Options, timeline::What};

use crate::{
    cases::case,
    client::{ADMIN_TOKEN, Function, SECRET, SOON, folder},
};

pub(crate) fn all() -> Vec<Trial> {
    vec![
        case(
            "gateway_the_client_is_done_while_the_record_waits_and_the_freeze_waits_for_it",
            order,
        ),
        case("gateway_a_kill_while_frozen_loses_no_record", killed_frozen),
        case("gateway_a_client_that_leaves_is_recorded_once", client_leaves),
        case("gateway_back_to_back_answers_are_quick", back_to_back),
        case("gateway_a_schedule_is_upkeep_and_nothing_else_is", schedule),
        case("gateway_a_missing_setting_is_named", unset),
    ]
}

/// While the write lock is held the record cannot be written: so the client's last byte came first, and what came after
/// the lock was let go is the freeze.
async fn order() {
    let gateway = Function::gateway().await;
    let key = key(&gateway).await;
    let database = libsql::Builder::new_local(gateway.database()).build().await.unwrap();
    let lock = database.connect().unwrap();
    for _ in 0..20 {
        gateway.frozen().await;
        let frozen_before = freezes(&gateway);
        lock.execute("BEGIN IMMEDIATE", ()).await.unwrap();
        let answer = gateway.send(chat(&gateway, &key)).await;
        assert!(answer.body().ends_with(b"data: [DONE]\n\n"), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(freezes(&gateway), frozen_before, "frozen while the record waited");
        lock.execute("ROLLBACK", ()).await.unwrap();
    }
    gateway.frozen().await;
    assert_eq!(records(&gateway).await.len(), 20);
}

async fn killed_frozen() {
    let gateway = Function::gateway().await;
    let key = key(&gateway).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        let answer = gateway.send(chat(&gateway, &key)).await;
        ids.insert(0, answer.headers()["x-request-id"].to_str().unwrap().to_owned());
        assert!(gateway.emulator.kill_while_frozen(SOON).await);
    }
    let records = records(&gateway).await;
    let kept: Vec<_> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(kept, ids);
}

async fn client_leaves() {
    let gateway = Function::gateway().await;
    let key = key(&gateway).await;
    gateway.hang_up(chat(&gateway, &key)).await;
    gateway.frozen().await;
    assert_eq!(records(&gateway).await.len(), 1);
}

async fn back_to_back() {
    let gateway = Function::gateway().await;
    let key = key(&gateway).await;
    gateway.send(chat(&gateway, &key)).await;
    let mut took_ms = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        gateway.send(chat(&gateway, &key)).await;
        took_ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took_ms.sort_by(f64::total_cmp);
    eprintln!("gateway back to back, ms: p50 {:.1} max {:.1}", took_ms[10], took_ms[19]);
    assert!(took_ms[10] < 15.0, "{took_ms:?}");
}

async fn schedule() {
    let gateway = Function::gateway().await;
    let schedule = r#"{"version":"0","source":"aws.events","detail-type":"Scheduled Event"}"#;
    let done = Invoked::Answered { status: 204, body: Vec::new() };
    assert_eq!(gateway.emulator.invoke(schedule).await, done);
    assert!(gateway.emulator.log().iter().any(|line| line.contains("upkeep done")));
    let other = gateway.emulator.invoke(r#"{"Records":[{"eventSource":"aws:s3"}]}"#).await;
    assert_eq!(other, Invoked::Failed);
    assert_eq!(gateway.get("/health").await.status(), StatusCode::OK);
}

async fn unset() {
    let options = Options::new(env!("CARGO_BIN_EXE_bootstrap")).env("TIDEGATE_SECRET", SECRET);
    let gateway = Function::over(folder(), options).await;
    assert_eq!(gateway.get("/health").await.status(), StatusCode::BAD_GATEWAY);
    let log = gateway.emulator.log();
    assert!(log.iter().any(|line| line.contains("DATABASE_URL")), "{log:?}");
}

fn freezes(gateway: &Function) -> usize {
    gateway.times(|what| *what == What::Freeze).len()
}

/// A client key, made through the API.
async fn key(gateway: &Function) -> String {
    let created = gateway.send(admin(gateway, "POST", "/api/clients", r#"{"name":"test"}"#)).await;
    assert_eq!(created.status(), StatusCode::CREATED, "{created:?}");
    let created: Value = serde_json::from_slice(created.body()).unwrap();
    created["key"].as_str().unwrap().to_owned()
}

/// All records, newest first.
async fn records(gateway: &Function) -> Vec<Value> {
    let page = gateway.send(admin(gateway, "GET", "/api/records?limit=100", "")).await;
    let page: Value = serde_json::from_slice(page.body()).unwrap();
    page["data"].as_array().unwrap().clone()
}

fn admin(gateway: &Function, method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(gateway.url(path));
    let request = request.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
    let request = request.header("content-type", "application/json");
    request.body(body.into()).unwrap()
}

fn chat(gateway: &Function, key: &str) -> Request<Full<Bytes>> {
    let body =
        r#"{"model":"echo/echo","stream":true,"messages":[{"role":"user","content":"hi there"}]}"#;
    Request::post(gateway.url("/v1/chat/completions"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}
