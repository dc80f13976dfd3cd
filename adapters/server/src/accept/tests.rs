//! What does a client meet at the door, on real sockets and with short bounds?

use std::{
    future::pending,
    net::SocketAddr,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicUsize},
    task::{Context, Poll},
};

use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_core::{Body, http::empty};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::sleep,
};

use super::*;

/// Longer than any bound of these tests, shorter than anybody's patience.
const LONG: Duration = Duration::from_secs(10);

fn bounds() -> Bounds {
    Bounds {
        first_byte: ms(300),
        header: ms(300),
        idle: ms(900),
        body: ms(900),
        progress: ms(200),
        progress_bytes: 100,
        write_stall: ms(300),
        stream_stall: ms(300),
        linger: ms(300),
        connections: 100,
        connections_per_peer: 100,
        trusted_proxies: Vec::new(),
        bodies_in_flight_bytes: 4 << 20,
    }
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

struct Site {
    address: SocketAddr,
    door: Arc<Door>,
    closing: CancellationToken,
    accepting: JoinHandle<()>,
}

async fn open(bounds: Bounds) -> Site {
    open_with(bounds, router()).await
}

async fn open_with(bounds: Bounds, router: Router) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = CancellationToken::new();
    let door = Arc::new(Door::new(router, bounds, closing.clone()));
    let accepting = tokio::spawn({
        let door = Arc::clone(&door);
        async move { door.accept(listener).await }
    });
    Site { address, door, closing, accepting }
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/read", post(read_body))
        .route("/refuse", post(|| async { empty(StatusCode::PAYLOAD_TOO_LARGE) }))
}

async fn read_body(request: Request<Body>) -> Response<Body> {
    match tidegate_core::http::read(request.into_body(), 2 << 20).await {
        Ok(bytes) => Response::new(Body::from(bytes.len().to_string())),
        Err(error) => empty(error.kind.status()),
    }
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

async fn connect(site: &Site) -> TcpStream {
    TcpStream::connect(site.address).await.unwrap()
}

async fn send(site: &Site, text: &str) -> TcpStream {
    let mut socket = connect(site).await;
    socket.write_all(text.as_bytes()).await.unwrap();
    socket
}

/// Everything until the server hangs up.
async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = timeout(LONG, socket.read_to_end(&mut bytes)).await.expect("the server hangs up");
    String::from_utf8(bytes).unwrap()
}

async fn read_some(socket: &mut TcpStream) -> String {
    let mut bytes = vec![0; 64 << 10];
    let length = timeout(LONG, socket.read(&mut bytes)).await.expect("an answer").unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_cut() {
    let site = open(bounds()).await;
    let from = Instant::now();
    assert_eq!(read_to_end(&mut connect(&site).await).await, "");
    assert!(from.elapsed() >= ms(250) && from.elapsed() < ms(800), "{:?}", from.elapsed());
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut() {
    let site = open(bounds()).await;
    // One letter is not even enough to tell HTTP/1 from HTTP/2.
    for head in ["P", "GET / HTTP/1.1\r\nhost: a\r\nx: "] {
        let from = Instant::now();
        assert_eq!(read_to_end(&mut send(&site, head).await).await, "");
        assert!(from.elapsed() < ms(800), "{head}: {:?}", from.elapsed());
    }
}

#[tokio::test]
async fn a_kept_connection_may_idle_but_its_next_head_may_not_drag() {
    let site = open(bounds()).await;
    let mut socket = send(&site, GET).await;
    assert_eq!(status(&read_some(&mut socket).await), "200");
    sleep(ms(500)).await;
    socket.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(status(&read_some(&mut socket).await), "200");

    let from = Instant::now();
    socket.write_all(b"GET").await.unwrap();
    assert_eq!(read_to_end(&mut socket).await, "");
    assert!(from.elapsed() < ms(800), "{:?}", from.elapsed());
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let site = open(bounds()).await;
    let mut socket = send(&site, GET).await;
    assert_eq!(status(&read_some(&mut socket).await), "200");
    let from = Instant::now();
    assert_eq!(read_to_end(&mut socket).await, "");
    assert!(from.elapsed() >= ms(800) && from.elapsed() < ms(1500), "{:?}", from.elapsed());
}

#[tokio::test]
async fn a_request_that_is_being_answered_is_not_idle() {
    let slow = get(|| async {
        sleep(ms(1500)).await;
        "at last"
    });
    let site = open_with(bounds(), Router::new().route("/", slow)).await;
    let mut socket = send(&site, GET).await;
    assert!(read_some(&mut socket).await.ends_with("at last"));
}

#[tokio::test]
async fn a_body_without_progress_is_too_slow() {
    let site = open(bounds()).await;
    let from = Instant::now();
    let head = "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nfirst";
    let mut socket = send(&site, head).await;
    assert_eq!(status(&read_some(&mut socket).await), "408");
    assert!(from.elapsed() >= ms(150) && from.elapsed() < ms(700), "{:?}", from.elapsed());
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn a_body_with_progress_has_its_time_and_no_more() {
    let site = open(bounds()).await;
    let head = "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";
    let mut socket = send(&site, head).await;
    let from = Instant::now();
    let (mut reading, mut writing) = socket.split();
    let dribble = async {
        while writing.write_all(&[b'x'; 60]).await.is_ok() {
            sleep(ms(50)).await;
        }
    };
    let mut answer = vec![0; 1000];
    let answered = async { reading.read(&mut answer).await };
    let length = tokio::select! {
        () = dribble => panic!("cut without an answer"),
        length = timeout(LONG, answered) => length.unwrap().unwrap(),
    };
    assert_eq!(status(std::str::from_utf8(&answer[..length]).unwrap()), "408");
    assert!(from.elapsed() >= ms(800) && from.elapsed() < ms(1500), "{:?}", from.elapsed());
}

#[tokio::test]
async fn bodies_share_a_budget() {
    let site = open(Bounds { bodies_in_flight_bytes: 1000, ..bounds() }).await;
    let head = "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: ";
    let large = format!("{head}1001\r\n\r\n{}", "x".repeat(1001));
    assert_eq!(status(&read_some(&mut send(&site, &large).await).await), "503");
    let fits = format!("{head}900\r\n\r\n{}", "x".repeat(900));
    for _ in 0..3 {
        assert_eq!(status(&read_some(&mut send(&site, &fits).await).await), "200");
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_sees_the_refusal() {
    let site = open(Bounds { linger: LONG, ..bounds() }).await;
    let body = "x".repeat(8 << 20);
    let head =
        format!("POST /refuse HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut socket = send(&site, &head).await;
    sleep(ms(50)).await;
    socket.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(status(&read_some(&mut socket).await), "413");
}

#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let site = open(bounds()).await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        ("GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\n\r\n", "400"),
        (
            "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
            "400",
        ),
    ] {
        let smuggled = format!("{request}{GET}");
        let answer = read_to_end(&mut send(&site, &smuggled).await).await;
        assert_eq!(status(&answer), expected, "{request:?}");
        assert!(!answer.contains("hello"), "{request:?} let another request through");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let site = open(bounds()).await;
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(100));
    let large = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(33 << 10));
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(9 << 10));
    for (request, expected) in [(many, "431"), (large, "431"), (long, "414")] {
        let answer = read_to_end(&mut send(&site, &request).await).await;
        assert_eq!(status(&answer), expected, "{}", &request[..40]);
    }
}

#[tokio::test]
async fn a_chunked_body_passes_and_ends_its_connection() {
    let site = open(bounds()).await;
    let request =
        "POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = read_to_end(&mut send(&site, request).await).await;
    assert_eq!(status(&answer), "200");
    assert!(answer.ends_with('3'), "{answer}");
}

#[tokio::test]
async fn connections_are_capped() {
    let site = open(Bounds { connections: 1, ..bounds() }).await;
    let mut first = send(&site, GET).await;
    assert_eq!(status(&read_some(&mut first).await), "200");
    assert_eq!(read_to_end(&mut connect(&site).await).await, "");
    drop(first);
    let from = Instant::now();
    loop {
        let mut next = connect(&site).await;
        // The server may hang up before the request is written.
        let _ = next.write_all(GET.as_bytes()).await;
        if read_to_end(&mut next).await.contains("hello") {
            return;
        }
        assert!(from.elapsed() < LONG, "the place is not given back");
    }
}

/// A body that has always more, or never, and that tells when it was dropped.
struct Endless {
    piece: Option<Bytes>,
    dropped: Arc<AtomicBool>,
}

impl Endless {
    fn router(piece: Option<Bytes>) -> (Router, Arc<AtomicBool>) {
        let dropped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&dropped);
        let answer = move || {
            let body = Body::new(Self { piece: piece.clone(), dropped: Arc::clone(&flag) });
            async move { Response::new(body) }
        };
        (Router::new().route("/", get(answer)), dropped)
    }
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.piece.clone().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

async fn within(wait: Duration, flag: &AtomicBool) -> bool {
    let from = Instant::now();
    while !flag.load(Ordering::Relaxed) && from.elapsed() < wait {
        sleep(ms(5)).await;
    }
    flag.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let (router, dropped) = Endless::router(Some(Bytes::from_static(&[b'x'; 16 << 10])));
    let site = open_with(bounds(), router).await;
    let _socket = send(&site, GET).await;
    assert!(!within(ms(200), &dropped).await, "it was given no time");
    assert!(within(LONG, &dropped).await, "it holds the answer for ever");
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_answer_with_it() {
    let (router, dropped) = Endless::router(None);
    let site = open_with(bounds(), router).await;
    let mut socket = send(&site, GET).await;
    assert_eq!(status(&read_some(&mut socket).await), "200");
    drop(socket);
    assert!(within(ms(100), &dropped).await);
}

#[tokio::test]
async fn an_http2_stream_that_takes_nothing_is_reset_and_others_go_on() {
    let (router, dropped) = Endless::router(Some(Bytes::from_static(&[b'x'; 16 << 10])));
    let site = open_with(bounds(), router.route("/hello", get(|| async { "hello" }))).await;
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1 << 10)
        .handshake(TokioIo::new(connect(&site).await))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut get = async |path: &str| {
        let uri = format!("http://a{path}");
        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        client.send_request(request).await.unwrap()
    };
    let _stalled = get("/").await;
    assert!(!within(ms(200), &dropped).await, "it was given no time");
    assert!(within(LONG, &dropped).await, "it holds the answer for ever");
    let hello = get("/hello").await.into_body().collect().await.unwrap();
    assert_eq!(hello.to_bytes(), "hello");
}

#[tokio::test]
async fn what_is_under_way_ends_before_the_door_is_shut() {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let slow = get(move || async move {
        count.fetch_add(1, Ordering::Relaxed);
        sleep(ms(400)).await;
        "whole"
    });
    let site = open_with(bounds(), Router::new().route("/", slow)).await;
    let mut busy = send(&site, GET).await;
    let mut silent = connect(&site).await;
    while begun.load(Ordering::Relaxed) == 0 {
        sleep(ms(5)).await;
    }
    site.closing.cancel();
    site.accepting.await.unwrap();
    assert!(TcpStream::connect(site.address).await.is_err(), "the door is still open");
    let (answer, ()) = tokio::join!(read_to_end(&mut busy), site.door.drain(LONG));
    assert!(answer.ends_with("whole"), "{answer}");
    assert_eq!(read_to_end(&mut silent).await, "");
}

#[tokio::test]
async fn what_does_not_end_is_cut() {
    let stuck = get(|| async {
        pending::<()>().await;
    });
    let site = open_with(bounds(), Router::new().route("/", stuck)).await;
    let mut socket = send(&site, GET).await;
    sleep(ms(100)).await;
    site.closing.cancel();
    timeout(LONG, site.door.drain(ms(100))).await.expect("bounded");
    assert_eq!(read_to_end(&mut socket).await, "");
}
