//! Does the client hold what the seam promises, against real sockets?

use std::net::SocketAddr;

use http::{HeaderValue, StatusCode, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use super::*;

const SOON: Duration = Duration::from_secs(5);

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Accepts one connection and reads what came with it.
async fn receive(listener: &TcpListener) -> (TcpStream, String) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut piece = vec![0; 4096];
    let length = socket.read(&mut piece).await.unwrap();
    (socket, String::from_utf8_lossy(&piece[..length]).into_owned())
}

fn request(address: SocketAddr) -> Request<Body> {
    let mut request = Request::new(Body::from("{}"));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("http://{address}/v1/x?key=sk-in-url").parse().unwrap();
    request.headers_mut().insert("x-api-key", HeaderValue::from_static("sk-secret"));
    request
}

#[tokio::test]
async fn adds_no_header_that_asks_for_something() {
    let (listener, address) = listen().await;
    let sending = tokio::spawn(async move { HttpClient::new()?.send(request(address)).await });
    let (mut socket, seen) = receive(&listener).await;
    socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert_eq!(sending.await.unwrap().unwrap().status(), StatusCode::NO_CONTENT);

    let mut names: Vec<_> =
        seen.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "host", "x-api-key"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_no_key_goes_on() {
    let (first, address) = listen().await;
    let (second, elsewhere) = listen().await;
    let sending = tokio::spawn(async move { HttpClient::new()?.send(request(address)).await });
    let (mut socket, _) = receive(&first).await;
    let answer =
        format!("HTTP/1.1 307 Moved\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    socket.write_all(answer.as_bytes()).await.unwrap();
    let response = sending.await.unwrap().unwrap();

    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.headers()[header::LOCATION], format!("http://{elsewhere}/"));
    assert!(timeout(Duration::from_millis(200), second.accept()).await.is_err());
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_and_its_url_stays_secret() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = HttpClient::new().unwrap().send(request(address)).await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamUnreachable);
    assert!(error.detail.contains("refused"), "{}", error.detail);
    assert!(!error.to_string().contains("sk-"), "{error}");
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_unreachable() {
    // 192.0.2.0/24 is for documentation: nobody answers. A network that says so at once is as good.
    let upstream = HttpClient::resolving(system(), Duration::from_millis(100)).unwrap();
    let address = SocketAddr::from(([192, 0, 2, 1], 81));
    let error = timeout(SOON, upstream.send(request(address))).await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamUnreachable);
}

#[tokio::test]
async fn a_name_that_leads_to_a_metadata_service_is_not_followed() {
    for addresses in [&["169.254.169.254"][..], &["127.0.0.1", "fd00:ec2::254"], &["fe80::1"]] {
        let socket = |address: &&str| SocketAddr::new(address.parse().unwrap(), 0);
        let found: Vec<SocketAddr> = addresses.iter().map(socket).collect();
        let lookup: Lookup = std::sync::Arc::new(move |_| {
            let found = found.clone();
            Box::pin(async move { Ok(found) })
        });
        let upstream = HttpClient::resolving(lookup, Duration::from_secs(1)).unwrap();
        let mut request = request(SocketAddr::from(([127, 0, 0, 1], 9)));
        *request.uri_mut() = "http://a.example/latest".parse().unwrap();
        let error = timeout(SOON, upstream.send(request)).await.unwrap().unwrap_err();
        assert_eq!(error.kind, Kind::UpstreamUnreachable);
        assert!(error.detail.contains("leads inside"), "{addresses:?}: {}", error.detail);
    }
}

#[tokio::test]
async fn a_reset_before_the_answer_is_broken() {
    let (listener, address) = listen().await;
    let sending = tokio::spawn(async move { HttpClient::new()?.send(request(address)).await });
    let (socket, _) = receive(&listener).await;
    reset(socket);
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamBroken);
    assert!(!error.to_string().contains("sk-"), "{error}");
}

#[tokio::test]
async fn half_an_answer_ends_in_our_error() {
    let (listener, address) = listen().await;
    let sending = tokio::spawn(async move { HttpClient::new()?.send(request(address)).await });
    let (mut socket, _) = receive(&listener).await;
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    drop(socket);
    let body = sending.await.unwrap().unwrap().into_body();
    let error = tidegate_core::http::read(body, 100).await.unwrap_err();
    assert_eq!(error.kind, Kind::UpstreamBroken);
}

#[tokio::test]
async fn dropping_the_body_hangs_up() {
    let (listener, address) = listen().await;
    let sending = tokio::spawn(async move { HttpClient::new()?.send(request(address)).await });
    let (mut socket, _) = receive(&listener).await;
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n";
    socket.write_all(head).await.unwrap();
    let mut body = sending.await.unwrap().unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");

    let from = Instant::now();
    drop(body);
    let mut rest = Vec::new();
    timeout(SOON, socket.read_to_end(&mut rest)).await.expect("hung up").unwrap();
    assert!(from.elapsed() < Duration::from_millis(100), "{:?}", from.elapsed());
}

#[tokio::test]
async fn dropping_the_call_hangs_up() {
    let (listener, address) = listen().await;
    let upstream = HttpClient::new().unwrap();
    let sending = tokio::spawn(async move { upstream.send(request(address)).await });
    let (mut socket, _) = receive(&listener).await;
    let from = Instant::now();
    sending.abort();
    let mut rest = Vec::new();
    timeout(SOON, socket.read_to_end(&mut rest)).await.expect("hung up").unwrap();
    assert!(from.elapsed() < Duration::from_millis(100), "{:?}", from.elapsed());
}

/// Closing with unread or lingering data makes the kernel send RST instead of FIN.
fn reset(socket: TcpStream) {
    socket.set_zero_linger().unwrap();
    drop(socket);
}
