//! What does the demonstration function do? It streams, flushes, panics, hangs or dies, as the request's query says.

use std::{
    collections::HashMap,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Request, Response, header};
use lambda_http::Body as EventBody;
use lambda_runtime::Error;
use tidegate_core::{Body, ports::Background};
use tidegate_lambda::{after::AfterResponse, runtime};
use tokio::sync::oneshot;

/// The file that a finished flush appends a line to: the request's `tag` and the time in microseconds.
pub(crate) const FLUSHED: &str = "FLUSHED";

pub(crate) fn serve() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let after = AfterResponse::default();
    let handler_after = after.clone();
    tokio.block_on(runtime::run(after, move |event| answer(handler_after.clone(), event))).unwrap();
}

async fn answer(after: AfterResponse, event: Request<EventBody>) -> Result<Response<Body>, Error> {
    let query = query(&event);
    let number = |name: &str| query.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(number("hang_ms"))).await;
    assert!(event.uri().path() != "/panic", "on purpose");

    let (ended, end) = oneshot::channel();
    let tag = query.get("tag").cloned().unwrap_or_default();
    let flush_ms = number("flush_ms");
    after.run(Box::pin(async move {
        let _ = end.await;
        tokio::time::sleep(Duration::from_millis(flush_ms)).await;
        flushed(&tag);
    }));

    let about = format!("{} {} {}", event.method(), event.uri().path(), event.body().len());
    let tags: Vec<_> = event.headers().get_all("x-tag").iter().cloned().collect();
    let pieces =
        Pieces { left: number("pieces"), every_ms: number("every_ms"), exit: number("exit") };
    let body = Body::from_stream(futures_util::stream::unfold((pieces, Some(ended)), next));
    let mut response = Response::new(body);
    response.headers_mut().insert("x-about", about.parse()?);
    response.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse()?);
    response.headers_mut().append(header::SET_COOKIE, "a=1".parse()?);
    response.headers_mut().append(header::SET_COOKIE, "b=2".parse()?);
    for tag in tags {
        response.headers_mut().append("x-tag", tag);
    }
    Ok(response)
}

struct Pieces {
    left: u64,
    every_ms: u64,
    exit: u64,
}

type Step = (Pieces, Option<oneshot::Sender<()>>);

/// The sender goes down with the stream, at its end or when it is dropped.
async fn next((mut pieces, ended): Step) -> Option<(Result<Bytes, Error>, Step)> {
    if pieces.left == 0 {
        return None;
    }
    if pieces.left == pieces.exit {
        std::process::exit(7);
    }
    pieces.left -= 1;
    tokio::time::sleep(Duration::from_millis(pieces.every_ms)).await;
    Some((Ok(Bytes::from_static(b"piece\n")), (pieces, ended)))
}

fn query(event: &Request<EventBody>) -> HashMap<String, String> {
    let query = event.uri().query().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn flushed(tag: &str) {
    let Ok(path) = std::env::var(FLUSHED) else { return };
    let at_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "{tag} {at_us}").unwrap();
}
