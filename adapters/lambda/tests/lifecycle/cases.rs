//! What must hold? Each case starts a function of its own and looks at answers, flushes and the timeline.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use libtest_mimic::{Failed, Trial};
use tidegate_emulator::{Shutdown, timeline::What};

use crate::client::{Function, SOON};

pub(crate) fn all() -> Vec<Trial> {
    vec![
        case("the_client_is_done_before_the_flush_and_the_flush_before_the_freeze", order),
        case("back_to_back_answers_do_not_wait_for_acknowledgements", back_to_back),
        case("a_kill_while_frozen_loses_nothing", killed_frozen),
        case("the_end_is_told_and_awaited", told_of_the_end),
        case("unfinished_work_goes_on_in_the_shutdown_phase", finished_at_the_end),
        case("a_client_that_leaves_stops_nothing", client_leaves),
        case("a_panic_is_502_and_the_next_request_works", panics),
        case("a_crash_breaks_the_answer_and_the_next_request_starts_cold", crashes),
        case("an_invocation_is_ended_at_its_deadline", deadline),
        case("after_response_work_stops_before_the_deadline", work_before_deadline),
        case("the_platform_refuses_more_than_6_mb", too_large),
        case("methods_headers_and_cookies_pass", passes_through),
    ]
}

pub(crate) fn case<F>(name: &str, run: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ended =
            tokio.block_on(async { tokio::time::timeout(Duration::from_mins(1), run()).await });
        ended.map_err(|_| Failed::from("took more than 60 s"))
    })
}

async fn order() {
    let function = Function::start().await;
    for tag in 0..20 {
        let answer = function.get(&format!("/?pieces=3&every_ms=5&flush_ms=30&tag={tag}")).await;
        assert_eq!(answer.body(), "piece\npiece\npiece\n");
        function.frozen().await;
    }
    let flushes = function.flushes();
    let last_bytes = function.times(|what| matches!(what, What::LastByteOut { .. }));
    // The first freeze follows the cold start.
    let freezes = function.times(|what| matches!(what, What::Freeze));
    let freezes = &freezes[freezes.len() - 20..];
    assert_eq!((flushes.len(), last_bytes.len()), (20, 20));
    for (at, (tag, flushed)) in flushes.iter().enumerate() {
        assert_eq!(tag, &at.to_string());
        assert!(last_bytes[at] < *flushed, "{at}: flushed while the client waited");
        assert!(*flushed < freezes[at], "{at}: frozen while flushing");
    }
}

async fn back_to_back() {
    let function = Function::start().await;
    function.get("/?pieces=2").await;
    let mut took_ms = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        function.get("/?pieces=1&every_ms=1").await;
        took_ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took_ms.sort_by(f64::total_cmp);
    eprintln!("back to back, ms: p50 {:.1} max {:.1}", took_ms[10], took_ms[19]);
    assert!(took_ms[10] < 15.0, "{took_ms:?}");
}

async fn killed_frozen() {
    let function = Function::start().await;
    for tag in 0..5 {
        function.get(&format!("/?pieces=1&flush_ms=40&tag={tag}")).await;
        assert!(function.emulator.kill_while_frozen(SOON).await);
        assert_eq!(function.flushes().len(), tag + 1);
    }
    assert_eq!(function.times(|what| matches!(what, What::Init)).len(), 5);
}

async fn told_of_the_end() {
    let function = Function::start().await;
    function.get("/?pieces=1").await;
    function.frozen().await;
    assert_eq!(function.emulator.shutdown().await, Shutdown::Clean);
    assert_eq!(function.times(|what| *what == What::Sigterm).len(), 1);
    assert_eq!(function.times(|what| *what == What::Sigkill).len(), 0);
    assert_eq!(function.times(|what| *what == What::Exit { code: Some(0) }).len(), 1);
}

async fn finished_at_the_end() {
    let function = Function::start_with(short).await;
    // 900 ms of work do not fit between the answer and the reserve of a deadline of 1 s; 250 ms are left over.
    function.get("/?pieces=1&flush_ms=900&tag=late").await;
    function.frozen().await;
    assert!(function.flushes().is_empty());
    assert_eq!(function.emulator.shutdown().await, Shutdown::Clean);
    assert_eq!(function.flushes().len(), 1);
}

async fn client_leaves() {
    let function = Function::start().await;
    let path = "/?pieces=5&every_ms=60&flush_ms=10&tag=gone";
    function.hang_up(Request::get(function.url(path)).body(Full::default()).unwrap()).await;
    function.frozen().await;
    let once = |pick: fn(&What) -> bool| {
        let times = function.times(pick);
        assert_eq!(times.len(), 1, "{:#?}", function.emulator.timeline());
        times[0]
    };
    let gone = once(|what| matches!(what, What::ClientGone { .. }));
    let end = once(|what| matches!(what, What::ResponseEnd { bytes: 30, .. }));
    assert!(gone < end, "the function ran on to its end");
    assert_eq!(function.flushes().len(), 1);
    assert!(end < function.flushes()[0].1);
}

async fn panics() {
    let function = Function::start().await;
    assert_eq!(function.get("/panic").await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(function.get("/?pieces=1").await.status(), StatusCode::OK);
    assert_eq!(function.times(|what| matches!(what, What::FunctionError { .. })).len(), 1);
    assert_eq!(function.times(|what| matches!(what, What::Exit { .. })).len(), 0);
}

async fn crashes() {
    let function = Function::start().await;
    assert!(!function.ends_well("/?pieces=3&every_ms=20&exit=1").await);
    assert_eq!(function.get("/?pieces=1").await.status(), StatusCode::OK);
    assert_eq!(function.times(|what| matches!(what, What::ResponseBroken { .. })).len(), 1);
    assert_eq!(function.times(|what| *what == What::Exit { code: Some(7) }).len(), 1);
    assert_eq!(function.times(|what| matches!(what, What::Init)).len(), 2);
}

async fn deadline() {
    let function = Function::start_with(short).await;
    assert_eq!(function.get("/?hang_ms=5000").await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(function.times(|what| matches!(what, What::Timeout { .. })).len(), 1);
    assert_eq!(function.get("/?pieces=1").await.status(), StatusCode::OK);
}

async fn work_before_deadline() {
    let function = Function::start_with(short).await;
    function.get("/?pieces=1&flush_ms=1000&tag=long").await;
    function.frozen().await;
    assert_eq!(function.times(|what| matches!(what, What::Timeout { .. })).len(), 0);
    assert!(function.flushes().is_empty());
    // The next invocation carries on with it.
    function.get("/?pieces=1&tag=next").await;
    function.frozen().await;
    let mut tags: Vec<_> = function.flushes().into_iter().map(|(tag, _)| tag).collect();
    tags.sort();
    assert_eq!(tags, ["long", "next"]);
}

async fn too_large() {
    let function = Function::start().await;
    let post = |content_type: &str, bytes: usize| {
        let body = Full::from(Bytes::from(vec![b'x'; bytes]));
        let request = Request::post(function.url("/")).header("content-type", content_type);
        function.send(request.body(body).unwrap())
    };
    let text = post("text/plain", 5 << 20).await;
    assert_eq!(text.headers()["x-about"], format!("POST / {}", 5 << 20));
    // As base64 it passes the bound.
    let binary = post("application/octet-stream", 5 << 20).await;
    assert_eq!(binary.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let large = post("text/plain", 20 << 20).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(function.times(|what| matches!(what, What::Invoke { .. })).len(), 1);
}

async fn passes_through() {
    let function = Function::start().await;
    for method in [Method::HEAD, Method::OPTIONS, Method::DELETE] {
        let request = Request::builder().method(&method).uri(function.url("/a%20b?pieces=1"));
        let answer = function.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.headers()["x-about"], format!("{method} /a%20b 0"));
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }
    let request =
        Request::get(function.url("/?pieces=0")).header("x-tag", "1").header("x-tag", "2");
    let answer = function.send(request.body(Full::default()).unwrap()).await;
    // The function URL joins what comes in; what goes out stays apart.
    assert_eq!(answer.headers()["x-tag"], "1,2");
    let binary = Request::post(function.url("/")).body(Full::from(&b"\xff\x00"[..])).unwrap();
    assert_eq!(function.send(binary).await.headers()["x-about"], "POST / 2");
}

fn short(mut options: tidegate_emulator::Options) -> tidegate_emulator::Options {
    options.timeout = Duration::from_secs(1);
    options
}
